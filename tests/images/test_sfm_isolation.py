"""The child process: progress comes through, errors keep their kind, and it never outlives the job."""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from spaceport_job import CaptureError, Terminated, Termination
from spaceport_sfm.isolation import WorkerDied, run_isolated
from spaceport_sfm.probes import FileCount, RowCount
from spaceport_sfm.sink import Figure, ProgressSink


class Log:
    """A progress writer that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[object] = []

    @contextmanager
    def stage(self, name: str, message: str | None = None) -> Iterator[None]:
        self.events.append(("enter", name, message))
        yield
        self.events.append(("exit", name))

    def update(self, fraction: float, message: str | None = None, **figures: Figure) -> None:
        self.events.append((fraction, message, figures))


def work_well(progress: ProgressSink, argument: int) -> int:
    with progress.stage("one", "First"):
        progress.update(0.5, "half", photos=3)
    with progress.stage("two"):
        pass
    return argument * 2


def refuse(progress: ProgressSink, argument: str) -> None:
    with progress.stage("one"):
        raise CaptureError(argument)


def fail(progress: ProgressSink, argument: str) -> None:
    del progress
    raise ValueError(argument)


def crash(progress: ProgressSink, argument: int) -> None:
    del progress
    os.kill(os.getpid(), argument)


def hang(progress: ProgressSink, argument: Path) -> None:
    with progress.stage("one"):
        argument.write_text(str(os.getpid()))
        time.sleep(600)


def write_files(progress: ProgressSink, argument: Path) -> None:
    with progress.stage("one"), progress.watched(FileCount(argument), 4, "{done} of {total}"):
        for index in range(4):
            (argument / str(index)).write_text("x")
            time.sleep(0.4)
        time.sleep(1.2)


def call(function: object, argument: object, log: Log | None = None) -> object:
    return run_isolated(function, argument, progress=log or Log(), termination=Termination())  # type: ignore[arg-type] # any worker


def test_result_and_progress_come_through_in_order() -> None:
    log = Log()
    assert call(work_well, 21, log) == 42
    assert log.events == [
        ("enter", "one", "First"),
        (0.5, "half", {"photos": 3}),
        ("exit", "one"),
        ("enter", "two", None),
        ("exit", "two"),
    ]


def test_a_capture_error_stays_one() -> None:
    with pytest.raises(CaptureError, match="too dark"):
        call(refuse, "too dark")


def test_our_error_keeps_its_kind_in_words() -> None:
    with pytest.raises(RuntimeError, match="ValueError: broken"):
        call(fail, "broken")


def test_a_crash_is_an_error_of_ours() -> None:
    with pytest.raises(WorkerDied, match=str(-signal.SIGSEGV)):
        call(crash, signal.SIGSEGV)


def test_a_kill_by_the_system_means_memory() -> None:
    with pytest.raises(MemoryError):
        call(crash, signal.SIGKILL)


def test_a_request_to_leave_kills_the_child_at_once(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    termination = Termination()

    def request() -> None:
        while not (note.exists() and note.read_text()):
            time.sleep(0.05)
        termination.request(signal.SIGTERM)

    requester = threading.Thread(target=request)
    requester.start()
    with pytest.raises(Terminated):
        run_isolated(hang, note, progress=Log(), termination=termination)
    requester.join()
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_what_is_watched_is_counted_from_outside(tmp_path: Path) -> None:
    log = Log()
    call(write_files, tmp_path, log)
    fractions = [event[0] for event in log.events if isinstance(event, tuple) and isinstance(event[0], float)]
    assert fractions == sorted(fractions)
    assert len(set(fractions)) >= 2
    assert fractions[-1] == 1.0


def test_a_database_that_is_not_there_yet_counts_as_unknown(tmp_path: Path) -> None:
    path = tmp_path / "database.db"
    assert RowCount(path, "things").count() is None
    assert not path.exists()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE things (a)")
        connection.execute("INSERT INTO things VALUES (1), (2)")
    connection.close()
    assert RowCount(path, "things").count() == 2
