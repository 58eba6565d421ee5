"""Takes the plan of faults from a test or the demo, and lets it concern the events of executions."""

import json
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

from local.cloud.ministack import faults, patch_points

PATH = "/_ministack/faults"

Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Adds the control interface, and the faults of execution events."""
    _add_interface(patch_points.module("app"))
    _touch_execution_events(patch_points.module("services.stepfunctions"))


def answer(body: bytes) -> Response:
    """Plans the faults of a request: `{"faults": [...]}`."""
    try:
        described = json.loads(body or b"{}")["faults"]
        planned = [faults.Fault.parse(one) for one in described]
    except (KeyError, TypeError, ValueError) as error:
        text = str(error) if isinstance(error, faults.FaultError) else 'The body must be {"faults": [...]}.'
        return 400, {"Content-Type": "application/json"}, json.dumps({"message": text}).encode()
    faults.plan.replace(planned)
    return 200, {"Content-Type": "application/json"}, json.dumps({"planned": len(planned)}).encode()


def _add_interface(app: ModuleType) -> None:
    original: Callable[[str, str, bytes], Awaitable[Response | None]] = patch_points.function(
        app, "_handle_admin_config_request", ("path", "method", "body")
    )

    async def handle(path: str, method: str, body: bytes) -> Response | None:
        if path == PATH and method == "POST":
            return answer(body)
        return await original(path, method, body)

    patch_points.replace(app, "_handle_admin_config_request", handle)


def _touch_execution_events(machines: ModuleType) -> None:
    original: Callable[[dict[str, Any]], None] = patch_points.function(
        machines, "_emit_execution_status_event", ("execution",)
    )

    def emit(execution: dict[str, Any]) -> None:
        for _ in range(faults.copies_of_event("aws.states", execution["status"])):
            original(execution)

    patch_points.replace(machines, "_emit_execution_status_event", emit)
