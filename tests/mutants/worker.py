"""Runs the program's tests on broken copies, each in a fork that has imported the SDK already.

Started in a copy of the repository, by its path: it imports nothing of the repository itself, so that a fork
imports it as it then is. It takes requests and gives answers as JSON, one a line:

    {"file", "text", "tests", "seconds"}        text of a file instead of its own, test files, longest run
    {"outcome", "test", "message", "modules"}   caught, survived, unusable or hung; the first test that failed

and `{"preload": [...]}`, which names modules to import before the next fork and is not answered.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

COPY = Path.cwd()
NOT_EVEN_RUN = "the program does not run"
CAUGHT, SURVIVED, UNUSABLE, HUNG = "caught", "survived", "unusable", "hung"
_OPTIONS = ["--exitfirst", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore"]


class _FirstFailure:
    """A pytest plugin that keeps what failed first."""

    test = ""
    message = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.test:
            self.test = report.nodeid if report.when == "call" else NOT_EVEN_RUN
            self.message = _message(report)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.message:
            self.message = f"{report.nodeid} cannot be imported: {_message(report)}"


def main() -> None:
    """Answers requests until the standard input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        if "preload" in request:
            for name in request["preload"]:
                with contextlib.suppress(ImportError):
                    importlib.import_module(name)
            # Forks need not look for garbage in what they share.
            gc.collect()
            gc.freeze()
        else:
            sys.stdout.write(json.dumps(_run(request)) + "\n")
            sys.stdout.flush()


def _run(request: dict[str, Any]) -> dict[str, Any]:
    path = COPY / request["file"] if request["file"] else None
    before = path.read_text() if path else ""
    try:
        if path:
            path.write_text(request["text"])
        return _forked(request["tests"], request["seconds"])
    finally:
        if path:
            path.write_text(before)


def _forked(tests: list[str], seconds: float) -> dict[str, Any]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            verdict = json.dumps(_test(tests))
            with os.fdopen(writing, "w") as out:
                out.write(verdict)
        finally:
            os._exit(0)
    os.close(writing)
    try:
        answer = _read(reading, seconds)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)
    if answer is None:
        return {"outcome": HUNG, "test": "", "message": f"its tests did not end in {seconds:.0f} s"}
    return json.loads(answer) if answer else {"outcome": UNUSABLE, "test": "", "message": "its tests crashed"}


def _test(tests: list[str]) -> dict[str, Any]:
    """Run the tests in this very process, which ends with them."""
    # Of a file that is changed twice a second, Python would take the bytecode of before.
    sys.dont_write_bytecode = True
    log = os.open("mutant.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    first = _FirstFailure()
    code = pytest.main([*_OPTIONS, *tests], plugins=[first])
    outcomes = {pytest.ExitCode.OK: SURVIVED, pytest.ExitCode.TESTS_FAILED: CAUGHT}
    outcome = outcomes.get(pytest.ExitCode(code), UNUSABLE)
    answer = {
        "outcome": outcome,
        "test": first.test,
        "message": first.message or f"pytest ended with {code!r}",
    }
    return {**answer, "modules": _installed_modules() if outcome == SURVIVED else []}


def _read(descriptor: int, seconds: float) -> bytes | None:
    """Everything that comes until the other end closes; None where that takes longer than it may."""
    until = time.monotonic() + seconds
    parts: list[bytes] = []
    while select.select([descriptor], [], [], max(0.0, until - time.monotonic()))[0]:
        part = os.read(descriptor, 1 << 16)
        if not part:
            return b"".join(parts)
        parts.append(part)
    return None


def _installed_modules() -> list[str]:
    return [
        name
        for name, module in list(sys.modules.items())
        if "site-packages" in (getattr(module, "__file__", None) or "")
    ]


def _message(report: pytest.TestReport | pytest.CollectReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash else str(report.longrepr)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if crash and lines else lines[-1] if lines else ""


if __name__ == "__main__":
    main()
