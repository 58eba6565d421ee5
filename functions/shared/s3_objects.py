"""Objects in S3: addresses, existence, downloads, JSON documents and listings."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from functions.shared.aws import s3
from functions.shared.clock import to_ms

_VIRTUAL_HOST = re.compile(r"^(?P<bucket>[a-z0-9][a-z0-9.-]+)\.s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com$")
_PATH_HOST = re.compile(r"^s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com$")


@dataclass(frozen=True)
class Address:
    """Bucket and key (or prefix) of something in S3."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Listed:
    """An object of a listing.

    Attributes:
        key: Its key.
        size: Bytes.
        e_tag: Changes with its content.
        modified_ms: When it was written, epoch milliseconds.
    """

    key: str
    size: int
    e_tag: str = ""
    modified_ms: int = 0


def parse_address(url: str) -> Address:
    """Read an S3 address.

    Args:
        url: `s3://bucket/key`, `https://bucket.s3.region.amazonaws.com/key` or
            `https://s3.region.amazonaws.com/bucket/key`.

    Returns:
        Bucket and key.

    Raises:
        ValueError: It is none of these.
    """
    parts = urlsplit(url.strip())
    host, path = parts.netloc, parts.path.removeprefix("/")
    if parts.scheme == "s3" and host and path:
        return Address(host, url.strip().split("/", 3)[3])
    if parts.scheme == "https":
        virtual = _VIRTUAL_HOST.match(host)
        if virtual and path:
            return Address(virtual["bucket"], unquote(path))
        bucket, _, key = path.partition("/")
        if _PATH_HOST.match(host) and bucket and key:
            return Address(bucket, unquote(key))
    raise ValueError("must be s3://bucket/key or an https address of S3")


def object_size(bucket: str, key: str) -> int | None:
    """Give an object's size in bytes, or None when there is no such object."""
    try:
        return s3().head_object(Bucket=bucket, Key=key)["ContentLength"]
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            return None
        raise


def object_exists(bucket: str, key: str) -> bool:
    """Tell whether there is an object, with the right to list alone."""
    listed = s3().list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents", [])
    return any(entry["Key"] == key for entry in listed)


def list_objects(bucket: str, prefix: str) -> Iterator[Listed]:
    """List all objects under a prefix."""
    for page in s3().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            yield Listed(
                key=entry["Key"],
                size=entry["Size"],
                e_tag=entry["ETag"],
                modified_ms=to_ms(entry["LastModified"]),
            )


def prefix_exists(bucket: str, prefix: str) -> bool:
    """Tell whether anything lies under a prefix."""
    return s3().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"] > 0


def download_url(bucket: str, key: str, *, file_name: str, seconds: int) -> str:
    """Sign an address at which an object is fetched, for some time, into a file of this name."""
    return s3().generate_presigned_url(
        "get_object",
        Params={
            "Bucket": bucket,
            "Key": key,
            "ResponseContentDisposition": f'attachment; filename="{file_name}"',
        },
        ExpiresIn=seconds,
    )


def read_json(bucket: str, key: str) -> dict[str, Any] | None:
    """Read a JSON object, or None when there is no such object.

    Raises:
        ValueError: The object is not a JSON object.
    """
    try:
        text = s3().get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3().exceptions.NoSuchKey:
        return None
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"{key} is not a JSON object")  # noqa: TRY004 -- one error for all that is malformed
    return document


def write_json(bucket: str, key: str, document: dict[str, Any]) -> None:
    """Write a JSON object."""
    s3().put_object(
        Bucket=bucket,
        Key=key,
        Body=json.dumps(document, indent=2, sort_keys=True).encode(),
        ContentType="application/json",
    )
