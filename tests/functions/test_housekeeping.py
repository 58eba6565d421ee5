"""Removing and exporting over real DynamoDB and S3 calls."""

import io
import json
import uuid
import zipfile
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from functions.delivery.handler import handler as delivery
from functions.file_upload.handler import handler as file_upload
from functions.housekeeping import multipart, reading, removal
from functions.housekeeping.export import TooSlowError
from functions.job_events.handler import handler as job_events
from functions.ml_jobs.handler import handler as ml_jobs
from functions.ml_jobs.quotas import QuotaGate
from functions.projects import exporting
from functions.projects.handler import handler as projects
from functions.shared import exports
from functions.shared import housekeeping as asking
from functions.shared.clock import now_ms
from functions.shared.jobs import JobStore
from functions.shared.stores import Table
from tests.functions.housekeeping_kit import ML, MODEL, PHOTOS, UPLOADS, Things
from tests.functions.test_job_events import execution_event

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

BUSY = ClientError({"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {}}, "Invoke")


@pytest.fixture
def things(cloud, user):
    """Make a project "barn" with all that can belong to one."""
    mine = Things(cloud.client("s3"), user)
    mine.project("barn")
    return mine


@pytest.fixture
def others(cloud, user):
    """Make what must stay: the same person's second project and loose things, another's of the same id."""
    second = Things(cloud.client("s3"), user)
    second.project("second")
    second.job(second.capture())
    another = Things(cloud.client("s3"), str(uuid.uuid4()))
    another.project("barn")
    return second, another


def set_status(job_id, status):
    assert Table("jobs").update({"jobId": job_id}, {"status": status}, condition="attribute_exists(#jobId)")


# What belongs to a project.


def test_a_project_knows_its_captures_plans_and_jobs_and_nobody_elses(call, things, others, user):
    answer = call(projects, "GET", "/projects/barn", user=user).body
    assert [one["captureId"] for one in answer["captures"]] == things.captures
    assert [one["planId"] for one in answer["flightPlans"]] == things.plans
    assert [(one["jobId"], one["state"]) for one in answer["jobs"]] == [(things.jobs[0], "SUCCEEDED")]
    assert answer["jobs"][0]["captureId"] == things.captures[0]
    assert all(one["createdAt"].endswith("+00:00") for kind in ("captures", "jobs") for one in answer[kind])


def test_of_many_parts_the_newest_are_shown(call, cloud, user, monkeypatch):
    monkeypatch.setattr("functions.projects.handler.MOST_PARTS", 3)
    monkeypatch.setattr("functions.shared.project_parts._PAGE", 2)
    mine, another = (Things(cloud.client("s3"), owner) for owner in (user, str(uuid.uuid4())))
    Table("projects").put_new({"userSub": user, "projectId": "p"}, key="projectId")
    for _ in range(4):
        mine.job("c", "p")
        another.job("c", "p")
    shown = call(projects, "GET", "/projects/p", user=user).body["jobs"]
    assert [one["jobId"] for one in shown] == mine.jobs[:0:-1]


# Removing.


def test_a_deleted_project_takes_its_own_along_and_nothing_else(call, things, others, user, housekeeping):
    stays = set().union(*(one.left() for one in others))
    assert call(projects, "DELETE", "/projects/barn", user=user).body == {"ok": True}
    housekeeping.work()
    assert things.left() == set()
    assert set().union(*(one.left() for one in others)) == stays


def test_versions_of_what_is_deleted_stay_for_the_lifecycle(cloud, call, things, user, housekeeping):
    call(projects, "DELETE", "/projects/barn", user=user)
    housekeeping.work()
    prefix = f"uploads/{user}/{things.captures[0]}/"
    listed = cloud.client("s3").list_object_versions(Bucket=UPLOADS, Prefix=prefix)
    assert {one["Key"].removeprefix(prefix) for one in listed["Versions"]} == set(PHOTOS)


STEPS = (
    (Table, "delete"),
    (Table, "query"),
    (removal, "list_objects"),
    (removal.Removal, "_remove_objects"),
    (removal.Removal, "_remove_capture_rows"),
    (removal.Removal, "_remove_links"),
)


@pytest.mark.parametrize(("place", "name"), STEPS)
@pytest.mark.parametrize("which", [0, 1, 3, 8])
def test_a_removal_that_was_broken_off_anywhere_is_repeated(
    call, things, user, housekeeping, place, name, which
):
    """The n-th call of one of its steps fails, the first before it is done, others after."""
    call(projects, "DELETE", "/projects/barn", user=user)
    with pytest.MonkeyPatch.context() as patch:
        whole, calls = getattr(place, name), []

        def breaks(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- stands for several functions
            calls.append(name)
            result = whole(*args, **kwargs) if which or len(calls) > 1 else None
            if len(calls) == which + 1:
                raise ConnectionError("gone")
            return result

        patch.setattr(place, name, breaks)
        try:
            housekeeping.work()
        except ConnectionError:
            left = things.left()
            assert "projects barn" in left or left == set()
            # Nobody opens a model that is half gone.
            models = [one for one in left if "/model/" in one]
            assert len(models) == len(MODEL) or not any(one.startswith("links ") for one in left)
            assert call(projects, "GET", "/projects/barn", user=user).status == 404
        else:
            assert 0 < len(calls) <= which
    housekeeping.work()
    assert things.left() == set()
    assert all(call(delivery, "GET", f"/open/{token}", user=None).status != 302 for token in things.tokens)


def test_objects_that_s3_refuses_to_delete_break_the_removal_off(
    cloud, things, user, call, housekeeping, monkeypatch
):
    call(projects, "DELETE", "/projects/barn", user=user)
    refusing = cloud.client("s3")
    told = {"Errors": [{"Key": "x", "Code": "SlowDown"}]}
    with monkeypatch.context() as patch:
        patch.setattr(removal, "s3", lambda: refusing)
        patch.setattr(refusing, "delete_objects", lambda **_: told)
        with pytest.raises(removal.ObjectsNotDeletedError, match="SlowDown"):
            housekeeping.work()
    assert "projects barn" in things.left()
    housekeeping.work()
    assert things.left() == set()


def test_thousands_of_objects_go_in_batches(cloud, user, call, housekeeping, monkeypatch):
    monkeypatch.setattr(removal, "KEYS_AT_ONCE", 3)
    mine = Things(cloud.client("s3"), user)
    capture = mine.capture(photos={f"{number}.jpg": b"x" for number in range(10)})
    assert call(file_upload, "DELETE", f"/captures/{capture}", user=user).body == {"ok": True}
    housekeeping.work()
    assert mine.left() == set()


def test_a_doubled_or_late_request_removes_nothing_that_was_made_since(call, things, user, housekeeping):
    call(projects, "DELETE", "/projects/barn", user=user)
    (event,) = housekeeping.asked
    housekeeping.work()
    again = Things(things.s3, user)
    again.project("barn")
    there = again.left()
    housekeeping.do(event)
    assert again.left() == there


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "STOPPING"])
def test_a_project_with_an_active_job_is_not_deleted(call, things, user, housekeeping, status):
    set_status(things.jobs[0], status)
    there = things.left()
    answer = call(projects, "DELETE", "/projects/barn", user=user)
    assert (answer.status, answer.body["code"]) == (409, "PROJECT_BUSY")
    assert not housekeeping.asked
    set_status(things.jobs[0], "SUCCEEDED")
    loose = things.job(things.captures[0], status=status)
    assert call(projects, "DELETE", "/projects/barn", user=user).status == 409
    assert call(file_upload, "DELETE", f"/captures/{things.captures[0]}", user=user).status == 409
    set_status(loose, "FAILED")
    assert there < things.left()
    assert call(projects, "DELETE", "/projects/barn", user=user).status == 200


def test_a_job_that_slipped_in_brings_its_project_back_whole(call, things, user, housekeeping):
    call(projects, "DELETE", "/projects/barn", user=user)
    job = things.job(things.captures[0], "barn", status="PENDING")
    there = things.left()
    housekeeping.work()
    assert things.left() == there
    shown = call(projects, "GET", "/projects/barn", user=user)
    assert {one["jobId"] for one in shown.body["jobs"]} == set(things.jobs)
    assert [one["captureId"] for one in shown.body["captures"]] == things.captures
    assert call(ml_jobs, "GET", f"/jobs/{job}", user=user).status == 200


@pytest.mark.parametrize("kind", ["project", "capture", "job"])
def test_what_housekeeping_was_not_told_of_is_not_lost(call, things, user, housekeeping, kind):
    handler, path = {
        "project": (projects, "/projects/barn"),
        "capture": (file_upload, f"/captures/{things.captures[0]}"),
        "job": (ml_jobs, f"/jobs/{things.jobs[0]}"),
    }[kind]
    there = things.left()
    housekeeping.refusing = BUSY
    answer = call(handler, "DELETE", path, user=user)
    assert (answer.status, answer.body["code"]) == (503, "BUSY")
    assert call(handler, "GET", path, user=user).status == 200
    assert things.left() == there
    housekeeping.refusing = None
    assert call(handler, "DELETE", path, user=user).status == 200


def test_a_removal_whose_request_was_lost_can_be_asked_for_again(
    call, things, user, housekeeping, monkeypatch
):
    assert call(projects, "DELETE", "/projects/barn", user=user).status == 200
    lost = housekeeping.asked.pop()
    assert call(projects, "DELETE", "/projects/barn", user=user).status == 404
    monkeypatch.setattr(asking, "LOST_AFTER_MS", -1)
    assert call(projects, "DELETE", "/projects/barn", user=user).status == 200
    housekeeping.do(lost)
    assert "projects barn" in things.left()
    housekeeping.work()
    assert things.left() == set()


def test_a_deleted_capture_goes_and_its_models_stay(call, things, user, housekeeping):
    capture = things.captures[0]
    assert call(file_upload, "DELETE", f"/captures/{capture}", user=user).body == {"ok": True}
    for method in ("GET", "DELETE"):
        assert call(file_upload, method, f"/captures/{capture}", user=user).status == 404
    assert call(file_upload, "GET", "/captures", user=user).body["captures"] == []
    more = {"fileName": "more.jpg", "captureId": capture}
    assert call(file_upload, "POST", "/start-multipart-upload", more, user=user).status == 404
    assert call(projects, "GET", "/projects/barn", user=user).body["captures"] == []
    housekeeping.work()
    left = things.left()
    assert not [one for one in left if one.startswith("upload") or "object uploads" in one]
    assert {f"jobs {things.jobs[0]}", f"links {things.tokens[0]}", "projects barn"} < left


def test_a_deleted_job_goes_with_its_links_and_its_project_shows_it_no_longer(
    call, things, user, housekeeping, lambda_context
):
    (job,) = things.jobs
    job_events(execution_event(job, "SUCCEEDED"), lambda_context)
    assert call(projects, "GET", "/projects/barn", user=user).body["project"]["ml"]["jobId"] == job
    assert call(ml_jobs, "DELETE", f"/jobs/{job}", user=user).body == {"ok": True}
    for method in ("GET", "DELETE"):
        assert call(ml_jobs, method, f"/jobs/{job}", user=user).status == 404
    assert call(ml_jobs, "GET", "/jobs", user=user).body["jobs"] == []
    housekeeping.work()
    left = things.left()
    assert not [one for one in left if one.startswith(("jobs", "links")) or "object jobs" in one]
    assert f"object uploads/{user}/{things.captures[0]}/a.jpg" in left
    shown = call(projects, "GET", "/projects/barn", user=user).body
    assert (shown["jobs"], shown["project"].get("ml")) == ([], None)


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "STOPPING"])
def test_an_active_job_is_not_deleted(call, things, user, housekeeping, status):
    set_status(things.jobs[0], status)
    answer = call(ml_jobs, "DELETE", f"/jobs/{things.jobs[0]}", user=user)
    assert (answer.status, answer.body["code"]) == (409, "JOB_ACTIVE")
    assert not housekeeping.asked


def test_a_job_that_another_one_goes_on_from_is_not_deleted(call, things, user, housekeeping):
    later = things.job("elsewhere", status="RUNNING", source=things.jobs[0])
    for handler, path, code in (
        (ml_jobs, f"/jobs/{things.jobs[0]}", "JOB_ACTIVE"),
        (projects, "/projects/barn", "PROJECT_BUSY"),
    ):
        answer = call(handler, "DELETE", path, user=user)
        assert (answer.status, answer.body["code"]) == (409, code)
    set_status(later, "FAILED")
    assert call(ml_jobs, "DELETE", f"/jobs/{things.jobs[0]}", user=user).status == 200


def test_a_deleted_job_counts_in_what_its_owner_may_spend(call, things, user, housekeeping):
    key, now = {"jobId": things.jobs[0]}, now_ms()
    gate = QuotaGate(Table("limits"), JobStore(Table("jobs")))
    Table("jobs").update(key, {"costUsd": 1.25, "createdAt": now}, condition="attribute_exists(#jobId)")
    assert gate.spent_this_month(user) == 1.25
    assert call(ml_jobs, "DELETE", f"/jobs/{things.jobs[0]}", user=user).status == 200
    assert gate.spent_this_month(user) == 1.25
    (event,) = housekeeping.asked
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "delete", Mock(side_effect=[True, True, ConnectionError("gone")]))
        with pytest.raises(ConnectionError):
            housekeeping.do(event)
    housekeeping.work()
    assert not Table("jobs").get(key)
    assert gate.spent_this_month(user) == 1.25


def test_nobody_deletes_what_is_another_persons(call, things, housekeeping):
    there = things.left()
    for handler, path in (
        (projects, "/projects/barn"),
        (file_upload, f"/captures/{things.captures[0]}"),
        (ml_jobs, f"/jobs/{things.jobs[0]}"),
    ):
        answer = call(handler, "DELETE", path, user=str(uuid.uuid4()))
        assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND")
    assert not housekeeping.asked
    assert things.left() == there


def test_news_of_a_job_do_not_reach_a_project_that_is_going(call, things, user, housekeeping, lambda_context):
    call(projects, "DELETE", "/projects/barn", user=user)
    key = {"userSub": user, "projectId": "barn"}
    before = Table("projects").get(key)
    job_events(execution_event(things.jobs[0], "SUCCEEDED"), lambda_context)
    assert Table("projects").get(key) == before
    housekeeping.work()
    job_events(execution_event(things.jobs[0], "SUCCEEDED"), lambda_context)
    assert things.left() == set()


def test_captures_are_listed_newest_first_in_pages(call, cloud, user):
    mine, another = (Things(cloud.client("s3"), owner) for owner in (user, str(uuid.uuid4())))
    for _ in range(3):
        mine.capture()
        another.capture()
    seen, query = [], {"limit": "2"}
    while True:
        page = call(file_upload, "GET", "/captures", user=user, query=query).body
        assert len(page["captures"]) <= 2
        seen += [one["captureId"] for one in page["captures"]]
        if page["nextCursor"] is None:
            break
        query = {"limit": "2", "cursor": page["nextCursor"]}
    assert seen == mine.captures[::-1]


# Exporting.


def exported(call, cloud, user, project="barn"):
    """Fetch the archive as its owner would; gives its ZIP."""
    export = call(projects, "GET", f"/projects/{project}/export", user=user).body["export"]
    assert (export["state"], export["fraction"], export["error"]) == ("ready", 1.0, None)
    assert export["url"]
    assert export["url"].split("?")[0].endswith(f"/exports/{user}/{project}/{export['exportId']}.zip")
    key = exports.archive_key(user, project, export["exportId"])
    data = cloud.client("s3").get_object(Bucket=ML, Key=key)["Body"].read()
    return zipfile.ZipFile(io.BytesIO(data))


def test_an_export_holds_everything_byte_by_byte_and_nothing_of_others(
    call, cloud, things, others, user, housekeeping
):
    started = call(projects, "POST", "/projects/barn/export", user=user).body["export"]
    assert (started["state"], started["fraction"]) == ("running", 0)
    files = {f"photos/{things.captures[0]}/{name}": data for name, data in PHOTOS.items()}
    files |= {f"models/{things.jobs[0]}/{name}": data for name, data in MODEL.items()}
    assert started["sizeBytes"] == sum(map(len, files.values()))
    housekeeping.work()
    archive = exported(call, cloud, user)
    assert archive.testzip() is None
    plan = f"flight-plans/{things.plans[0]}.json"
    assert set(archive.namelist()) == {*files, plan, "project.json"}
    assert {name: archive.read(name) for name in files} == files
    assert all(one.compress_type == zipfile.ZIP_STORED for one in archive.infolist())
    assert json.loads(archive.read(plan))["plan"] == {"batteries": things.plans}
    told = json.loads(archive.read("project.json"))
    assert told == call(projects, "GET", "/projects/barn", user=user).body


def test_an_export_changes_nothing_that_a_writer_would_stumble_over(call, things, user, housekeeping):
    before = call(projects, "GET", "/projects/barn", user=user)
    call(projects, "POST", "/projects/barn/export", user=user)
    housekeeping.work()
    after = call(projects, "GET", "/projects/barn", user=user)
    assert (after.header("ETag"), after.body) == (before.header("ETag"), before.body)


def test_one_export_runs_at_a_time(call, things, user, housekeeping):
    first = call(projects, "POST", "/projects/barn/export", user=user).body
    assert call(projects, "POST", "/projects/barn/export", user=user).body == first
    assert len(housekeeping.asked) == 1
    answer = call(projects, "DELETE", "/projects/barn", user=user)
    assert (answer.status, answer.body["code"]) == (409, "PROJECT_BUSY")
    housekeeping.work()
    second = call(projects, "POST", "/projects/barn/export", user=user).body
    assert second["export"]["exportId"] != first["export"]["exportId"]


def test_a_project_goes_with_its_archives(call, things, user, housekeeping):
    for _ in range(2):
        call(projects, "POST", "/projects/barn/export", user=user)
        housekeeping.work()
    assert len([one for one in things.left() if "object exports/" in one]) == 2
    call(projects, "DELETE", "/projects/barn", user=user)
    housekeeping.work()
    assert things.left() == set()


@pytest.mark.parametrize("large", [False, True])
def test_parts_and_large_files_come_out_as_they_went_in(call, cloud, user, housekeeping, monkeypatch, large):
    """S3 takes parts from 5 MB on; with small limits, small files are streamed and read ahead alike."""
    monkeypatch.setattr(multipart, "PART_BYTES", 5 * 2**20)
    monkeypatch.setattr(reading, "SMALL_BYTES", 0 if large else 2**30)
    mine = Things(cloud.client("s3"), user)
    Table("projects").put_new({"userSub": user, "projectId": "p"}, key="projectId")
    photos = {f"{number}.jpg": bytes([number]) * (3 * 2**20 + number) for number in range(7)}
    capture = mine.capture("p", photos)
    call(projects, "POST", "/projects/p/export", user=user)
    housekeeping.work()
    archive = exported(call, cloud, user, "p")
    assert {name: archive.read(f"photos/{capture}/{name}") for name in photos} == photos


def test_an_archive_of_more_than_four_gigabytes_can_be_read(
    call, cloud, things, user, housekeeping, monkeypatch
):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 2)
    call(projects, "POST", "/projects/barn/export", user=user)
    housekeeping.work()
    monkeypatch.undo()
    archive = exported(call, cloud, user)
    assert archive.testzip() is None
    assert archive.read(f"photos/{things.captures[0]}/b-2.jpg") == PHOTOS["b-2.jpg"]


def open_parts(cloud, user):
    listed = cloud.client("s3").list_multipart_uploads(Bucket=ML).get("Uploads", [])
    return [one for one in listed if one["Key"].startswith(f"exports/{user}/")]


def test_a_failed_export_leaves_nothing_is_told_and_is_made_when_repeated(
    call, cloud, things, user, housekeeping, monkeypatch
):
    call(projects, "POST", "/projects/barn/export", user=user)
    with monkeypatch.context() as patch:

        def broken(_file):
            raise ConnectionError("gone")

        patch.setattr(reading, "_whole", broken)
        with pytest.raises(ConnectionError):
            housekeeping.work()
    told = call(projects, "GET", "/projects/barn/export", user=user).body["export"]
    assert (told["state"], told["url"]) == ("failed", None)
    assert told["error"]
    assert not [one for one in things.left() if "exports/" in one]
    assert not open_parts(cloud, user)
    housekeeping.work()
    exported(call, cloud, user)


def test_an_export_that_takes_too_long_gives_up_in_time(call, cloud, things, user, housekeeping):
    call(projects, "POST", "/projects/barn/export", user=user)
    housekeeping.seconds = 10
    with pytest.raises(TooSlowError):
        housekeeping.work()
    assert call(projects, "GET", "/projects/barn/export", user=user).body["export"]["state"] == "failed"
    assert not open_parts(cloud, user)


def test_an_export_that_fell_silent_has_failed_and_an_old_archive_is_gone(
    call, things, user, housekeeping, monkeypatch
):
    call(projects, "POST", "/projects/barn/export", user=user)
    later = exporting.now_ms() + exports.SILENT_MS + 1
    with monkeypatch.context() as patch:
        patch.setattr(exporting, "now_ms", lambda: later)
        assert call(projects, "GET", "/projects/barn/export", user=user).body["export"]["state"] == "failed"
    housekeeping.work()
    later = exporting.now_ms() + exports.KEPT_MS
    monkeypatch.setattr(exporting, "now_ms", lambda: later)
    told = call(projects, "GET", "/projects/barn/export", user=user).body["export"]
    assert (told["state"], told["url"]) == ("expired", None)


def test_a_project_too_large_for_one_archive_is_told_so(call, things, user, housekeeping, monkeypatch):
    monkeypatch.setattr(exporting, "MAX_BYTES", sum(map(len, PHOTOS.values())))
    answer = call(projects, "POST", "/projects/barn/export", user=user)
    assert (answer.status, answer.body["code"]) == (413, "EXPORT_TOO_LARGE")
    assert not housekeeping.asked
    assert call(projects, "GET", "/projects/barn/export", user=user).status == 404


def test_an_export_that_housekeeping_was_not_told_of_did_not_begin(call, things, user, housekeeping):
    housekeeping.refusing = BUSY
    assert call(projects, "POST", "/projects/barn/export", user=user).status == 503
    assert call(projects, "GET", "/projects/barn/export", user=user).status == 404
    housekeeping.refusing = None
    assert call(projects, "POST", "/projects/barn/export", user=user).status == 200


def test_an_export_of_a_project_that_was_deleted_meanwhile_is_given_up(
    call, cloud, things, user, housekeeping, monkeypatch
):
    call(projects, "POST", "/projects/barn/export", user=user)
    (event,) = housekeeping.asked
    whole = reading._whole

    def read(file):
        key = {"userSub": user, "projectId": "barn"}
        Table("projects").update(key, {asking.MARK: 5}, condition="attribute_exists(#projectId)")
        return whole(file)

    monkeypatch.setattr(reading, "_whole", read)
    housekeeping.do(event)
    assert not open_parts(cloud, user)
    assert call(projects, "GET", "/projects/barn/export", user=user).status == 404
