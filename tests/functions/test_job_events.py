"""What events do to jobs, projects and mailboxes, over real DynamoDB, Step Functions and SES calls."""

import itertools
import json
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from functions.job_events.events import LOOK_BACK_MS
from functions.job_events.handler import _events, handler
from functions.shared.mail import MailNotSentError
from functions.shared.stores import Table
from functions.shared.webhook_events import WebhookQueue
from tests.functions.job_kit import add_job
from tests.functions.mail_kit import UNKNOWN_SENDER

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

SENTENCE = "This capture has 2 photos; a model needs at least 3."
VIEWER = "https://view.example.org/open/abc"


@pytest.fixture
def project(user):
    """Write a project; give its key."""
    key = {"userSub": user, "projectId": "p1"}
    assert Table("projects").put_new({**key, "status": "draft", "progress": 5, "version": 1}, key="projectId")
    return key


@pytest.fixture
def job(user):
    """Write a job's row; give its id."""
    return add_job(owner=user, email=f"{user}@example.org", created_at=1000, project_id="p1")


@pytest.fixture
def mailbox(cloud, user):
    """Give a function that lists the user's mails."""
    return lambda: [mail for mail in cloud.embedded.mail() if f"{user}@example.org" in str(mail["To"])]


@pytest.fixture
def settings(user):
    """Give a function that writes the user's settings."""
    return lambda **row: Table("settings").put_new({"userSub": user, **row}, key="userSub")


WEBHOOK = {"webhookUrl": "https://hooks.example.com/", "webhookSecret": "whsec_x", "webhookActive": True}


def execution_event(job_id, status, second=0, *, attempt=1, arn="arn:none", **detail: str):
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "source": "aws.states",
        "detail-type": "Step Functions Execution Status Change",
        "time": f"2026-05-01T10:00:{second:02d}Z",
        "detail": {"executionArn": arn, "name": f"{job_id}-{attempt}", "status": status, **detail},
    }


def step_event(job_id, step, status, second, *, attempt=1, retry=0):
    kind = "Training" if step == "3dgs" else "Processing"
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "source": "aws.sagemaker",
        "detail-type": f"SageMaker {kind} Job State Change",
        "time": f"2026-05-01T10:00:{second:02d}Z",
        "detail": {f"{kind}JobName": f"{job_id}-{attempt}-{step}-{retry}", f"{kind}JobStatus": status},
    }


def test_a_job_is_followed_to_its_end(jobs, job, project, mailbox, lambda_context):
    def status():
        row, shown = jobs.get(job), Table("projects").get(project)
        return row.status, row.current_stage, shown["status"], shown["progress"]

    handler(execution_event(job, "RUNNING", 1), lambda_context)
    assert status() == ("RUNNING", "starting", "processing", 75)
    handler(step_event(job, "sfm", "InProgress", 2), lambda_context)
    handler(step_event(job, "3dgs", "InProgress", 3), lambda_context)
    assert status() == ("RUNNING", "3dgs", "processing", 75)
    jobs.published(job, VIEWER, {"photos": 24, "registered": 23}, 5)
    handler(execution_event(job, "SUCCEEDED", 9), lambda_context)
    assert status() == ("SUCCEEDED", "completed", "delivered", 100)
    assert Table("projects").get(project)["ml"]["viewerUrl"] == VIEWER
    (mail,) = mailbox()
    assert "ready" in mail["Subject"]
    assert VIEWER in mail["BodyText"]
    assert f'href="{VIEWER}"' in mail["BodyHtml"]
    assert "23 of 24" in mail["BodyText"]


ORDERED = [("RUNNING", 1), ("sfm", 2), ("3dgs", 3), ("compressor", 4), ("SUCCEEDED", 5)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5)))[::9])
def test_any_order_and_any_repetition_end_the_same(
    jobs, job, project, mailbox, told, settings, lambda_context, order
):
    settings(**WEBHOOK)
    jobs.published(job, VIEWER, {}, 5)
    for index in [*order, *order]:
        kind, second = ORDERED[index]
        if kind.isupper():
            handler(execution_event(job, kind, second), lambda_context)
        else:
            handler(step_event(job, kind, "InProgress", second), lambda_context)
    row = jobs.get(job)
    assert (row.status, row.current_stage) == ("SUCCEEDED", "completed")
    assert Table("projects").get(project)["status"] == "delivered"
    assert len(mailbox()) == 1
    (event,) = told()
    assert (event["id"], event["type"]) == (f"{job}-1", "job.succeeded")
    assert event["data"] == {
        "jobId": job,
        "projectId": "p1",
        "status": "SUCCEEDED",
        "viewerUrl": VIEWER,
        "error": None,
    }
    assert WEBHOOK["webhookUrl"] not in str(event)
    assert WEBHOOK["webhookSecret"] not in str(event)


def test_an_older_event_of_a_step_changes_nothing(jobs, job, lambda_context):
    handler(step_event(job, "3dgs", "InProgress", 5, retry=1), lambda_context)
    for late in (
        step_event(job, "sfm", "Completed", 9),
        step_event(job, "3dgs", "Failed", 9),
        step_event(job, "3dgs", "Starting", 4, retry=1),
        step_event(job, "compressor", "InProgress", 9, attempt=2),
    ):
        handler(late, lambda_context)
        row = jobs.get(job)
        assert (row.current_stage, row.stage_status) == ("3dgs", "InProgress")


def test_changes_within_a_second_are_ordered_by_sagemakers_own_time(jobs, job, lambda_context):
    def event(status, milliseconds):
        changed = step_event(job, "sfm", status, 5)
        changed["detail"]["LastModifiedTime"] = 1_777_629_605_000 + milliseconds
        return changed

    handler(event("InProgress", 100), lambda_context)
    handler(event("Completed", 700), lambda_context)
    handler(event("InProgress", 100), lambda_context)
    assert jobs.get(job).stage_status == "Completed"


def test_a_refusal_reaches_the_person_with_the_next_step(jobs, job, project, mailbox, lambda_context):
    cause = json.dumps({"errorType": "CaptureRejected", "errorMessage": SENTENCE})
    event = execution_event(job, "FAILED", 5, error="CaptureRejected", cause=cause)
    for _ in range(3):
        handler(event, lambda_context)
    row = jobs.get(job)
    assert (row.status, row.failure_sentence) == ("FAILED", SENTENCE)
    assert Table("projects").get(project)["status"] == "photos_uploaded"
    (mail,) = mailbox()
    assert SENTENCE in mail["BodyText"]
    assert row.failure_next_step in mail["BodyText"]
    assert "errorType" not in mail["BodyText"]


def test_a_cause_left_out_of_the_event_is_looked_up(cloud, jobs, job, lambda_context):
    fail = {"Type": "Fail", "Error": "CaptureRejected", "Cause": SENTENCE}
    machine = cloud.machine({"StartAt": "Stop", "States": {"Stop": fail}})
    steps = cloud.client("stepfunctions")
    arn = steps.start_execution(stateMachineArn=machine, name=f"{job}-1", input="{}")["executionArn"]
    deadline = time.monotonic() + 10
    while steps.describe_execution(executionArn=arn)["status"] == "RUNNING" and time.monotonic() < deadline:
        time.sleep(0.05)
    handler(execution_event(job, "FAILED", 5, arn=arn), lambda_context)
    assert jobs.get(job).failure_sentence == SENTENCE


def test_a_stopped_job_is_told_as_stopped(jobs, job, mailbox, lambda_context):
    assert jobs.stopping(job)
    handler(execution_event(job, "RUNNING", 1), lambda_context)
    assert jobs.get(job).status == "STOPPING"
    handler(execution_event(job, "ABORTED", 2), lambda_context)
    assert jobs.get(job).status == "ABORTED"
    (mail,) = mailbox()
    assert "stopped" in mail["Subject"]


def test_a_mail_that_failed_is_sent_by_the_repeated_event(jobs, job, mailbox, lambda_context, monkeypatch):
    jobs.published(job, VIEWER, {}, 5)
    event = execution_event(job, "SUCCEEDED", 5)
    unknown_sender = replace(_events(), mail_from=UNKNOWN_SENDER)
    with monkeypatch.context() as patch:
        patch.setattr("functions.job_events.handler._events", lambda: unknown_sender)
        with pytest.raises(MailNotSentError):
            handler(event, lambda_context)
    assert mailbox() == []
    handler(event, lambda_context)
    assert len(mailbox()) == 1


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_a_webhook_is_told_why_there_is_no_model(jobs, job, told, settings, lambda_context, status):
    settings(**WEBHOOK)
    cause = json.dumps({"errorType": "CaptureRejected", "errorMessage": SENTENCE})
    handler(execution_event(job, status, 5, error="CaptureRejected", cause=cause), lambda_context)
    (event,) = told()
    assert event["type"] == ("job.stopped" if status == "ABORTED" else "job.failed")
    assert event["data"]["error"] == jobs.get(job).failure_sentence
    assert event["data"]["viewerUrl"] is None


def test_a_mail_that_fails_does_not_double_the_webhook(
    jobs, job, mailbox, told, settings, lambda_context, monkeypatch
):
    settings(**WEBHOOK)
    event = execution_event(job, "ABORTED", 5)
    with monkeypatch.context() as patch:
        failing = replace(_events(), mail_from=UNKNOWN_SENDER)
        patch.setattr("functions.job_events.handler._events", lambda: failing)
        for _ in range(2):
            with pytest.raises(MailNotSentError):
                handler(event, lambda_context)
    handler(event, lambda_context)
    assert (len(told()), len(mailbox())) == (1, 1)


def test_a_webhook_that_could_not_be_told_is_told_by_the_repeated_event(
    job, mailbox, told, settings, lambda_context, monkeypatch
):
    settings(**WEBHOOK)
    event = execution_event(job, "ABORTED", 5)
    with monkeypatch.context() as patch:
        failing = replace(_events(), webhooks=WebhookQueue("https://sqs.us-east-1.amazonaws.com/1/none"))
        patch.setattr("functions.job_events.handler._events", lambda: failing)
        with pytest.raises(Exception, match=r"(?i)queue"):
            handler(event, lambda_context)
    for _ in range(2):
        handler(event, lambda_context)
    assert (len(told()), len(mailbox())) == (1, 1)


@pytest.mark.parametrize(
    ("row", "mails", "events"),
    [
        ({}, 1, 0),
        ({"mailNotices": False}, 0, 0),
        ({"mailNotices": False, **WEBHOOK}, 0, 1),
        ({**WEBHOOK, "webhookActive": False}, 1, 0),
    ],
)
def test_people_are_told_as_they_want(job, mailbox, told, settings, lambda_context, row, mails, events):
    settings(**row)
    for _ in range(2):
        handler(execution_event(job, "ABORTED", 5), lambda_context)
    assert (len(mailbox()), len(told())) == (mails, events)


def test_who_was_not_to_be_told_is_not_told_later(job, mailbox, told, settings, user, lambda_context):
    settings(mailNotices=False)
    handler(execution_event(job, "ABORTED", 5), lambda_context)
    Table("settings").update(
        {"userSub": user}, {"mailNotices": True, **WEBHOOK}, condition="attribute_exists(#userSub)"
    )
    handler(execution_event(job, "ABORTED", 5), lambda_context)
    assert (mailbox(), told()) == ([], [])


def test_a_job_of_before_webhooks_is_told(jobs, job, told, settings, lambda_context):
    settings(**WEBHOOK)
    Table("jobs").update({"jobId": job}, {"webhookAttempt": None}, condition="attribute_exists(#jobId)")
    handler(execution_event(job, "ABORTED", 5), lambda_context)
    assert len(told()) == 1


def test_an_older_job_does_not_hide_a_newer_one_of_its_project(jobs, job, project, lambda_context):
    newer = jobs.get(job).model_copy(update={"job_id": str(uuid.uuid4()), "created_at": 2000})
    assert jobs.add(newer)
    handler(execution_event(newer.job_id, "RUNNING", 1), lambda_context)
    handler(execution_event(job, "ABORTED", 2), lambda_context)
    shown = Table("projects").get(project)
    assert (shown["status"], shown["ml"]["jobId"]) == ("processing", newer.job_id)


def test_a_deleted_project_stays_deleted(job, project, lambda_context):
    Table("projects").delete(project, condition="attribute_exists(#projectId)")
    handler(execution_event(job, "RUNNING", 1), lambda_context)
    assert Table("projects").get(project) is None


@pytest.fixture
def failing_execution(cloud, monkeypatch):
    """Give a function that runs a job's execution to its failure, of which no event comes."""
    machine = cloud.machine(
        {
            "StartAt": "Stop",
            "States": {"Stop": {"Type": "Fail", "Error": "CaptureRejected", "Cause": SENTENCE}},
        }
    )
    steps = cloud.client("stepfunctions")

    def run(name):
        arn = steps.start_execution(stateMachineArn=machine, name=name, input="{}")["executionArn"]
        deadline = time.monotonic() + 10
        while (
            steps.describe_execution(executionArn=arn)["status"] == "RUNNING" and time.monotonic() < deadline
        ):
            time.sleep(0.05)

    events = replace(_events(), state_machine_arn=machine)
    monkeypatch.setattr("functions.job_events.handler._events", lambda: events)
    return run


def tick(at=None):
    moment = datetime.fromtimestamp(time.time() if at is None else at, UTC)
    return {
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "time": moment.isoformat(),
        "detail": {},
    }


def test_an_end_that_no_event_told_is_found_and_told_once(
    jobs, job, project, mailbox, lambda_context, failing_execution
):
    handler(execution_event(job, "RUNNING", 1), lambda_context)
    failing_execution(f"{job}-1")
    failing_execution("nightly")
    failing_execution(f"{uuid.uuid4()}-1")
    for _ in range(2):
        handler(tick(), lambda_context)
    row = jobs.get(job)
    assert (row.status, row.failure_sentence) == ("FAILED", SENTENCE)
    assert Table("projects").get(project)["status"] == "photos_uploaded"
    assert len(mailbox()) == 1


def test_an_old_or_earlier_end_is_not_news(jobs, job, mailbox, lambda_context, failing_execution):
    failing_execution(f"{job}-1")
    handler(tick(time.time() + 2 * LOOK_BACK_MS / 1000), lambda_context)
    assert jobs.get(job).status == "PENDING"
    Table("jobs").update({"jobId": job}, {"attempt": 2}, condition="attribute_exists(#jobId)")
    handler(tick(), lambda_context)
    assert jobs.get(job).status == "PENDING"
    assert mailbox() == []


def test_events_of_others_are_left_alone(lambda_context, jobs):
    unknown = str(uuid.uuid4())
    handler(execution_event("nightly", "FAILED", 1), lambda_context)
    handler(execution_event(unknown, "RUNNING", 1), lambda_context)
    handler(step_event("their-training", "3dgs", "Failed", 1), lambda_context)
    assert jobs.get(unknown) is None


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT"])
def test_what_a_job_leaves_behind_is_marked_to_go_but_its_model_stays(cloud, job, lambda_context, status):
    s3 = cloud.client("s3")
    places = ("sfm/images/a.jpg", "3dgs/checkpoints/c.pt", "progress/sfm/progress.json")
    left = [f"jobs/{job}/{place}" for place in places]
    kept = [f"jobs/{job}/request.json", f"jobs/{job}/model/model.sog", f"jobs/{uuid.uuid4()}/sfm/b.jpg"]
    for key in (*left, *kept):
        s3.put_object(Bucket="test-ml", Key=key, Body=b"x")

    def marks(key):
        told = s3.get_object_tagging(Bucket="test-ml", Key=key)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in told}

    handler(execution_event(job, "RUNNING", 1), lambda_context)
    assert not any(marks(key) for key in left)
    for _ in range(2):
        handler(execution_event(job, status, 2, cause=SENTENCE), lambda_context)
    assert all(marks(key) == {"kept": "for-a-while"} for key in left)
    assert not any(marks(key) for key in kept)
