"""`progress.json` while a step runs: true fractions over weighted stages, and the time that is left."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from spaceport_job.records import Progress, Step, write_json

logger = logging.getLogger(__name__)
Figure = float | int | str | None
WRITE_INTERVAL_S = 1.0
LOG_INTERVAL_S = 10.0
MIN_STAGE_SHARE = 0.05
"""Share of a stage after which its own rate tells more than the stages before it."""
MIN_SHARE = 0.01
"""Share of the step below which no time is promised."""


class ProgressWriter:
    """Writes `progress.json` atomically, at most about once a second, from any thread.

    Args:
        path: The file to write.
        step: The step that runs.
        stages: Stage names in their order with their expected share of the step's time; any positive unit.
        clock: Seconds that never run back.
        interval_s: Least time between two writes; a later one is kept and written when the time has come.

    Attributes:
        seconds: Seconds spent in each stage so far.
    """

    def __init__(
        self,
        path: Path,
        step: Step,
        stages: Mapping[str, float],
        *,
        clock: Callable[[], float] = time.monotonic,
        interval_s: float = WRITE_INTERVAL_S,
    ) -> None:
        if not stages or any(weight <= 0 for weight in stages.values()):
            raise ValueError("stages need names with positive shares of the time")
        total = sum(stages.values())
        self.seconds: dict[str, float] = {}
        self._path = path
        self._step: Step = step
        self._shares = {name: weight / total for name, weight in stages.items()}
        self._clock = clock
        self._interval_s = interval_s
        self._lock = threading.RLock()
        self._started = clock()
        self._stage: str | None = None
        self._stage_started = self._started
        self._stage_fraction = 0.0
        self._stage_skipped = 0.0
        self._skipped_share = 0.0
        self._fraction = 0.0
        self._message = ""
        self._figures: dict[str, Figure] = {}
        self._last_write: float | None = None
        self._timer: threading.Timer | None = None
        self._closed = False
        self._logged_stage: str | None = None
        self._logged_at = self._started

    @property
    def current_stage(self) -> str | None:
        """The stage that runs, or ran last."""
        return self._stage

    @property
    def message(self) -> str:
        """The last line for people."""
        return self._message

    @property
    def fraction(self) -> float:
        """Share of the whole step that is done, 0..1; never falls."""
        return self._fraction

    @contextmanager
    def stage(self, name: str, message: str | None = None, *, completed: float = 0.0) -> Iterator[None]:
        """Runs one stage: the stages before it count as done, and so does this one at its end.

        Args:
            name: One of the stages given to the constructor.
            message: One line for people to begin with; the stage's name if left out.
            completed: Share of this stage that an earlier run already did (0..1), so that the time left is
                told from this run's own rate.

        Raises:
            ValueError: the stage is unknown.
        """
        if name not in self._shares:
            raise ValueError(f"unknown stage {name!r}; the stages are {', '.join(self._shares)}")
        with self._lock:
            self._stage = name
            self._stage_started = self._clock()
            self._stage_fraction = completed
            self._stage_skipped = completed
            self._skipped_share += completed * self._shares[name]
            self._figures = {}
            self._message = message or name
            self._advance()
            self._write_soon()
        try:
            yield
        except BaseException:
            self._count_seconds(name)
            raise
        with self._lock:
            self._count_seconds(name)
            self._stage_fraction = 1.0
            self._advance()
            self._write_soon()

    def update(self, fraction: float, message: str | None = None, **figures: Figure) -> None:
        """Tells how far the running stage is.

        Args:
            fraction: Share of the stage that is done; brought into 0..1, and never back.
            message: One line for people; the last one stays if left out.
            **figures: A few live figures by name, kept until the stage ends.

        Raises:
            RuntimeError: no stage was entered yet.
        """
        with self._lock:
            if self._stage is None:
                raise RuntimeError("update() outside a stage")
            self._stage_fraction = max(self._stage_fraction, min(max(fraction, 0.0), 1.0))
            if message is not None:
                self._message = " ".join(message.split())
            self._figures.update(figures)
            self._advance()
            self._write_soon()

    def finish(self, message: str = "Done") -> None:
        """Writes the last state of a step that succeeded: everything done, no time left."""
        with self._lock:
            self._fraction = 1.0
            self._message = message
            self._close(seconds_left=0.0)

    def abandon(self, message: str) -> None:
        """Writes the last state of a step that did not succeed; its fraction stays where it was."""
        with self._lock:
            self._message = " ".join(message.split())
            self._close(seconds_left=None)

    def _count_seconds(self, name: str) -> None:
        with self._lock:
            spent = self._clock() - self._stage_started
            self.seconds[name] = self.seconds.get(name, 0.0) + spent

    def _advance(self) -> None:
        """Brings the whole step's fraction up to the running stage; it never falls."""
        before = 0.0
        for name, share in self._shares.items():
            if name == self._stage:
                self._fraction = max(self._fraction, min(before + share * self._stage_fraction, 1.0))
                return
            before += share

    def _seconds_left(self) -> float | None:
        """The running stage at its own rate, the later ones at the rate of all this run did so far."""
        now = self._clock()
        done_here = self._fraction - self._skipped_share
        if self._stage is None or done_here < MIN_SHARE:
            return None
        seconds_per_share = (now - self._started) / done_here
        stage_done = self._stage_fraction - self._stage_skipped
        stage_left_share = self._shares[self._stage] * (1 - self._stage_fraction)
        if stage_done >= MIN_STAGE_SHARE:
            stage_left = (now - self._stage_started) / stage_done * (1 - self._stage_fraction)
        else:
            stage_left = stage_left_share * seconds_per_share
        later_share = max(1 - self._fraction - stage_left_share, 0.0)
        return round(stage_left + later_share * seconds_per_share, 1)

    def _write_soon(self) -> None:
        if self._closed or self._timer is not None:
            return
        now = self._clock()
        wait = 0.0 if self._last_write is None else self._last_write + self._interval_s - now
        if wait <= 0:
            self._write(self._seconds_left())
            return
        self._timer = threading.Timer(wait, self._write_late)
        self._timer.daemon = True
        self._timer.start()

    def _write_late(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._timer = None
            self._write(self._seconds_left())

    def _close(self, *, seconds_left: float | None) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._write(seconds_left)

    def _write(self, seconds_left: float | None) -> None:
        self._last_write = self._clock()
        record = Progress(
            step=self._step,
            stage=self._stage or "",
            fraction=round(self._fraction, 4),
            seconds_left=seconds_left,
            message=self._message,
            figures=dict(self._figures),
        )
        write_json(self._path, record)
        self._log(record)

    def _log(self, record: Progress) -> None:
        """Says it in the log too, which stays: each stage, the end, and every few seconds in between."""
        now = self._clock()
        is_news = record.stage != self._logged_stage or self._closed
        if not is_news and now - self._logged_at < LOG_INTERVAL_S:
            return
        self._logged_stage, self._logged_at = record.stage, now
        left = "" if record.seconds_left is None else f", {record.seconds_left:.0f} s left"
        figures = "".join(f" {name}={value}" for name, value in record.figures.items())
        logger.info("%.0f %%%s  %s: %s%s", 100 * record.fraction, left, record.stage, record.message, figures)
