"""Sample captures, made once and kept."""

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from local.capture.flight import make_plan
from local.capture.generate import HELDOUT, PHOTOS, TRUTH, generate
from local.capture.jit import VERSION
from local.capture.settings import CaptureSettings
from local.capture.truth import FLIGHT_PLAN

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class SampleCapture:
    """A sample capture on disk.

    Attributes:
        folder: Everything of it.
        photos: The photos as they come from the drone, and nothing else.
        flight_plan: The Litchi CSV that was flown.
        truth: truth.json, see truth.describe().
        heldout: Views that are not in the capture, as PNG.
    """

    folder: Path
    photos: Path
    flight_plan: Path
    truth: Path
    heldout: Path

    @classmethod
    def within(cls, folder: Path) -> "SampleCapture":
        """Returns the capture that a folder holds."""
        return cls(folder, folder / PHOTOS, folder / FLIGHT_PLAN, folder / TRUTH, folder / HELDOUT)

    @property
    def settings(self) -> CaptureSettings:
        """The settings it was made with."""
        known = json.loads(self.truth.read_text())["settings"]
        return CaptureSettings(**{**known, "distortion": tuple(known["distortion"])})


def make_capture(
    folder: Path, settings: CaptureSettings, flight_plan: str, on_progress: Progress
) -> SampleCapture:
    """Makes a capture that is there whole or not at all.

    Args:
        folder: Must not exist, or be empty; its parent must exist.
        settings: What the capture is like.
        flight_plan: The Litchi CSV that is flown.
        on_progress: Called with the fraction done and a few words.

    Raises:
        OSError: The folder is there and is not empty.
    """
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        unfinished = Path(scratch) / "capture"
        unfinished.mkdir()
        generate(unfinished, settings, flight_plan, on_progress)
        unfinished.replace(folder)
    return SampleCapture.within(folder)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Waits until no other process makes the same capture; the lock goes with the process that holds it."""
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def _key(settings: CaptureSettings, flight_plan: str) -> str:
    known = json.dumps({"version": VERSION, "flight_plan": flight_plan, **asdict(settings)}, sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()[:16]


def sample_capture(
    cache: Path,
    *,
    settings: CaptureSettings | None = None,
    flight_plan: str | None = None,
    on_progress: Progress | None = None,
) -> SampleCapture:
    """Returns a sample capture, made now or taken from a cache.

    Args:
        cache: Folder of all captures; made where it is not there.
        settings: What the capture is like; the full capture of 24 photos where left out.
        flight_plan: The Litchi CSV that is flown; what the planner makes of `flight_request` where left
            out.
        on_progress: Called with the fraction done, 0..1, and a few words.
    """
    settings = settings or CaptureSettings()
    report = on_progress or (lambda _fraction, _words: None)
    flight_plan = flight_plan or make_plan(settings)
    folder = cache / _key(settings, flight_plan)
    if folder.exists():
        return SampleCapture.within(folder)
    cache.mkdir(parents=True, exist_ok=True)
    with _alone(cache / f"{folder.name}.lock"):
        if folder.exists():
            return SampleCapture.within(folder)
        # What a killed process left: nobody else is at it while the lock is held.
        for leftover in cache.glob(f".{folder.name}-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        return make_capture(folder, settings, flight_plan, report)
