"""Tables of DynamoDB: the old one, which is only read, and the new one, made as the program makes it."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config

from adoption.rows import Item, Row, RowKey
from local.preview import Run

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY = ("userSub", "projectId")
PAGE_ITEMS = 100
"""Of a scan, and the most that one request may get by key."""
_TABLE = "aws:dynamodb/table:Table"
_PROVIDER = "pulumi:providers:aws"
_MAKEABLE = {
    "attributes",
    "billingMode",
    "deletionProtectionEnabled",
    "globalSecondaryIndexes",
    "hashKey",
    "pointInTimeRecovery",
    "rangeKey",
}
_BACKUPS_ATTEMPTS = 20
_PATIENT = Config(retries={"mode": "adaptive", "max_attempts": 12}, max_pool_connections=16)

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize
Position = dict[str, Any]
"""Where a scan goes on: DynamoDB's LastEvaluatedKey."""


class MigrationError(Exception):
    """The tables or the stack do not allow the step; the message says what to do."""


def connect(region: str) -> "DynamoDBClient":
    """Gives a client that waits where DynamoDB throttles."""
    return boto3.Session(region_name=region).client("dynamodb", config=_PATIENT)


@dataclass(frozen=True)
class Blueprint:
    """How the program makes a table.

    Attributes:
        request: Arguments of CreateTable but its name.
        recoverable: Whether it can be restored to an earlier moment.
    """

    request: Mapping[str, Any]
    recoverable: bool

    @classmethod
    def of(cls, run: Run, name: str) -> "Blueprint":
        """Takes it from a run of the program.

        Args:
            run: The run.
            name: The table's logical name.

        Raises:
            MigrationError: The program gives the table something that is not made here.
        """
        inputs = run.one(_TABLE, name).inputs
        unknown = sorted(key for key, value in inputs.items() if value and key not in _MAKEABLE)
        if unknown or inputs.get("globalSecondaryIndexes"):
            raise MigrationError(f"{name} has {', '.join(unknown) or 'indexes'}, which is not made here")
        (provider,) = [one for one in run.of(_PROVIDER) if one.name == "aws"]
        keys = [(inputs["hashKey"], "HASH"), (inputs["rangeKey"], "RANGE")]
        return cls(
            {
                "KeySchema": [{"AttributeName": key, "KeyType": kind} for key, kind in keys],
                "AttributeDefinitions": [
                    {"AttributeName": one["name"], "AttributeType": one["type"]}
                    for one in inputs["attributes"]
                ],
                "BillingMode": inputs["billingMode"],
                "DeletionProtectionEnabled": inputs["deletionProtectionEnabled"],
                "Tags": [
                    {"Key": key, "Value": value}
                    for key, value in sorted(json.loads(provider.inputs["defaultTags"])["tags"].items())
                ],
            },
            recoverable=inputs["pointInTimeRecovery"]["enabled"],
        )

    @property
    def keys(self) -> list[tuple[str, str, str]]:
        """Name, kind and type of each key."""
        return _keys(self.request)


@dataclass(frozen=True)
class Existing:
    """A table that is there.

    Attributes:
        name: Its name.
        id: What tells it from a later one of the same name.
        keys: Name, kind (HASH, RANGE) and type (S, N, B) of each key.
        roughly: How many items it has, as DynamoDB last counted, hours ago.
    """

    name: str
    id: str
    keys: list[tuple[str, str, str]]
    roughly: int


def _keys(description: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    types = {one["AttributeName"]: one["AttributeType"] for one in description["AttributeDefinitions"]}
    return [
        (key["AttributeName"], key["KeyType"], types[key["AttributeName"]])
        for key in description["KeySchema"]
    ]


@dataclass(frozen=True)
class Source:
    """The old table: nothing here writes it.

    Attributes:
        client: DynamoDB.
        table: What it is.
    """

    client: "DynamoDBClient"
    table: Existing

    def identify(self, item: Mapping[str, Any]) -> str:
        """Names an item by its key, for people."""
        return " / ".join(str(item[name]) for name, _, _ in self.table.keys)

    def pages(
        self, *, segment: int = 0, segments: int = 1, start: Position | None = None
    ) -> Iterator[tuple[list[Item], Position | None]]:
        """Reads all items of a segment, strongly consistent.

        Args:
            segment: Which one.
            segments: How many there are.
            start: Where an earlier reading ended.

        Yields:
            Some items, and where to go on after them; None at the end.
        """
        position = start
        while True:
            more: dict[str, Any] = {"ExclusiveStartKey": position} if position else {}
            answer = self.client.scan(
                TableName=self.table.name,
                ConsistentRead=True,
                Limit=PAGE_ITEMS,
                Segment=segment,
                TotalSegments=segments,
                **more,
            )
            position = answer.get("LastEvaluatedKey")
            yield [_item(one) for one in answer["Items"]], position
            if not position:
                return


@dataclass(frozen=True)
class Target:
    """The new table.

    Attributes:
        client: DynamoDB.
        name: Its name.
    """

    client: "DynamoDBClient"
    name: str

    def put(self, row: Row) -> Item | None:
        """Writes a row, unless there is one that the program has changed since or that is of a later time.

        Returns:
            What was there before, empty for nothing; None when that is newer, and stays.
        """
        try:
            answer = self.client.put_item(
                TableName=self.name,
                Item={name: _serialize(value) for name, value in row.item.items()},
                ConditionExpression=(
                    "attribute_not_exists(#key) OR (#updatedAt <= :updatedAt AND #version <= :version)"
                ),
                ExpressionAttributeNames={"#key": KEY[0], "#updatedAt": "updatedAt", "#version": "version"},
                ExpressionAttributeValues={
                    ":updatedAt": _serialize(row.item["updatedAt"]),
                    ":version": _serialize(row.item["version"]),
                },
                ReturnValues="ALL_OLD",
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            return None
        return _item(answer.get("Attributes", {}))

    def get(self, keys: Sequence[RowKey]) -> dict[RowKey, Item]:
        """Reads rows by key, strongly consistent."""
        asked: Any = [dict(zip(KEY, map(_serialize, key), strict=True)) for key in keys]
        found: dict[RowKey, Item] = {}
        while asked:
            answer = self.client.batch_get_item(
                RequestItems={self.name: {"Keys": asked, "ConsistentRead": True}}
            )
            for one in answer["Responses"].get(self.name, []):
                item = _item(one)
                found[item[KEY[0]], item[KEY[1]]] = item
            left: Mapping[str, Any] = answer.get("UnprocessedKeys") or {}
            asked = left.get(self.name, {}).get("Keys")
        return found

    def keys(self) -> Iterator[RowKey]:
        """Reads the keys of all rows."""
        names = {f"#{name}": name for name in KEY}
        pages = self.client.get_paginator("scan").paginate(
            TableName=self.name,
            ConsistentRead=True,
            ProjectionExpression=", ".join(names),
            ExpressionAttributeNames=names,
        )
        for page in pages:
            for one in page["Items"]:
                item = _item(one)
                yield item[KEY[0]], item[KEY[1]]


def _item(raw: Mapping[str, Any]) -> Item:
    return {name: _deserialize(value) for name, value in raw.items()}


def find(client: "DynamoDBClient", name: str) -> Existing | None:
    """Looks at a table; None where there is none."""
    try:
        told = client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return Existing(name, told.get("TableId", name), _keys(told), told.get("ItemCount", 0))


def provide(client: "DynamoDBClient", name: str, blueprint: Blueprint) -> Existing:
    """Makes the new table where it is missing, and sees that it is one of ours.

    Raises:
        MigrationError: A table of this name has other keys.
    """
    if find(client, name) is None:
        client.create_table(TableName=name, **blueprint.request)
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    there = find(client, name)
    if there is None or sorted(there.keys) != sorted(blueprint.keys):
        raise MigrationError(f"{name} exists and has other keys than the program's table: name another one")
    if blueprint.recoverable:
        _make_recoverable(client, name)
    return there


def _make_recoverable(client: "DynamoDBClient", name: str) -> None:
    """Turns point-in-time recovery on, which DynamoDB refuses for a while after a table is made."""
    for attempt in range(1, _BACKUPS_ATTEMPTS + 1):
        try:
            client.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )
        except client.exceptions.ContinuousBackupsUnavailableException:
            if attempt == _BACKUPS_ATTEMPTS:
                raise
            time.sleep(3)
        else:
            return
