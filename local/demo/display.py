"""Shows long work as it goes: live bars in a terminal, a line now and then elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

SECONDS_BETWEEN_LINES = 10.0


def time_left(seconds: float | None) -> str:
    """Returns a duration for people, such as "1 min 20 s left"."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return (f"{minutes} min " if minutes else "") + f"{rest} s left"


class Display:
    """One bar per stage of the work; used as a context manager."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._live = console.is_terminal
        self._bars = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not self._live,
        )
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._last_line = 0.0

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leaves the bars as they are and gives the terminal back."""
        self._bars.stop()

    def update(
        self, stage: str, fraction: float, message: str = "", seconds_left: float | None = None
    ) -> None:
        """Shows how far a stage is.

        Args:
            stage: Its name for people; a new one starts a new bar.
            fraction: 0 to 1.
            message: What is being done.
            seconds_left: How long the stage will still take, where that is known.
        """
        is_new = stage not in self._tasks
        if is_new:
            self._tasks[stage] = self._bars.add_task(stage, total=1.0, note="")
            self._started[stage] = time.monotonic()
        left = time_left(seconds_left)
        note = f"{message} · {left}" if message and left else message or left
        self._bars.update(self._tasks[stage], completed=fraction, note=note)
        now = time.monotonic()
        if not self._live and (is_new or now - self._last_line >= SECONDS_BETWEEN_LINES):
            self._last_line = now
            self.console.print(f"{stage}: {fraction:.0%} {note}".rstrip(), highlight=False, soft_wrap=True)

    def done(self, stage: str, note: str = "") -> None:
        """Shows a stage as finished."""
        self.update(stage, 1.0, note)
        seconds = time.monotonic() - self._started[stage]
        if not self._live:
            self.console.print(
                f"{stage}: done in {seconds:.0f} s {note}".rstrip(), highlight=False, soft_wrap=True
            )
