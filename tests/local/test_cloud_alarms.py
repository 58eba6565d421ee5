"""Alarms of the embedded cloud go off as CloudWatch's would: for their own data, as far as policies let."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.cloud import EmbeddedCloud
from tests.local.cloud_kit import CloudKit, until

pytestmark = pytest.mark.cloud

CLOUDWATCH = {"Service": "cloudwatch.amazonaws.com"}
ONE = [{"Name": "Who", "Value": "one"}]
TWO = [{"Name": "Who", "Value": "two"}]


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in statements]}
    )


@pytest.fixture
def topic(cloud: EmbeddedCloud, kit: CloudKit) -> tuple[str, Callable[[], list[str]]]:
    """Make a topic that CloudWatch may publish to; give its ARN and a reader of the states it was told."""
    sns = cloud.client("sns")
    arn: str = sns.create_topic(Name=kit.name("topic"))["TopicArn"]
    sns.set_topic_attributes(
        TopicArn=arn,
        AttributeName="Policy",
        AttributeValue=policy({"Principal": CLOUDWATCH, "Action": "sns:Publish", "Resource": arn}),
    )
    queue, queue_arn = kit.queue()
    from_topic = {
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
    }
    kit.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(from_topic)})
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue_arn)
    return arn, lambda: [json.loads(one["Message"])["NewStateValue"] for one in kit.messages(queue)]


@pytest.fixture
def alarm(cloud: EmbeddedCloud, kit: CloudKit, topic: tuple[str, Any]) -> Callable[..., str]:
    """Give a function that makes an alarm (at 10 and above, of `Who` = one) and returns its name."""

    def make(**changes: Any) -> str:  # noqa: ANN401 - arguments of PutMetricAlarm
        name = kit.name("alarm")
        arguments: dict[str, Any] = {
            "Namespace": name,
            "MetricName": "Figure",
            "Dimensions": ONE,
            **({} if "ExtendedStatistic" in changes else {"Statistic": "Sum"}),
            "Period": 3600,
            "EvaluationPeriods": 1,
            "Threshold": 10,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
            "AlarmActions": [topic[0]],
        }
        cloud.client("cloudwatch").put_metric_alarm(AlarmName=name, **{**arguments, **changes})
        return name

    return make


@pytest.fixture
def put(cloud: EmbeddedCloud) -> Callable[..., None]:
    """Give a function that puts a figure of an alarm's metric, some hours old."""

    def send(
        name: str, value: float, dimensions: list[dict[str, str]] | None = None, *, hours_ago: int = 0
    ) -> None:
        datum = {
            "MetricName": "Figure",
            "Dimensions": ONE if dimensions is None else dimensions,
            "Timestamp": datetime.now(UTC) - timedelta(hours=hours_ago),
            "Value": value,
        }
        cloud.client("cloudwatch").put_metric_data(Namespace=name, MetricData=[datum])

    return send


@pytest.fixture
def state(cloud: EmbeddedCloud) -> Callable[[str], str]:
    def read(name: str) -> str:
        return str(
            cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]
        )

    return read


def test_only_the_alarms_own_dimensions_count(alarm, put, state, topic):
    name = alarm()
    for others in (TWO, [], [*ONE, {"Name": "More", "Value": "x"}]):
        put(name, 99, others)
    assert state(name) == "OK"
    put(name, 6)
    assert state(name) == "OK"
    put(name, 4)
    assert state(name) == "ALARM"
    put(name, 4)
    assert topic[1]() == ["ALARM"]


def test_every_period_must_be_over_the_threshold(alarm, put, state):
    name = alarm(EvaluationPeriods=3, Statistic="Maximum")
    for hours_ago in (0, 1, 3):
        put(name, 11, hours_ago=hours_ago)
    assert state(name) == "OK"
    put(name, 11, hours_ago=2)
    assert state(name) == "ALARM"


def test_some_of_the_periods_may_do(alarm, put, state):
    name = alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
    put(name, 11, hours_ago=2)
    assert state(name) == "OK"
    put(name, 11)
    assert state(name) == "ALARM"


def test_a_percentile_leaves_the_few_out(alarm, put, state):
    name = alarm(ExtendedStatistic="p50")
    for value in (1, 1, 99):
        put(name, value)
    assert state(name) == "OK"
    for value in (99, 99):
        put(name, value)
    assert state(name) == "ALARM"


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("notBreaching", "OK"),
        ("breaching", "ALARM"),
        ("missing", "INSUFFICIENT_DATA"),
        ("ignore", "INSUFFICIENT_DATA"),
    ],
)
def test_silence_means_what_the_alarm_says(alarm, state, missing, expected):
    assert state(alarm(TreatMissingData=missing)) == expected


def test_an_alarm_that_ignores_silence_keeps_its_state(cloud, alarm, put, state):
    name = alarm(TreatMissingData="ignore", Period=10)
    cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="before")
    put(name, 99, TWO)
    assert state(name) == "ALARM"


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"Service": "budgets.amazonaws.com"}, "Action": "sns:Publish"},
        {
            "Principal": CLOUDWATCH,
            "Action": "sns:Publish",
            "Condition": {"StringEquals": {"aws:SourceAccount": "999999999999"}},
        },
    ],
)
def test_a_topic_that_does_not_let_cloudwatch_in_is_told_nothing(cloud, alarm, put, state, topic, statement):
    cloud.client("sns").set_topic_attributes(
        TopicArn=topic[0],
        AttributeName="Policy",
        AttributeValue=policy({**statement, "Resource": topic[0]}),
    )
    name = alarm()
    put(name, 99)
    assert state(name) == "ALARM"
    assert topic[1]() == []


@pytest.mark.parametrize(
    ("actions", "told"),
    [
        (["kms:Decrypt", "kms:GenerateDataKey"], ["ALARM"]),
        (["kms:Decrypt"], []),
        (["kms:GenerateDataKey"], []),
    ],
)
def test_an_encrypted_topic_is_told_where_its_key_lets_cloudwatch(cloud, alarm, put, topic, actions, told):
    statement = {"Principal": CLOUDWATCH, "Action": actions, "Resource": "*"}
    key = cloud.client("kms").create_key(Policy=policy(statement))["KeyMetadata"]["Arn"]
    encrypt(cloud, topic[0], key)
    put(alarm(), 99)
    assert topic[1]() == told


def test_nothing_reaches_a_topic_under_the_key_of_aws(cloud, alarm, put, topic):
    encrypt(cloud, topic[0], "alias/aws/sns")
    put(alarm(), 99)
    assert topic[1]() == []


def encrypt(cloud: EmbeddedCloud, topic_arn: str, key: str) -> None:
    cloud.client("sns").set_topic_attributes(
        TopicArn=topic_arn, AttributeName="KmsMasterKeyId", AttributeValue=key
    )


def test_executions_are_counted_by_how_they_end(cloud, kit):
    fails = {"StartAt": "Stop", "States": {"Stop": {"Type": "Fail"}}}
    waits = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    role = kit.machine_role()
    for definition, metric, end in (
        (fails, "ExecutionsFailed", lambda _: None),
        ({**waits, "TimeoutSeconds": 1}, "ExecutionsTimedOut", lambda _: None),
        (waits, "ExecutionsAborted", lambda arn: kit.states.stop_execution(executionArn=arn)),
    ):
        machine = kit.machine(role, definition)
        execution = kit.execute(machine)
        end(execution)
        kit.executed(execution)
        until(lambda: counted(cloud, machine, metric), metric, seconds=10)  # noqa: B023 - called at once
        assert counted(cloud, machine, "ExecutionsStarted") == 1
        others = {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionsSucceeded"}
        assert [counted(cloud, machine, other) for other in others - {metric}] == [0, 0, 0]


def counted(cloud: EmbeddedCloud, machine: str, metric: str) -> float:
    now = datetime.now(UTC)
    points = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/States",
        MetricName=metric,
        Dimensions=[{"Name": "StateMachineArn", "Value": machine}],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=3600,
        Statistics=["Sum"],
    )["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def test_figures_in_a_functions_log_set_its_alarm_off(kit, alarm, state, topic):
    name = alarm()
    line = {
        "_aws": {
            "Timestamp": 0,
            "CloudWatchMetrics": [
                {
                    "Namespace": name,
                    "Dimensions": [["Who"], []],
                    "Metrics": [{"Name": "Figure", "Unit": "Count"}],
                }
            ],
        },
        "Who": "one",
        "Figure": [6, 5],
    }
    function = kit.function(f"def handler(event, context):\n    print({json.dumps(line)!r})\n")
    assert kit.invoke(function)["error"] is None
    assert state(name) == "ALARM"
    assert topic[1]() == ["ALARM"]
