"""Multipart uploads are refused where S3 refuses them, so that what passes here passes there."""

import base64
import hashlib
import uuid
from types import SimpleNamespace

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

pytestmark = pytest.mark.cloud

SMALLEST = 5 * 2**20


def digest(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


@pytest.fixture
def upload(cloud, kit):
    """Give a function that starts an upload, and what sends and completes its parts."""
    bucket = kit.bucket()
    signer = boto3.client(
        "s3",
        endpoint_url=cloud.endpoint,
        region_name=cloud.region,
        aws_access_key_id=cloud.account,
        aws_secret_access_key="test",
        config=Config(signature_version="s3v4"),
    )

    def begin(**algorithm: str) -> SimpleNamespace:
        place = {"Bucket": bucket, "Key": uuid.uuid4().hex}
        place["UploadId"] = kit.s3.create_multipart_upload(**place, **algorithm)["UploadId"]

        def put(
            number: int, data: bytes, *, signed: str | None = None, headers: dict[str, str] | None = None
        ):
            bound = {"ChecksumSHA256": signed} if signed else {}
            url = signer.generate_presigned_url("upload_part", Params=place | {"PartNumber": number} | bound)
            return httpx.put(url, content=data, headers=headers, trust_env=False)

        def complete(*parts: dict[str, object], **more: object):
            return kit.s3.complete_multipart_upload(
                **place, MultipartUpload={"Parts": list(parts)} if parts else {}, **more
            )

        return SimpleNamespace(put=put, complete=complete)

    return begin


def part(number: int, data: bytes, **more: str) -> dict[str, object]:
    return {"PartNumber": number, "ETag": f'"{hashlib.md5(data).hexdigest()}"', **more}  # noqa: S324 - S3's ETag


def header(data: bytes) -> dict[str, str]:
    return {"x-amz-checksum-sha256": digest(data)}


def test_a_signed_checksum_lets_its_own_bytes_in_alone(upload):
    one, data = upload(ChecksumAlgorithm="SHA256"), b"a photo"
    assert one.put(1, b"A photo", signed=digest(data), headers=header(data)).status_code == 400
    assert one.put(1, b"A photo", signed=digest(data), headers=header(b"A photo")).status_code == 403
    assert one.put(1, data, signed=digest(data)).status_code == 403
    assert one.put(1, data, signed=digest(data), headers=header(data)).status_code == 200


def test_a_part_has_the_checksum_of_its_upload(upload):
    data = b"a photo"
    with_checksums, without = upload(ChecksumAlgorithm="SHA256"), upload()
    bare = with_checksums.put(1, data)
    assert (bare.status_code, "expected checksum Type: sha256" in bare.text) == (400, True)
    other = without.put(1, data, headers=header(data))
    assert (other.status_code, "expected checksum Type: null" in other.text) == (400, True)
    assert without.put(1, data).status_code == 200


def test_an_upload_with_checksums_is_completed_with_them(upload):
    one, data = upload(ChecksumAlgorithm="SHA256"), b"a photo"
    one.put(1, data, signed=digest(data), headers=header(data))
    with pytest.raises(ClientError, match="must include the checksum for each part"):
        one.complete(part(1, data))
    one.complete(part(1, data, ChecksumSHA256=digest(data)))


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ((), "MalformedXML"),
        ((2, 1), "InvalidPartOrder"),
        ((1, 1), "InvalidPartOrder"),
        ((2, 3), "EntityTooSmall"),
        ((1, 4), "InvalidPart"),
    ],
)
def test_a_wrong_list_of_parts_is_refused(upload, parts, code):
    one, whole, short = upload(), b"w" * SMALLEST, b"short"
    content = {1: whole, 2: short, 3: short, 4: whole}
    for number in (1, 2, 3):
        assert one.put(number, content[number]).status_code == 200
    with pytest.raises(ClientError) as caught:
        one.complete(*(part(number, content[number]) for number in parts))
    assert caught.value.response["Error"]["Code"] == code
    one.complete(part(1, whole), part(3, short), MpuObjectSize=SMALLEST + len(short))


def test_a_size_that_is_told_is_held_to(upload):
    one = upload()
    one.put(1, b"a photo")
    with pytest.raises(ClientError, match="x-amz-mp-object-size"):
        one.complete(part(1, b"a photo"), MpuObjectSize=6)
