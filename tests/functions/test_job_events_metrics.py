"""The stages' figures: once per SageMaker job that ends, and while one runs, as CloudWatch reads them."""

import json
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from functions.job_events.handler import _events, handler
from functions.job_events.metrics import StageMetrics
from functions.shared.clock import now_ms
from functions.shared.job_names import STEPS
from local.cloud.ministack.metrics import embedded_metrics
from tests.functions.job_kit import add_job

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

STARTED = 1_777_629_600_000
SERVICE = "spaceport-test"


@pytest.fixture
def job():
    """Write a job's row; give its id."""
    return add_job()


@pytest.fixture
def tell(capsys, lambda_context):
    """Give a function that sends an event and returns what CloudWatch would read: name, value, dimensions."""

    def send(event):
        capsys.readouterr()
        handler(event, lambda_context)
        found = [datum for line in capsys.readouterr().out.splitlines() for datum in embedded_metrics(line)]
        assert all(namespace == "Spaceport" for namespace, *_ in found)
        return [(name, value, dimensions) for _, name, value, _, dimensions in found]

    return send


def ended(job_id, step, status, *, seconds=None, retry=0, attempt=1):
    kind = "Training" if step == "3dgs" else "Processing"
    times = {f"{kind}StartTime": STARTED, f"{kind}EndTime": STARTED + seconds * 1000} if seconds else {}
    return {
        "detail-type": f"SageMaker {kind} Job State Change",
        "time": "2026-05-01T10:00:00Z",
        "detail": {
            f"{kind}JobName": f"{job_id}-{attempt}-{step}-{retry}",
            f"{kind}JobStatus": status,
            "LastModifiedTime": STARTED + (seconds or 0) * 1000,
            **times,
        },
    }


def look():
    return {
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "time": datetime.now(UTC).isoformat(),
        "detail": {},
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_stage_that_ends_gives_its_time_and_whether_it_failed(job, tell, step):
    dimensions = {"service": SERVICE, "stage": step}
    for retry, (status, failures) in enumerate((("Failed", 1), ("Completed", 0))):
        assert tell(ended(job, step, status, seconds=90, retry=retry)) == [
            ("StageFailures", failures, dimensions),
            ("StageSeconds", 90.0, dimensions),
        ]


def test_a_stage_that_never_got_a_machine_has_no_time(job, tell):
    assert tell(ended(job, "3dgs", "Failed")) == [("StageFailures", 1, {"service": SERVICE, "stage": "3dgs"})]


def test_a_stopped_stage_is_no_failure(job, tell):
    assert tell(ended(job, "3dgs", "Stopped", seconds=5))[0][:2] == ("StageFailures", 0)


def test_an_event_that_comes_twice_or_late_counts_once(job, tell):
    assert tell(ended(job, "sfm", "Completed", seconds=10))
    assert not tell(ended(job, "sfm", "Completed", seconds=10))
    assert tell(ended(job, "3dgs", "Completed", seconds=10))
    assert not tell(ended(job, "sfm", "Completed", seconds=10))


def test_the_end_of_a_stage_counts_although_its_job_has_ended_before(jobs, job, tell):
    jobs.ended(job, 1, "ABORTED", 5, None)
    assert tell(ended(job, "3dgs", "Stopped", seconds=5))


def test_events_of_others_give_no_figures(tell):
    event = ended(str(uuid.uuid4()), "3dgs", "Failed", seconds=5)
    assert not tell(event)
    event["detail"]["TrainingJobName"] = "their-training"
    assert not tell(event)


@pytest.mark.parametrize("status", ["InProgress", "Stopping"])
def test_a_stage_under_way_gives_nothing_yet(job, tell, status):
    assert not tell(ended(job, "3dgs", status, seconds=5))


class TestLook:
    """What is put every five minutes."""

    @pytest.fixture
    def machine(self, cloud, monkeypatch):
        """Make a machine whose executions wait, and let the function look at it."""
        wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
        arn = cloud.machine(wait)
        looking = replace(_events(), metrics=StageMetrics(SERVICE), state_machine_arn=arn)
        monkeypatch.setattr("functions.job_events.handler._events", lambda: looking)
        return arn

    @pytest.fixture
    def start(self, cloud, machine):
        """Give a function that starts an execution of a job."""

        def start(name):
            states = cloud.client("stepfunctions")
            arn = states.start_execution(stateMachineArn=machine, name=name, input="{}")["executionArn"]
            deadline = time.monotonic() + 5
            while time.monotonic() < deadline:
                if states.describe_execution(executionArn=arn)["status"] == "RUNNING":
                    return arn
                time.sleep(0.02)
            raise AssertionError(name)

        return start

    def training(self, job_id, *, started=None, status="InProgress", attempt=1):
        event = ended(job_id, "3dgs", status, attempt=attempt)
        if started is not None:
            event["detail"]["TrainingStartTime"] = started
        return event

    def test_a_job_that_has_its_machine_tells_for_how_long(self, job, start, tell):
        start(f"{job}-1")
        assert not tell(self.training(job, started=now_ms() - 100_000))
        ((name, seconds, dimensions),) = tell(look())
        assert (name, dimensions) == ("StageRunningSeconds", {"service": SERVICE, "stage": "3dgs"})
        assert 100 <= seconds < 110

    def test_a_job_that_waits_for_a_machine_runs_not(self, job, start, tell):
        start(f"{job}-1")
        tell(self.training(job))
        assert not tell(look())

    def test_a_stage_that_has_ended_runs_no_longer(self, job, start, tell):
        start(f"{job}-1")
        tell(self.training(job, started=now_ms() - 100_000))
        tell(self.training(job, started=now_ms() - 100_000, status="Completed"))
        assert not tell(look())

    def test_a_job_whose_execution_has_ended_runs_no_longer(self, cloud, job, start, tell):
        arn = start(f"{job}-1")
        tell(self.training(job, started=now_ms() - 100_000))
        cloud.client("stepfunctions").stop_execution(executionArn=arn)
        assert not tell(look())

    def test_an_earlier_attempts_machine_is_not_the_running_ones(self, job, start, tell):
        tell(self.training(job, started=now_ms() - 100_000))
        start(f"{job}-2")
        assert not tell(look())

    def test_executions_of_others_are_left_alone(self, start, tell):
        start("nightly")
        start(f"{uuid.uuid4()}-1")
        assert not tell(look())


def test_no_line_of_the_log_but_the_figures_is_read_as_one():
    for line in ("", "text", '{"message": "_aws"}', '"_aws"', '{"_aws', json.dumps({"level": "INFO"})):
        assert not list(embedded_metrics(line))
