"""What the steps of the pipeline need to tell how far they are."""

from contextlib import AbstractContextManager
from typing import Protocol

Figure = float | int | str | None


class ProgressSink(Protocol):
    """The part of `spaceport_job.ProgressWriter` that a stage uses."""

    def stage(self, name: str, message: str | None = None) -> AbstractContextManager[None]:
        """Runs one stage."""

    def update(self, fraction: float, message: str | None = None, **figures: Figure) -> None:
        """Tells the share of the running stage that is done, 0..1."""
