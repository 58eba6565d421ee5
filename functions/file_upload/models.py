"""Requests and answers of the file upload API."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from functions.file_upload.parts import MAX_PARTS, PartPlan
from functions.shared.api import AnswerModel, ApiModel
from functions.shared.job_names import UUID_PATTERN
from functions.shared.summaries import CaptureSummary

FIRST_URLS = 100
"""Part addresses that a start answers at most."""
MAX_URLS = 500
"""Part addresses that can be asked for at once."""

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
CaptureId = Annotated[str, StringConstraints(pattern=f"^{UUID_PATTERN}$")]
FileName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1024,
        json_schema_extra={
            "pattern": r"\.([Jj][Pp][Ee]?[Gg]|[Pp][Nn][Gg]|[Tt][Ii][Ff]{1,2}|[Zz][Ii][Pp])\s*$",
            "examples": ["DCIM/DJI_0001.JPG"],
        },
    ),
]
PartNumber = Annotated[int, Field(ge=1, le=MAX_PARTS)]

Checksum = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
"""A SHA-256 in base64, as S3 writes it."""

FileState = Literal["uploading", "uploaded"]


class StartUpload(ApiModel):
    """Start the upload of one file.

    Attributes:
        file_name: The file's name on the person's disk, with its folders if it has some.
        capture_id: The capture it belongs to; a new capture when missing.
        size: Size in bytes, if known: refused now instead of after the upload, cut into parts, and held to.
        project_id: Project of a new capture.
        checksum_algorithm: Given, every part is sent with its SHA-256 and S3 refuses other bytes.
        checksums: Of the first parts, in order, for their addresses in the answer.
    """

    file_name: FileName
    capture_id: CaptureId | None = None
    size: int | None = Field(default=None, ge=1)
    project_id: Id | None = None
    checksum_algorithm: Literal["SHA256"] | None = None
    checksums: list[Checksum] | None = Field(default=None, min_length=1, max_length=FIRST_URLS)

    @property
    def checksummed(self) -> bool:
        """Whether every part comes with its checksum."""
        return self.checksum_algorithm is not None or self.checksums is not None

    @model_validator(mode="after")
    def _checksums_fit(self) -> Self:
        if self.checksummed and self.size is None:
            raise ValueError("size: needed where parts come with checksums")
        if self.checksums and self.size and len(self.checksums) > PartPlan.for_size(self.size).count:
            raise ValueError("checksums: there are more than the file has parts")
        return self


class UploadReference(ApiModel):
    """Names one upload by what its start answered."""

    upload_id: str = Field(min_length=1, max_length=2048)
    bucket_name: str = Field(min_length=1, max_length=63)
    object_key: str = Field(min_length=1, max_length=1024)


class PresignPart(UploadReference):
    """Ask for the address of one part; the client cuts the file as it likes."""

    part_number: PartNumber
    checksum: Checksum | None = None


class PresignParts(UploadReference):
    """Ask for the addresses of many parts, cut as the start said.

    Attributes:
        part_numbers: Which parts.
        checksums: Their checksums in the same order, where the upload has checksums.
    """

    part_numbers: list[PartNumber] = Field(min_length=1, max_length=MAX_URLS)
    checksums: list[Checksum] | None = None

    @model_validator(mode="after")
    def _one_checksum_a_part(self) -> Self:
        if self.checksums is not None and len(self.checksums) != len(self.part_numbers):
            raise ValueError("checksums: one for each of partNumbers is needed")
        return self


class UploadedPart(ApiModel):
    """A part that S3 has: its number and what S3 answered."""

    e_tag: str = Field(alias="ETag", min_length=1, max_length=128)
    part_number: PartNumber = Field(alias="PartNumber")
    checksum: Checksum | None = Field(default=None, alias="ChecksumSHA256")


class CompleteUpload(UploadReference):
    """Put the parts together: those named, or all that S3 has."""

    parts: list[UploadedPart] | None = Field(default=None, min_length=1, max_length=MAX_PARTS)


class BegunUpload(AnswerModel):
    """A file's upload, by what its other requests name it, and how the file is cut.

    Attributes:
        part_size: Bytes of every part but the last; None when the start said no size.
        part_count: How many parts there are.
    """

    upload_id: str
    bucket_name: str
    object_key: str
    capture_id: str
    part_size: int | None
    part_count: int | None


class PartUrl(AnswerModel):
    """Where to PUT one part within an hour.

    Attributes:
        size: Bytes that it must have; None when any number will do.
        headers: What the PUT must carry besides the part.
    """

    url: str
    part_number: int
    size: int | None
    headers: dict[str, str]


class PartUrls(AnswerModel):
    """Where to PUT parts within an hour."""

    parts: list[PartUrl]


class StartedUpload(BegunUpload):
    """A file's upload.

    Attributes:
        parts: Where to PUT the first parts, when the start said a size (and their checksums, where there are
            some).
    """

    parts: list[PartUrl]


class KnownPart(AnswerModel):
    """A part that S3 has."""

    part_number: int = Field(serialization_alias="PartNumber")
    e_tag: str = Field(serialization_alias="ETag")
    size: int = Field(serialization_alias="Size")
    checksum: str | None = Field(serialization_alias="ChecksumSHA256")


class PartList(AnswerModel):
    """How far a file is.

    Attributes:
        size: Bytes, as the start said or once uploaded.
        parts: What S3 has; nothing once it has put the file together.
        missing: Numbers of the parts to send, again where one has the wrong length; nothing when the start
            said no size.
    """

    file_name: str
    state: FileState
    size: int | None
    part_size: int | None
    part_count: int | None
    parts: list[KnownPart]
    missing: list[int]


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
        size: Bytes, as the start said or once uploaded.
    """

    file_name: str
    original_name: str
    object_key: str
    upload_id: str
    state: FileState
    size: int | None


class CheckReason(AnswerModel):
    """Why a capture is judged as it is.

    Attributes:
        level: `refusal` where no model can come out, `warning` where a poor one would, `note` for what is
            only good to know.
        code: Stable code, for programs.
        sentence: What is wrong and what to do, for people.
        photos: Some of the photos that it is about.
    """

    level: Literal["refusal", "warning", "note"]
    code: str
    sentence: str
    photos: list[str] = Field(default_factory=list)


class LookedAt(AnswerModel):
    """What a capture had when it was checked.

    Attributes:
        newest: When the last file came, ISO 8601, UTC.
    """

    files: int
    bytes: int
    newest: str


class CaptureCheck(AnswerModel):
    """A check of a capture.

    Attributes:
        state: `running`; `failed` when it came to no end; or what it found: nothing (`passed`), reasons why a
            model would be poor (`warned`) or cannot come out (`refused`).
        requested_at: When it was asked for, while it runs or when it failed; ISO 8601, UTC.
        checked_at: When it ended, ISO 8601, UTC.
        stale: Whether the capture has changed since.
        looked_at: What the capture had.
        figures: Photos, resolution, cameras, GPS, time, copies, sharpness and coverage.
        reasons: The gravest first.
    """

    state: Literal["running", "failed", "passed", "warned", "refused"]
    requested_at: str | None = None
    checked_at: str | None = None
    stale: bool = False
    looked_at: LookedAt | None = None
    figures: dict[str, Any] | None = None
    reasons: list[CheckReason] = Field(default_factory=list)


class CheckedCapture(AnswerModel):
    """A capture and its check."""

    capture_id: str
    check: CaptureCheck


class CaptureState(AnswerModel):
    """A capture and how far its files are.

    Attributes:
        created_at: ISO 8601, UTC.
        s3_url: Its folder, which a job is started on.
        check: The last check of it, None when nobody has asked for one.
    """

    capture_id: str
    project_id: str | None
    created_at: str
    state: Literal["empty", "uploading", "uploaded"]
    s3_url: str
    files: list[FileDescription]
    check: CaptureCheck | None


class CapturePage(AnswerModel):
    """Some of the caller's captures, the newest first."""

    captures: list[CaptureSummary]
    next_cursor: str | None


class RemovedCapture(AnswerModel):
    """It is gone."""

    ok: Literal[True] = True
