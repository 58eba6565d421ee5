"""The demo on the tiny capture, in seconds."""

from pathlib import Path

from rich.console import Console

from local.capture import TINY
from local.demo.job import JobSettings, Outcome
from local.demo.run import DemoSettings, running
from local.deployed import Deployed
from local.quick import QUICK


def run_demo(up: Deployed, out: Path, photos: Path | None = None) -> Outcome:
    """Runs the demo in a cloud that is up.

    Args:
        up: The cloud.
        out: Where the reports go.
        photos: A folder or a zip; None for the tiny capture.
    """
    settings = DemoSettings(photos=photos, sample=TINY, job=JobSettings(out=out, options=QUICK))
    with running(settings, Console(quiet=True), within=up) as outcome:
        return outcome
