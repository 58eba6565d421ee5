"""Uploads in parts: cut by the server, sent in any order, resumed, checked, put together once."""

import random
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.file_upload.models import CompleteUpload, StartUpload
from functions.file_upload.parts import MIN_PART_BYTES
from functions.file_upload.store import UploadStore
from functions.file_upload.uploads import Uploads
from functions.shared.claims import Caller
from functions.shared.stores import Table
from tests.functions.upload_kit import Person, place, put, rows, send, sha256, uploads_of

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]


@pytest.fixture
def person(call, user):
    return Person(call, user)


@pytest.fixture
def small_parts(monkeypatch):
    """Cut files as small as S3 lets us."""
    monkeypatch.setattr("functions.file_upload.parts.USUAL_PART_BYTES", MIN_PART_BYTES)


@pytest.fixture
def archive(small_parts):
    """Give a file of four parts, the last a short one, and its parts by number."""
    data = random.Random(5).randbytes(3 * MIN_PART_BYTES + 7)  # noqa: S311 - any bytes
    cut = {number: data[(number - 1) * MIN_PART_BYTES : number * MIN_PART_BYTES] for number in (1, 2, 3, 4)}
    return data, cut


def stored(cloud, upload):
    return cloud.client("s3").get_object(Bucket=upload["bucketName"], Key=upload["objectKey"])


def test_a_photo_takes_a_start_a_put_and_a_completion(cloud, person):
    upload = person.start("DJI_0001.JPG", size=9)
    assert upload["partCount"] == 1
    (link,) = upload["parts"]
    assert (link["partNumber"], link["size"]) == (1, 9)
    put(link, b"the photo")
    assert person.complete(upload).status == 200
    assert stored(cloud, upload)["Body"].read() == b"the photo"


def test_the_first_answer_has_every_part_up_to_a_hundred(person):
    upload = person.start("a.zip", size=10**9)
    assert [link["partNumber"] for link in upload["parts"]] == list(range(1, 101))
    assert upload["partCount"] > 100
    rest = list(range(101, upload["partCount"] + 1))
    links = upload["parts"] + person.urls(upload, rest)
    assert sum(link["size"] for link in links) == 10**9
    assert len({link["url"] for link in links}) == upload["partCount"]


def test_a_start_without_a_size_answers_as_it_always_did(person):
    upload = person.start("a.zip")
    assert (upload["partSize"], upload["partCount"], upload["parts"]) == (None, None, [])
    (link,) = person.urls(upload, [7])
    assert (link["partNumber"], link["size"]) == (7, None)


@pytest.mark.parametrize("numbers", [[], [0], [10_001], list(range(1, 502)), ["a"]])
def test_part_numbers_out_of_range_are_refused(person, numbers):
    upload = person.start("a.zip", size=10**9)
    answer = person.post("/get-presigned-urls", {**place(upload), "partNumbers": numbers})
    assert (answer.status, answer.body["code"]) == (400, "INVALID_REQUEST")


def test_a_part_that_the_file_does_not_have_is_refused(person):
    upload = person.start("a.jpg", size=9)
    answer = person.post("/get-presigned-urls", {**place(upload), "partNumbers": [1, 2]})
    assert (answer.status, answer.body["code"]) == (400, "INVALID_PARTS")


@pytest.mark.parametrize("seed", range(4))
def test_an_upload_goes_on_after_half_of_the_parts_in_any_order(cloud, person, archive, seed):
    data, cut = archive
    order = random.Random(seed).sample(sorted(cut), len(cut))  # noqa: S311 - any order
    upload = person.start("a.zip", size=len(data))
    links = {link["partNumber"]: link for link in upload["parts"]}
    for number in order[:2]:
        put(links[number], cut[number])
    known = person.parts(upload)
    assert known["state"] == "uploading"
    assert [part["PartNumber"] for part in known["parts"]] == sorted(order[:2])
    assert known["missing"] == sorted(order[2:])
    early = person.complete(upload)
    assert (early.status, early.body["code"]) == (409, "INCOMPLETE_UPLOAD")
    for link in reversed(person.urls(upload, known["missing"])):
        put(link, cut[link["partNumber"]])
    assert person.parts(upload)["missing"] == []
    assert person.complete(upload).status == 200
    assert stored(cloud, upload)["Body"].read() == data
    after = person.parts(upload)
    assert (after["state"], after["missing"], after["size"]) == ("uploaded", [], len(data))


def test_parts_that_add_up_to_less_are_not_put_together(cloud, person, archive):
    data, cut = archive
    upload = person.start("a.zip", size=len(data))
    sent = [
        {"PartNumber": link["partNumber"], "ETag": put(link, cut[link["partNumber"]])}
        for link in upload["parts"]
    ]
    answer = person.complete(upload, parts=sent[:1] + sent[2:])
    # S3 has all four: what is wrong is the list.
    assert (answer.status, answer.body["code"]) == (400, "INVALID_PARTS")
    assert person.complete(upload, parts=sent).status == 200
    assert stored(cloud, upload)["ContentLength"] == len(data)


def test_an_incomplete_list_names_what_is_missing(person, archive):
    data, cut = archive
    upload = person.start("a.zip", size=len(data))
    links = {link["partNumber"]: link for link in upload["parts"]}
    sent = [{"PartNumber": number, "ETag": put(links[number], cut[number])} for number in (1, 3)]
    for fields in ({}, {"parts": sent}):
        answer = person.complete(upload, **fields)
        assert (answer.status, answer.body["code"]) == (409, "INCOMPLETE_UPLOAD")
        assert "2, 4" in answer.body["error"]


def test_a_part_of_another_length_does_not_get_in(person, archive):
    data, cut = archive
    upload = person.start("a.zip", size=len(data))
    link = upload["parts"][3]
    for wrong in (cut[4][:-1], cut[4] + b"x"):
        assert send(link, wrong).status_code == 403
    assert person.parts(upload)["parts"] == []


def test_a_client_may_cut_the_file_itself(cloud, person, small_parts):
    data = b"w" * (MIN_PART_BYTES + 100)
    halves = {1: data[: MIN_PART_BYTES + 50], 2: data[MIN_PART_BYTES + 50 :]}
    upload = person.start("a.zip", size=len(data))
    for number, half in halves.items():
        link = person.post("/get-presigned-url", {**place(upload), "partNumber": number}).body
        put(link, half)
    assert person.parts(upload)["missing"] == []
    assert person.complete(upload).status == 200
    assert stored(cloud, upload)["Body"].read() == data


def test_parts_of_another_upload_are_not_taken(person):
    mine, other = person.start("a.jpg", size=4), person.start("b.jpg", size=5)
    put(mine["parts"][0], b"mine")
    foreign = [{"PartNumber": 1, "ETag": put(other["parts"][0], b"other")}]
    answer = person.complete(mine, parts=foreign)
    assert (answer.status, answer.body["code"]) == (400, "INVALID_PARTS")
    mixed = person.complete({**mine, "uploadId": other["uploadId"]})
    assert mixed.status == 404
    assert person.complete(mine).status == 200


def test_a_file_of_unknown_size_is_what_s3_has(cloud, person):
    upload = person.start("a.jpg")
    nothing = person.complete(upload)
    assert (nothing.status, nothing.body["code"]) == (409, "INCOMPLETE_UPLOAD")
    put(person.urls(upload, [1])[0], b"a photo")
    foreign = person.complete(upload, parts=[{"PartNumber": 1, "ETag": '"none"'}])
    assert (foreign.status, foreign.body["code"]) == (400, "INVALID_PARTS")
    assert person.complete(upload).status == 200
    assert rows(cloud, upload["captureId"]).capture["totalBytes"] == len(b"a photo")


def test_an_empty_file_is_forgotten(cloud, person):
    upload = person.start("a.jpg")
    put(person.urls(upload, [1])[0], b"")
    answer = person.complete(upload)
    assert (answer.status, answer.body["code"]) == (400, "EMPTY_FILE")
    assert rows(cloud, upload["captureId"]).files == {}
    assert uploads_of(cloud, person.sub) == set()


def test_completing_at_once_and_again_answers_the_same(cloud, user):
    uploads = Uploads("test-uploads", UploadStore(Table("uploads")))
    caller = Caller(sub=user, email="", groups=frozenset())
    request = StartUpload(file_name="a.jpg", size=7)
    started = uploads.with_first_parts(uploads.start(caller, request), request).model_dump()
    put(started["parts"][0], b"a photo")
    complete = CompleteUpload.model_validate(place(started))
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: uploads.complete(caller, complete), range(16)))
    assert len({answer.model_dump_json() for answer in answers}) == 1
    counted = rows(cloud, started["captureId"]).capture
    assert (counted["fileCount"], counted["totalBytes"]) == (1, 7)


def test_a_checksum_keeps_other_bytes_out(cloud, person):
    data = b"a photo"
    upload = person.start("a.jpg", size=len(data), checksums=[sha256(data)])
    (link,) = upload["parts"]
    assert send(link, b"a phota").status_code == 400
    assert send({**link, "headers": {}}, data).status_code == 403
    assert (
        send({**link, "headers": {}}, b"a phota", **{"x-amz-checksum-sha256": sha256(b"a phota")}).status_code
        == 403
    )
    etag = put(link, data)
    assert person.parts(upload)["parts"][0]["ChecksumSHA256"] == sha256(data)
    # The client need not repeat the checksum.
    assert person.complete(upload, parts=[{"PartNumber": 1, "ETag": etag}]).status == 200
    attributes = cloud.client("s3").get_object_attributes(
        Bucket=upload["bucketName"], Key=upload["objectKey"], ObjectAttributes=["Checksum"]
    )
    assert attributes["Checksum"]["ChecksumSHA256"]


def test_every_part_of_an_archive_has_its_checksum(cloud, person, archive):
    data, cut = archive
    sums = {number: sha256(part) for number, part in cut.items()}
    upload = person.start("a.zip", size=len(data), checksumAlgorithm="SHA256")
    assert upload["parts"] == []
    for body in ({"partNumbers": [1]}, {"partNumbers": [1, 2], "checksums": [sums[1]]}):
        assert person.post("/get-presigned-urls", {**place(upload), **body}).status == 400
    single = person.post("/get-presigned-url", {**place(upload), "partNumber": 1})
    assert (single.status, single.body["code"]) == (400, "CHECKSUM_NEEDED")
    sent = [
        {"PartNumber": number, "ETag": put(link, cut[number]), "ChecksumSHA256": sums[number]}
        for link, number in zip(
            person.urls(upload, [4, 2, 1], checksums=[sums[4], sums[2], sums[1]]), (4, 2, 1), strict=True
        )
    ]
    link = person.post("/get-presigned-url", {**place(upload), "partNumber": 3, "checksum": sums[3]}).body
    sent.append({"PartNumber": 3, "ETag": put(link, cut[3]), "ChecksumSHA256": sums[3]})
    wrong = [{**part, "ChecksumSHA256": sums[1]} for part in sent]
    assert person.complete(upload, parts=wrong).body["code"] == "INVALID_PARTS"
    assert person.complete(upload, parts=sent).status == 200
    assert stored(cloud, upload)["Body"].read() == data


def test_a_checksum_that_was_not_announced_is_refused(person):
    upload = person.start("a.jpg", size=7)
    body = {**place(upload), "partNumbers": [1], "checksums": [sha256(b"a photo")]}
    answer = person.post("/get-presigned-urls", body)
    assert (answer.status, answer.body["code"]) == (400, "CHECKSUM_UNEXPECTED")


def test_a_repeated_start_makes_one_file(cloud, person):
    key = {"Idempotency-Key": uuid.uuid4().hex}
    body = {"fileName": "a.jpg", "size": 7}
    first, again = (person.post("/start-multipart-upload", body, **key) for _ in range(2))
    assert (first.status, again.status) == (200, 200)
    assert place(first.body) == place(again.body)
    put(again.body["parts"][0], b"a photo")
    assert len(rows(cloud, first.body["captureId"]).files) == 1
    assert uploads_of(cloud, person.sub) == {first.body["uploadId"]}
    other = person.post("/start-multipart-upload", {**body, "fileName": "b.jpg"}, **key)
    assert (other.status, other.body["code"]) == (400, "IDEMPOTENCY_KEY_USED")


def test_no_signed_address_is_kept(cloud, person):
    person.post(
        "/start-multipart-upload", {"fileName": "a.jpg", "size": 7}, **{"Idempotency-Key": "k" + person.sub}
    )
    kept = cloud.client("dynamodb").scan(TableName="idempotency")["Items"]
    assert kept
    assert "X-Amz-Signature" not in str(kept)


def test_folders_and_archives_share_a_capture(cloud, person):
    names = [
        "flight1/DJI_0001.JPG",
        "flight2/DJI_0001.JPG",
        "flight3\\dji_0001.jpg",
        "card1.zip",
        "card2.zip",
    ]
    capture = person.whole(names[0], b"0")["captureId"]
    for number, name in enumerate(names[1:], start=1):
        person.whole(name, str(number).encode(), captureId=capture)
    files = rows(cloud, capture).files.values()
    assert {file["originalName"] for file in files} == set(names)
    contents = {
        stored(cloud, {"bucketName": "test-uploads", "objectKey": file["objectKey"]})["Body"].read()
        for file in files
    }
    assert contents == {b"0", b"1", b"2", b"3", b"4"}


def test_many_cards_of_one_name_stay_apart(person, cloud):
    capture = person.start("DJI_0001.JPG", size=1)["captureId"]
    for _ in range(12):
        person.start("DJI_0001.JPG", size=1, captureId=capture)
    found = rows(cloud, capture)
    assert len(found.files) == found.capture["fileCount"] == 13
    assert len(uploads_of(cloud, person.sub)) == 13
