"""Judges alarms as CloudWatch does: by their own dimensions and periods, whenever a metric gets a value.

MiniStack takes all values of a metric's name, whoever's they are, as one figure: an alarm over the wrong
function would still go off. It also publishes to a topic whatever the topic's and its key's policies say.
"""

import json
import logging
import operator
import threading
import time
from types import ModuleType
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region

from local.cloud.ministack import patch_points

log = logging.getLogger("spaceport.alarms")

Json = dict[str, Any]
CLOUDWATCH = "cloudwatch.amazonaws.com"
ACTIONS = ("AlarmActions", "OKActions", "InsufficientDataActions")
COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanOrEqualToThreshold": operator.le,
    "LessThanThreshold": operator.lt,
}


def install() -> None:
    """Changes how MiniStack judges alarms and what they may do."""
    metrics = patch_points.module("services.cloudwatch")
    patch_points.function(metrics, "_evaluate_alarm", ("alarm",))
    patch_points.replace(metrics, "_evaluate_alarm", _Judge(metrics))
    _judge_at_every_value(metrics)
    _act_within_policies(metrics)


class _Judge:
    """Brings one alarm up to date; one at a time, so that no change is told twice."""

    def __init__(self, metrics: ModuleType) -> None:
        self._lock = threading.RLock()
        self._metrics = metrics
        self._values = patch_points.value(metrics, "_metrics")
        self._key = patch_points.function(metrics, "_dims_key", ("dims",))
        self._statistics = patch_points.function(metrics, "_calc_stats", ("points",))
        self._statistic = patch_points.function(metrics, "_stat_value", ("stats", "stat_name", "points"))

    def __call__(self, alarm: Json) -> None:
        with self._lock:
            state, reason = self._state(alarm)
            before = alarm["StateValue"]
            if state == before:
                return
            alarm |= {"StateValue": state, "StateReason": reason, "StateUpdatedTimestamp": int(time.time())}
            # Looked up now: `_act_within_policies` has replaced one of them.
            self._metrics._record_history(alarm["AlarmName"], before, state, reason)  # noqa: SLF001 - MiniStack's
            self._metrics._dispatch_alarm_actions(alarm, before, state, reason)  # noqa: SLF001 - MiniStack's
            self._metrics._evaluate_parent_alarms(alarm)  # noqa: SLF001 - MiniStack's

    def _state(self, alarm: Json) -> tuple[str, str]:
        compare = COMPARISONS[alarm["ComparisonOperator"]]
        figures = self._figures(alarm)
        known = [figure for figure in figures if figure is not None]
        missing = alarm.get("TreatMissingData", "missing")
        if not known and missing not in ("breaching", "notBreaching"):
            return alarm["StateValue"], alarm["StateReason"]
        breaching = sum(compare(figure, alarm["Threshold"]) for figure in known)
        if missing == "breaching":
            breaching += len(figures) - len(known)
        needed = alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]
        reason = f"Threshold Crossed: {known} {alarm['ComparisonOperator']} {alarm['Threshold']}"
        return "ALARM" if breaching >= needed else "OK", reason

    def _figures(self, alarm: Json) -> list[float | None]:
        """One figure per period, the newest first; None where there are no data."""
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
        points = self._values.get((alarm["Namespace"], alarm["MetricName"], self._key(dimensions))) or []
        statistic = alarm.get("ExtendedStatistic") or alarm["Statistic"]
        newest = time.time() // alarm["Period"]
        by_period = [
            [point for point in points if point["Timestamp"] // alarm["Period"] == newest - age]
            for age in range(alarm["EvaluationPeriods"])
        ]
        return [
            self._statistic(self._statistics(inside), statistic, inside) if inside else None
            for inside in by_period
        ]


def _judge_at_every_value(metrics: ModuleType) -> None:
    """Judges alarms of the metrics that MiniStack's own services put; it does so for PutMetricData only."""
    record = patch_points.function(metrics, "record_metric", ("namespace", "metric_name", "value"))
    alarms = patch_points.value(metrics, "_alarms")

    def record_metric(namespace: str, metric_name: str, value: float, *others: Any, **named: Any) -> None:  # noqa: ANN401 - MiniStack's
        record(namespace, metric_name, value, *others, **named)
        for alarm in list(alarms.values()):
            if (alarm["Namespace"], alarm["MetricName"]) == (namespace, metric_name):
                metrics._evaluate_alarm(alarm)  # noqa: SLF001 - MiniStack's

    patch_points.replace(metrics, "record_metric", record_metric)


def _act_within_policies(metrics: ModuleType) -> None:
    dispatch = patch_points.function(
        metrics, "_dispatch_alarm_actions", ("alarm", "old_state", "new_state", "reason")
    )

    def dispatch_allowed(alarm: Json, old_state: str, new_state: str, reason: str) -> None:
        allowed = {
            kind: [action for action in alarm.get(kind) or [] if _may_publish(action, alarm)]
            for kind in ACTIONS
        }
        dispatch({**alarm, **allowed}, old_state, new_state, reason)

    patch_points.replace(metrics, "_dispatch_alarm_actions", dispatch_allowed)


def _may_publish(topic_arn: str, alarm: Json) -> bool:
    topics = patch_points.module("services.sns")
    allows = patch_points.function(
        topics, "topic_policy_allows", ("topic_arn", "service", "source_arn", "source_account")
    )
    find = patch_points.function(topics, "_topic_by_arn_any_scope", ("topic_arn",))
    allowed = bool(allows(topic_arn, CLOUDWATCH, alarm["AlarmArn"], get_account_id()))
    topic = find(topic_arn)
    key = topic["attributes"].get("KmsMasterKeyId") if topic else None
    if key:
        allowed = allowed and _may_encrypt(key, alarm)
    if not allowed:
        log.warning("%s is not authorized to publish to %s", alarm["AlarmArn"], topic_arn)
    return allowed


def _may_encrypt(key: str, alarm: Json) -> bool:
    """Whether a key's policy lets CloudWatch use it; that of AWS's own key for SNS does not."""
    policy_of = patch_points.function(
        patch_points.module("services.kms"), "key_policy_for_arn", ("resource_arn",)
    )
    found = policy_of(key)
    if found is None or key.endswith("alias/aws/sns"):
        return False
    return all(
        evaluate_resource_policy(
            json.loads(found[0]),
            EvalContext(
                principal_arn="*",
                principal_type="Service",
                principal_account="",
                action=action,
                resource_arn=key,
                region=get_region(),
                service_context={"aws:sourcearn": alarm["AlarmArn"], "aws:sourceaccount": get_account_id()},
            ),
            CLOUDWATCH,
        ).decision
        == "Allow"
        for action in ("kms:Decrypt", "kms:GenerateDataKey")
    )
