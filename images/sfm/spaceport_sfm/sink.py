"""What the stages of the pipeline need to tell how far they are."""

from contextlib import AbstractContextManager
from typing import Protocol

from spaceport_sfm.probes import Probe

Figure = float | int | str | None


class StageSink(Protocol):
    """The part of `spaceport_job.ProgressWriter` that is used here."""

    def stage(self, name: str, message: str | None = None) -> AbstractContextManager[None]:
        """Runs one stage."""

    def update(self, fraction: float, message: str | None = None, **figures: Figure) -> None:
        """Tells the share of the running stage that is done, 0..1."""


class ProgressSink(StageSink, Protocol):
    """A `StageSink` that can also watch a call from outside."""

    def watched(self, probe: Probe, total: int, line: str) -> AbstractContextManager[None]:
        """Tells the probe's count while the block runs.

        Args:
            probe: Counts what is done.
            total: The count when all is done.
            line: One line for people, with `{done}` and `{total}`.
        """
