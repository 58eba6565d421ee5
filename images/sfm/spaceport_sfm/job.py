"""The SfM step as a job: the contract's folders around the pipeline."""

import tempfile
from pathlib import Path

from spaceport_job import JobContext, run_processing

from spaceport_sfm.isolation import run_isolated
from spaceport_sfm.options import SfmOptions
from spaceport_sfm.pipeline import STAGES, Outcome, Task, reconstruct

CAPTURE = "capture"


def run(context: JobContext[SfmOptions]) -> None:
    """Reconstructs `processing/input/capture` into the job's result folder."""
    with tempfile.TemporaryDirectory(prefix=".sfm-work-", dir=context.result.parent) as work:
        task = Task(context.paths.processing_input(CAPTURE), Path(work), context.result, context.options)
        outcome: Outcome = run_isolated(
            reconstruct, task, progress=context.progress, termination=context.termination
        )
    report = context.report
    report.input = outcome.input
    report.output = outcome.output
    report.quality = outcome.quality
    report.warnings = outcome.warnings
    report.versions |= outcome.versions


def main() -> int:
    """Runs the job with the command line's options; returns the exit code."""
    return run_processing("sfm", SfmOptions, STAGES, run)
