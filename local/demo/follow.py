"""The long parts of a job, shown as they go: its upload, and its work until it has ended."""

import math
import threading
import time

from local.client import POLL_SECONDS, RUNNING, Json, Spaceport
from local.demo.display import Display
from local.demo.photos import Capture

STAGES = {
    "sfm": "Structure from motion",
    "3dgs": "Gaussian splatting",
    "compressor": "Compression",
}


class StillRunningError(Exception):
    """A job has not ended in the time that it was given.

    Attributes:
        job: How it stands.
    """

    def __init__(self, job: Json) -> None:
        super().__init__(f"The job has not ended: {job['details']}")
        self.job = job


def upload(pilot: Spaceport, capture: Capture, display: Display, *, project_id: str) -> str:
    """Uploads a capture for a project, and returns the capture's place."""
    stage, total = "Upload", capture.bytes
    display.update(stage, 0.0)
    arrived, lock, started = 0, threading.Lock(), time.monotonic()

    def on_bytes(count: int) -> None:
        nonlocal arrived
        with lock:
            arrived += count
            left = (time.monotonic() - started) * (total - arrived) / max(arrived, 1)
            display.update(stage, arrived / max(total, 1), f"{arrived / 1e6:.1f} MB", left)

    place = pilot.upload_capture(capture.files, on_bytes, project_id=project_id)
    display.done(stage, f"{len(capture.files)} files, {total / 1e6:.1f} MB")
    return place


def until_ended(
    pilot: Spaceport,
    job_id: str,
    display: Display,
    *,
    seconds: float = math.inf,
    every: float = POLL_SECONDS,
) -> Json:
    """Watches a job until it has ended, and returns it.

    Args:
        pilot: Whose it is.
        job_id: The job.
        display: Where its steps are shown.
        seconds: How long it is waited for.
        every: Seconds between two looks.

    Raises:
        StillRunningError: It has not ended by then.
    """
    deadline = time.monotonic() + seconds
    reached: list[str] = []
    job: Json = {}
    for job in pilot.watch(job_id, every=every):
        step = job["currentStage"]
        if step in STAGES and step not in reached:
            for earlier in reached[-1:]:
                display.done(STAGES[earlier])
            reached.append(step)
        progress = job["progress"]
        if step in STAGES and progress["stageFraction"] is not None:
            display.update(
                STAGES[step],
                progress["stageFraction"],
                progress["message"],
                progress["stageSecondsLeft"],
            )
        if job["status"] in RUNNING and time.monotonic() > deadline:
            raise StillRunningError(job)
    if job["status"] == "SUCCEEDED":
        for step in reached[-1:]:
            display.done(STAGES[step])
    return job
