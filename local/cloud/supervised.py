"""A process that cannot outlive the one that started it."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from local.cloud.supervise import TERMINATE

SUPERVISOR = Path(__file__).with_name("supervise.py")


class SupervisedProcess:
    """A command under a supervisor, in a session of its own.

    Attributes:
        output: What it prints, where `output` was `subprocess.PIPE`.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        output: int | IO[bytes],
        niceness: int = 0,
    ) -> None:
        """Starts the command.

        Args:
            command: The program and its arguments.
            environment: All of its environment.
            folder: Where it runs.
            output: Where its standard output and error go: a file or `subprocess.PIPE`.
            niceness: How much nicer than this process it runs.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), str(niceness), *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )
        self.output = self._process.stdout

    def terminate(self) -> None:
        """Asks the command to leave."""
        control = self._process.stdin
        assert control is not None  # noqa: S101 - opened above as a pipe
        with suppress(BrokenPipeError, ValueError):
            control.write(TERMINATE)
            control.flush()

    def kill(self) -> None:
        """Ends the command and everything it started, at once."""
        control = self._process.stdin
        assert control is not None  # noqa: S101 - opened above as a pipe
        with suppress(BrokenPipeError):
            control.close()

    def poll(self) -> int | None:
        """Returns the exit status, or None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the end and returns the exit status (128 and the signal, where a signal ended it).

        Raises:
            subprocess.TimeoutExpired: It still runs after `timeout` seconds.
        """
        return self._process.wait(timeout)
