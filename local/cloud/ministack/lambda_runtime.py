"""Runs Lambda functions as AWS does: their own interpreter and environment, and the errors they raise."""

import os
import queue
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

from local.cloud.ministack import lambda_layers, patch_points
from local.cloud.ministack.patch_points import JsonValue

# How long the log of a call is waited for, where the worker died and its end never comes.
LOG_SECONDS = 0.25
LOG_END = "__spaceport_end_of_log__"
ERROR_KEY = "__spaceport_error__"
# What a worker keeps of MiniStack's environment for it.
LAMBDA_VARIABLES = ("AWS_", "_AWS_", "_LAMBDA", "_MINISTACK", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR")

Json = dict[str, Any]


def install() -> None:
    """Changes how MiniStack runs functions."""
    runtime = patch_points.module("core.lambda_runtime")
    functions = patch_points.module("services.lambda_svc")
    _use_interpreter_of_runtime(runtime)
    _isolate_environment(runtime)
    lambda_layers.install(runtime, functions)
    _report_errors_by_class(runtime, functions)
    _read_log_to_its_end(runtime)


def _use_interpreter_of_runtime(runtime: ModuleType) -> None:
    original = patch_points.function(runtime, "_detect_runtime_binary", ("runtime",))

    def detect(name: str) -> tuple[str, str]:
        binary, script = original(name)
        return (interpreter(name) if name.startswith("python") else binary), script

    patch_points.replace(runtime, "_detect_runtime_binary", detect)


def interpreter(runtime: str) -> str:
    """Returns the interpreter of a Python runtime.

    Args:
        runtime: Lambda's name of it, such as `python3.13`.

    Raises:
        RuntimeError: It is not this environment's Python, the only one with Lambda's boto3.
    """
    own = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if runtime == own:
        return sys.executable
    other = os.environ.get(f"LAMBDA_{runtime.upper().replace('.', '_')}")
    if other and shutil.which(other):
        return other
    msg = f"The embedded cloud runs functions of runtime {own}, not {runtime}: set functionRuntime to {own}."
    raise RuntimeError(msg)


class _Subprocess:
    """The `subprocess` module as MiniStack's function workers see it: their environment is their own."""

    def __getattr__(self, name: str) -> JsonValue:
        return getattr(subprocess, name)

    @staticmethod
    def Popen(command: Sequence[str], *, env: Mapping[str, str], **options: Any) -> "subprocess.Popen[Any]":  # noqa: N802, ANN401 - the module's name and options
        """Starts a worker without what it would inherit from the cloud's process."""
        return subprocess.Popen(
            command, env={**worker_environment(env), **lambda_layers.variables()}, **options
        )


def worker_environment(given: Mapping[str, str]) -> dict[str, str]:
    """Returns a worker's environment: what Lambda gives, without the server's.

    The function's own variables are not needed in it: the worker sets them before it imports the handler.

    Args:
        given: MiniStack's: the server's own variables, overlaid with Lambda's and the function's.
    """
    kept = {name: value for name, value in given.items() if name.startswith(LAMBDA_VARIABLES)}
    return {
        **kept,
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
    }


def _isolate_environment(runtime: ModuleType) -> None:
    patch_points.function(runtime.Worker, "_spawn", ("self",))
    patch_points.value(runtime, "subprocess", ModuleType)
    patch_points.replace(runtime, "subprocess", _Subprocess())


def _report_errors_by_class(runtime: ModuleType, functions: ModuleType) -> None:
    script = patch_points.value(runtime, "_PYTHON_WORKER_SCRIPT", str)
    reported = patch_points.text(
        script, '{"status": "error", "error": str(e), "trace": traceback.format_exc()}', "The worker script"
    )
    # Status "ok" keeps the worker: on AWS an exception of the handler leaves the environment warm.
    script = script.replace(
        reported,
        '{"status": "ok", "result": {"'
        + ERROR_KEY
        + '": {"errorMessage": str(e), "errorType": type(e).__name__, '
        '"requestId": context.aws_request_id, "stackTrace": traceback.format_exc().splitlines()[1:-1]}}}',
    )
    patch_points.replace(runtime, "_PYTHON_WORKER_SCRIPT", script)
    original: Callable[[Json, Any, str], Json] = patch_points.function(
        functions, "_execute_function_warm", ("func", "event", "request_id")
    )

    def execute(func: Json, event: JsonValue, request_id: str) -> Json:
        result = original(func, event, request_id)
        body = result.get("body")
        if not isinstance(body, dict) or ERROR_KEY not in body:
            return result
        error = body[ERROR_KEY]
        lines = [
            result.get("log") or "",
            f"[ERROR] {error['errorType']}: {error['errorMessage']}",
            *error["stackTrace"],
        ]
        return {"body": error, "error": True, "log": "\n".join(lines)}

    patch_points.replace(functions, "_execute_function_warm", execute)


def _read_log_to_its_end(runtime: ModuleType) -> None:
    """Ends each call's log with a mark: MiniStack waits 50 ms instead, and loses what comes later."""
    script = patch_points.value(runtime, "_PYTHON_WORKER_SCRIPT", str)
    end = patch_points.text(script, "        _real_stdout.flush()\n\nrun()", "The worker script")
    marked = f"        print({LOG_END!r}, file=sys.__stderr__, flush=True)\n" + end
    patch_points.replace(runtime, "_PYTHON_WORKER_SCRIPT", script.replace(end, marked))
    original = patch_points.function(runtime.Worker, "_drain_stderr_bounded", ("self", "first_line_wait"))

    def drain(self: patch_points.MiniStack, **waits: float) -> str:
        if not self.config.get("Runtime", "").startswith("python"):
            return str(original(self, **waits))
        deadline = time.monotonic() + LOG_SECONDS
        lines: list[str] = []
        with suppress(queue.Empty):
            while (line := self._stderr_queue.get(timeout=max(0.0, deadline - time.monotonic()))) != LOG_END:
                lines.append(line)
        return "\n".join(lines)

    patch_points.replace(runtime.Worker, "_drain_stderr_bounded", drain)
