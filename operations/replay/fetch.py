"""Brings what a job was given from S3, as SageMaker does."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from operations.replay.record import ReplayError

Progress = Callable[[float, str], None]


def fetch(s3: Any, uri: str, folder: Path, on_progress: Progress) -> int:  # noqa: ANN401 - a boto3 client
    """Brings all objects whose keys begin with a prefix; what is there already in its size is left.

    Args:
        s3: A boto3 `s3` client.
        uri: `s3://bucket/prefix`.
        folder: Where to; made where it is not there.
        on_progress: Told the share of the bytes that is there, and what comes.

    Returns:
        How many objects there are.

    Raises:
        ReplayError: There are none.
    """
    place = urlsplit(uri)
    bucket, prefix = place.netloc, place.path.lstrip("/")
    found = list(_objects(s3, bucket, prefix))
    if not found:
        raise ReplayError(
            f"there is nothing at {uri}: what a job leaves besides its model goes after some weeks, and a "
            "removed capture at once"
        )
    total, done = sum(size for _, size in found), 0
    # As in SageMaker, names count from the prefix's last slash.
    start = prefix.rfind("/") + 1
    for key, size in found:
        target = folder / key[start:]
        if not target.resolve().is_relative_to(folder.resolve()):
            raise ReplayError(f"the key {key} leads out of its folder: it is not one that a job may have")
        on_progress(done / max(total, 1), target.name)
        if not target.is_file() or target.stat().st_size != size:
            target.parent.mkdir(parents=True, exist_ok=True)
            partial = target.with_name(f".{target.name}.partial")
            s3.download_file(bucket, key, str(partial))
            partial.replace(target)
        done += size
    return len(found)


def _objects(s3: Any, bucket: str, prefix: str) -> Iterator[tuple[str, int]]:  # noqa: ANN401 - a boto3 client
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if not item["Key"].endswith("/"):
                yield item["Key"], item["Size"]
