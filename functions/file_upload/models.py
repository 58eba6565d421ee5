"""Requests and answers of the file upload API."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from functions.file_upload.parts import MAX_PARTS, PartPlan
from functions.shared.api import ApiModel
from functions.shared.job_names import UUID_PATTERN

FIRST_URLS = 100
"""Part addresses that a start answers at most."""
MAX_URLS = 500
"""Part addresses that can be asked for at once."""

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
CaptureId = Annotated[str, StringConstraints(pattern=f"^{UUID_PATTERN}$")]
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

    file_name: str = Field(min_length=1, max_length=1024)
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
