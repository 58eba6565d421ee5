"""Every alarm of the deployed program goes off for its own fault alone, and its message arrives.

Where the embedded cloud keeps the metric, the fault is a real one; else its figure is put.
"""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.deployed import Deployed, deployed
from tests.local.cloud_kit import CloudKit, until

pytestmark = pytest.mark.cloud

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
FUNCTION = "aws:lambda/function:Function"
PREFIX = "spaceport-local-"

Alarm = Mapping[str, Any]


@dataclass(frozen=True)
class Watch:
    """The deployed alarms, and a reader of what they tell.

    Attributes:
        up: The deployed program.
        queue: URL of a queue that is subscribed to the alarms' topic.
        alarms: Every alarm by the end of its name.
        fired: The ends of the names of those that have told that they went off.
    """

    up: Deployed
    queue: str
    alarms: dict[str, Alarm]
    fired: set[str] = field(default_factory=set)

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        return self.up.cloud.client(service)

    def resource(self, token: str, name: str) -> dict[str, Any]:
        """Outputs of one deployed resource."""
        (found,) = [one for one in self.up.deployment.resources if (one.type, one.name) == (token, name)]
        return found.outputs

    def told(self) -> list[tuple[str, str]]:
        """Which alarms have told which state since the last look."""
        messages = []
        while (
            received := self.client("sqs")
            .receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
            .get("Messages")
        ):
            for message in received:
                self.client("sqs").delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                told = json.loads(json.loads(message["Body"])["Message"])
                messages.append((told["AlarmName"].removeprefix(PREFIX), told["NewStateValue"]))
        return messages

    def hear(self, *names: str) -> None:
        """Wait until alarms tell that they went off: these, each once, and nothing else."""
        told: list[tuple[str, str]] = []

        def all_told() -> bool:
            told.extend(self.told())
            return len(told) >= len(names)

        until(all_told, f"the messages of {names}", seconds=20)
        assert sorted(told) == sorted((name, "ALARM") for name in names)
        self.fired.update(names)

    def state(self, name: str) -> str:
        described = self.client("cloudwatch").describe_alarms(AlarmNames=[f"{PREFIX}{name}"])
        return str(described["MetricAlarms"][0]["StateValue"])

    def put(self, alarm: Alarm, *, dimensions: list[dict[str, str]], value: float) -> None:
        """Put the alarm's figure in as many periods as it looks at, the latest one last."""
        now = datetime.now(UTC)
        ages = range(alarm["EvaluationPeriods"])
        for age in reversed(ages):
            self.client("cloudwatch").put_metric_data(
                Namespace=alarm["Namespace"],
                MetricData=[
                    {
                        "MetricName": alarm["MetricName"],
                        "Dimensions": dimensions,
                        "Timestamp": now - timedelta(seconds=age * alarm["Period"]),
                        "Value": value,
                    }
                ],
            )


@pytest.fixture(scope="module")
def watch() -> Iterator[Watch]:
    with deployed() as up:
        topic = next(
            one.outputs["arn"] for one in up.deployment.resources if one.type == "aws:sns/topic:Topic"
        )
        queue, arn = CloudKit(up.cloud).queue()
        let_topic = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [let_topic]})
        up.cloud.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        up.cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        pages = up.cloud.client("cloudwatch").get_paginator("describe_alarms").paginate()
        found = [alarm for page in pages for alarm in page["MetricAlarms"]]
        yield Watch(up, queue, {alarm["AlarmName"].removeprefix(PREFIX): alarm for alarm in found})


def test_every_alarm_is_deployed(watch: Watch):
    registered = {
        one.outputs["name"].removeprefix(PREFIX) for one in watch.up.deployment.resources if one.type == ALARM
    }
    assert len(registered) > 30
    assert set(watch.alarms) == registered
    # No figure is there yet: for most that is good news, a queue's alarm keeps what it knew.
    silence = {"notBreaching": "OK", "ignore": "INSUFFICIENT_DATA"}
    for name, alarm in watch.alarms.items():
        assert watch.state(name) == silence[alarm["TreatMissingData"]], name


# Real faults come first: figures that were put would hide them.


def test_a_failed_job_is_told(watch: Watch):
    start_job(watch, str(uuid.uuid4()), "no-such-step")
    watch.hear("executions-failed")


def test_functions_that_raise_are_told(watch: Watch):
    functions = {
        one.outputs["name"]: one.name.removesuffix("-function")
        for one in watch.up.deployment.resources
        if one.type == FUNCTION
    }
    client = watch.client("lambda")
    with ThreadPoolExecutor(2) as pool:
        answers = pool.map(lambda name: client.invoke(FunctionName=name, Payload="{}"), functions)
        assert all("FunctionError" in answer for answer in answers)
    watch.hear(*(f"{name}-errors" for name in functions.values()))
    assert {f"{name}-errors" for name in functions.values()} == {
        n for n in watch.alarms if n.endswith("-errors")
    }


def test_refused_calls_are_told(watch: Watch):
    steps = watch.resource(FUNCTION, "pipeline-steps-function")["name"]
    client = watch.client("lambda")
    client.put_function_concurrency(FunctionName=steps, ReservedConcurrentExecutions=0)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName=steps, Payload="{}")
    client.delete_function_concurrency(FunctionName=steps)
    watch.hear("pipeline-steps-throttles")


def test_a_training_that_goes_on_and_on_is_told(watch: Watch):
    job = str(uuid.uuid4())
    long_ago = time.time() * 1000 - watch.alarms["training-too-long"]["Threshold"] * 1000
    write_row(watch, job, currentStage={"S": "3dgs"}, stageRunningSince={"N": str(int(long_ago))})
    with pipeline_that_waits(watch):
        execution = start_job(watch, job, "3dgs")
    look(watch)
    watch.hear("training-too-long")
    watch.client("stepfunctions").stop_execution(executionArn=execution)


def test_how_a_stage_ends_reaches_its_metrics(watch: Watch):
    job = str(uuid.uuid4())
    write_row(watch, job)
    kit = CloudKit(watch.up.cloud)
    role = watch.resource("aws:iam/role:Role", "pipeline-sfm-role")["arn"]
    request = kit.processing_request("raise SystemExit(1)", role, ProcessingJobName=f"{job}-1-sfm-0")
    assert kit.processed(kit.process(request))["ProcessingJobStatus"] == "Failed"

    def figures() -> dict[str, float]:
        now = datetime.now(UTC)
        found = {
            metric: watch.client("cloudwatch").get_metric_statistics(
                Namespace="Spaceport",
                MetricName=metric,
                Dimensions=[
                    {"Name": "service", "Value": PREFIX.rstrip("-")},
                    {"Name": "stage", "Value": "sfm"},
                ],
                StartTime=now - timedelta(hours=1),
                EndTime=now + timedelta(minutes=1),
                Period=3600,
                Statistics=["Sum"],
            )["Datapoints"]
            for metric in ("StageFailures", "StageSeconds")
        }
        return {metric: sum(point["Sum"] for point in points) for metric, points in found.items() if points}

    put = until(lambda: (found := figures()) and len(found) == 2 and found, "the stage's figures", seconds=20)
    assert put["StageFailures"] == 1
    assert 0 < put["StageSeconds"] < 60


@contextmanager
def pipeline_that_waits(watch: Watch) -> Iterator[None]:
    """Executions that are started meanwhile go on until they are stopped."""
    states, machine = watch.client("stepfunctions"), watch.up.deployment.outputs["stateMachineArn"]
    definition = states.describe_state_machine(stateMachineArn=machine)["definition"]
    wait = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}
    states.update_state_machine(stateMachineArn=machine, definition=json.dumps(wait))
    try:
        yield
    finally:
        states.update_state_machine(stateMachineArn=machine, definition=definition)


def start_job(watch: Watch, job: str, step: str) -> str:
    """Start an execution of the deployed pipeline."""
    started = watch.client("stepfunctions").start_execution(
        stateMachineArn=watch.up.deployment.outputs["stateMachineArn"],
        name=f"{job}-1",
        input=json.dumps({"jobId": job, "attempt": 1, "startAt": step, "captureUri": "s3://none/none/"}),
    )
    return str(started["executionArn"])


def write_row(watch: Watch, job: str, **more: dict[str, str]) -> None:
    """Write a job's row, as the jobs function would."""
    texts = {"jobId": job, "owner": "o", "captureUri": "s3://x/y/", "captureId": "y", "preset": "draft"}
    item = {name: {"S": text} for name, text in texts.items()}
    item |= {"createdAt": {"N": "1"}, "attempt": {"N": "1"}, "status": {"S": "RUNNING"}, **more}
    watch.client("dynamodb").put_item(
        TableName=watch.resource("aws:dynamodb/table:Table", "jobs-table")["name"], Item=item
    )


def look(watch: Watch) -> None:
    """Call the function as its schedule does every five minutes."""
    answer = watch.client("lambda").invoke(
        FunctionName=watch.resource(FUNCTION, "job-events-function")["name"],
        Payload=json.dumps(
            {"detail-type": "Scheduled Event", "time": datetime.now(UTC).isoformat(), "detail": {}}
        ),
    )
    assert "FunctionError" not in answer, answer["Payload"].read()


def test_every_other_alarm_goes_off_for_its_own_figure_alone(watch: Watch):
    for name, alarm in watch.alarms.items():
        if name in watch.fired:
            continue
        others = [{**dimension, "Value": f"{dimension['Value']}-other"} for dimension in alarm["Dimensions"]]
        watch.put(alarm, dimensions=others, value=2 * alarm["Threshold"])
        watch.put(alarm, dimensions=[], value=2 * alarm["Threshold"])
        watch.put(alarm, dimensions=alarm["Dimensions"], value=0.9 * alarm["Threshold"])
        alarmed = [told for told in watch.told() if told[1] == "ALARM"]
        assert not alarmed, f"{name} went off for another's figure, or below its threshold"
        watch.put(alarm, dimensions=alarm["Dimensions"], value=50 * alarm["Threshold"])
        watch.hear(name)
    assert watch.fired == set(watch.alarms)


def test_the_end_is_told_where_something_lasted(watch: Watch):
    cloudwatch = watch.client("cloudwatch")
    for name in watch.alarms:
        cloudwatch.set_alarm_state(AlarmName=f"{PREFIX}{name}", StateValue="ALARM", StateReason="a test")
    watch.told()
    for name in watch.alarms:
        cloudwatch.set_alarm_state(AlarmName=f"{PREFIX}{name}", StateValue="OK", StateReason="a test")
    lasting = {(name, "OK") for name, alarm in watch.alarms.items() if alarm["OKActions"]}
    assert set(watch.told()) == lasting
    assert 0 < len(lasting) < len(watch.alarms)
