"""A job's container: a folder in place of `/opt/ml` and a process with an environment of its own."""

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import IO, Any

from local.cloud.ministack.sagemaker.errors import JobError
from local.cloud.ministack.sagemaker.images import Image
from local.cloud.ministack.sagemaker.jobs import Job
from local.cloud.supervised import SupervisedProcess

ML = PurePosixPath("/opt/ml")
NICENESS = 5
KILL_WAIT_SECONDS = 5.0
MESSAGE_CHARACTERS = 1024
# Variables of this machine that a container runtime hands in with the devices.
DEVICE_VARIABLES = ("CUDA_VISIBLE_DEVICES",)

_running: set["Container"] = set()
_running_lock = threading.Lock()
_closed = threading.Event()


class Container:
    """The folder and the process of one job.

    Attributes:
        base: What the process sees as `$SPACEPORT_ML_BASE`, in place of `/opt/ml`.
    """

    def __init__(self, job: Job) -> None:
        """Makes the folder."""
        self._job = job
        self._folder = Path(os.environ["SPACEPORT_RUN_DIR"]) / "jobs" / job.kind.segment / job.name
        self.base = self._folder / "ml"
        self._process: SupervisedProcess | None = None
        # After an interruption the next machine knows nothing of the last one.
        shutil.rmtree(self._folder, ignore_errors=True)
        for name in ("input/config", "input/data", "output/data", "model"):
            (self.base / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "tmp").mkdir(exist_ok=True)

    def path(self, inside: str) -> Path:
        """Returns where a path below `/opt/ml` is on this machine, and makes the folder.

        Raises:
            JobError: It is not below `/opt/ml`.
        """
        path = PurePosixPath(inside)
        if not path.is_relative_to(ML) or ".." in path.parts:
            msg = f"ClientError: {inside} is not below {ML}."
            raise JobError(msg)
        here = self.base / path.relative_to(ML)
        here.mkdir(parents=True, exist_ok=True)
        return here

    def write_config(self, name: str, content: Mapping[str, Any]) -> None:
        """Writes one of the files that SageMaker puts into `input/config`."""
        (self.base / "input" / "config" / name).write_text(json.dumps(content, indent=2))

    def start(self, image: Image, command: Sequence[str], variables: Mapping[str, str]) -> IO[bytes]:
        """Starts the process.

        Args:
            image: The image, for its environment and imports.
            command: What runs.
            variables: The job's own environment variables.

        Returns:
            What it prints.
        """
        environment = {
            "PATH": os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]]),
            "HOME": str(self._folder / "tmp"),
            "TMPDIR": str(self._folder / "tmp"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join(image.pythonpath),
            "AWS_REGION": self._job.region,
            **{name: os.environ[name] for name in DEVICE_VARIABLES if name in os.environ},
            **image.env,
            **variables,
            "SPACEPORT_ML_BASE": str(self.base),
        }
        with _running_lock:
            if _closed.is_set():
                msg = "InternalServerError: the embedded cloud is stopping."
                raise JobError(msg)
            self._process = SupervisedProcess(
                command, environment=environment, folder=self.base, output=subprocess.PIPE, niceness=NICENESS
            )
            _running.add(self)
        assert self._process.output is not None  # noqa: S101 - asked for a pipe
        return self._process.output

    def wait(self, seconds: float) -> int | None:
        """Waits for the process; returns its exit status, or None while it runs."""
        assert self._process is not None  # noqa: S101 - called after start
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def terminate(self) -> None:
        """Asks the process to leave."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """Ends the process and what it started."""
        if self._process is not None:
            self._process.kill()

    def message(self, name: str) -> str:
        """Returns the first 1 KB of a text file in `output`, or nothing where there is none."""
        path = self.base / "output" / name
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(MESSAGE_CHARACTERS).decode("utf-8", "ignore").strip()

    def close(self) -> None:
        """Ends the process, where it still runs, and removes the folder, unless jobs are kept."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.output is not None:
                self._process.output.close()
        with _running_lock:
            _running.discard(self)
        if not os.environ.get("SPACEPORT_KEEP_JOBS"):
            shutil.rmtree(self._folder, ignore_errors=True)


def kill_all() -> None:
    """Ends every container, for good: none starts after this."""
    with _running_lock:
        _closed.set()
        running = list(_running)
    for container in running:
        container.kill()
    for container in running:
        container.wait(KILL_WAIT_SECONDS)
