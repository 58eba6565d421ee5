"""What is alarmed on, as data: which figure of CloudWatch, from which value on, and what that means.

No alarm computes with several metrics: each names one that AWS, or our function `job-events`, really keeps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pulumi

Name = pulumi.Input[str]

STAGE_NAMESPACE = "Spaceport"
STAGE_SECONDS = "StageSeconds"
STAGE_FAILURES = "StageFailures"
STAGE_RUNNING_SECONDS = "StageRunningSeconds"
"""Figures that `functions/job_events/metrics.py` puts, by `service` (project and stack) and `stage`."""

LATENCY_MILLISECONDS = 3000
"""A page that waits longer feels broken; uploads and models do not pass through the APIs."""
LONG_TRAINING_SHARE = 0.75
"""Part of the longest training time from which on a running one is called too long: time is left to look."""
FIVE_MINUTES = 300
HOUR = 3600
BOUNCE_RATE = 0.05
COMPLAINT_RATE = 0.001
"""Parts of the mails sent from which on AWS reviews an account, and may end its sending."""


@dataclass(frozen=True)
class Alarm:
    """One alarm: in alarm while the figure is at its threshold or above.

    Attributes:
        name: Unique in the stack; part of the alarm's name in the mail.
        description: What has happened, for the person who gets the mail.
        namespace: Namespace of the metric.
        metric: Its name.
        dimensions: Exactly those that the metric is kept under: with one more or less there are no data.
        threshold: The figure from which on it alarms.
        statistic: `Sum`, `Maximum`, or a percentile such as `p95`.
        period_seconds: How long one figure is gathered.
        periods: How many of them in a row must be at the threshold.
        missing_data: What no data mean: `notBreaching` where silence is good news, `ignore` where the metric
            falls silent although nothing got better.
        tells_recovery: Whether the end is mailed too: where something lasts, not where it happened once.
    """

    name: str
    description: str
    namespace: str
    metric: str
    dimensions: Mapping[str, Name]
    threshold: float = 1
    statistic: str = "Sum"
    period_seconds: int = FIVE_MINUTES
    periods: int = 1
    missing_data: Literal["notBreaching", "ignore"] = "notBreaching"
    tells_recovery: bool = False

    @property
    def is_percentile(self) -> bool:
        """Whether the statistic is what CloudWatch calls an extended one."""
        return self.statistic.startswith("p")


def of_executions(state_machine_arn: Name) -> list[Alarm]:
    """Alarms of the pipeline's executions; one that was aborted is a person's stop, so no alarm."""
    dimensions = {"StateMachineArn": state_machine_arn}
    return [
        Alarm(
            "executions-failed",
            "A job has failed.",
            "AWS/States",
            "ExecutionsFailed",
            dimensions,
        ),
        Alarm(
            "executions-timed-out",
            "A job has taken longer than all its steps together may.",
            "AWS/States",
            "ExecutionsTimedOut",
            dimensions,
        ),
    ]


def of_training(service: str, max_training_seconds: int) -> Alarm:
    """Alarm of a training that runs for long and still costs GPU time.

    AWS keeps no such figure. `job-events` looks every five minutes and puts it while a training has its
    machine; the period is twice that, so that one late look leaves no gap.
    """
    return Alarm(
        "training-too-long",
        "A training has run for most of the time it may, and costs GPU time.",
        STAGE_NAMESPACE,
        STAGE_RUNNING_SECONDS,
        {"service": service, "stage": "3dgs"},
        threshold=LONG_TRAINING_SHARE * max_training_seconds,
        statistic="Maximum",
        period_seconds=2 * FIVE_MINUTES,
        tells_recovery=True,
    )


def of_function(name: str, function_name: Name) -> list[Alarm]:
    """Alarms of a function.

    Args:
        name: Our name of it.
        function_name: Its name on AWS.
    """
    dimensions = {"FunctionName": function_name}
    return [
        Alarm(
            f"{name}-errors",
            f"A call of the function {name} ended with an error, or took too long.",
            "AWS/Lambda",
            "Errors",
            dimensions,
        ),
        Alarm(
            f"{name}-throttles",
            f"Calls of the function {name} were refused: too many ran at once.",
            "AWS/Lambda",
            "Throttles",
            dimensions,
            tells_recovery=True,
        ),
    ]


def of_asynchronous_function(name: str, function_name: Name) -> Alarm:
    """Alarm of an event that a function did not get done in all its attempts.

    It counts whether or not such an event goes to a dead-letter queue, and whether or not it arrives there.
    """
    return Alarm(
        f"{name}-events-dropped",
        f"The function {name} has given up an event after all its attempts.",
        "AWS/Lambda",
        "AsyncEventsDropped",
        {"FunctionName": function_name},
    )


def of_api(name: str, api_name: Name, stage_name: str) -> list[Alarm]:
    """Alarms of a REST API.

    Args:
        name: Our name of it.
        api_name: Its name on AWS, which is what its metrics are kept under.
        stage_name: Its stage.
    """
    dimensions = {"ApiName": api_name, "Stage": stage_name}
    return [
        Alarm(
            f"{name}-5xx",
            f"The API {name} has answered a request with an error of ours.",
            "AWS/ApiGateway",
            "5XXError",
            dimensions,
            tells_recovery=True,
        ),
        Alarm(
            f"{name}-latency",
            f"One request in twenty to the API {name} has taken long for a quarter of an hour.",
            "AWS/ApiGateway",
            "Latency",
            dimensions,
            threshold=LATENCY_MILLISECONDS,
            statistic="p95",
            periods=3,
            tells_recovery=True,
        ),
    ]


def of_table(name: str, table_name: Name, indexes: Sequence[str]) -> list[Alarm]:
    """Alarms of a table and of each of its indexes.

    ReadThrottleEvents and WriteThrottleEvents: ThrottledRequests is kept per operation only, so an alarm over
    a whole table would never see one. The table's own figures leave its indexes out.

    Args:
        name: Our name of the table.
        table_name: Its name on AWS.
        indexes: Names of its indexes.
    """
    parts: dict[str, dict[str, Name]] = {name: {"TableName": table_name}}
    for index in indexes:
        parts[f"{name}-{index}"] = {"TableName": table_name, "GlobalSecondaryIndexName": index}
    return [
        Alarm(
            f"{part}-{kind.lower()}-throttles",
            f"DynamoDB has refused {kind.lower()}s of {part}: more came than it takes.",
            "AWS/DynamoDB",
            f"{kind}ThrottleEvents",
            dimensions,
            tells_recovery=True,
        )
        for part, dimensions in parts.items()
        for kind in ("Read", "Write")
    ]


def of_dead_letters(name: str, queue_name: Name) -> Alarm:
    """Alarm of a dead-letter queue that holds something.

    SQS stops telling six hours after the last use of a queue, with the messages still in it: the alarm keeps
    its state then.
    """
    return Alarm(
        f"{name}-dead-letters",
        f"Events that {name} could not get done wait in its dead-letter queue.",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": queue_name},
        statistic="Maximum",
        missing_data="ignore",
        tells_recovery=True,
    )


def of_mails(configuration_set: Name) -> list[Alarm]:
    """Alarms of how mails are received.

    SES puts these rates when they change, so they fall silent although nothing got better.
    """
    dimensions = {"ses:configuration-set": configuration_set}
    return [
        Alarm(
            f"mails-{what}",
            description,
            "AWS/SES",
            f"Reputation.{metric}",
            dimensions,
            threshold=threshold,
            statistic="Maximum",
            period_seconds=HOUR,
            missing_data="ignore",
            tells_recovery=True,
        )
        for what, description, metric, threshold in (
            ("bounced", "One mail in twenty does not reach its recipient.", "BounceRate", BOUNCE_RATE),
            (
                "complained",
                "One person in a thousand calls our mail spam.",
                "ComplaintRate",
                COMPLAINT_RATE,
            ),
        )
    ]
