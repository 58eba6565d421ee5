"""Refuses what S3 refuses of multipart uploads, and MiniStack takes.

A part carries a checksum of the algorithm that its upload was started with, and no other; an upload with
checksums is completed with all of them; parts come in order; every part but the last has 5 MiB.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from local.cloud.ministack import patch_points

MIN_PART_BYTES = 5 * 2**20
CHECKSUM = "x-amz-checksum-"
ALGORITHMS = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")
UNASKED = "crc32"
"""What SDKs send of their own accord; uploads that were started without any algorithm take it."""

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Refusal:
    """An error of S3."""

    code: str
    message: str


def install() -> None:
    """Looks at parts and completions before MiniStack does."""
    s3 = patch_points.module("services.s3")
    uploads = patch_points.value(s3, "_multipart_uploads")
    error = patch_points.function(s3, "_error", ("code", "message", "status", "resource"))
    upload_part = patch_points.function(
        s3, "_upload_part", ("bucket_name", "key", "body", "query_params", "headers")
    )
    complete = patch_points.function(
        s3, "_complete_multipart_upload", ("bucket_name", "key", "body", "query_params", "headers")
    )

    def refused(refusal: Refusal, bucket: str, key: str) -> Answer:
        answer: Answer = error(refusal.code, refusal.message, 400, f"/{bucket}/{key}")
        return answer

    def checked_part(
        bucket: str, key: str, body: bytes, query: dict[str, Any], headers: dict[str, str]
    ) -> Answer:
        upload = uploads.get(_upload_id(query))
        refusal = _wrong_checksum(upload, headers) if upload else None
        answer: Answer = (
            refused(refusal, bucket, key) if refusal else upload_part(bucket, key, body, query, headers)
        )
        return answer

    def checked_completion(
        bucket: str, key: str, body: bytes, query: dict[str, Any], headers: dict[str, str] | None = None
    ) -> Answer:
        upload = uploads.get(_upload_id(query))
        refusal = _wrong_completion(upload, body) if upload else None
        answer: Answer = (
            refused(refusal, bucket, key) if refusal else complete(bucket, key, body, query, headers)
        )
        return answer

    patch_points.replace(s3, "_upload_part", checked_part)
    patch_points.replace(s3, "_complete_multipart_upload", checked_completion)


def _upload_id(query: Mapping[str, Any]) -> str:
    value = query.get("uploadId", "")
    return str(value[0] if isinstance(value, list) else value)


def _wrong_checksum(upload: Mapping[str, Any], headers: Mapping[str, str]) -> Refusal | None:
    expected = (upload.get("checksum_algorithm") or "null").lower()
    named = [algorithm for algorithm in ALGORITHMS if headers.get(CHECKSUM + algorithm)]
    computed = headers.get("x-amz-sdk-checksum-algorithm", "").lower()
    for actual in named or [computed or "null"]:
        if actual != expected and (expected, actual) != ("null", UNASKED):
            message = (
                f"Checksum Type mismatch occurred, expected checksum Type: {expected}, "
                f"actual checksum Type: {actual}"
            )
            return Refusal("InvalidRequest", message)
    return None


def _wrong_completion(upload: Mapping[str, Any], body: bytes) -> Refusal | None:
    try:
        named = [_fields(part) for part in ET.fromstring(body).iter() if _name(part) == "Part"]  # noqa: S314 - of clients on this machine
        numbers = [int(part["PartNumber"]) for part in named]
    except (ET.ParseError, KeyError, ValueError):
        numbers = []
    if not numbers:
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        return Refusal("MalformedXML", message)
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        message = "The list of parts was not in ascending order. Parts must be ordered by part number."
        return Refusal("InvalidPartOrder", message)
    algorithm = upload.get("checksum_algorithm")
    for number, part in zip(numbers, named, strict=True):
        if algorithm and not part.get(f"Checksum{algorithm}"):
            message = (
                f"The upload was created using a {algorithm.lower()} checksum. The complete request must "
                f"include the checksum for each part. It was missing for part {number} in the request."
            )
            return Refusal("InvalidRequest", message)
    stored = upload["parts"]
    if any(number in stored and stored[number]["size"] < MIN_PART_BYTES for number in numbers[:-1]):
        message = "Your proposed upload is smaller than the minimum allowed size"
        return Refusal("EntityTooSmall", message)
    return None


def _fields(part: ET.Element) -> dict[str, str]:
    return {_name(child): child.text or "" for child in part}


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
