"""Leaving in order when asked to: spot interruption, stop, Ctrl-C."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Terminated(Exception):  # noqa: N818 - it is not an error: the job was asked to leave
    """Raised by `Termination.check` once the job was asked to leave."""


class Termination:
    """Notes SIGTERM and SIGINT, so that the job can save a checkpoint before it leaves.

    As a context manager it installs its handlers (in the main thread; elsewhere Python allows none) and
    puts the previous ones back. The handler only takes note: a job asks `requested` or `check()` where it
    can stop.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._previous: dict[signal.Signals, Any] = {}

    @property
    def requested(self) -> bool:
        """Whether the job was asked to leave."""
        return self.signal is not None

    @property
    def exit_code(self) -> int:
        """The shell's code for the signal: 143 for SIGTERM, 130 for SIGINT."""
        return 128 + (self.signal or signal.SIGTERM)

    def request(self, signum: int = signal.SIGTERM) -> None:
        """Notes the wish to leave, as the signal does."""
        self.signal = self.signal or signum

    def check(self) -> None:
        """Raises `Terminated` if the job was asked to leave."""
        if self.requested:
            raise Terminated

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for signum in SIGNALS:
                self._previous[signum] = signal.signal(signum, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum, handler in self._previous.items():
            signal.signal(signum, handler)
        self._previous.clear()

    def _note(self, signum: int, frame: FrameType | None) -> None:
        del frame
        self.request(signum)
