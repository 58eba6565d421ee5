"""The file upload API over real S3 and DynamoDB calls."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from functions.file_upload.handler import handler

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

PART = 5 * 2**20


def put(url: str, data: bytes) -> str:
    answer = httpx.put(url, content=data, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"]


@pytest.fixture
def upload(call, user):
    """Give a function that uploads a file in one part and returns the start's answer."""

    def run(name: str, data: bytes, **fields: str) -> dict[str, Any]:
        started = call(handler, "POST", "/start-multipart-upload", {"fileName": name, **fields}, user=user)
        assert started.status == 200, started.body
        reference = {key: started.body[key] for key in ("uploadId", "bucketName", "objectKey")}
        signed = call(handler, "POST", "/get-presigned-url", {**reference, "partNumber": 1}, user=user)
        etag = put(signed.body["url"], data)
        parts = [{"ETag": etag, "PartNumber": 1}]
        done = call(handler, "POST", "/complete-multipart-upload", {**reference, "parts": parts}, user=user)
        assert done.status == 200, done.body
        return {**started.body, "parts": parts}

    return run


def test_a_file_of_two_parts_arrives_whole(call, cloud, user):
    data = [b"a" * PART, b"end"]
    started = call(handler, "POST", "/start-multipart-upload", {"fileName": "DJI 1.JPG"}, user=user).body
    reference = {key: started[key] for key in ("uploadId", "bucketName", "objectKey")}
    parts = []
    for number in (2, 1):
        signed = call(handler, "POST", "/get-presigned-url", {**reference, "partNumber": number}, user=user)
        assert signed.body["partNumber"] == number
        parts.append({"ETag": put(signed.body["url"], data[number - 1]), "PartNumber": number})
    first = call(handler, "POST", "/complete-multipart-upload", {**reference, "parts": parts}, user=user)
    again = call(handler, "POST", "/complete-multipart-upload", {**reference, "parts": parts}, user=user)
    assert first.status == again.status == 200
    assert first.body == again.body
    stored = cloud.client("s3").get_object(Bucket=started["bucketName"], Key=started["objectKey"])
    assert stored["Body"].read() == b"".join(data)
    assert stored["ContentType"] == "image/jpeg"
    assert started["objectKey"].startswith(f"uploads/{user}/{started['captureId']}/")


def test_a_capture_lists_its_files_and_how_far_they_are(call, upload, user):
    first = upload("a.jpg", b"12345")
    capture = first["captureId"]
    call(handler, "POST", "/start-multipart-upload", {"fileName": "b.jpg", "captureId": capture}, user=user)
    answer = call(handler, "GET", f"/captures/{capture}", user=user)
    assert answer.body["state"] == "uploading"
    assert [(file["fileName"], file["state"], file["size"]) for file in answer.body["files"]] == [
        ("a.jpg", "uploaded", 5),
        ("b.jpg", "uploading", None),
    ]
    assert answer.body["s3Url"] == f"s3://test-uploads/uploads/{user}/{capture}/"


def test_files_of_one_name_stay_apart_even_at_once(call, user):
    started = call(handler, "POST", "/start-multipart-upload", {"fileName": "DJI_0001.JPG"}, user=user).body
    body = {"fileName": "101MEDIA/dji_0001.jpg", "captureId": started["captureId"]}
    with ThreadPoolExecutor(4) as pool:
        others = list(
            pool.map(
                lambda _: call(handler, "POST", "/start-multipart-upload", body, user=user).body, range(6)
            )
        )
    keys = {answer["objectKey"].lower() for answer in [started, *others]}
    assert len(keys) == 7


def test_an_aborted_upload_is_forgotten(call, cloud, user):
    started = call(handler, "POST", "/start-multipart-upload", {"fileName": "a.zip"}, user=user).body
    reference = {key: started[key] for key in ("uploadId", "bucketName", "objectKey")}
    for _ in range(2):
        assert call(handler, "POST", "/abort-multipart-upload", reference, user=user).status == 200
    assert call(handler, "GET", f"/captures/{started['captureId']}", user=user).body["state"] == "empty"
    signed = call(handler, "POST", "/get-presigned-url", {**reference, "partNumber": 1}, user=user)
    assert signed.status == 404
    uploads = cloud.client("s3").list_multipart_uploads(Bucket=started["bucketName"]).get("Uploads", [])
    assert started["uploadId"] not in {item["UploadId"] for item in uploads}


def test_a_complete_upload_cannot_be_aborted_or_written_to(call, upload, user):
    done = upload("a.jpg", b"1")
    assert call(handler, "POST", "/abort-multipart-upload", done, user=user).status == 409
    assert call(handler, "POST", "/get-presigned-url", {**done, "partNumber": 1}, user=user).status == 409


def test_every_route_hides_another_persons_upload(call, upload):
    done = upload("a.jpg", b"1")
    requests = [
        ("POST", "/start-multipart-upload", {"fileName": "b.jpg", "captureId": done["captureId"]}),
        ("POST", "/get-presigned-url", {**done, "partNumber": 1}),
        ("POST", "/get-presigned-urls", {**done, "partNumbers": [1]}),
        ("POST", "/list-parts", done),
        ("POST", "/complete-multipart-upload", done),
        ("POST", "/abort-multipart-upload", done),
        ("GET", f"/captures/{done['captureId']}", None),
    ]
    for method, path, body in requests:
        answer = call(handler, method, path, body, user=str(uuid.uuid4()))
        assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND"), path
        unsigned = call(handler, method, path, body, user=None)
        assert (unsigned.status, unsigned.body["code"]) == (401, "UNAUTHORIZED"), path


def test_another_bucket_is_nobodys(call, upload, user):
    done = upload("a.jpg", b"1")
    other = {**done, "bucketName": "test-ml", "partNumber": 1}
    assert call(handler, "POST", "/get-presigned-url", other, user=user).status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "fileName"),
        ({"fileName": 7}, "fileName"),
        ({"fileName": "raw.dng"}, "fileName"),
        ({"fileName": "a.jpg", "captureId": "../x"}, "captureId"),
        ({"fileName": "a.jpg", "size": -1}, "size"),
    ],
)
def test_a_wrong_field_is_named(call, user, body, field):
    answer = call(handler, "POST", "/start-multipart-upload", body, user=user)
    assert answer.status == 400
    assert field in answer.body["error"]
    assert answer.body["requestId"] == "request-1"


@pytest.mark.parametrize("text", ["", "{", "[]", '"a"', "null", "[" * 100_000])
def test_a_body_that_is_no_object_is_refused(call, user, text):
    answer = call(handler, "POST", "/start-multipart-upload", text, user=user)
    assert answer.status == 400


def test_a_file_too_large_is_refused_before_and_after(call, upload, user, monkeypatch):
    monkeypatch.setattr("functions.file_upload.logic.MAX_PHOTO_BYTES", 10)
    body = {"fileName": "a.jpg", "size": 11}
    assert call(handler, "POST", "/start-multipart-upload", body, user=user).status == 413
    started = call(handler, "POST", "/start-multipart-upload", {"fileName": "a.jpg"}, user=user).body
    reference = {key: started[key] for key in ("uploadId", "bucketName", "objectKey")}
    url = call(handler, "POST", "/get-presigned-url", {**reference, "partNumber": 1}, user=user).body["url"]
    parts = [{"ETag": put(url, b"x" * 11), "PartNumber": 1}]
    done = call(handler, "POST", "/complete-multipart-upload", {**reference, "parts": parts}, user=user)
    assert (done.status, done.body["code"]) == (413, "FILE_TOO_LARGE")
    assert call(handler, "GET", f"/captures/{started['captureId']}", user=user).body["files"] == []


def test_parts_that_s3_does_not_have_are_refused(call, user):
    started = call(handler, "POST", "/start-multipart-upload", {"fileName": "a.jpg"}, user=user).body
    reference = {key: started[key] for key in ("uploadId", "bucketName", "objectKey")}
    for parts in (
        [{"ETag": '"00000000000000000000000000000000"', "PartNumber": 1}],
        [{"ETag": "a", "PartNumber": 1}, {"ETag": "b", "PartNumber": 1}],
    ):
        answer = call(handler, "POST", "/complete-multipart-upload", {**reference, "parts": parts}, user=user)
        assert (answer.status, answer.body["code"]) == (400, "INVALID_PARTS")


def test_a_full_capture_takes_no_more(call, user, monkeypatch):
    monkeypatch.setattr("functions.file_upload.logic.MAX_FILES", 2)
    first = call(handler, "POST", "/start-multipart-upload", {"fileName": "a.jpg"}, user=user).body
    body = {"fileName": "a.jpg", "captureId": first["captureId"]}
    second = call(handler, "POST", "/start-multipart-upload", body, user=user)
    third = call(handler, "POST", "/start-multipart-upload", body, user=user)
    assert (second.status, third.status, third.body["code"]) == (200, 409, "CAPTURE_FULL")
    call(handler, "POST", "/abort-multipart-upload", second.body, user=user)
    assert call(handler, "POST", "/start-multipart-upload", body, user=user).status == 200


def test_a_presigned_address_is_for_its_part_alone(call, user):
    started = call(handler, "POST", "/start-multipart-upload", {"fileName": "a.jpg"}, user=user).body
    signed = call(handler, "POST", "/get-presigned-url", {**started, "partNumber": 3}, user=user).body["url"]
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in signed
    assert "X-Amz-Expires=3600" in signed
    assert "partNumber=3" in signed


def test_origins_that_may_call_are_told_so(call):
    allowed = call(handler, "OPTIONS", "/start-multipart-upload", user=None)
    assert allowed.status == 204
    assert allowed.header("Access-Control-Allow-Origin") == "https://app.example.org"
    assert "POST" in (allowed.header("Access-Control-Allow-Methods") or "")
    stranger = call(handler, "OPTIONS", "/start-multipart-upload", user=None, origin="https://evil.example")
    assert stranger.header("Access-Control-Allow-Origin") is None


def test_errors_carry_cors_headers_too(call, user):
    answer = call(handler, "POST", "/start-multipart-upload", {}, user=user)
    assert answer.header("Access-Control-Allow-Origin") == "https://app.example.org"


def test_an_unknown_address_is_a_404_of_the_same_shape(call, user):
    answer = call(handler, "GET", "/nothing", user=user)
    assert answer.status == 404
    assert set(answer.body) == {"error", "code", "requestId"}
