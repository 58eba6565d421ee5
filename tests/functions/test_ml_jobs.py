"""The jobs API over real S3, DynamoDB and Step Functions calls."""

import json
import uuid

import pytest

from functions.ml_jobs.account import usual_estimate
from functions.ml_jobs.handler import _jobs, _starting, handler
from functions.ml_jobs.jobs import STARTING_MS
from functions.projects.handler import handler as projects_handler
from functions.shared.clock import iso, now_ms, parse_iso_ms
from functions.shared.jobs import JobRow
from functions.shared.spending import MachineUse

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

ROUTES_OF_ONE_JOB = ("/jobs/{}", "/api/ml-pipeline/status/{}")


@pytest.fixture
def capture(cloud, user):
    """Put a photo into a capture; give its folder's address."""
    prefix = f"uploads/{user}/{uuid.uuid4()}/"
    cloud.client("s3").put_object(Bucket="test-uploads", Key=f"{prefix}a.jpg", Body=b"1")
    return f"s3://test-uploads/{prefix}"


@pytest.fixture
def job(call, user, capture):
    """Start a job; give its id."""
    answer = call(handler, "POST", "/start-job", {"s3Url": capture}, user=user)
    assert answer.status == 200, answer.body
    return answer.body["jobId"]


def test_a_started_job_runs_with_what_was_asked(call, cloud, user, capture):
    body = {
        "s3Url": capture + "a.jpg",
        "preset": "draft",
        "hyperparameters": {"max_steps": 77},
        "email": "someone@else.org",
    }
    started = call(handler, "POST", "/start-job", body, user=user).body
    execution = cloud.client("stepfunctions").describe_execution(executionArn=started["executionArn"])
    assert execution["name"] == f"{started['jobId']}-1"
    machine_input = json.loads(execution["input"])
    assert machine_input["captureUri"] == capture
    assert machine_input["owner"] == user
    assert machine_input["hyperparameters"]["max_steps"] == "77"
    key = f"jobs/{started['jobId']}/request.json"
    request = json.loads(cloud.client("s3").get_object(Bucket="test-ml", Key=key)["Body"].read())
    assert machine_input.items() <= request.items()
    row = _jobs().store.get(started["jobId"])
    assert row is not None
    assert row.email == f"{user}@example.org"


def test_a_job_shows_the_progress_of_its_container(call, cloud, user, job):
    progress = {
        "step": "sfm",
        "stage": "matching",
        "fraction": 0.5,
        "seconds_left": 12.0,
        "message": "Matching photos",
        "figures": {"pairs": 80},
        "updated_at": iso(now_ms() + 1000),
    }
    key = f"jobs/{job}/progress/sfm/progress.json"
    cloud.client("s3").put_object(Bucket="test-ml", Key=key, Body=json.dumps(progress))
    shown = call(handler, "GET", f"/jobs/{job}", user=user).body
    assert (shown["jobId"], shown["currentStage"], shown["details"]) == (job, "sfm", "Matching photos")
    assert 0 < shown["progress"]["fraction"] < 0.5
    assert shown["progress"]["figures"] == {"pairs": 80}
    cloud.client("s3").put_object(Bucket="test-ml", Key=key, Body=b"{ half a file")
    assert call(handler, "GET", f"/jobs/{job}", user=user).body["currentStage"] == "starting"


def test_a_list_has_the_callers_jobs_newest_first(call, user, capture):
    requests = [{"s3Url": capture, "preset": preset} for preset in ("draft", "high")]
    ids = [call(handler, "POST", "/start-job", one, user=user).body["jobId"] for one in requests]
    shown = call(handler, "GET", "/jobs", user=user).body["jobs"]
    assert [job["jobId"] for job in shown] == ids[::-1]
    assert call(handler, "GET", "/jobs", user=str(uuid.uuid4())).body["jobs"] == []


def test_a_stopped_job_stops(call, cloud, user, job):
    for _ in range(2):
        stopped = call(handler, "POST", "/stop-job", {"jobId": job}, user=user)
        assert (stopped.status, stopped.body["success"]) == (200, True)
    arn = stopped.body["stoppedResources"][0]
    assert cloud.client("stepfunctions").describe_execution(executionArn=arn)["status"] == "ABORTED"
    shown = call(handler, "GET", f"/jobs/{job}", user=user).body
    assert (shown["status"], shown["currentStage"]) == ("ABORTED", "failed")
    assert shown["error"]["sentence"] == "You stopped this job."


def test_a_job_whose_start_broke_off_is_ended_by_a_stop(call, user, job):
    table = _jobs().store.table
    table.update({"jobId": job}, {"executionArn": None}, condition="attribute_exists(#jobId)")
    soon = call(handler, "POST", "/stop-job", {"jobId": job}, user=user)
    assert (soon.status, soon.body["code"]) == (409, "JOB_STARTING")
    long_ago = now_ms() - STARTING_MS - 1
    table.update({"jobId": job}, {"createdAt": long_ago}, condition="attribute_exists(#jobId)")
    assert call(handler, "POST", "/stop-job", {"jobId": job}, user=user).status == 200
    assert call(handler, "GET", f"/jobs/{job}", user=user).body["status"] == "ABORTED"


def test_an_ended_job_cannot_be_stopped(call, user, job):
    assert _jobs().store.ended(job, 1, "SUCCEEDED", now_ms(), None)
    answer = call(handler, "POST", "/stop-job", {"jobId": job}, user=user)
    assert (answer.status, answer.body["code"]) == (409, "JOB_ENDED")


def test_a_job_that_cannot_start_leaves_nothing(call, cloud, user, capture, monkeypatch):
    starting = _starting()
    broken = starting.__class__(
        **{**starting.__dict__, "state_machine_arn": starting.state_machine_arn + "-gone"}
    )
    monkeypatch.setattr("functions.ml_jobs.handler._starting", lambda: broken)
    before = cloud.client("s3").list_objects_v2(Bucket="test-ml")["KeyCount"]
    answer = call(handler, "POST", "/start-job", {"s3Url": capture}, user=user)
    assert (answer.status, answer.body["code"]) == (500, "INTERNAL")
    assert "arn:" not in answer.body["error"]
    assert cloud.client("s3").list_objects_v2(Bucket="test-ml")["KeyCount"] == before
    assert call(handler, "GET", "/jobs", user=user).body["jobs"] == []


def test_every_route_hides_another_persons_job_and_capture(call, job, capture):
    requests = [("GET", path.format(job), None) for path in ROUTES_OF_ONE_JOB]
    requests += [("POST", "/stop-job", {"jobId": job}), ("POST", "/start-job", {"s3Url": capture})]
    for method, path, body in requests:
        answer = call(handler, method, path, body, user=str(uuid.uuid4()))
        assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND"), path
        assert call(handler, method, path, body, user=None).status == 401
    assert call(handler, "GET", "/jobs", user=None).status == 401


def test_only_the_callers_own_project_is_taken(call, cloud, user, capture):
    titled = call(projects_handler, "POST", "/projects", {"title": "-- The barn"}, user=user)
    project = titled.body["project"]["projectId"]
    foreign = call(projects_handler, "POST", "/projects", {}, user=str(uuid.uuid4())).body["project"]
    mine = call(handler, "POST", "/start-job", {"s3Url": capture, "projectId": project}, user=user)
    theirs = {"s3Url": capture, "projectId": foreign["projectId"]}
    assert mine.status == 200
    execution = cloud.client("stepfunctions").describe_execution(executionArn=mine.body["executionArn"])
    words = json.loads(execution["input"])["arguments"]["compressor"]
    assert words[words.index("--title") + 1] == "The barn"
    assert call(handler, "GET", f"/jobs/{mine.body['jobId']}", user=user).body["projectId"] == project
    assert call(handler, "POST", "/start-job", theirs, user=user).status == 404


def test_a_capture_that_is_not_there_is_not_found(call, user):
    for url in (f"s3://test-uploads/uploads/{user}/none/", "s3://elsewhere/uploads/x/y/"):
        assert call(handler, "POST", "/start-job", {"s3Url": url}, user=user).status == 404


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"s3Url": "ftp://x"}, "s3Url"),
        ({"s3Url": 3}, "s3Url"),
        ({"preset": "ultra"}, "preset"),
        ({"pipelineStep": "paint"}, "pipelineStep"),
        ({"pipelineStep": "compression"}, "sourceJobId"),
        ({"hyperparameters": {"nerf": 1}}, "nerf"),
        ({"hyperparameters": []}, "hyperparameters"),
    ],
)
def test_a_wrong_field_is_named(call, user, capture, fields, name):
    answer = call(handler, "POST", "/start-job", {"s3Url": capture, **fields}, user=user)
    assert answer.status == 400
    assert name in answer.body["error"]


def test_an_estimate_counts_the_callers_own_photos(call, cloud, user, capture):
    body = {"s3Url": capture, "preset": "draft"}
    answer = call(handler, "POST", "/estimate", body, user=user)
    assert answer.status == 200, answer.body
    one = answer.body
    assert one["photos"] == 1
    assert set(one["steps"]) == {"sfm", "3dgs", "compressor"}
    bucket, _, prefix = capture.removeprefix("s3://").partition("/")
    for number in range(4):
        photo = b"x" * 400_000
        cloud.client("s3").put_object(Bucket=bucket, Key=f"{prefix}{number}.jpg", Body=photo)
    more = call(handler, "POST", "/estimate", body, user=user).body
    assert more["photos"] == 5
    assert more["steps"]["sfm"]["seconds"]["likely"] >= one["steps"]["sfm"]["seconds"]["likely"]
    assert parse_iso_ms(more["finishesAt"]) > now_ms()
    assert call(handler, "POST", "/estimate", {"s3Url": capture}, user="mallory").status == 404
    assert call(handler, "GET", "/jobs", user=user).body["jobs"] == []


def test_an_estimate_without_a_capture_and_from_a_later_step(call, user):
    def ask(**fields: object):
        return call(handler, "POST", "/estimate", fields, user=user)

    whole = ask(photos=200, megapixels=12).body
    rest = ask(photos=200, megapixels=12, pipelineStep="compression").body
    assert set(rest["steps"]) == {"compressor"}
    assert rest["usd"]["likely"] < whole["usd"]["likely"]
    longer = ask(photos=200, megapixels=12, hyperparameters={"max_steps": 100_000}).body
    assert longer["seconds"]["likely"] > whole["seconds"]["likely"]


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({}, "s3Url"),
        ({"s3Url": "s3://test-uploads/uploads/x/y/", "photos": 3}, "s3Url"),
        ({"photos": 0}, "photos"),
        ({"photos": 10**9}, "photos"),
        ({"photos": 3, "megapixels": 0}, "megapixels"),
        ({"photos": 3, "pipelineStep": "magic"}, "pipelineStep"),
        ({"photos": 3, "preset": "best"}, "preset"),
        ({"photos": 3, "hyperparameters": {"max_stepz": 1}}, "max_stepz"),
    ],
)
def test_a_wrong_question_is_named(call, user, fields, name):
    answer = call(handler, "POST", "/estimate", fields, user=user)
    assert answer.status == 400
    assert name in answer.body["error"]


def test_the_callers_own_jobs_teach_the_next_estimate(call, user):
    """Jobs of the caller with this preset that took twice what the model says; not those of others."""
    question = {"photos": 100, "preset": "draft"}
    before = call(handler, "POST", "/estimate", question, user=user).body
    expected = usual_estimate("draft")
    for owner, ratio in ((user, 2.0), (user, 2.0), (user, 2.0), (f"not-{user}", 50.0)):
        taken = [
            MachineUse(
                step=step,
                order=index,
                instance_type="ml.g5.2xlarge",
                machine_seconds=ratio * one.model_seconds,
                billed_seconds=1,
                usd=1,
            )
            for index, (step, one) in enumerate(expected.steps.items())
        ]
        row = JobRow(
            job_id=str(uuid.uuid4()),
            owner=owner,
            created_at=now_ms(),
            capture_uri="s3://u/c/",
            capture_id="c",
            preset="draft",
            status="SUCCEEDED",
            estimate=expected,
            machines=taken,
        )
        assert _jobs().store.add(row)
    after = call(handler, "POST", "/estimate", question, user=user).body
    assert (before["learnedFrom"], after["learnedFrom"]) == (0, 3)
    assert before["seconds"]["likely"] * 1.3 < after["seconds"]["likely"] < before["seconds"]["likely"] * 2
    other = call(handler, "POST", "/estimate", {**question, "preset": "high"}, user=user).body
    assert other["learnedFrom"] == 0
