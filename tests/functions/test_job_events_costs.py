"""What machines took and cost: counted once per SageMaker job, whatever its events do."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from functions.job_events import step_jobs
from functions.job_events.events import SETTLE_AFTER_MS
from functions.job_events.handler import _events, handler
from functions.job_events.mail import mail_about
from functions.shared.clock import now_ms
from functions.shared.jobs import JobRow
from functions.shared.prices import Prices
from functions.shared.spending import MachineUse
from functions.shared.stores import Table
from tests.functions.job_kit import add_job
from tests.functions.test_job_events import execution_event, failing_execution, tick
from tests.functions.test_job_events_metrics import STARTED

__all__ = ["failing_execution"]

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

GPU, CPU = "ml.g5.2xlarge", "ml.c6i.4xlarge"
PRICES = Prices.with_overrides("{}")


class FakeSageMaker:
    """SageMaker with some jobs; asked by name and listed.

    Attributes:
        described: Answers of Describe by name.
        asked: Names that were asked for.
    """

    def __init__(self) -> None:
        self.described = {}
        self.asked = []

    def _describe(self, name):
        self.asked.append(name)
        if name not in self.described:
            error = {"Code": "ValidationException", "Message": "Requested resource not found."}
            raise ClientError({"Error": error}, "DescribeTrainingJob")
        return self.described[name]

    def describe_training_job(self, *, TrainingJobName):  # noqa: N803 - boto3's names
        return self._describe(TrainingJobName)

    def describe_processing_job(self, *, ProcessingJobName):  # noqa: N803
        return self._describe(ProcessingJobName)

    def get_paginator(self, operation):
        kind = "Training" if "training" in operation else "Processing"
        fake = self

        class Pages:
            def paginate(self, *, NameContains):  # noqa: N803
                named = [told for name, told in fake.described.items() if NameContains in name]
                ours = [told for told in named if f"{kind}JobName" in told]
                # One per page: what is on later pages counts too.
                return [{f"{kind}JobSummaries": [told]} for told in ours]

        return Pages()


@pytest.fixture
def sagemaker(monkeypatch):
    fake = FakeSageMaker()
    monkeypatch.setattr(step_jobs, "sagemaker", lambda: fake)
    return fake


@pytest.fixture
def job():
    """Write a job's row; give its id."""
    return add_job()


def detail(job_id, step, seconds, *, retry=0, attempt=1, status="Completed", machine=None, **more: object):
    """A SageMaker job as its events tell it: times are texts of milliseconds there."""
    kind = "Training" if step == "3dgs" else "Processing"
    told = {
        f"{kind}JobName": f"{job_id}-{attempt}-{step}-{retry}",
        f"{kind}JobStatus": status,
        "LastModifiedTime": str(STARTED),
        **more,
    }
    if seconds is not None:
        told |= {f"{kind}StartTime": str(STARTED), f"{kind}EndTime": str(STARTED + round(seconds * 1000))}
    machine = machine or (GPU if step == "3dgs" else CPU)
    if step == "3dgs":
        told["ResourceConfig"] = {"InstanceType": machine, "InstanceCount": 1}
    else:
        told["ProcessingResources"] = {"ClusterConfig": {"InstanceType": machine, "InstanceCount": 1}}
    return told


def event(*arguments: object, **more: object):
    told = detail(*arguments, **more)
    kind = "Training" if "TrainingJobName" in told else "Processing"
    return {
        "detail-type": f"SageMaker {kind} Job State Change",
        "time": "2026-05-01T10:00:00Z",
        "detail": told,
    }


def described(*arguments: object, billed=None, **more: object):
    """A SageMaker job as Describe answers."""
    told = detail(*arguments, **more)
    for name in list(told):
        if name.endswith("Time"):
            told[name] = datetime.fromtimestamp(int(told[name]) / 1000, UTC)
    return told if billed is None else {**told, "BillableTimeInSeconds": billed}


def test_a_processing_job_costs_all_the_time_that_it_had_its_machine(jobs, job, sagemaker, lambda_context):
    handler(event(job, "sfm", 600), lambda_context)
    row = jobs.get(job)
    (used,) = row.machines
    assert (used.step, used.instance_type) == ("sfm", CPU)
    assert used.machine_seconds == used.billed_seconds == 600
    assert used.usd == row.cost_usd == PRICES.usd(CPU, 600)
    assert sagemaker.asked == []


def test_a_training_costs_what_sagemaker_says_is_billed(jobs, job, sagemaker, lambda_context):
    """Its events do not tell; of a spot machine's time a part is billed."""
    name = f"{job}-1-3dgs-0"
    sagemaker.described[name] = described(job, "3dgs", 1000, billed=350)
    handler(event(job, "3dgs", 1000), lambda_context)
    (used,) = jobs.get(job).machines
    assert (used.machine_seconds, used.billed_seconds) == (1000, 350)
    assert used.usd == PRICES.usd(GPU, 350)
    assert sagemaker.asked == [name]


def test_a_training_that_sagemaker_has_forgotten_costs_all_its_time(jobs, job, sagemaker, lambda_context):
    handler(event(job, "3dgs", 1000), lambda_context)
    (used,) = jobs.get(job).machines
    assert used.billed_seconds == 1000
    assert sagemaker.asked


def test_a_refusal_to_say_leaves_the_job_to_the_repeated_event(
    jobs, job, sagemaker, lambda_context, monkeypatch
):
    def throttled(**_: object):
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "DescribeTrainingJob")

    with monkeypatch.context() as patch:
        patch.setattr(sagemaker, "describe_training_job", throttled)
        with pytest.raises(ClientError):
            handler(event(job, "3dgs", 1000), lambda_context)
    assert jobs.get(job).machines == []
    sagemaker.described[f"{job}-1-3dgs-0"] = described(job, "3dgs", 1000, billed=1000)
    handler(event(job, "3dgs", 1000), lambda_context)
    assert len(jobs.get(job).machines) == 1


def test_doubled_and_late_events_count_once_and_each_try_counts(jobs, job, sagemaker, lambda_context):
    tries = [("compressor", 0, 1), ("3dgs", 0, 1), ("3dgs", 1, 1), ("sfm", 0, 1), ("3dgs", 0, 2)]
    for step, retry, attempt in [*tries, *tries]:
        sagemaker.described[f"{job}-{attempt}-{step}-{retry}"] = described(
            job, step, 100, retry=retry, attempt=attempt, billed=100
        )
        handler(event(job, step, 100, retry=retry, attempt=attempt), lambda_context)
    row = jobs.get(job)
    assert sorted(used.step for used in row.machines) == sorted(step for step, _, _ in tries)
    assert len({used.order for used in row.machines}) == len(tries)
    assert row.cost_usd == pytest.approx(sum(used.usd for used in row.machines))


def test_a_try_that_got_no_machine_took_nothing(jobs, job, sagemaker, lambda_context):
    handler(event(job, "3dgs", None, status="Failed"), lambda_context)
    row = jobs.get(job)
    assert (row.machines, row.cost_usd) == ([], None)
    assert sagemaker.asked == []


def test_a_machine_without_a_price_is_counted_without_a_cost(jobs, job, sagemaker, lambda_context):
    handler(event(job, "sfm", 600, machine="ml.z9.xlarge"), lambda_context)
    handler(event(job, "compressor", 600), lambda_context)
    row = jobs.get(job)
    assert {used.instance_type: used.usd for used in row.machines} == {
        "ml.z9.xlarge": None,
        CPU: PRICES.usd(CPU, 600),
    }
    assert row.cost_usd == PRICES.usd(CPU, 600)


def test_the_machine_of_a_running_stage_is_known(jobs, job, lambda_context):
    changed = event(job, "3dgs", None, status="InProgress")
    handler(changed, lambda_context)
    assert jobs.get(job).stage_machine is None
    changed["detail"] |= {"TrainingStartTime": str(STARTED)}
    handler(changed, lambda_context)
    assert jobs.get(job).stage_machine == GPU
    assert jobs.get(job).stage_running_since == STARTED


class TestSettling:
    """The look at what runs: it counts what no event told."""

    @pytest.fixture
    def lost(self, job, sagemaker):
        """SageMaker jobs of a job, none of whose ends was told."""
        steps = {"sfm": 0, "3dgs": 1}
        for step, retry in steps.items():
            sagemaker.described[f"{job}-1-{step}-{retry}"] = described(job, step, 100, retry=retry, billed=40)
        stranger = str(uuid.uuid4())
        sagemaker.described[f"{stranger}-1-sfm-0"] = described(stranger, "sfm", 100)
        sagemaker.described[f"copy-of-{job}-1"] = {
            "TrainingJobName": f"copy-of-{job}-1",
            "TrainingJobStatus": "Failed",
        }
        return steps

    def look(self, context, after_ms):
        handler(tick((now_ms() + after_ms) / 1000), context)

    def test_lost_ends_are_counted_once_some_time_after_the_executions(
        self, jobs, job, lost, sagemaker, lambda_context, failing_execution
    ):
        failing_execution(f"{job}-1")
        self.look(lambda_context, 0)
        assert jobs.get(job).machines == []
        for _ in range(2):
            self.look(lambda_context, SETTLE_AFTER_MS + 60_000)
        row = jobs.get(job)
        assert {used.step for used in row.machines} == set(lost)
        assert len(row.machines) == len(lost)
        assert row.settled_attempt == 1
        asked = len(sagemaker.asked)
        self.look(lambda_context, SETTLE_AFTER_MS + 120_000)
        assert len(sagemaker.asked) == asked

    def test_what_was_told_is_not_counted_again(self, jobs, job, lost, lambda_context, failing_execution):
        handler(event(job, "sfm", 100), lambda_context)
        failing_execution(f"{job}-1")
        self.look(lambda_context, SETTLE_AFTER_MS + 60_000)
        assert sorted(used.step for used in jobs.get(job).machines) == sorted(lost)

    @pytest.mark.usefixtures("lost")
    def test_a_machine_that_still_stops_is_waited_for(
        self, jobs, job, sagemaker, lambda_context, failing_execution
    ):
        name = f"{job}-1-3dgs-1"
        ended = sagemaker.described[name]
        sagemaker.described[name] = {**ended, "TrainingJobStatus": "Stopping"}
        failing_execution(f"{job}-1")
        self.look(lambda_context, SETTLE_AFTER_MS + 60_000)
        assert [used.step for used in jobs.get(job).machines] == ["sfm"]
        sagemaker.described[name] = ended
        self.look(lambda_context, SETTLE_AFTER_MS + 120_000)
        assert len(jobs.get(job).machines) == 2
        assert jobs.get(job).settled_attempt == 1


@pytest.fixture
def ended_row():
    used = MachineUse(step="sfm", order=1, instance_type=CPU, machine_seconds=1, billed_seconds=1, usd=1.2)
    return JobRow(
        job_id="j",
        owner="o",
        created_at=0,
        started_at=1000,
        ended_at=1000 + round(timedelta(minutes=42).total_seconds() * 1000),
        capture_uri="u",
        capture_id="c",
        preset="p",
        status="SUCCEEDED",
        viewer_url="https://v.example/open/a",
        machines=[used, used.model_copy(update={"usd": 0.6})],
    )


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED"])
def test_the_mail_says_time_and_cost(ended_row, status):
    mail = mail_about(ended_row.model_copy(update={"status": status}))
    assert "It took 42 minutes and cost about $1.80." in mail.text


def test_the_mail_says_no_cost_that_is_not_known(ended_row):
    unpriced = ended_row.machines[0].model_copy(update={"usd": None})
    text = mail_about(ended_row.model_copy(update={"machines": [unpriced]})).text
    assert "It took 42 minutes." in text
    assert "$" not in text
    assert "It took" not in mail_about(ended_row.model_copy(update={"machines": []})).text


def test_a_mail_after_the_last_machine_counts_it(jobs, job, sagemaker, cloud, lambda_context):
    Table("jobs").update(
        {"jobId": job}, {"email": f"{job}@example.org"}, condition="attribute_exists(#jobId)"
    )
    handler(execution_event(job, "RUNNING", 0), lambda_context)
    handler(event(job, "sfm", 3600, machine="ml.m5.xlarge"), lambda_context)
    handler(execution_event(job, "ABORTED", 9), lambda_context)
    (mail,) = [mail for mail in cloud.embedded.mail() if f"{job}@example.org" in str(mail["To"])]
    assert "cost about $0.23" in mail["BodyText"]


def test_prices_of_the_stack_are_counted_with(jobs, job, sagemaker, lambda_context, monkeypatch):
    own = replace(_events(), step_jobs=step_jobs.StepJobs(Prices({CPU: 36.0})))
    monkeypatch.setattr("functions.job_events.handler._events", lambda: own)
    handler(event(job, "sfm", 100), lambda_context)
    assert jobs.get(job).cost_usd == 1
