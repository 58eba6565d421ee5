"""Copies a bucket's objects as they were at a moment into another bucket."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

COPIES_AT_ONCE = 16
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class Version:
    """An object as it was.

    Attributes:
        key: Its key.
        version: Id of the version.
        etag: What its content is told by.
        size: Bytes.
    """

    key: str
    version: str
    etag: str
    size: int


def versions_at(s3: Any, bucket: str, moment: datetime | None) -> Iterator[Version]:  # noqa: ANN401 - a boto3 client
    """Gives the objects that a bucket had at a moment: not those that were deleted then, or written later.

    Args:
        s3: A boto3 `s3` client.
        bucket: A bucket with versions.
        moment: As of when; None for now.
    """
    newest: dict[str, tuple[datetime, Version | None]] = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found: list[tuple[dict[str, Any], Version | None]] = [
            (item, Version(item["Key"], item["VersionId"], item["ETag"], item["Size"]))
            for item in page.get("Versions", [])
        ]
        found += [(item, None) for item in page.get("DeleteMarkers", [])]
        for item, version in found:
            written = item["LastModified"]
            known = newest.get(item["Key"])
            if (moment is None or written <= moment) and (known is None or written >= known[0]):
                newest[item["Key"]] = (written, version)
    yield from (version for _, version in newest.values() if version is not None)


def make_bucket(s3: Any, name: str, region: str) -> bool:  # noqa: ANN401 - a boto3 client
    """Makes a closed bucket with versions, unless it is there; the fresh stack sets all else.

    Returns:
        Whether it was made now.
    """
    try:
        s3.head_bucket(Bucket=name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
    else:
        return False
    place = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    s3.create_bucket(Bucket=name, **place)
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        ),
    )
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return True


def copy_all(
    s3: Any,  # noqa: ANN401 - a boto3 client
    source: str,
    target: str,
    moment: datetime | None,
    on_progress: Progress,
) -> int:
    """Copies what a bucket had at a moment; what the target has already, in the same content, is left.

    Args:
        s3: A boto3 `s3` client.
        source: The bucket.
        target: The bucket that gets the copies.
        moment: As of when; None for now.
        on_progress: Told the share of the bytes that is there.

    Returns:
        How many objects the target has of it.
    """
    wanted = list(versions_at(s3, source, moment))
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=target)
    there = {item["Key"]: item for page in pages for item in page.get("Contents", [])}
    missing = [one for one in wanted if not _is(there.get(one.key), one)]
    total, done = sum(one.size for one in missing), 0

    def copy(one: Version) -> int:
        version = {"Bucket": source, "Key": one.key, "VersionId": one.version}
        s3.copy(version, target, one.key)
        return one.size

    with ThreadPoolExecutor(COPIES_AT_ONCE) as pool:
        copying = [pool.submit(copy, one) for one in missing]
        try:
            for number, ended in enumerate(as_completed(copying), 1):
                done += ended.result()
                on_progress(done / max(total, 1), f"{number} of {len(missing)} objects")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return len(wanted)


def _is(there: dict[str, Any] | None, wanted: Version) -> bool:
    """Whether an object is a copy of a version. An ETag of parts says how it was uploaded, too."""
    if there is None or there["Size"] != wanted.size:
        return False
    comparable = "-" not in there["ETag"] + wanted.etag
    return not comparable or bool(there["ETag"] == wanted.etag)
