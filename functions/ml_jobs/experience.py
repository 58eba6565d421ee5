"""What is learned from jobs that have run: how many times the model's seconds each step took."""

import statistics
from collections.abc import Iterable, Sequence
from math import exp, log

from functions.shared.job_names import STEPS
from functions.shared.jobs import JobRow
from functions.shared.spending import Span

PRIOR_JOBS = 3
"""How many jobs this model counts as, against those that have been seen."""
MOST_JOBS = 20
NARROWEST = 0.4
"""What of the spread is left, however many jobs have been seen."""


def experience_of(jobs: Iterable[JobRow], preset: str) -> dict[str, list[float]]:
    """Take from earlier jobs how many times the model's seconds they took.

    Args:
        jobs: Jobs, the latest first.
        preset: Only those with this preset count.

    Returns:
        Ratios by step, of at most `MOST_JOBS` jobs that succeeded.
    """
    ratios: dict[str, list[float]] = {step: [] for step in STEPS}
    like = (job for job in jobs if job.status == "SUCCEEDED" and job.preset == preset and job.estimate)
    for job in list(like)[:MOST_JOBS]:
        for step, expected in job.estimate.steps.items() if job.estimate else ():
            taken = sum(use.machine_seconds for use in job.machines if use.step == step)
            if taken > 0 and expected.model_seconds > 0:
                ratios[step].append(taken / expected.model_seconds)
    return ratios


def learned_ratio(ratios: Sequence[float]) -> float:
    """Say how many times the model's seconds a step will take.

    Args:
        ratios: What earlier jobs took, in the same terms; all above 0.

    Returns:
        Their median, drawn towards 1 while there are few: the model counts as `PRIOR_JOBS` jobs.
    """
    if not ratios:
        return 1.0
    return exp(log(statistics.median(ratios)) * len(ratios) / (len(ratios) + PRIOR_JOBS))


def corrected(span: Span, ratios: Sequence[float]) -> Span:
    """Move a span to what was learned, and narrow it by how much was."""
    kept = max(NARROWEST, PRIOR_JOBS / (len(ratios) + PRIOR_JOBS))
    likely = span.likely * learned_ratio(ratios)
    return Span(
        low=round(likely * (span.low / span.likely) ** kept, 1),
        likely=round(likely, 1),
        high=round(likely * (span.high / span.likely) ** kept, 1),
    )
