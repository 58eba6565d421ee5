"""Runs the reconstruction in a child process.

COLMAP's calls last minutes and Python runs no signal handler meanwhile. A child can be killed at once when
the job is asked to leave, and a crash or an out-of-memory kill in native code becomes an error with a reason.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from spaceport_job import InputError, Termination

from spaceport_sfm.probes import Probe
from spaceport_sfm.sink import Figure, ProgressSink, StageSink

Result = TypeVar("Result")
POLL_S = 0.1
PROBE_S = 0.5


class WorkerDied(Exception):  # noqa: N818 - reads as what happened
    """The child process ended without a result."""


def run_isolated(
    function: Callable[[ProgressSink, Any], Result],
    argument: object,
    *,
    progress: StageSink,
    termination: Termination,
) -> Result:
    """Calls `function(sink, argument)` in a child process and passes its progress on.

    Args:
        function: A module-level function; its argument and result must be picklable.
        argument: Its second argument.
        progress: Receives the child's stages and updates.
        termination: Asked all the time; the child is killed when the job must leave.

    Raises:
        Terminated: the job was asked to leave.
        InputError: as the child raised it.
        MemoryError: the child was killed, as the system does when memory runs out.
        WorkerDied: the child crashed.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_work, args=(sender, function, argument), daemon=True)
    child.start()
    sender.close()
    try:
        watch = _Watch(progress)
        with ExitStack() as stages:
            while True:
                termination.check()
                watch.look()
                if not receiver.poll(POLL_S):
                    continue
                try:
                    kind, content = receiver.recv()
                except EOFError:
                    raise _death(child) from None
                if kind == "enter":
                    stages.enter_context(progress.stage(*content))
                elif kind == "exit":
                    stages.close()
                elif kind == "update":
                    fraction, message, figures = content
                    progress.update(fraction, message, **figures)
                elif kind == "watch":
                    watch.begin(*content)
                elif kind == "unwatch":
                    watch.end()
                elif kind == "error":
                    raise content
                else:
                    return content  # type: ignore[no-any-return] # what the pipe brings has no static type
    finally:
        child.kill()
        child.join()
        receiver.close()


def _death(child: Any) -> Exception:  # noqa: ANN401 - spawn's process class has no public type
    child.join()
    if child.exitcode == -signal.SIGKILL:
        return MemoryError("the reconstruction was killed by the system")
    return WorkerDied(f"the reconstruction ended with code {child.exitcode}")


class _Watch:
    """The parent's end of `watched`: asks the probe about twice a second."""

    def __init__(self, progress: StageSink) -> None:
        self._progress = progress
        self._watched: tuple[Probe, int, str] | None = None
        self._last: int | None = None
        self._next = 0.0

    def begin(self, probe: Probe, total: int, line: str) -> None:
        self._watched = (probe, total, line)
        self._last = None
        self._next = 0.0

    def end(self) -> None:
        self._watched = None

    def look(self) -> None:
        if self._watched is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + PROBE_S
        probe, total, line = self._watched
        done = probe.count()
        if done is not None and done != self._last:
            self._last = done
            self._progress.update(done / total, line.format(done=done, total=total))


class _PipeProgress:
    """The child's end: sends stages and updates to the parent, from any thread."""

    def __init__(self, sender: "Connection[Any, Any]") -> None:
        self._sender = sender
        self._lock = threading.Lock()

    def send(self, kind: str, content: object) -> None:
        with self._lock:
            self._sender.send((kind, content))

    @contextmanager
    def stage(self, name: str, message: str | None = None) -> Iterator[None]:
        self.send("enter", (name, message))
        yield
        self.send("exit", None)

    @contextmanager
    def watched(self, probe: Probe, total: int, line: str) -> Iterator[None]:
        self.send("watch", (probe, total, line))
        try:
            yield
        finally:
            self.send("unwatch", None)

    def update(self, fraction: float, message: str | None = None, **figures: Figure) -> None:
        self.send("update", (fraction, message, figures))


def _work(
    sender: "Connection[Any, Any]", function: Callable[[ProgressSink, Any], Result], argument: object
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    progress = _PipeProgress(sender)
    try:
        result = function(progress, argument)
    except InputError as error:
        progress.send("error", error)
    except Exception as error:
        progress.send("error", _plain(error))
        raise
    else:
        progress.send("result", result)


def _plain(error: Exception) -> Exception:
    """The same failure as an exception that survives the pipe."""
    if isinstance(error, MemoryError):
        return MemoryError(str(error))
    if isinstance(error, OSError):
        return OSError(error.errno, error.strerror or str(error))
    return RuntimeError(f"{type(error).__name__}: {error}")


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
