"""The dashboard's body (CloudWatch's dashboard syntax), as pure functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components.alarms import STAGE_FAILURES, STAGE_NAMESPACE, STAGE_RUNNING_SECONDS, STAGE_SECONDS

Name = pulumi.Input[str]
Widget = dict[str, Any]
Metric = list[Any]

STAGES = ("sfm", "3dgs", "compressor")
BILLING_REGION = "us-east-1"
"""AWS keeps billing figures there, whatever region is billed."""
_WIDTH = 24
_HEIGHT = 6
_HOUR = 3600


@dataclass(frozen=True)
class Shown:
    """What the dashboard shows, by the names that metrics are kept under.

    Attributes:
        region: Region of the metrics.
        service: Project and stack, as the stage metrics name them.
        state_machine_arn: The pipeline.
        functions: Names of functions by ours.
        apis: Names of REST APIs by ours.
        tables: Names of tables by ours.
        queues: Names of dead-letter queues by ours.
        alarms: ARNs of the alarms.
    """

    region: str
    service: str
    state_machine_arn: Name
    functions: Mapping[str, Name]
    apis: Mapping[str, Name]
    tables: Mapping[str, Name]
    queues: Mapping[str, Name]
    alarms: Sequence[Name]


def dashboard_body(shown: Shown) -> dict[str, Any]:
    """Lay the dashboard out: alarms first, then the pipeline, the APIs and what is behind them, the cost."""
    rows = [
        [_alarms(shown)],
        [_executions(shown), _execution_time(shown)],
        [_stage_seconds(shown), _stage_failures(shown), _running(shown)],
        [_api_requests(shown), _api_errors(shown), _api_latency(shown)],
        [_function_errors(shown), _function_durations(shown), _refused(shown)],
        [_cost()],
    ]
    return {"widgets": [widget for top, row in enumerate(rows) for widget in _placed(row, top * _HEIGHT)]}


def _placed(row: Sequence[Widget], top: int) -> list[Widget]:
    width = _WIDTH // len(row)
    return [
        {**widget, "x": column * width, "y": top, "width": width, "height": _HEIGHT}
        for column, widget in enumerate(row)
    ]


def _alarms(shown: Shown) -> Widget:
    return {"type": "alarm", "properties": {"title": "Alarms", "alarms": list(shown.alarms)}}


def _executions(shown: Shown) -> Widget:
    ends = {
        "Started": "started",
        "Succeeded": "succeeded",
        "Failed": "failed",
        "TimedOut": "timed out",
        "Aborted": "stopped",
    }
    return _graph(
        shown,
        "Jobs",
        [
            [
                "AWS/States",
                f"Executions{end}",
                "StateMachineArn",
                shown.state_machine_arn,
                {"label": label},
            ]
            for end, label in ends.items()
        ],
    )


def _execution_time(shown: Shown) -> Widget:
    return _graph(
        shown,
        "Time of a job, milliseconds",
        [
            [
                "AWS/States",
                "ExecutionTime",
                "StateMachineArn",
                shown.state_machine_arn,
                {"stat": stat, "label": stat},
            ]
            for stat in ("p50", "p95")
        ],
    )


def _stage_seconds(shown: Shown) -> Widget:
    return _stages(shown, "Time of a stage, seconds", STAGE_SECONDS, "Average")


def _stage_failures(shown: Shown) -> Widget:
    return _stages(shown, "Failures of a stage", STAGE_FAILURES, "Sum")


def _running(shown: Shown) -> Widget:
    return _stages(shown, "Running now for, seconds", STAGE_RUNNING_SECONDS, "Maximum")


def _stages(shown: Shown, title: str, metric: str, stat: str) -> Widget:
    return _graph(
        shown,
        title,
        [
            [
                STAGE_NAMESPACE,
                metric,
                "service",
                shown.service,
                "stage",
                stage,
                {"stat": stat, "label": stage},
            ]
            for stage in STAGES
        ],
    )


def _api_requests(shown: Shown) -> Widget:
    return _graph(shown, "Requests", _api_metrics(shown, "Count", "Sum"))


def _api_errors(shown: Shown) -> Widget:
    refused = _api_metrics(shown, "4XXError", "Sum", suffix=" 4xx")
    return _graph(
        shown, "Requests answered with an error", [*_api_metrics(shown, "5XXError", "Sum"), *refused]
    )


def _api_latency(shown: Shown) -> Widget:
    return _graph(shown, "Latency p95, milliseconds", _api_metrics(shown, "Latency", "p95"))


def _api_metrics(shown: Shown, metric: str, stat: str, *, suffix: str = "") -> list[Metric]:
    return [
        ["AWS/ApiGateway", metric, "ApiName", name, {"stat": stat, "label": f"{ours}{suffix}"}]
        for ours, name in shown.apis.items()
    ]


def _function_errors(shown: Shown) -> Widget:
    return _graph(shown, "Errors of functions", _function_metrics(shown, "Errors", "Sum"))


def _function_durations(shown: Shown) -> Widget:
    return _graph(shown, "Functions' p95, milliseconds", _function_metrics(shown, "Duration", "p95"))


def _function_metrics(shown: Shown, metric: str, stat: str, *, suffix: str = "") -> list[Metric]:
    return [
        ["AWS/Lambda", metric, "FunctionName", name, {"stat": stat, "label": f"{ours}{suffix}"}]
        for ours, name in shown.functions.items()
    ]


def _refused(shown: Shown) -> Widget:
    tables: list[Metric] = [
        ["AWS/DynamoDB", f"{kind}ThrottleEvents", "TableName", name, {"label": f"{ours} {kind.lower()}s"}]
        for ours, name in shown.tables.items()
        for kind in ("Read", "Write")
    ]
    queues: list[Metric] = [
        [
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            "QueueName",
            name,
            {"stat": "Maximum", "label": f"{ours} dead letters"},
        ]
        for ours, name in shown.queues.items()
    ]
    throttles = _function_metrics(shown, "Throttles", "Sum", suffix=" calls")
    return _graph(shown, "Refused by tables and functions, dead letters", [*tables, *throttles, *queues])


def _cost() -> Widget:
    """The whole account's: CloudWatch knows no tags, so what the stack alone costs is in its budget."""
    by_service = "SEARCH('{AWS/Billing,Currency,ServiceName} MetricName=\"EstimatedCharges\"', 'Maximum')"
    properties = {
        "title": "Account's charges this month, USD",
        "region": BILLING_REGION,
        "view": "timeSeries",
        "period": 6 * _HOUR,
        "stat": "Maximum",
        "metrics": [
            ["AWS/Billing", "EstimatedCharges", "Currency", "USD", {"label": "all"}],
            [{"expression": by_service, "label": ""}],
        ],
    }
    return {"type": "metric", "properties": properties}


def _graph(shown: Shown, title: str, metrics: list[Metric]) -> Widget:
    properties = {
        "title": title,
        "region": shown.region,
        "view": "timeSeries",
        "period": 300,
        "stat": "Sum",
        "metrics": metrics,
    }
    return {"type": "metric", "properties": properties}
