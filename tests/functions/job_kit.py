"""Jobs as their executions leave them, for tests of what can be done with them afterwards."""

import json
import uuid
from typing import Any

from functions.shared.clock import now_ms
from functions.shared.failures import Failure
from functions.shared.job_names import STEPS, StepJobName
from functions.shared.jobs import JobRow, JobStore
from functions.shared.stores import Table

FAILURE = Failure("Something went wrong on our side.", "Start the job again.")


def jobs() -> JobStore:
    """Give the jobs table."""
    return JobStore(Table("jobs"))


def add_job(**fields: Any) -> str:  # noqa: ANN401 -- any of a row's fields
    """Write a new job's row; give its id."""
    asked = {"owner": "o", "created_at": 1, "capture_uri": "s3://x/y/", "capture_id": "y", "preset": "draft"}
    row = JobRow(job_id=str(uuid.uuid4()), **asked | fields)
    assert jobs().add(row)
    return row.job_id


def put(cloud: Any, key: str, body: bytes | str = b"1") -> None:  # noqa: ANN401 -- the fixture
    """Put an object into the ml bucket."""
    cloud.client("s3").put_object(Bucket="test-ml", Key=key, Body=body)


def end(cloud: Any, job_id: str, *, at: str, status: str = "FAILED", tries: int = 1) -> None:  # noqa: ANN401
    """Let a job's attempt come to a step and end there, with what the steps before it leave."""
    attempt = jobs().get(job_id).attempt
    reached = STEPS.index(at)
    if reached > 0:
        put(cloud, f"jobs/{job_id}/sfm/report.json", json.dumps({"output": {}}))
    if reached > 1:
        for number in range(1, tries + 1):
            put(cloud, artifacts_key(job_id, attempt, number))
    assert jobs().in_stage(StepJobName(job_id, attempt, at, 1), "Failed", now_ms(), None)
    failure = None if status == "SUCCEEDED" else FAILURE
    assert jobs().ended(job_id, attempt, status, now_ms(), failure)


def artifacts_key(job_id: str, attempt: int, number: int) -> str:
    """Key of what a training leaves."""
    return f"jobs/{job_id}/3dgs/{StepJobName(job_id, attempt, '3dgs', number)}/output/model.tar.gz"


def capture_of(cloud: Any, user: str) -> str:  # noqa: ANN401
    """Put a photo into a new capture; give its folder's address."""
    prefix = f"uploads/{user}/{uuid.uuid4()}/"
    cloud.client("s3").put_object(Bucket="test-uploads", Key=f"{prefix}a.jpg", Body=b"1")
    return f"s3://test-uploads/{prefix}"


def input_of(cloud: Any, started: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401
    """Give what the execution of a started job was given."""
    execution = cloud.client("stepfunctions").describe_execution(executionArn=started["executionArn"])
    return {"name": execution["name"], **json.loads(execution["input"])}
