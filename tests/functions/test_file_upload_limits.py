"""What a capture holds, and how what never arrives is forgotten."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.file_upload import logic
from functions.file_upload.models import StartUpload
from functions.file_upload.store import UploadStore
from functions.file_upload.uploads import Uploads
from functions.shared.claims import Caller
from functions.shared.errors import ApiError
from functions.shared.stores import Table
from tests.functions.upload_kit import (
    Person,
    change_row,
    failing,
    meanwhile,
    place,
    put,
    rows,
    send,
    uploads_of,
)

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

DAY = 24 * 3600
LONG_AGO = 1


@pytest.fixture
def person(call, user):
    return Person(call, user)


@pytest.fixture
def holds(monkeypatch):
    """Give a function that sets what a capture holds."""

    def limit(*, files: int = 3000, total_bytes: int = 10**9) -> None:
        monkeypatch.setattr(logic, "MAX_FILES", files)
        monkeypatch.setattr(logic, "MAX_CAPTURE_BYTES", total_bytes)

    return limit


def test_a_capture_holds_so_many_bytes(cloud, person, holds):
    holds(total_bytes=100)
    first = person.start("a.jpg", size=60)
    capture = first["captureId"]
    body = {"fileName": "b.jpg", "captureId": capture, "size": 41}
    refused = person.post("/start-multipart-upload", body)
    assert (refused.status, refused.body["code"]) == (413, "CAPTURE_TOO_LARGE")
    assert person.post("/start-multipart-upload", {**body, "size": 40}).status == 200
    assert rows(cloud, capture).capture["totalBytes"] == 100
    assert person.abort(first).status == 200
    assert person.post("/start-multipart-upload", {**body, "size": 60}).status == 200
    assert len(uploads_of(cloud, person.sub)) == 2


def test_a_file_of_unknown_size_counts_once_it_is_there(cloud, person, holds):
    holds(total_bytes=100)
    capture = person.whole("a.jpg", b"x" * 60)["captureId"]
    unknown = person.start("b.jpg", captureId=capture)
    put(person.urls(unknown, [1])[0], b"x" * 41)
    answer = person.complete(unknown)
    assert (answer.status, answer.body["code"]) == (413, "CAPTURE_TOO_LARGE")
    left = rows(cloud, capture)
    assert set(left.files) == {"a.jpg"}
    assert (left.capture["fileCount"], left.capture["totalBytes"]) == (1, 60)
    assert uploads_of(cloud, person.sub) == set()


def test_starts_at_once_fill_a_capture_and_no_more(cloud, user, holds):
    holds(files=5, total_bytes=70)
    uploads = Uploads("test-uploads", UploadStore(Table("uploads")))
    caller = Caller(sub=user, email="", groups=frozenset())
    capture = uploads.start(caller, StartUpload(file_name="a.jpg", size=10)).capture_id

    def start(number: int) -> str:
        name = "a.jpg" if number % 2 else f"{number}.jpg"
        try:
            return uploads.start(caller, StartUpload(file_name=name, capture_id=capture, size=10)).object_key
        except ApiError as error:
            return error.code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(start, range(16)))
    found = rows(cloud, capture)
    assert answers.count("CAPTURE_FULL") == 12
    assert len(set(answers)) == 5
    assert (len(found.files), found.capture["fileCount"], found.capture["totalBytes"]) == (5, 5, 50)


def test_what_is_not_completed_expires(cloud, person):
    now = time.time()
    upload = person.start("a.jpg", size=7)
    begun = rows(cloud, upload["captureId"])
    kept = logic.KEEP_UNFINISHED_DAYS * DAY
    assert kept <= begun.files["a.jpg"]["expiresAt"] - int(now) <= kept + 60
    assert begun.capture["expiresAt"] >= begun.files["a.jpg"]["expiresAt"] + kept
    other = person.start("b.jpg", size=7, captureId=upload["captureId"])
    put(upload["parts"][0], b"a photo")
    assert person.complete(upload).status == 200
    after = rows(cloud, upload["captureId"])
    assert "expiresAt" not in after.files["a.jpg"]
    assert "expiresAt" not in after.capture
    assert "expiresAt" in after.files["b.jpg"]
    # Whichever file is the first to arrive keeps the capture.
    put(other["parts"][0], b"b photo")
    assert person.complete(other).status == 200
    later = person.start("c.jpg", size=7, captureId=upload["captureId"])
    assert "expiresAt" in rows(cloud, later["captureId"]).files["c.jpg"]


def test_what_has_expired_is_not_there_any_more(cloud, person):
    upload = person.start("a.jpg", size=7)
    capture = upload["captureId"]
    change_row(cloud, capture, "file#a.jpg", expiresAt=LONG_AGO)
    for answer in (
        person.post("/list-parts", place(upload)),
        person.complete(upload),
        person.post("/get-presigned-urls", {**place(upload), "partNumbers": [1]}),
    ):
        assert answer.status == 404
    again = person.start("a.jpg", size=7, captureId=capture)
    assert again["objectKey"] != upload["objectKey"]
    change_row(cloud, capture, "capture", expiresAt=LONG_AGO)
    answer = person.post("/start-multipart-upload", {"fileName": "b.jpg", "captureId": capture})
    assert answer.status == 404


def test_expired_files_do_not_fill_a_capture(cloud, person, holds):
    holds(files=3, total_bytes=30)
    capture = person.whole("a.jpg", b"x" * 10)["captureId"]
    for name in ("b.jpg", "c.jpg"):
        person.start(name, size=10, captureId=capture)
    full = {"fileName": "d.jpg", "captureId": capture, "size": 10}
    assert person.post("/start-multipart-upload", full).body["code"] == "CAPTURE_FULL"
    # DynamoDB removes one in time; the other it has not come to yet.
    cloud.client("dynamodb").delete_item(
        TableName="uploads", Key={"captureId": {"S": capture}, "itemId": {"S": "file#b.jpg"}}
    )
    change_row(cloud, capture, "file#c.jpg", expiresAt=LONG_AGO)
    # As long as a start may be under way, its place must not be given away.
    assert person.post("/start-multipart-upload", full).body["code"] == "CAPTURE_FULL"
    change_row(cloud, capture, "capture", countedAt=LONG_AGO)
    assert person.post("/start-multipart-upload", full).status == 200
    counted = rows(cloud, capture).capture
    assert (counted["fileCount"], counted["totalBytes"]) == (2, 20)


def test_expired_files_leave_room_for_a_file_of_unknown_size(cloud, person, holds):
    holds(total_bytes=100)
    capture = person.whole("a.jpg", b"x" * 60)["captureId"]
    person.start("b.jpg", size=30, captureId=capture)
    unknown = person.start("c.jpg", captureId=capture)
    put(person.urls(unknown, [1])[0], b"x" * 40)
    change_row(cloud, capture, "file#b.jpg", expiresAt=LONG_AGO)
    change_row(cloud, capture, "capture", countedAt=LONG_AGO)
    assert person.complete(unknown).status == 200
    assert rows(cloud, capture).capture["totalBytes"] == 100


def test_a_capture_that_nothing_reached_in_time_takes_no_more(cloud, person):
    capture = person.start("a.jpg", size=7)["captureId"]
    soon = int(time.time()) + logic.KEEP_UNFINISHED_DAYS * DAY - 3600
    change_row(cloud, capture, "capture", expiresAt=soon)
    answer = person.post("/start-multipart-upload", {"fileName": "b.jpg", "captureId": capture})
    assert (answer.status, answer.body["code"]) == (409, "CAPTURE_EXPIRED")


def test_an_upload_that_s3_has_dropped_is_gone(cloud, person):
    upload = person.start("a.jpg", size=7)
    put(upload["parts"][0], b"a photo")
    cloud.client("s3").abort_multipart_upload(
        Bucket=upload["bucketName"], Key=upload["objectKey"], UploadId=upload["uploadId"]
    )
    assert person.post("/list-parts", place(upload)).status == 404
    assert person.complete(upload).status == 404
    assert send(upload["parts"][0], b"a photo").status_code == 404
    assert person.abort(upload).status == 200


STARTS = [
    ("dynamodb", "UpdateItem"),
    ("s3", "CreateMultipartUpload"),
    ("dynamodb", "PutItem"),
]
COMPLETIONS = [
    ("dynamodb", "GetItem"),
    ("s3", "ListParts"),
    ("s3", "CompleteMultipartUpload"),
    ("dynamodb", "UpdateItem"),
]
FAULTS = ["ThrottlingException", "lost"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("service", "operation"), STARTS)
def test_a_start_that_breaks_off_leaves_nothing_behind(cloud, person, service, operation, fault):
    capture = person.whole("a.jpg", b"a photo")["captureId"]
    body = {"fileName": "b.jpg", "captureId": capture, "size": 7}
    with failing(service, operation, fault) as happened:
        answer = person.post("/start-multipart-upload", body)
    assert happened
    assert (answer.status, answer.header("Retry-After")) == (503, "3")
    left = rows(cloud, capture)
    assert set(left.files) == {"a.jpg"}
    # Whether a place was taken whose answer is lost cannot be known: too many are counted, never too few.
    unsure = (operation, fault) == ("UpdateItem", "lost")
    assert (left.capture["fileCount"], left.capture["totalBytes"]) == ((2, 14) if unsure else (1, 7))
    if (operation, fault) != ("CreateMultipartUpload", "lost"):
        # One whose answer is lost nobody can name: S3 drops it by itself.
        assert uploads_of(cloud, person.sub) == set()
    assert person.post("/start-multipart-upload", body).status == 200
    assert set(rows(cloud, capture).files) == {"a.jpg", "b.jpg"}


@pytest.mark.parametrize(("service", "operation"), STARTS[1:])
def test_a_first_start_that_breaks_off_leaves_no_capture(cloud, person, service, operation):
    # The first item that is written is the capture's, the second the file's.
    with failing(service, operation, "ThrottlingException", after=1 if operation == "PutItem" else 0):
        assert person.post("/start-multipart-upload", {"fileName": "a.jpg", "size": 7}).status == 503
    owned = cloud.client("dynamodb").query(
        TableName="uploads",
        IndexName="owner-index",
        KeyConditionExpression="#owner = :owner",
        ExpressionAttributeNames={"#owner": "owner"},
        ExpressionAttributeValues={":owner": {"S": person.sub}},
    )
    assert owned["Items"] == []
    assert uploads_of(cloud, person.sub) == set()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("first_of_its_capture", [True, False])
@pytest.mark.parametrize(("service", "operation"), COMPLETIONS)
def test_a_completion_that_breaks_off_can_be_repeated(
    cloud, person, service, operation, first_of_its_capture, fault
):
    more = {} if first_of_its_capture else {"captureId": person.whole("first.jpg", b"1")["captureId"]}
    upload = person.start("a.jpg", size=7, **more)
    put(upload["parts"][0], b"a photo")
    with failing(service, operation, fault) as happened:
        broken = person.complete(upload)
    assert happened
    assert broken.status == 503
    assert person.complete(upload).status == 200
    assert person.parts(upload)["state"] == "uploaded"
    found = rows(cloud, upload["captureId"])
    assert "expiresAt" not in found.capture
    assert "expiresAt" not in found.files["a.jpg"]
    assert found.capture["totalBytes"] == sum(file["size"] for file in found.files.values())


@pytest.mark.parametrize("next_request", ["list", "complete", "abort"])
def test_a_file_that_s3_has_whole_is_found_whole_later(cloud, person, next_request):
    upload = person.start("a.jpg", size=7)
    put(upload["parts"][0], b"a photo")
    with failing("s3", "CompleteMultipartUpload", "lost"):
        assert person.complete(upload).status == 503
    if next_request == "list":
        assert person.parts(upload)["state"] == "uploaded"
    elif next_request == "complete":
        # S3 forgets an upload some time after it has completed it.
        with failing("s3", "ListParts", "NoSuchUpload"):
            assert person.complete(upload).status == 200
    else:
        assert person.abort(upload).body["code"] == "UPLOAD_COMPLETE"
    assert rows(cloud, upload["captureId"]).files["a.jpg"]["state"] == "uploaded"
    listed = cloud.client("s3").list_object_versions(Bucket="test-uploads", Prefix=upload["objectKey"])
    assert len(listed["Versions"]) == 1


@pytest.mark.parametrize("given_up", ["before S3 has it whole", "after"])
def test_a_file_given_up_while_it_is_put_together_leaves_nothing(cloud, person, given_up):
    capture = person.whole("a.jpg", b"a photo")["captureId"]
    upload = person.start("b.jpg", size=7, captureId=capture)
    put(upload["parts"][0], b"b photo")

    def forget() -> None:
        cloud.client("dynamodb").delete_item(
            TableName="uploads", Key={"captureId": {"S": capture}, "itemId": {"S": "file#b.jpg"}}
        )

    if given_up == "after":
        with meanwhile("s3", "CompleteMultipartUpload", forget):
            assert person.complete(upload).status == 404
    else:
        with meanwhile("s3", "CompleteMultipartUpload", lambda: person.abort(upload)):
            assert person.complete(upload).status == 404
    assert set(rows(cloud, capture).files) == {"a.jpg"}
    listed = cloud.client("s3").list_objects_v2(Bucket="test-uploads", Prefix=f"uploads/{person.sub}/")
    assert [item["Key"].rpartition("/")[2] for item in listed["Contents"]] == ["a.jpg"]
    assert uploads_of(cloud, person.sub) == set()


def test_giving_up_can_be_repeated(cloud, person):
    capture = person.whole("a.jpg", b"a photo")["captureId"]
    upload = person.start("b.jpg", size=5, captureId=capture)
    for service, operation in (
        ("s3", "AbortMultipartUpload"),
        ("s3", "HeadObject"),
        ("dynamodb", "DeleteItem"),
    ):
        with failing(service, operation, "ThrottlingException") as happened:
            assert person.abort(upload).status == 503
        assert happened
    for _ in range(2):
        assert person.abort(upload).status == 200
    found = rows(cloud, capture)
    assert (set(found.files), found.capture["fileCount"], found.capture["totalBytes"]) == ({"a.jpg"}, 1, 7)
