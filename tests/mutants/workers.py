"""Starts workers in copies of the repository and hands mutants out to them."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.mutants.mutant import PROGRAM_TESTS, Mutant, StaleMutantError

ROOT = Path(__file__).resolve().parents[2]
COPIED = (
    "bootstrap",
    "components",
    "docs",
    "functions",
    "images",
    "local",
    PROGRAM_TESTS,
    "tests/mutants/worker.py",
)
LEFT_OUT = ("__pycache__", "node_modules", "*.pyc")
SLOWEST_SECONDS = 120.0
FIRST_LOOK = ("-k", "not staging")
"""Most mutants are caught in prod already, and each stack takes a run of the program."""
BASELINE_SECONDS = 600.0
STALE, SURVIVED, CAUGHT = "stale", "survived", "caught"


class BaselineError(Exception):
    """The tests do not pass on the program as it is, so that no mutant can be judged."""


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant.

    Attributes:
        outcome: `caught`, `survived`, `unusable` (its tests could not run), `hung` or `stale`.
        test: The test that caught it.
        message: What that test said, or what is wrong with the mutant.
    """

    mutant: Mutant
    outcome: str
    test: str
    message: str
    seconds: float


def judge(mutants: Sequence[Mutant], *, at_once: int, root: Path = ROOT) -> Iterator[Verdict]:
    """Run the tests on each mutant and yield what became of it, in the order in which they end.

    Args:
        mutants: Which.
        at_once: How many are tried at the same time.
        root: The repository; it is copied, never written to.

    Raises:
        BaselineError: The tests fail on the repository as it is.
    """
    fitting: queue.SimpleQueue[tuple[Mutant, str]] = queue.SimpleQueue()
    count = 0
    for mutant in mutants:
        try:
            fitting.put((mutant, mutant.broken(root)))
            count += 1
        except StaleMutantError as error:
            yield Verdict(mutant, STALE, "", str(error), 0.0)
    if not count:
        return
    verdicts: queue.SimpleQueue[Verdict | Exception] = queue.SimpleQueue()
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(root)) for _ in range(min(at_once, count))]
        files = sorted({file for mutant in mutants for file in mutant.test_files})
        modules = _baseline(workers, files, root)
        for worker in workers:
            worker.tell({"preload": modules})
        # Once more: if importing beforehand broke something, each mutant would seem to be caught.
        _baseline(workers, files, root)
        for worker in workers:
            threading.Thread(target=_work, args=(worker, fitting, verdicts), daemon=True).start()
        for _ in range(count):
            verdict = verdicts.get()
            if isinstance(verdict, Exception):
                raise verdict
            yield verdict


def _baseline(workers: "Sequence[_Worker]", files: Sequence[str], root: Path) -> list[str]:
    """Run the tests on the program as it is, and list the installed modules that they import."""
    if PROGRAM_TESTS in files:
        files = sorted(str(path.relative_to(root)) for path in (root / PROGRAM_TESTS).glob("test_*.py"))
    shares = [share for number in range(len(workers)) if (share := files[number :: len(workers)])]
    with ThreadPoolExecutor(len(shares)) as pool:
        answers = list(
            pool.map(lambda worker, share: worker.ask("", "", share, BASELINE_SECONDS), workers, shares)
        )
    for answer in answers:
        if answer["outcome"] != SURVIVED:
            raise BaselineError(f"{answer['test']}: {answer['message']}".removeprefix(": "))
    # In the order of their import: the SDK's modules need one another.
    return list(dict.fromkeys(module for answer in answers for module in answer["modules"]))


class _Worker:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def tell(self, request: dict[str, Any]) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()

    def ask(self, file: str, text: str, tests: Sequence[str], seconds: float) -> dict[str, Any]:
        """Have tests run.

        Args:
            file: Which file has another text; empty for none.
            text: The text.
            tests: What pytest is to run, options too.
            seconds: How long it may take.
        """
        self.tell({"file": file, "text": text, "tests": list(tests), "seconds": seconds})
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def _work(
    worker: _Worker,
    fitting: "queue.SimpleQueue[tuple[Mutant, str]]",
    verdicts: "queue.SimpleQueue[Verdict | Exception]",
) -> None:
    try:
        while not fitting.empty():
            mutant, text = fitting.get_nowait()
            started = time.monotonic()
            answer = worker.ask(mutant.file, text, (*FIRST_LOOK, *mutant.test_files), SLOWEST_SECONDS)
            if answer["outcome"] != CAUGHT:
                answer = worker.ask(mutant.file, text, mutant.test_files, SLOWEST_SECONDS)
            seconds = time.monotonic() - started
            verdicts.put(Verdict(mutant, answer["outcome"], answer["test"], answer["message"], seconds))
    except queue.Empty:
        return
    except Exception as error:  # noqa: BLE001 - raised again where the verdicts are waited for
        verdicts.put(error)


@contextmanager
def _worker(root: Path) -> Iterator[_Worker]:
    """A worker in a copy of its own, which goes with it."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder)
        _copy(root, copy)
        process = subprocess.Popen(
            # -P: what is imported from the copy is imported in forks alone.
            [sys.executable, "-P", str(copy / "tests/mutants/worker.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=copy,
            env={**os.environ, "PYTHONPYCACHEPREFIX": str(root / "build" / "pycache")},
            text=True,
            start_new_session=True,
        )
        try:
            yield _Worker(process)
        finally:
            # With the fork that it may have.
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _copy(root: Path, copy: Path) -> None:
    for path in root.iterdir():
        if path.is_file():
            shutil.copy2(path, copy)
    for name in COPIED:
        source, target = root / name, copy / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
