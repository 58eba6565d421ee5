"""Moves a job's files between its folder and S3."""

import os
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, Self

from botocore.exceptions import ClientError

from local.cloud.ministack.sagemaker.errors import JobError

CHUNK_BYTES = 1024**2
SWEEP_SECONDS = 0.5
# A file that never keeps still for two looks is taken as it is after this time.
LONGEST_WAIT_SECONDS = 3.0

Client = Any
"""A botocore client; its class is made at run time."""

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class S3Location:
    """A bucket and a key or prefix in it."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, uri: str) -> "S3Location":
        """Reads `s3://bucket/key`.

        Raises:
            JobError: It is not such an address.
        """
        scheme, separator, rest = uri.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not separator or not bucket:
            msg = f"ClientError: {uri!r} is not an S3 URI."
            raise JobError(msg)
        return cls(bucket, key)

    def child(self, relative: str) -> "S3Location":
        """Returns a key below this prefix."""
        return S3Location(self.bucket, f"{self.key.rstrip('/')}/{relative}".lstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def download(s3: Client, uri: str, folder: Path, role_arn: str) -> int:
    """Copies every object whose key starts with a prefix into a folder.

    A key keeps its path below the prefix; where the prefix ends within a name (or is a whole key), below the
    prefix's last `/`.

    Args:
        s3: The S3 client of the job's role.
        uri: The prefix.
        folder: Where the files go.
        role_arn: The role, named where it lacks a right.

    Returns:
        The number of files.

    Raises:
        JobError: The role may not read it, or nothing is there.
    """
    source = S3Location.parse(uri)
    count = 0
    try:
        for key in _keys(s3, source):
            relative = _relative(key, source.key)
            if relative is None:
                continue
            _download_object(s3, source.bucket, key, _below(folder, relative))
            count += 1
    except ClientError as error:
        raise JobError(f"ClientError: Data download failed:{_reason(error)}") from error
    if count == 0:
        msg = (
            f'ClientError: Data download failed:No S3 objects found under S3 URL "{uri}" given in input data '
            "source. Please ensure that the bucket exists in the selected region, that objects exist under "
            f'that S3 prefix, and that the role "{role_arn}" has "s3:ListBucket" permissions on bucket '
            f'"{source.bucket}".'
        )
        raise JobError(msg)
    return count


def _keys(s3: Client, source: S3Location) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=source.bucket, Prefix=source.key):
        for found in page.get("Contents", []):
            yield found["Key"]


def _relative(key: str, prefix: str) -> str | None:
    """Returns a key's path in the job's folder, or None for the empty objects that stand for folders."""
    if key.endswith("/"):
        return None
    inside = prefix.endswith("/") or key[len(prefix) : len(prefix) + 1] == "/"
    base = prefix if inside else prefix[: prefix.rfind("/") + 1]
    return key[len(base) :].lstrip("/")


def _below(folder: Path, relative: str) -> Path:
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts:
        msg = f"ClientError: Data download failed: the key {relative!r} leads out of its folder."
        raise JobError(msg)
    return folder / path


def _download_object(s3: Client, bucket: str, key: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    with path.open("wb") as file:
        for chunk in body.iter_chunks(CHUNK_BYTES):
            file.write(chunk)


def upload_archive(s3: Client, folder: Path, uri: str) -> None:
    """Puts a folder's content as a `tar.gz` into S3.

    Raises:
        JobError: The role may not write it.
    """
    with tempfile.TemporaryFile(dir=folder.parent) as archive:
        # Level 1: models are floats and packed images, which hardly compress further.
        with tarfile.open(fileobj=archive, mode="w:gz", compresslevel=1) as tar:
            for path in sorted(folder.iterdir()):
                tar.add(path, path.name)
        archive.seek(0)
        _put(s3, S3Location.parse(uri), archive)


def _put(s3: Client, target: S3Location, body: IO[bytes]) -> None:
    try:
        s3.put_object(Bucket=target.bucket, Key=target.key, Body=body)
    except ClientError as error:
        raise JobError(f"ClientError: Artifact upload failed:{_reason(error)}") from error


def _reason(error: ClientError) -> str:
    code = error.response.get("Error", {}).get("Code", "Unknown")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return f"{code} ({status}): {error.response.get('Error', {}).get('Message', error)}"


class Mirror:
    """A folder whose files are copied to S3 as they appear and change."""

    def __init__(self, s3: Client, folder: Path, uri: str, *, restored: bool = False) -> None:
        """Prepares the copy.

        Args:
            s3: The S3 client of the job's role.
            folder: The folder.
            uri: The prefix it is copied to.
            restored: What the folder has now came from there.
        """
        self._s3 = s3
        self._folder = folder
        self._target = S3Location.parse(uri)
        self._copied = dict(self._files()) if restored else {}
        self._seen: dict[Path, Stamp] = {}
        self._waiting_since: dict[Path, float] = {}

    def sweep(self, *, last: bool = False) -> None:
        """Copies new and changed files.

        A file that is still being written stays out until two looks find it unchanged.

        Args:
            last: Nothing writes any more: copy whatever is new.

        Raises:
            JobError: The role may not write it.
        """
        now = time.monotonic()
        seen: dict[Path, Stamp] = {}
        for path, stamp in self._files():
            if self._copied.get(path) == stamp:
                continue
            seen[path] = stamp
            waited = now - self._waiting_since.setdefault(path, now)
            if last or self._seen.get(path) == stamp or waited > LONGEST_WAIT_SECONDS:
                self._copy(path, stamp)
        self._seen = seen

    def _copy(self, path: Path, stamp: Stamp) -> None:
        # A file replaced in the meantime keeps its old content here: only its name changed hands.
        with suppress(FileNotFoundError), path.open("rb") as file:
            if _stamp(os.fstat(file.fileno())) == stamp:
                _put(self._s3, self._target.child(path.relative_to(self._folder).as_posix()), file)
                self._copied[path] = stamp
                self._waiting_since.pop(path, None)

    def _files(self) -> Iterator[tuple[Path, Stamp]]:
        for root, _, names in os.walk(self._folder):
            for name in sorted(names):
                path = Path(root, name)
                # SageMaker does not follow links, and a file may be gone since the folder was read.
                with suppress(FileNotFoundError):
                    if not path.is_symlink() and path.is_file():
                        yield path, _stamp(path.stat())


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns


class ContinuousCopy:
    """Sweeps mirrors in a thread of its own until it is left, then once more."""

    def __init__(self, mirrors: list[Mirror]) -> None:
        self._mirrors = mirrors
        self._ended = threading.Event()
        self._error: JobError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="sagemaker-copy")

    def __enter__(self) -> Self:
        """Starts copying."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the thread; `finish` makes the last copy."""
        self._ended.set()
        self._thread.join()

    def finish(self) -> None:
        """Copies what is left, after the context is left.

        Raises:
            JobError: The role may not write it.
        """
        for mirror in self._mirrors:
            mirror.sweep(last=True)
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        while not self._ended.wait(SWEEP_SECONDS) and self._error is None:
            try:
                for mirror in self._mirrors:
                    mirror.sweep()
            except JobError as error:
                self._error = error
