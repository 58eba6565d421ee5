"""Executions of state machines as AWS runs them: they time out, stay ended and start once per name."""

import contextvars
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ministack.core.responses import now_iso
from ministack.services import stepfunctions

from local.cloud.ministack import patch_points
from local.cloud.ministack.patch_points import JsonValue

log = logging.getLogger("spaceport.executions")

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

# MiniStack's error of a task: (error, cause).
ExecutionError: type[Exception] = patch_points.value(stepfunctions, "_ExecutionError", type)


SLEEP_SECONDS = 0.2


class ExecutionEnded(BaseException):
    """A state's execution or branch ended while it worked; nothing of the machine may catch it."""


@dataclass
class Flow:
    """The states that end together: an execution, or a branch of a Parallel state.

    Attributes:
        execution: MiniStack's record of the execution.
        outer: What a branch is part of.
        broken: Set when another branch of the same state failed.
    """

    execution: Json
    outer: "Flow | None" = None
    broken: threading.Event = field(default_factory=threading.Event)

    def is_over(self) -> bool:
        """Tells whether its states must not go on."""
        outer_is_over = self.outer is not None and self.outer.is_over()
        return self.broken.is_set() or outer_is_over or self.execution["status"] != "RUNNING"


@dataclass
class Task:
    """One attempt of a task state.

    Attributes:
        execution: MiniStack's record of the execution.
        flow: The states that it is one of.
        abandoned: Set when the state's own time ran out.
    """

    execution: Json
    flow: Flow
    abandoned: threading.Event = field(default_factory=threading.Event)

    def is_over(self) -> bool:
        """Tells whether nobody waits for its result any more."""
        return self.abandoned.is_set() or self.flow.is_over()


_current_flow: contextvars.ContextVar[Flow | None] = contextvars.ContextVar("spaceport_flow", default=None)
_opened_flow: contextvars.ContextVar[Flow | None] = contextvars.ContextVar("spaceport_branches", default=None)
_current_task: contextvars.ContextVar[Task | None] = contextvars.ContextVar("spaceport_task", default=None)


def current_task() -> Task | None:
    """Returns the task that this thread runs."""
    return _current_task.get()


def install() -> None:
    """Changes how MiniStack runs executions."""
    machines = patch_points.module("services.stepfunctions")
    _keep_first_end(machines)
    _wake_when_over(machines)
    _end_branches_together(machines)
    _know_current_task(machines)
    _enforce_timeout(machines)
    _start_once_per_name(machines)


def _keep_first_end(machines: ModuleType) -> None:
    original = patch_points.function(machines, "_fail_execution", ("execution", "error", "cause"))

    def fail(execution: Json, error: str, cause: str) -> None:
        if execution["status"] == "RUNNING":
            original(execution, error, cause)

    patch_points.replace(machines, "_fail_execution", fail)


def _wake_when_over(machines: ModuleType) -> None:
    """Ends the sleep of a Wait or a Retry with its execution or branch."""
    original: Callable[[float], None] = patch_points.function(machines, "_scaled_sleep", ("seconds",))

    def sleep(seconds: float) -> None:
        flow = _current_flow.get()
        if flow is None:
            original(seconds)
            return
        scale: float = patch_points.value(machines, "_SFN_WAIT_SCALE")
        until = time.monotonic() + seconds * scale
        while (left := until - time.monotonic()) > 0:
            if flow.is_over():
                raise ExecutionEnded
            time.sleep(min(left, SLEEP_SECONDS))

    patch_points.replace(machines, "_scaled_sleep", sleep)


def _end_branches_together(machines: ModuleType) -> None:
    """Ends the branches of a Parallel state when one of them fails; MiniStack waits for all of them."""
    run_branches = patch_points.function(
        machines, "_run_parallel_branches", ("state_def", "raw_input", "execution", "ctx")
    )
    run_states = patch_points.function(
        machines, "_run_sub_machine", ("states", "start_at", "input_data", "execution", "ctx")
    )

    def run_parallel(state: Json, raw_input: JsonValue, execution: Json, context: Json) -> JsonValue:
        opened = _opened_flow.set(Flow(execution, _current_flow.get()))
        try:
            result = run_branches(state, raw_input, execution, context)
        finally:
            _opened_flow.reset(opened)
        if execution["status"] != "RUNNING":
            raise ExecutionEnded
        return result

    def run_sub_machine(
        states: Json, start_at: str, data: JsonValue, execution: Json, context: Json
    ) -> JsonValue:
        flow = _opened_flow.get()
        if flow is None:
            # An item of a Map.
            return run_states(states, start_at, data, execution, context)
        # This is the thread of one branch, and its states may open others.
        _opened_flow.set(None)
        _current_flow.set(flow)
        try:
            return run_states(states, start_at, data, execution, context)
        except ExecutionError:
            flow.broken.set()
            raise
        except ExecutionEnded:
            return None

    patch_points.replace(machines, "_run_parallel_branches", run_parallel)
    patch_points.replace(machines, "_run_sub_machine", run_sub_machine)


def _know_current_task(machines: ModuleType) -> None:
    execute = patch_points.function(machines, "_execute_task", ("state_def", "raw_input", "execution", "ctx"))
    invoke = patch_points.function(machines, "_invoke_resource", ("resource", "input_data"))
    invoke_in_time = patch_points.function(
        machines, "_invoke_resource_with_timeout", ("resource", "input_data", "timeout")
    )

    def execute_task(state: Json, raw_input: JsonValue, execution: Json, context: Json) -> JsonValue:
        _current_task.set(Task(execution, _current_flow.get() or Flow(execution)))
        return execute(state, raw_input, execution, context)

    def invoke_resource(resource: str, input_data: JsonValue) -> JsonValue:
        task = _current_task.get()
        if task is not None and task.flow.is_over():
            raise ExecutionEnded
        return invoke(resource, input_data)

    def invoke_resource_in_time(resource: str, data: JsonValue, timeout: float) -> JsonValue:
        outer = _current_task.get()
        if outer is None:
            return invoke_in_time(resource, data, timeout)
        attempt = Task(outer.execution, outer.flow)
        token = _current_task.set(attempt)
        try:
            return invoke_in_time(resource, data, timeout)
        except ExecutionError as error:
            if getattr(error, "error", None) == "States.Timeout":
                attempt.abandoned.set()
            raise
        finally:
            _current_task.reset(token)

    patch_points.replace(machines, "_execute_task", execute_task)
    patch_points.replace(machines, "_invoke_resource", invoke_resource)
    patch_points.replace(machines, "_invoke_resource_with_timeout", invoke_resource_in_time)


def _enforce_timeout(machines: ModuleType) -> None:
    run: Callable[[str], None] = patch_points.function(machines, "_run_execution", ("exec_arn",))

    def run_execution(execution_arn: str) -> None:
        seconds = _timeout_seconds(machines, execution_arn)
        execution = patch_points.value(machines, "_executions").get(execution_arn)
        _current_flow.set(Flow(execution) if execution else None)
        timer = None
        if seconds is not None:
            context = contextvars.copy_context()
            timer = threading.Timer(seconds, context.run, (_time_out, machines, execution_arn))
            timer.daemon = True
            timer.start()
        try:
            run(execution_arn)
        except ExecutionEnded:
            log.info("%s ended while a task was running", execution_arn)
        finally:
            if timer is not None:
                timer.cancel()

    patch_points.replace(machines, "_run_execution", run_execution)


def _timeout_seconds(machines: ModuleType, execution_arn: str) -> float | None:
    execution = patch_points.value(machines, "_executions").get(execution_arn) or {}
    machine = patch_points.value(machines, "_state_machines").get(execution.get("stateMachineArn")) or {}
    try:
        seconds = json.loads(machine.get("definition", "{}")).get("TimeoutSeconds")
    except ValueError:
        return None
    return float(seconds) if isinstance(seconds, int | float) else None


def _time_out(machines: ModuleType, execution_arn: str) -> None:
    execution = patch_points.value(machines, "_executions").get(execution_arn)
    if execution is None or execution["status"] != "RUNNING":
        return
    add_event = patch_points.function(machines, "_add_event", ("execution", "event_type", "details"))
    tell = patch_points.function(machines, "_emit_execution_status_event", ("execution",))
    execution["status"] = "TIMED_OUT"
    execution["error"] = "States.Timeout"
    execution["stopDate"] = now_iso()
    add_event(execution, "ExecutionTimedOut", {"executionTimedOutEventDetails": {"error": "States.Timeout"}})
    tell(execution)


def _start_once_per_name(machines: ModuleType) -> None:
    start: Callable[[Json], Response] = patch_points.function(machines, "_start_execution", ("data",))

    def start_execution(data: Json) -> Response:
        answer = start(data)
        if answer[0] < 400 or json.loads(answer[2])["__type"] != "ExecutionAlreadyExists":  # noqa: PLR2004 - HTTP errors
            return answer
        # AWS answers a repeated start of a running execution with the same input as it did the first.
        name = data["name"]
        for execution in patch_points.value(machines, "_executions").values():
            repeated = execution["name"] == name and execution["input"] == data.get("input", "{}")
            if (
                repeated
                and execution["stateMachineArn"] == data["stateMachineArn"]
                and execution["status"] == "RUNNING"
            ):
                body = {"executionArn": execution["executionArn"], "startDate": execution["startDate"]}
                return 200, {"Content-Type": "application/x-amz-json-1.0"}, json.dumps(body).encode()
        return answer

    patch_points.replace(machines, "_start_execution", start_execution)
