"""One multipart upload as S3 holds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from botocore.exceptions import ClientError

from functions.shared.aws import s3

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

URL_SECONDS = 3600
CHECKSUM_HEADER = "x-amz-checksum-sha256"
_WRONG_PARTS = frozenset(
    {"EntityTooSmall", "InvalidPart", "InvalidPartOrder", "InvalidRequest", "MalformedXML"}
)


class UploadGoneError(Exception):
    """S3 knows no such upload: it was completed, given up or has expired."""


class WrongPartsError(Exception):
    """S3 does not put these parts together: it has others, one is too small, or the sum is not the size."""


@dataclass(frozen=True)
class StoredPart:
    """A part that S3 has.

    Attributes:
        number: Its place, from 1.
        e_tag: What S3 calls its content, in quotes.
        size: Its bytes; None where only a client has told of it.
        checksum: Its SHA-256 in base64, where the upload has checksums.
    """

    number: int
    e_tag: str
    size: int | None
    checksum: str | None


@dataclass(frozen=True)
class MultipartUpload:
    """A multipart upload.

    Attributes:
        bucket: The bucket.
        key: The object that it becomes.
        upload_id: What S3 calls it.
    """

    bucket: str
    key: str
    upload_id: str

    @classmethod
    def begin(cls, bucket: str, key: str, *, content_type: str, checksummed: bool) -> "MultipartUpload":
        """Start an upload.

        Args:
            bucket: The bucket.
            key: The object that it becomes.
            content_type: Its media type.
            checksummed: Whether S3 takes parts with their SHA-256 only, and keeps it.
        """
        algorithm: dict[str, Any] = {"ChecksumAlgorithm": "SHA256"} if checksummed else {}
        begun = s3().create_multipart_upload(Bucket=bucket, Key=key, ContentType=content_type, **algorithm)
        return cls(bucket, key, begun["UploadId"])

    def url(self, number: int, *, length: int | None = None, checksum: str | None = None) -> str:
        """Give the address to which one part is PUT within an hour.

        Args:
            number: The part's number.
            length: Its bytes: S3 refuses more or fewer. None leaves it open.
            checksum: Its SHA-256 in base64: S3 refuses other bytes. It is signed as a header, which the PUT
                must carry; S3 does not look at a checksum in the query.
        """
        bound: dict[str, Any] = {}
        if length is not None:
            bound["ContentLength"] = length
        if checksum is not None:
            bound["ChecksumSHA256"] = checksum
        return s3().generate_presigned_url(
            "upload_part", Params=self._named | {"PartNumber": number} | bound, ExpiresIn=URL_SECONDS
        )

    def parts(self) -> list[StoredPart]:
        """List what S3 has, in order.

        Raises:
            UploadGoneError: The upload is gone.
        """
        try:
            return [
                StoredPart(
                    number=part["PartNumber"],
                    e_tag=part["ETag"],
                    size=part["Size"],
                    checksum=part.get("ChecksumSHA256"),
                )
                for page in s3().get_paginator("list_parts").paginate(**self._named)
                for part in page.get("Parts", [])
            ]
        except ClientError as error:
            _raise_known(error)

    def complete(self, parts: Sequence[StoredPart], size: int) -> None:
        """Put parts together; S3 does so only when they have this many bytes.

        Raises:
            UploadGoneError: The upload is gone.
            WrongPartsError: The parts are not those that S3 has, or not of this size.
        """
        try:
            s3().complete_multipart_upload(
                **self._named,
                MultipartUpload={"Parts": [_completed(part) for part in parts]},
                MpuObjectSize=size,
            )
        except ClientError as error:
            _raise_known(error)

    def abort(self) -> bool:
        """Give the upload up; False when S3 knows it no more."""
        try:
            s3().abort_multipart_upload(**self._named)
        except s3().exceptions.NoSuchUpload:
            return False
        return True

    @property
    def _named(self) -> dict[str, Any]:
        return {"Bucket": self.bucket, "Key": self.key, "UploadId": self.upload_id}


def _completed(part: StoredPart) -> "CompletedPartTypeDef":
    completed: CompletedPartTypeDef = {"PartNumber": part.number, "ETag": part.e_tag}
    if part.checksum is not None:
        completed["ChecksumSHA256"] = part.checksum
    return completed


def _raise_known(error: ClientError) -> NoReturn:
    code = error.response["Error"]["Code"]
    if code == "NoSuchUpload":
        raise UploadGoneError from error
    if code in _WRONG_PARTS:
        raise WrongPartsError from error
    raise error
