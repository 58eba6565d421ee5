"""The capture check over real S3 and DynamoDB calls: from uploaded files to a verdict with reasons."""

import io
import json
import time
import uuid
import zipfile
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from functions.capture_check.handler import handler
from functions.capture_check.reasons import CaptureRejected
from functions.file_upload.handler import handler as upload_api
from functions.file_upload.store import CaptureItem, FileItem, UploadStore
from functions.ml_jobs.handler import handler as jobs_api
from functions.shared.capture_checks import GIVEN_UP_AFTER_MS, CheckStore, Contents
from functions.shared.capture_checks import shown as describe
from functions.shared.clock import now_ms
from functions.shared.stores import Table
from tests.functions.capture_kit import METRES_PER_DEGREE, flight, gps_tags, jpeg, scene, zip_of

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

BUCKET = "test-uploads"


class Capture:
    """A capture as the upload API leaves it."""

    def __init__(self, cloud, owner) -> None:
        self.s3, self.owner, self.id = cloud.client("s3"), owner, str(uuid.uuid4())
        self.prefix = f"uploads/{owner}/{self.id}/"
        self.table = Table("uploads")
        self.key = {"captureId": self.id, "itemId": "capture"}
        now = now_ms()
        UploadStore(self.table).add_capture(
            CaptureItem(capture_id=self.id, owner=owner, created_at=now, counted_at=now // 1000)
        )

    def put(self, files):
        for name, content in files.items():
            self.s3.put_object(Bucket=BUCKET, Key=self.prefix + name, Body=content)
            self.note(name, len(content), "uploaded")
        return self

    def note(self, name, size, state):
        file = FileItem(
            capture_id=self.id,
            owner=self.owner,
            file_name=name,
            original_name=name,
            object_key=self.prefix + name,
            state=state,
            upload_id="",
            size=size,
            started_at=now_ms(),
            uploaded_at=now_ms(),
        )
        assert UploadStore(self.table).add_file(file)

    @property
    def job_event(self):
        uri = f"s3://{BUCKET}/{self.prefix}"
        return {"action": "check_capture", "jobId": str(uuid.uuid4()), "captureUri": uri}

    def event(self, requested_at=None):
        return {"captureId": self.id, "owner": self.owner, "requestedAt": requested_at or now_ms()}

    @property
    def check(self):
        return self.table.get(self.key).get("check")


@pytest.fixture
def capture(cloud, user):
    return Capture(cloud, user)


@pytest.fixture
def checked(capture, lambda_context):
    """Give a function that checks a capture of some files and returns the verdict that is kept."""

    def run(files):
        capture.put(files)
        assert handler(capture.event(), lambda_context)["kept"]
        return capture.check

    return run


def codes(check, level=None):
    return {reason["code"] for reason in check["reasons"] if level in (None, reason["level"])}


def test_a_good_capture_passes_with_its_figures(checked):
    check = checked(flight(20, spacing_m=5))
    assert codes(check, "refusal") == set()
    # The pictures are small, and one row sees the ground's edges only from few places.
    assert codes(check, "warning") == {"LOW_RESOLUTION"}
    figures = check["figures"]
    assert figures["files"]["photos"] == 20
    assert figures["gps"] == {"share": 1, "altitudeShare": 1}
    assert figures["taken"]["seconds"] == 2 * 19
    assert figures["cameras"] == [{"camera": "DJI FC7303", "focalLength35mm": 24, "photos": 20}]
    assert figures["coverage"]["forwardOverlap"] > 0.8
    assert figures["sharpness"]["blurred"] == 0
    assert len(json.dumps(check)) < 20_000


def test_what_is_wrong_is_named_with_the_photos(checked):
    sharp = flight(8, with_gps=False)
    bad = flight(6, blur=4.0, with_gps=False, first_seed=50)
    twice = {f"copy-{name}": content for name, content in list(sharp.items())[:2]}
    check = checked({**sharp, **bad, **twice, "note.jpg": b"a note", "cut.jpg": b"\xff\xd8\xff" + b"x" * 99})
    assert check["state"] == "warned"
    warnings = {reason["code"]: reason for reason in check["reasons"] if reason["level"] == "warning"}
    assert set(warnings) == {
        "BLURRED", "COPIES", "DAMAGED_PHOTOS", "FEW_PHOTOS", "LOW_RESOLUTION", "NO_GPS", "NOT_IMAGES",
    }  # fmt: skip
    assert set(warnings["BLURRED"]["photos"]) <= set(bad)
    assert set(warnings["COPIES"]["photos"]) == set(twice)
    assert warnings["NOT_IMAGES"]["photos"] == ["note.jpg"]
    assert warnings["DAMAGED_PHOTOS"]["photos"] == ["cut.jpg"]
    assert "note.jpg" in warnings["NOT_IMAGES"]["sentence"]
    assert codes(check, "note") == {"COVERAGE_UNKNOWN"}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_photos_in_archives_are_judged_like_plain_ones(cloud, lambda_context, user, method):
    files = flight(8) | flight(3, blur=4.0, first_seed=20) | {"text.jpg": b"text"}
    files["z.jpg"] = files["DJI_0000.JPG"]
    names = sorted(files)
    halves = [{name: files[name] for name in part} for part in (names[:5], names[5:])]
    plain = Capture(cloud, user).put(files)
    zipped = Capture(cloud, user).put(
        {f"{index}.zip": zip_of(half, method) for index, half in enumerate(halves)}
    )
    for one in (plain, zipped):
        handler(one.event(), lambda_context)
    assert codes(zipped.check) == codes(plain.check) >= {"BLURRED", "COPIES", "NOT_IMAGES"}
    for name in ("resolution", "cameras", "gps", "taken", "copies", "sharpness", "coverage"):
        assert zipped.check["figures"][name] == plain.check["figures"][name]


def test_a_damaged_photo_in_an_archive_is_named_even_where_it_can_be_decoded(checked):
    files = flight(4)
    archive = bytearray(zip_of(files))
    last = files["DJI_0003.JPG"]
    archive[archive.index(last) + len(last) - 400] ^= 1
    check = checked({"card.zip": bytes(archive)})
    (reason,) = [reason for reason in check["reasons"] if reason["code"] == "DAMAGED_PHOTOS"]
    assert reason["photos"] == ["card.zip/DJI_0003.JPG"]


def test_a_photo_is_known_again_in_an_archive(checked):
    files = flight(6)
    check = checked({**files, "card.zip": zip_of({f"DCIM/{name}": files[name] for name in list(files)[:4]})})
    assert check["figures"]["copies"] == 4
    (reason,) = [reason for reason in check["reasons"] if reason["code"] == "COPIES"]
    assert {name.rpartition("/")[2] for name in reason["photos"]} < set(files)


@pytest.mark.parametrize(
    ("files", "code", "words"),
    [
        ({}, "TOO_FEW_PHOTOS", "no photos"),
        ({"a.jpg": jpeg(scene(1)), "b.jpg": jpeg(scene(2))}, "TOO_FEW_PHOTOS", "2 photos"),
        ({f"{n}.jpg": b"text %d" % n for n in range(5)}, "TOO_FEW_USABLE", "0 of the 5 photos"),
        ({f"{n}.jpg": jpeg(scene(1)) for n in range(5)}, "ALL_IDENTICAL", "same file"),
        ({f"{n}.jpg": jpeg(scene(n, (120, 90))) for n in range(5)}, "TOO_FEW_USABLE", "pixels"),
        ({"a.zip": b"PK broken", **flight(4)}, "ARCHIVE_UNREADABLE", "a.zip"),
        ({"a.zip": zip_of({"../a.jpg": b"1"}), **flight(4)}, "ARCHIVE_LEADS_OUT", "outside"),
        (
            {"a.zip": zip_of({"a.jpg": bytes(10**7)}, zipfile.ZIP_DEFLATED), **flight(4)},
            "ARCHIVE_TOO_DENSE",
            "unpack",
        ),
    ],
)
def test_what_cannot_become_a_model_is_refused_everywhere(
    capture, checked, lambda_context, files, code, words
):
    check = checked(files)
    assert check["state"] == "refused"
    assert codes(check, "refusal") == {code}
    assert check["reasons"][0]["level"] == "refusal"
    with pytest.raises(CaptureRejected, match=words):
        handler(capture.job_event, lambda_context)


def test_every_bad_archive_is_named_at_once(checked):
    check = checked({"a.zip": b"1", "b.zip": b"2"})
    assert [reason["sentence"][:5] for reason in check["reasons"]] == ["a.zip", "b.zip"]


def test_a_job_takes_over_a_verdict_on_the_same_files_only(capture, checked, lambda_context, monkeypatch):
    read = []
    monkeypatch.setattr(
        "functions.capture_check.reader.read_start",
        _counting(read, "functions.capture_check.reader.read_start"),
    )
    first = checked(flight(4))
    assert len(read) == 4
    assert handler(capture.job_event, lambda_context)["photos"] == 4
    assert len(read) == 4
    capture.put({"new.jpg": jpeg(scene(99))})
    assert handler(capture.job_event, lambda_context)["photos"] == 5
    assert len(read) == 9
    assert capture.check["lookedAt"]["files"] == first["lookedAt"]["files"] + 1


def _counting(calls, path):
    module, _, name = path.rpartition(".")
    real = getattr(__import__(module, fromlist=[name]), name)

    def counted(photo, read_range):
        calls.append(photo.name)
        return real(photo, read_range)

    return counted


def test_a_capture_without_a_row_is_checked_all_the_same(cloud, user, lambda_context):
    prefix = f"uploads/{user}/older/"
    for name, content in flight(3).items():
        cloud.client("s3").put_object(Bucket=BUCKET, Key=prefix + name, Body=content)
    event = {"action": "check_capture", "jobId": str(uuid.uuid4()), "captureUri": f"s3://{BUCKET}/{prefix}"}
    assert handler(event, lambda_context)["photos"] == 3


def test_another_bucket_is_our_fault(capture, lambda_context):
    with pytest.raises(ValueError, match="is not in"):
        handler({**capture.job_event, "captureUri": "s3://elsewhere/uploads/a/b/"}, lambda_context)


@pytest.mark.parametrize(
    "event", [{}, {"action": "other"}, {"captureId": "x", "owner": "y", "requestedAt": 1}]
)
def test_an_event_of_another_shape_is_our_fault(lambda_context, event):
    with pytest.raises(ValidationError):
        handler(event, lambda_context)


def test_an_older_check_never_replaces_a_newer_one(capture):
    store = CheckStore(Table("uploads"))
    assert store.keep(capture.id, capture.owner, {"state": "passed"}, 1000)
    assert not store.keep(capture.id, capture.owner, {"state": "refused"}, 999)
    assert not store.keep(capture.id, "somebody else", {"state": "refused"}, 2000)
    assert capture.check == {"state": "passed"}
    assert store.last(capture.id, "somebody else") is None


# The API.


@pytest.fixture
def events(monkeypatch):
    """Hear the events that the API sends to the check."""
    sent = []

    def invoke(*, FunctionName, InvocationType, Payload):  # noqa: N803 -- boto3's names
        assert InvocationType == "Event"
        assert FunctionName.endswith(":capture-check:live")
        sent.append(json.loads(Payload))

    monkeypatch.setattr(
        "functions.shared.invocations.lambda_functions", lambda: SimpleNamespace(invoke=invoke)
    )
    return sent


def ask(call, capture, user=None):
    return call(upload_api, "POST", f"/captures/{capture.id}/check", {}, user=user or capture.owner)


def shown(call, capture):
    answer = call(upload_api, "GET", f"/captures/{capture.id}", user=capture.owner)
    assert answer.status == 200, answer.body
    return answer.body["check"]


def test_a_check_is_asked_for_runs_and_is_shown(call, capture, events, lambda_context):
    capture.put(flight(4))
    assert shown(call, capture) is None
    answer = ask(call, capture)
    assert (answer.status, answer.body["captureId"]) == (200, capture.id)
    assert answer.body["check"]["state"] == shown(call, capture)["state"] == "running"
    (event,) = events
    handler(event, lambda_context)
    check = shown(call, capture)
    assert check["state"] == "warned"
    assert check["stale"] is False
    assert check["lookedAt"]["files"] == 4
    assert {"code", "level", "sentence", "photos"} == set(check["reasons"][0])
    # Another one may begin now, but not two.
    for _ in range(2):
        assert ask(call, capture).body["check"]["state"] == "running"
    assert len(events) == 2


def test_a_request_whose_answer_was_lost_goes_on(capture, monkeypatch):
    update = Table.update

    def told_twice(table, *arguments, **conditions):
        update(table, *arguments, **conditions)
        return update(table, *arguments, **conditions)

    monkeypatch.setattr(Table, "update", told_twice)
    store = CheckStore(Table("uploads"))
    assert store.request(capture.id, capture.owner, now_ms())
    assert not store.request(capture.id, capture.owner, now_ms())


def test_a_check_that_runs_is_not_begun_twice_even_at_once(call, capture, events):
    capture.put(flight(3))
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: ask(call, capture), range(6)))
    assert {answer.body["check"]["state"] for answer in answers} == {"running"}
    assert len(events) == 1


def test_a_check_that_came_to_no_end_is_told_and_may_be_begun_again(call, capture, events, monkeypatch):
    capture.put(flight(3))
    ask(call, capture)
    later = now_ms() + GIVEN_UP_AFTER_MS + 1000
    monkeypatch.setattr("functions.file_upload.checking.now_ms", lambda: later)
    check = shown(call, capture)
    assert check["state"] == "failed"
    assert check["reasons"][0]["sentence"]
    assert ask(call, capture).body["check"]["state"] == "running"
    assert len(events) == 2


def test_a_verdict_on_what_has_changed_is_stale(call, capture, checked):
    checked(flight(4))
    assert shown(call, capture)["stale"] is False
    capture.note("begun.jpg", 5, "uploading")
    assert shown(call, capture)["stale"] is False
    time.sleep(0.01)
    capture.put({"new.jpg": jpeg(scene(99))})
    assert shown(call, capture)["stale"] is True


def test_a_verdict_is_stale_when_a_file_came_after_it_whatever_its_size():
    found = {"state": "passed", "checkedAt": "", "figures": {}, "reasons": [],
             "lookedAt": {"files": 3, "bytes": 9, "newest": "", "digest": ""}}  # fmt: skip
    row = {"check": found, "checkedFrom": 1000}
    for contents, stale in (
        (Contents(3, 9, 900), False),
        (Contents(3, 9, 1100), True),
        (Contents(2, 9, 900), True),
        (Contents(3, 8, 900), True),
    ):
        assert describe(row, contents, 2000)["stale"] is stale


def test_a_capture_that_is_not_whole_is_not_checked(call, user, events):
    started = call(upload_api, "POST", "/start-multipart-upload", {"fileName": "a.jpg"}, user=user).body
    path = f"/captures/{started['captureId']}/check"
    refused = call(upload_api, "POST", path, {}, user=user)
    assert (refused.status, refused.body["code"]) == (409, "CAPTURE_INCOMPLETE")
    assert "a.jpg" in refused.body["error"]
    reference = {key: started[key] for key in ("uploadId", "bucketName", "objectKey")}
    call(upload_api, "POST", "/abort-multipart-upload", reference, user=user)
    refused = call(upload_api, "POST", path, {}, user=user)
    assert (refused.status, refused.body["code"]) == (409, "CAPTURE_EMPTY")
    assert events == []


def test_anothers_capture_is_not_there(call, capture, events):
    capture.put(flight(3))
    assert ask(call, capture, user="eve").status == 404
    assert events == []


def test_a_check_that_could_not_be_begun_is_not_said_to_run(call, capture, monkeypatch):
    capture.put(flight(3))

    def invoke(**_request: object):
        raise ConnectionError

    monkeypatch.setattr(
        "functions.shared.invocations.lambda_functions", lambda: SimpleNamespace(invoke=invoke)
    )
    assert ask(call, capture).status == 500
    assert shown(call, capture) is None


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_hundred_photos_are_checked_within_minutes(capture, lambda_context):
    pixels = [smooth(seed) for seed in range(3)]

    def put(index):
        north, east = divmod(index, 25)
        gps = gps_tags(47.05 + north * 10 / METRES_PER_DEGREE, 8.3 + east * 1e-4, 490.0)
        header = jpeg(scene(1, (8, 8)), seconds=2 * index, gps=gps, xmp=DOWN)
        # The header of one photo before the pixels of another: the markers after it are those of its own.
        capture.put({f"DJI_{index:04d}.JPG": header[: header.index(b"\xff\xdb")] + pixels[index % 3]})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, range(500)))
    started = time.monotonic()
    handler(capture.event(), lambda_context)
    seconds = time.monotonic() - started
    figures = capture.check["figures"]
    assert figures["resolution"]["medianMegapixels"] == 12
    assert figures["gps"]["share"] == 1
    assert figures["sharpness"]["photos"] == 12
    assert figures["coverage"]["photos"] == 500
    assert figures["copies"] == 0
    assert seconds < 100


DOWN = {"RelativeAltitude": 40.0, "GimbalYawDegree": 0.0, "GimbalPitchDegree": -90.0}


def smooth(seed):
    """A photo of 12 megapixels, from its first quantization table on."""
    data = io.BytesIO()
    scene(seed, (1000, 750)).resize((4000, 3000)).save(data, "JPEG", quality=70)
    return data.getvalue()[data.getvalue().index(b"\xff\xdb") :]


def test_a_verdict_stays_small_whatever_the_names(checked):
    folder = "/".join(["a long folder"] * 40)
    photos = {f"{folder}/{n}.jpg": content for n, content in enumerate(flight(4, blur=4.0).values())}
    wrong = {f"{folder}/text {n}.jpg": b"text %d" % n for n in range(400)}
    check = checked({"card.zip": zip_of(photos | wrong)})
    assert len(json.dumps(check)) < 20_000
    (reason,) = [reason for reason in check["reasons"] if reason["code"] == "NOT_IMAGES"]
    assert all(name.endswith(".jpg") for name in reason["photos"])
    assert "400 photos" in reason["sentence"]


def test_an_estimate_goes_by_what_a_check_has_found(call, cloud, capture, checked, user):
    """Twenty small photos in one archive: by its size they would be less than one."""
    question = {"s3Url": f"s3://{BUCKET}/{capture.prefix}"}
    check = checked({"all.zip": zip_of(flight(20, spacing_m=5))})
    answer = call(jobs_api, "POST", "/estimate", question, user=user)
    assert answer.status == 200, answer.body
    assert answer.body["photos"] == check["figures"]["files"]["photos"] == 20
    assert answer.body["megapixels"] == round(check["figures"]["resolution"]["medianMegapixels"], 1)
    cloud.client("s3").put_object(Bucket=BUCKET, Key=f"{capture.prefix}more.jpg", Body=b"x")
    changed = call(jobs_api, "POST", "/estimate", question, user=user).body
    assert changed["photos"] != 21
    assert "guessed" in changed["sentence"]
