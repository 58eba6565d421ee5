"""Restores tables to a moment."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from local.preview import Run
from operations.recovery.installation import RecoveryError

POLL_SECONDS = 2.0
_TABLE = "aws:dynamodb/table:Table"
_PROTECTED_ATTEMPTS = 30
_BUSY = ("ContinuousBackupsUnavailableException", "ResourceInUseException")


def begin(dynamodb: Any, source: str, copy: str, moment: datetime | None) -> bool:  # noqa: ANN401 - a boto3 client
    """Begins to restore a table, unless its copy is there already.

    Args:
        dynamodb: A boto3 `dynamodb` client.
        source: The table.
        copy: Name of the new one.
        moment: As of when; None for the latest that there is.

    Returns:
        Whether it was begun now.

    Raises:
        RecoveryError: The table is gone, or cannot be restored to that moment.
    """
    if _status(dynamodb, copy):
        return False
    when = {"RestoreDateTime": moment} if moment else {"UseLatestRestorableTime": True}
    try:
        dynamodb.restore_table_to_point_in_time(SourceTableName=source, TargetTableName=copy, **when)
    except ClientError as error:
        details = error.response["Error"]
        raise RecoveryError(f"{source} cannot be restored: {details.get('Message', error)}") from error
    return True


def wait(dynamodb: Any, names: list[str], on_progress: Callable[[float, str], None]) -> None:  # noqa: ANN401 - a boto3 client
    """Waits until tables are there; restoring takes minutes, whatever their size."""
    left = list(names)
    while left:
        left = [name for name in left if _status(dynamodb, name) != "ACTIVE"]
        on_progress(1 - len(left) / len(names), f"{len(names) - len(left)} of {len(names)}")
        if left:
            time.sleep(POLL_SECONDS)


def settle(dynamodb: Any, run: Run, name: str, copy: str) -> None:  # noqa: ANN401 - a boto3 client
    """Gives a restored table what a restore leaves out: time to live, backups, protection.

    Args:
        dynamodb: A boto3 `dynamodb` client.
        run: The program, for a stack that takes the copy.
        name: Our name of the table.
        copy: The restored table.
    """
    wanted = run.one(_TABLE, name).inputs
    if wanted.get("ttl") and _expires_by(dynamodb, copy) is None:
        dynamodb.update_time_to_live(
            TableName=copy,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": wanted["ttl"]["attributeName"]},
        )
    for _ in range(_PROTECTED_ATTEMPTS):
        if _protect(dynamodb, copy):
            return
        time.sleep(POLL_SECONDS)
    raise RecoveryError(f"{copy} takes no backups yet: run the same command again in some minutes")


def _protect(dynamodb: Any, copy: str) -> bool:  # noqa: ANN401 - a boto3 client
    """Turns backups and protection on; a table that was just restored takes them only after a while."""
    try:
        dynamodb.update_continuous_backups(
            TableName=copy, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        dynamodb.update_table(TableName=copy, DeletionProtectionEnabled=True)
    except ClientError as error:
        if error.response["Error"]["Code"] in _BUSY:
            return False
        raise
    return True


def rename_buckets(dynamodb: Any, table: str, buckets: Mapping[str, str]) -> int:  # noqa: ANN401 - a boto3 client
    """Writes the copies of buckets into the addresses that a table's rows have.

    Args:
        dynamodb: A boto3 `dynamodb` client.
        table: A restored table.
        buckets: Names of copies by the names of what they are copies of.

    Returns:
        How many rows were changed.
    """
    described = dynamodb.describe_table(TableName=table)["Table"]
    keys = [key["AttributeName"] for key in described["KeySchema"]]
    changed = 0
    for page in dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for row in page["Items"]:
            moved = {
                field: f"s3://{buckets[bucket]}/{rest}"
                for field, value in row.items()
                for scheme, _, place in [value.get("S", "").partition("://")]
                for bucket, _, rest in [place.partition("/")]
                if scheme == "s3" and bucket in buckets
            }
            if moved:
                dynamodb.update_item(
                    TableName=table,
                    Key={key: row[key] for key in keys},
                    UpdateExpression="SET " + ", ".join(f"#{n} = :{n}" for n in range(len(moved))),
                    ExpressionAttributeNames={f"#{n}": field for n, field in enumerate(moved)},
                    ExpressionAttributeValues={f":{n}": {"S": text} for n, text in enumerate(moved.values())},
                )
                changed += 1
    return changed


def _status(dynamodb: Any, name: str) -> str | None:  # noqa: ANN401 - a boto3 client
    try:
        status: str = dynamodb.describe_table(TableName=name)["Table"]["TableStatus"]
    except dynamodb.exceptions.ResourceNotFoundException:
        return None
    return status


def _expires_by(dynamodb: Any, name: str) -> str | None:  # noqa: ANN401 - a boto3 client
    found = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    name_of: str | None = found.get("AttributeName")
    return name_of
