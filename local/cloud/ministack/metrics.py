"""Keeps metrics that MiniStack does not: of executions, and those that functions write into their log."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from local.cloud.ministack import patch_points
from local.cloud.ministack.patch_points import JsonValue

Json = dict[str, Any]
Datum = tuple[str, str, float, str, dict[str, str]]
ENDS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "TIMED_OUT": "ExecutionsTimedOut",
    "ABORTED": "ExecutionsAborted",
}


def install() -> None:
    """Adds both."""
    _count_executions()
    _read_function_logs()


def _put(datum: Datum) -> None:
    # Looked up now: `alarms` has replaced it.
    patch_points.module("services.cloudwatch").record_metric(*datum)


def _count_executions() -> None:
    machines = patch_points.module("services.stepfunctions")
    tell = patch_points.function(machines, "_emit_execution_status_event", ("execution",))

    def tell_and_count(execution: Json) -> None:
        dimensions = {"StateMachineArn": execution["stateMachineArn"]}
        status = execution["status"]
        if status in ENDS:
            _put(("AWS/States", ENDS[status], 1, "Count", dimensions))
            elapsed = datetime.fromisoformat(execution["stopDate"]) - datetime.fromisoformat(
                execution["startDate"]
            )
            milliseconds = elapsed.total_seconds() * 1000
            _put(("AWS/States", "ExecutionTime", milliseconds, "Milliseconds", dimensions))
        else:
            _put(("AWS/States", "ExecutionsStarted", 1, "Count", dimensions))
        tell(execution)

    patch_points.replace(machines, "_emit_execution_status_event", tell_and_count)


def _read_function_logs() -> None:
    functions = patch_points.module("services.lambda_svc")
    run: Callable[[Json, Any, str], Json] = patch_points.function(
        functions, "_execute_function_warm", ("func", "event", "request_id")
    )

    def run_and_read(func: Json, event: JsonValue, request_id: str) -> Json:
        result = run(func, event, request_id)
        for line in (result.get("log") or "").splitlines():
            for datum in embedded_metrics(line):
                _put(datum)
        return result

    patch_points.replace(functions, "_execute_function_warm", run_and_read)


def embedded_metrics(line: str) -> Iterator[Datum]:
    """Reads one line of a log.

    Args:
        line: Any line; only one in embedded metric format has metrics.

    Returns:
        Namespace, name, value, unit and dimensions of each value.
    """
    document = None
    if '"_aws"' in line:
        with suppress(ValueError):
            document = json.loads(line)
    if not isinstance(document, dict) or "_aws" not in document:
        return
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    yield (
                        directive["Namespace"],
                        metric["Name"],
                        value,
                        metric.get("Unit", "None"),
                        dimensions,
                    )
