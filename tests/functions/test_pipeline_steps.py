"""The state machine's own steps over real S3 and DynamoDB calls."""

import json
import uuid

import pytest
from pydantic import ValidationError

from functions.pipeline_steps.handler import handler
from functions.pipeline_steps.logic import MODEL_FILES
from functions.pipeline_steps.refusals import ModelIncomplete, ReconstructionRejected
from functions.shared.job_names import StepJobName
from functions.shared.jobs import WAITING_FOR_MACHINE, JobStore
from functions.shared.stores import Table
from tests.functions.job_kit import add_job

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]


@pytest.fixture
def job():
    """Write a job's row; give its id."""
    return add_job(owner="me")


def test_the_reconstructions_report_is_judged(cloud, job, lambda_context):
    def put(registered):
        body = {"input": {"photos": 10}, "output": {"registered": registered, "points": 4000}}
        key = f"jobs/{job}/sfm/report.json"
        cloud.client("s3").put_object(Bucket="test-ml", Key=key, Body=json.dumps(body))

    event = {"action": "quality_gate", "jobId": str(uuid.uuid4()), "sourceJobId": job}
    with pytest.raises(LookupError):
        handler(event, lambda_context)
    put(10)
    assert handler(event, lambda_context)["registered"] == 10
    put(4)
    with pytest.raises(ReconstructionRejected, match="4 of 10"):
        handler(event, lambda_context)


def test_waiting_for_a_machine_is_kept_unless_later_news_is_known(job, lambda_context):
    jobs = JobStore(Table("jobs"))
    event = {"action": "wait_for_machine", "jobId": job, "attempt": "1", "step": "3dgs", "try": 2}
    assert handler(event, lambda_context) == {"told": True}
    row = jobs.get(job)
    assert (row.current_stage, row.stage_status) == ("3dgs", WAITING_FOR_MACHINE)
    # The next try's job has begun; what is told of the one before comes late.
    begun = StepJobName(job, 1, "3dgs", 3)
    assert jobs.in_stage(begun, "Starting", row.stage_event_at - 1000, None)
    assert handler(event, lambda_context) == {"told": False}
    assert jobs.get(job).stage_status == "Starting"


@pytest.fixture
def model(cloud, job):
    """Put a model's files into the job's folder; give the event that publishes it."""
    report = {"compressor": {"output": {"sog_bytes": 7}, "seconds": 1.5}}
    for name in [*MODEL_FILES, "assets/viewer.js"]:
        body = json.dumps(report).encode() if name == "report.json" else b"content"
        cloud.client("s3").put_object(Bucket="test-ml", Key=f"jobs/{job}/model/{name}", Body=body)
    return {"action": "publish", "jobId": job}


def test_a_published_model_has_one_unguessable_link(cloud, job, model, lambda_context):
    handler(model, lambda_context)
    row = JobStore(Table("jobs")).get(job)
    assert row is not None
    assert row.published_at is not None
    assert row.result is not None
    assert row.result["sogBytes"] == 7
    assert row.link_token is not None
    assert len(row.link_token) == 43
    assert row.viewer_url == f"https://view.example.org/open/{row.link_token}"
    link = Table("links").get({"token": row.link_token})
    assert link is not None
    assert (link["jobId"], link["owner"]) == (job, "me")
    handler(model, lambda_context)
    again = JobStore(Table("jobs")).get(job)
    assert again is not None
    assert again.viewer_url == row.viewer_url
    page = cloud.client("s3").get_object(Bucket="test-ml", Key=f"jobs/{job}/model/index.html")
    assert page["ContentType"].startswith("text/html")
    assert page["Body"].read() == b"content"


def test_an_incomplete_model_is_not_published(cloud, job, model, lambda_context):
    cloud.client("s3").put_object(Bucket="test-ml", Key=f"jobs/{job}/model/model.sog", Body=b"")
    with pytest.raises(ModelIncomplete, match=r"model\.sog"):
        handler(model, lambda_context)
    row = JobStore(Table("jobs")).get(job)
    assert row is not None
    assert (row.viewer_url, row.link_token) == (None, None)


@pytest.mark.parametrize(
    "event", [{}, {"action": "paint", "jobId": "x"}, {"action": "publish", "jobId": "../x"}]
)
def test_an_event_nobody_knows_is_an_error(event, lambda_context):
    with pytest.raises(ValidationError):
        handler(event, lambda_context)
