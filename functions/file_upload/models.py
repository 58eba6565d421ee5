"""Requests and answers of the file upload API."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from functions.shared.api import AnswerModel, ApiModel
from functions.shared.job_names import UUID_PATTERN
from functions.shared.summaries import CaptureSummary

MAX_PARTS = 10_000
"""Parts of one multipart upload, a limit of S3."""

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
CaptureId = Annotated[str, StringConstraints(pattern=f"^{UUID_PATTERN}$")]
PartNumber = Annotated[int, Field(ge=1, le=MAX_PARTS)]

FileState = Literal["starting", "uploading", "uploaded"]


class StartUpload(ApiModel):
    """Start the upload of one file.

    Attributes:
        file_name: The file's name on the person's disk; folders in it are dropped.
        capture_id: The capture it belongs to; a new capture when missing.
        size: Size in bytes, if known: refused now instead of after the upload.
        project_id: Project of a new capture.
    """

    file_name: str = Field(min_length=1, max_length=1024)
    capture_id: CaptureId | None = None
    size: int | None = Field(default=None, ge=1)
    project_id: Id | None = None


class UploadReference(ApiModel):
    """Names one upload by what its start answered."""

    upload_id: str = Field(min_length=1, max_length=2048)
    bucket_name: str = Field(min_length=1, max_length=63)
    object_key: str = Field(min_length=1, max_length=1024)


class PresignPart(UploadReference):
    """Ask for the address of one part."""

    part_number: PartNumber


class UploadedPart(ApiModel):
    """A part that S3 has: its number and the ETag that S3 answered."""

    e_tag: str = Field(alias="ETag", min_length=1, max_length=128)
    part_number: PartNumber = Field(alias="PartNumber")


class CompleteUpload(UploadReference):
    """Put the parts together."""

    parts: list[UploadedPart] = Field(min_length=1, max_length=MAX_PARTS)


class StartedUpload(AnswerModel):
    """A file's upload, by what its other requests name it."""

    upload_id: str
    bucket_name: str
    object_key: str
    capture_id: str


class PartUrl(AnswerModel):
    """Where to PUT one part within an hour."""

    url: str
    part_number: int


class CompletedUpload(AnswerModel):
    """A file that is there.

    Attributes:
        location: Its address in S3, for older clients.
        s3_url: Its capture's folder, which a job is started on.
    """

    message: str
    location: str
    object_key: str
    capture_id: str
    s3_url: str


class Aborted(AnswerModel):
    """An upload that was given up."""

    message: str


class FileDescription(AnswerModel):
    """A file of a capture.

    Attributes:
        original_name: Its name on the person's disk.
        size: Bytes, once uploaded.
    """

    file_name: str
    original_name: str
    object_key: str
    upload_id: str
    state: Literal["uploading", "uploaded"]
    size: int | None


class CaptureState(AnswerModel):
    """A capture and how far its files are.

    Attributes:
        created_at: ISO 8601, UTC.
        s3_url: Its folder, which a job is started on.
    """

    capture_id: str
    project_id: str | None
    created_at: str
    state: Literal["empty", "uploading", "uploaded"]
    s3_url: str
    files: list[FileDescription]


class CapturePage(AnswerModel):
    """Some of the caller's captures, the newest first."""

    captures: list[CaptureSummary]
    next_cursor: str | None


class RemovedCapture(AnswerModel):
    """It is gone."""

    ok: Literal[True] = True
