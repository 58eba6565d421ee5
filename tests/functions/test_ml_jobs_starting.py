"""Starting jobs: once per request, at a later step, again after a failure, and as far as quotas allow."""

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.ml_jobs.handler import _starting, handler
from functions.shared.user_settings import Quotas
from tests.functions.job_kit import artifacts_key, capture_of, end, input_of, jobs, put

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]


@pytest.fixture
def capture(cloud, user):
    return capture_of(cloud, user)


@pytest.fixture
def start(call, user, capture):
    """Start a job of one's own; every call is a request of its own unless `key` says else."""

    def send(*, as_user=user, key=None, **fields):
        body = {"s3Url": capture, **fields}
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        return call(handler, "POST", "/start-job", body, user=as_user, headers=headers)

    return send


@pytest.fixture
def job(start):
    answer = start()
    assert answer.status == 200, answer.body
    return answer.body["jobId"]


@pytest.fixture
def retry(call, user):
    def send(job_id, *, as_user=user, **fields):
        return call(handler, "POST", f"/jobs/{job_id}/retry", fields, user=as_user)

    return send


@pytest.fixture
def quotas(monkeypatch):
    """Give everybody other quotas."""

    def set_to(**values: int):
        starting = _starting()
        changed = Quotas(**{**starting.default_quotas.__dict__, **values})
        lowered = starting.__class__(**{**starting.__dict__, "default_quotas": changed})
        monkeypatch.setattr("functions.ml_jobs.handler._starting", lambda: lowered)

    return set_to


def listed(call, user):
    return [job["jobId"] for job in call(handler, "GET", "/jobs", user=user).body["jobs"]]


def test_the_same_key_starts_one_job_however_often_and_at_once(call, start, user):
    with ThreadPoolExecutor(6) as pool:
        answers = [pool.submit(start, key="tonight") for _ in range(6)]
        bodies = [answer.result().body for answer in answers]
    assert all(body == bodies[0] for body in bodies)
    assert listed(call, user) == [bodies[0]["jobId"]]
    other = start(key="tonight", preset="draft")
    assert (other.status, other.body["code"]) == (400, "IDEMPOTENCY_KEY_USED")


def test_two_people_may_use_the_same_key(call, cloud, start):
    mine, stranger = start(key="1").body["jobId"], str(uuid.uuid4())
    body = {"s3Url": capture_of(cloud, stranger)}
    theirs = call(handler, "POST", "/start-job", body, user=stranger, headers={"Idempotency-Key": "1"})
    assert theirs.status == 200
    assert theirs.body["jobId"] != mine


def test_a_double_click_without_a_key_starts_one_job(call, user, capture):
    bodies = [call(handler, "POST", "/start-job", {"s3Url": capture}, user=user).body for _ in range(2)]
    assert bodies[0] == bodies[1]
    draft = call(handler, "POST", "/start-job", {"s3Url": capture, "preset": "draft"}, user=user).body
    assert draft["jobId"] != bodies[0]["jobId"]


def test_what_was_cut_off_half_way_is_finished_by_the_repeated_request(cloud, start, monkeypatch):
    def cut_off(*_: object):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("functions.ml_jobs.starting.Starting._execute", cut_off)
        patch.setattr("functions.ml_jobs.starting.Starting._launch_new", lambda self, job: self._execute(job))
        with pytest.raises(SystemExit):
            start(key="cut")
    cloud.client("dynamodb").scan(TableName="idempotency")
    for item in cloud.client("dynamodb").scan(TableName="idempotency")["Items"]:
        if item["status"]["S"] == "INPROGRESS":  # as the time limit of the invocation would do
            cloud.client("dynamodb").delete_item(TableName="idempotency", Key={"id": item["id"]})
    answer = start(key="cut")
    assert answer.status == 200
    assert input_of(cloud, answer.body)["name"] == f"{answer.body['jobId']}-1"


def test_a_later_step_goes_on_with_what_an_earlier_job_left(cloud, start, job):
    end(cloud, job, at="compressor", tries=2)
    training = start(pipelineStep="3dgs", sourceJobId=job, s3Url=None, hyperparameters={"max_steps": 9})
    given = input_of(cloud, training.body)
    assert (given["startAt"], given["sourceJobId"]) == ("3dgs", job)
    assert given["hyperparameters"]["max_steps"] == "9"
    assert "train" not in given
    compressing = input_of(cloud, start(pipelineStep="compression", sourceJobId=job, s3Url=None).body)
    assert (compressing["startAt"], compressing["sourceJobId"]) == ("compressor", job)
    assert compressing["train"] == {"artifacts": f"s3://test-ml/{artifacts_key(job, 1, 2)}"}


def test_a_job_of_a_job_goes_back_to_the_first_reconstruction(cloud, start, job):
    end(cloud, job, at="3dgs")
    second = start(pipelineStep="3dgs", sourceJobId=job, s3Url=None).body["jobId"]
    end(cloud, second, at="compressor")
    given = input_of(cloud, start(pipelineStep="compressor", sourceJobId=second, s3Url=None).body)
    assert given["sourceJobId"] == job
    assert second in given["train"]["artifacts"]


def test_older_clients_name_the_reconstruction(cloud, start, job):
    end(cloud, job, at="3dgs")
    uri = f"s3://test-ml/jobs/{job}/sfm/"
    given = input_of(cloud, start(pipelineStep="3dgs", existingColmapUri=uri).body)
    assert given["sourceJobId"] == job
    foreign = start(pipelineStep="3dgs", existingColmapUri=uri.replace("test-ml", "elsewhere"))
    assert (foreign.status, foreign.body["code"]) == (400, "INVALID_REQUEST")


def test_a_job_that_has_not_come_so_far_is_no_source(call, cloud, start, job):
    early = start(pipelineStep="3dgs", sourceJobId=job, s3Url=None)
    assert (early.status, early.body["code"]) == (409, "SOURCE_JOB_INCOMPLETE")
    end(cloud, job, at="3dgs")
    put(cloud, artifacts_key(job, 1, 1))  # what a stopped training leaves
    early = start(pipelineStep="compressor", sourceJobId=job, s3Url=None)
    assert (early.status, early.body["code"]) == (409, "SOURCE_JOB_INCOMPLETE")
    stranger = start(pipelineStep="3dgs", sourceJobId=job, s3Url=None, as_user=str(uuid.uuid4()))
    assert stranger.status == 404


@pytest.mark.parametrize("step", ["sfm", "3dgs", "compressor"])
def test_a_retry_goes_on_where_the_job_failed(call, cloud, user, job, retry, step):
    before = jobs().get(job)
    end(cloud, job, at=step)
    again = retry(job)
    assert (again.status, again.body["jobId"]) == (200, job)
    given = input_of(cloud, again.body)
    assert (given["name"], given["attempt"], given["startAt"]) == (f"{job}-2", "2", step)
    assert given["hyperparameters"] == before.options["3dgs"]
    assert ("train" in given) == (step == "compressor")
    shown = call(handler, "GET", f"/jobs/{job}", user=user).body
    assert (shown["attempt"], shown["status"], shown["error"]) == (2, "PENDING", None)


def test_a_retry_may_go_back_but_not_ahead(cloud, job, retry):
    end(cloud, job, at="3dgs")
    ahead = retry(job, pipelineStep="compression")
    assert (ahead.status, ahead.body["code"]) == (400, "INVALID_STEP")
    assert input_of(cloud, retry(job, pipelineStep="sfm").body)["startAt"] == "sfm"


def test_a_retry_does_not_go_back_before_its_jobs_first_step(cloud, start, job, retry):
    end(cloud, job, at="3dgs")
    second = start(pipelineStep="3dgs", sourceJobId=job, s3Url=None).body["jobId"]
    end(cloud, second, at="3dgs")
    assert retry(second, pipelineStep="sfm").status == 400
    assert input_of(cloud, retry(second).body)["sourceJobId"] == job


def test_what_runs_or_has_a_model_is_not_tried_again(cloud, job, retry):
    assert retry(job).body["code"] == "JOB_RUNS"
    end(cloud, job, at="compressor", status="SUCCEEDED")
    assert retry(job).body["code"] == "JOB_HAS_MODEL"
    assert retry(job, as_user=str(uuid.uuid4())).status == 404


def test_several_retries_at_once_are_one_attempt(cloud, job, retry):
    end(cloud, job, at="sfm")
    with ThreadPoolExecutor(4) as pool:
        answers = [answer.result() for answer in [pool.submit(retry, job) for _ in range(4)]]
    assert {answer.status for answer in answers} <= {200, 409}
    begun = {answer.body["executionArn"] for answer in answers if answer.status == 200}
    assert len(begun) == 1
    assert jobs().get(job).attempt == 2


def test_a_retry_that_cannot_start_leaves_the_job_as_it_was(cloud, job, retry, monkeypatch):
    end(cloud, job, at="3dgs")
    before = jobs().get(job)

    def refuse(*_: object):
        raise ConnectionResetError

    with monkeypatch.context() as patch:
        patch.setattr("functions.ml_jobs.starting.Starting._execute", refuse)
        assert retry(job).status == 500
    assert jobs().get(job) == before
    assert retry(job).status == 200


def test_an_attempt_that_was_cut_off_is_finished_by_the_repeated_request(cloud, job, retry, monkeypatch):
    end(cloud, job, at="3dgs")

    def cut_off(*_: object):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("functions.ml_jobs.starting.Starting._execute", cut_off)
        with pytest.raises(SystemExit):
            retry(job)
    again = retry(job)
    assert again.status == 200
    assert input_of(cloud, again.body)["name"] == f"{job}-2"


def test_only_so_many_jobs_run_at_once(call, cloud, user, start, quotas):
    quotas(jobs_at_once=2)
    with ThreadPoolExecutor(6) as pool:
        answers = [answer.result() for answer in [pool.submit(start) for _ in range(6)]]
    assert sorted(answer.status for answer in answers) == [200, 200, 429, 429, 429, 429]
    refused = next(answer for answer in answers if answer.status == 429)
    assert "2 jobs run" in refused.body["error"]
    assert int(refused.header("Retry-After")) > 0
    running = listed(call, user)
    assert sorted(running) == sorted(a.body["jobId"] for a in answers if a.status == 200)
    end(cloud, running[0], at="sfm")
    assert start().status == 200


def test_a_day_has_so_many_jobs(cloud, start, quotas):
    quotas(jobs_per_day=1, jobs_at_once=5)
    assert start().status == 200
    refused = start()
    assert (refused.status, refused.body["code"]) == (429, "TOO_MANY_REQUESTS")
    assert 0 < int(refused.header("Retry-After")) <= 86_400
    quotas(jobs_per_day=2, jobs_at_once=2)
    assert start().status == 200, "a refused job counts neither for the day nor for what runs at once"


def test_a_month_has_so_much_to_spend(cloud, start, job, quotas):
    row = jobs().get(job)
    jobs().table.update({"jobId": job}, {"costUsd": 90.0}, condition="attribute_exists(#jobId)")
    end(cloud, job, at="3dgs")
    assert row is not None
    quotas(spend_per_month_usd=90, jobs_at_once=5)
    refused = start()
    assert refused.status == 429
    assert "$90" in refused.body["error"]
    quotas(spend_per_month_usd=900, jobs_at_once=5)
    assert start().status == 200
