"""One demo: a capture, a deployed cloud, a job, the reports."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from rich.console import Console

from local.capture import CaptureSettings, sample_capture
from local.capture.flight import flight_request
from local.client import Spaceport
from local.demo.display import Display
from local.demo.job import JobSettings, Outcome, run_job
from local.demo.photos import Capture, find_photos
from local.deployed import BUILD, Deployed, deployed

FLIGHT_PLAN = "flight-plan.html"


@dataclass(frozen=True)
class DemoSettings:
    """What to run.

    Attributes:
        photos: A folder or a zip; None for the sample capture.
        job: How the job runs and where its reports go.
        sample: The sample capture's settings.
        cache: Where the sample capture is kept between runs.
    """

    photos: Path | None = None
    job: JobSettings = field(default_factory=JobSettings)
    sample: CaptureSettings = field(default_factory=CaptureSettings)
    cache: Path = BUILD / "capture"


@contextmanager
def running(settings: DemoSettings, console: Console, *, within: Deployed | None = None) -> Iterator[Outcome]:
    """Runs a demo and keeps its cloud up for as long as the context is entered.

    Args:
        settings: What to run.
        console: Where progress is shown.
        within: A cloud that is up already; one is started otherwise.

    Raises:
        PhotosError: There is nothing to upload.
        DemoError: Something between upload and model did not happen.
    """
    started = time.monotonic()
    given = find_photos(settings.photos) if settings.photos else None
    with Display(console) as display:

        def take_photos(pilot: Spaceport, project_id: str) -> Capture:
            return given or _flown(settings, display, pilot, project_id)

        cloud = nullcontext(within) if within else deployed(partial(display.update, "Deploy"))
        with cloud as up:
            display.done("Deploy", f"{len(up.deployment.resources)} resources")
            outcome = run_job(take_photos, up, settings.job, display, started=started)
            display.close()
            yield outcome


def _flown(settings: DemoSettings, display: Display, pilot: Spaceport, project_id: str) -> Capture:
    """Has a flight planned and flies it: the sample capture."""
    stage = "Flight plan"
    display.update(stage, 0.0)
    request = flight_request(settings.sample)
    plan = pilot.plan_flight(request, project_id=project_id)
    settings.job.out.mkdir(parents=True, exist_ok=True)
    (settings.job.out / FLIGHT_PLAN).write_text(pilot.flight_preview(request))
    (battery,) = plan["batteries"]
    display.done(stage, f"{battery['lengthMeters']:.0f} m, {battery['minutes']:.1f} min")
    stage = "Sample capture"
    sample = sample_capture(
        settings.cache,
        settings=settings.sample,
        flight_plan=pilot.flight_file(plan["id"]),
        on_progress=partial(display.update, stage),
    )
    display.done(stage)
    return replace(find_photos(sample.photos), source="sample", truth=sample.truth)
