import os
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local.cloud.ministack.sagemaker.errors import JobError
from local.cloud.ministack.sagemaker.transfer import Mirror, S3Location


class Bucket:
    """What was put into S3: contents by key, and the keys in order."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.puts: list[str] = []

    def put_object(self, *, Bucket, Key, Body):  # noqa: N803 - botocore's names
        if Bucket == "denied":
            error = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            raise ClientError(error, "PutObject")
        self.objects[Key] = Body.read()
        self.puts.append(Key)


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


def write(path: Path, text: str) -> None:
    """Writes as a job does: into a sibling, then moved in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.replace(path)


def test_file_is_copied_once_it_keeps_still(bucket: Bucket, tmp_path: Path):
    mirror = Mirror(bucket, tmp_path, "s3://bucket/prefix/")
    write(tmp_path / "deep" / "a.json", "1")
    mirror.sweep()
    assert bucket.objects == {}
    mirror.sweep()
    assert bucket.objects == {"prefix/deep/a.json": b"1"}
    mirror.sweep()
    assert bucket.puts == ["prefix/deep/a.json"]
    write(tmp_path / "deep" / "a.json", "2")
    mirror.sweep()
    mirror.sweep()
    assert bucket.objects == {"prefix/deep/a.json": b"2"}


def test_growing_file_stays_out(bucket: Bucket, tmp_path: Path):
    mirror = Mirror(bucket, tmp_path, "s3://bucket/prefix")
    with (tmp_path / "growing.bin").open("wb", buffering=0) as file:
        for _ in range(5):
            file.write(b"x" * 1000)
            mirror.sweep()
            assert bucket.objects == {}
    mirror.sweep()
    assert bucket.objects == {"prefix/growing.bin": b"x" * 5000}


def test_file_that_never_keeps_still_is_copied_in_time(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    clock = iter(range(0, 100, 1))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    mirror = Mirror(bucket, tmp_path, "s3://bucket/prefix")
    for number in range(6):
        write(tmp_path / "progress.json", f"{number:09}")
        os.utime(tmp_path / "progress.json", ns=(number, number))
        mirror.sweep()
    assert bucket.objects


def test_last_sweep_takes_everything_at_once_but_links(bucket: Bucket, tmp_path: Path):
    mirror = Mirror(bucket, tmp_path, "s3://bucket/prefix")
    write(tmp_path / "a", "A")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "secret").symlink_to("/etc/hostname")
    mirror.sweep(last=True)
    assert bucket.objects == {"prefix/a": b"A"}


def test_what_was_restored_is_not_copied_back(bucket: Bucket, tmp_path: Path):
    write(tmp_path / "old", "old")
    mirror = Mirror(bucket, tmp_path, "s3://bucket/prefix", restored=True)
    write(tmp_path / "new", "new")
    mirror.sweep(last=True)
    assert bucket.objects == {"prefix/new": b"new"}


def test_denied_upload_fails_the_job(bucket: Bucket, tmp_path: Path):
    write(tmp_path / "a", "A")
    with pytest.raises(JobError, match=r"ClientError: Artifact upload failed:AccessDenied \(403\)"):
        Mirror(bucket, tmp_path, "s3://denied/prefix").sweep(last=True)


def test_locations():
    location = S3Location.parse("s3://bucket/a/b/")
    assert str(location.child("c")) == "s3://bucket/a/b/c"
    assert S3Location.parse("s3://bucket").child("c").key == "c"
    for uri in ("https://bucket/key", "bucket/key", "s3:///key"):
        with pytest.raises(JobError, match="not an S3 URI"):
            S3Location.parse(uri)
