"""Runs a step's own code on this machine in a folder that stands for `/opt/ml`."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path

from functions.shared.job_names import TRAINING
from local.deploy.creators.images import from_sources
from local.preview import ROOT
from operations.replay.record import Record

IMAGES = ROOT / "images"
LOG = "log.txt"
POLL_SECONDS = 0.5
LEAVE_SECONDS = 30.0
MESSAGE_BYTES = 1024
OnProgress = Callable[[Mapping[str, object]], None]
"""Told the content of progress.json."""


class Container:
    """A step's code and its folder.

    Attributes:
        base: Stands for `/opt/ml`.
        log: Everything that it prints.
    """

    def __init__(self, record: Record, folder: Path) -> None:
        """Says what runs where.

        Args:
            record: The job.
            folder: Where its files lie, and stay afterwards.
        """
        self._record = record
        self._folder = folder
        self.base = folder / "ml"
        self.log = folder / LOG

    def run(self, on_progress: OnProgress, *, keep: Collection[str] = ()) -> int:
        """Runs the code to its end; what an earlier run has left is removed first.

        Args:
            on_progress: Told how far it is.
            keep: Folders of outputs that stay as they are.

        Returns:
            Its exit status: 0; 1 where the input is at fault, 2 where the code is.

        Raises:
            DockerfileError: The image is made in a way that cannot be followed here.
            KeyboardInterrupt: It was asked to leave, and has left.
        """
        for output in (one for one in self._record.outputs if str(one) not in keep):
            shutil.rmtree(self.base / output, ignore_errors=True)
        for name in ("input/config", "output", *map(str, self._record.outputs)):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        hyperparameters = self.base / "input" / "config" / "hyperparameters.json"
        hyperparameters.write_text(json.dumps(dict(self._record.hyperparameters), indent=2))
        step = self._record.name.step
        command, _ = from_sources(IMAGES / step / "Dockerfile", IMAGES, self._folder / "image")
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                [*command["argv"], *self._record.arguments],
                env=self._environment(command),
                cwd=self.base,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                self._follow(process, on_progress)
            except BaseException:
                _leave(process)
                raise
        return process.returncode

    @property
    def reports(self) -> list[Path]:
        """The report.json of what it made."""
        found = {
            path for output in self._record.outputs for path in (self.base / output).rglob("report.json")
        }
        return sorted(found)

    @property
    def message(self) -> str:
        """What the code wrote for people when it failed."""
        name = "failure" if self._record.name.step == TRAINING else "message"
        with suppress(FileNotFoundError), (self.base / "output" / name).open("rb") as file:
            return file.read(MESSAGE_BYTES).decode("utf-8", "ignore").strip()
        return ""

    def _environment(self, command: Mapping[str, object]) -> dict[str, str]:
        """This machine's, without what could lead the code into a cloud: a container knows of none."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        own, path = command["env"], command["pythonpath"]
        assert isinstance(own, dict)  # noqa: S101 - as from_sources gives it
        assert isinstance(path, list)  # noqa: S101 - as above
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONUNBUFFERED": "1",
            **own,
            "SPACEPORT_ML_BASE": str(self.base),
        }

    def _follow(self, process: "subprocess.Popen[bytes]", on_progress: OnProgress) -> None:
        while process.poll() is None:
            time.sleep(POLL_SECONDS)
            newest = max(
                self.base.rglob("progress.json"), key=lambda path: path.stat().st_mtime, default=None
            )
            if newest is not None:
                with suppress(ValueError, FileNotFoundError):
                    on_progress(json.loads(newest.read_text()))


def _leave(process: "subprocess.Popen[bytes]") -> None:
    """Asks the code to leave, as SageMaker does, and ends it where it does not."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def last_lines(log: Path, count: int) -> list[str]:
    """Gives the last lines of a log."""
    return log.read_text(errors="replace").splitlines()[-count:]
