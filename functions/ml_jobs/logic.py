"""Rules of jobs: whose capture it is, what the state machine is given, how far a job is."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.ml_jobs.account import shares_of, tell_cost, tell_estimate, tell_queue
from functions.ml_jobs.answers import Job, JobError, JobProgress
from functions.shared.clock import iso, parse_iso_ms
from functions.shared.job_names import COMPRESSOR, OLD_STEP_WORDS, SFM, STEPS, TRAINING, UUID_PATTERN
from functions.shared.jobs import ACTIVE, WAITING_FOR_MACHINE, JobRow
from functions.shared.prices import Prices
from functions.shared.s3_objects import Address
from functions.shared.spending import Estimate

_MIN_FRACTION_TO_ESTIMATE = 0.02
_OLD_WORD_OF_STEP = {step: word for word, step in OLD_STEP_WORDS.items()}
_OWNER_DEPTH = 3


@dataclass(frozen=True)
class Capture:
    """A capture in the uploads bucket.

    Attributes:
        capture_id: Its id.
        prefix: Its folder, ending in a slash.
    """

    capture_id: str
    prefix: str


@dataclass(frozen=True)
class Source:
    """What a job begins with.

    Attributes:
        capture_uri: Folder of the photos.
        capture: Their capture.
        sfm_job_id: The earlier job whose reconstruction it goes on with.
        artifacts: S3 address of the training result that it goes on with.
    """

    capture_uri: str
    capture: Capture
    sfm_job_id: str | None = None
    artifacts: str | None = None


@dataclass(frozen=True)
class StepProgress:
    """What a step's container says of itself."""

    step: str
    fraction: float
    seconds_left: float | None
    message: str
    figures: Mapping[str, Any]


def capture_of(address: Address, bucket: str, owner: str) -> Capture | None:
    """Find the capture that an address names: its folder, or any file in it.

    Args:
        address: The address.
        bucket: The uploads bucket.
        owner: The caller's sub.

    Returns:
        The capture; None when the address is not in this owner's folder.
    """
    parts = address.key.split("/")
    inside = address.bucket == bucket and len(parts) >= _OWNER_DEPTH and parts[:2] == ["uploads", owner]
    if not inside or not parts[2] or ".." in parts:
        return None
    return Capture(capture_id=parts[2], prefix="/".join(parts[:3]) + "/")


def arguments(options: Mapping[str, str]) -> list[str]:
    """Write a processing step's options as its command line."""
    return [word for name, value in sorted(options.items()) for word in (f"--{name}", value)]


def with_title(options: Mapping[str, Mapping[str, str]], title: str) -> dict[str, dict[str, str]]:
    """Give the compressor the name that it writes on the model's page.

    Args:
        options: Options per step.
        title: The project's title; dashes at its start would read as an option and are dropped.

    Returns:
        Options per step.
    """
    named = {step: dict(values) for step, values in options.items()}
    shown = " ".join(title.split()).lstrip("- ")
    if shown:
        named[COMPRESSOR]["title"] = shown
    return named


def machine_input(job: JobRow, artifacts: str | None = None) -> dict[str, Any]:
    """Make the state machine's input.

    Args:
        job: The job.
        artifacts: S3 address of the training result, for an execution that starts after it.

    Returns:
        The input; every value a string, a list of strings or an object of strings.
    """
    return {
        "jobId": job.job_id,
        "attempt": str(job.attempt),
        "owner": job.owner,
        "captureUri": job.capture_uri,
        "startAt": job.start_at,
        "sourceJobId": job.source_job_id or job.job_id,
        "arguments": {step: arguments(job.options[step]) for step in (SFM, COMPRESSOR)},
        "hyperparameters": dict(job.options[TRAINING]),
        **({"train": {"artifacts": artifacts}} if artifacts else {}),
    }


def job_of_sfm_uri(uri: str | None, bucket: str) -> str | None:
    """Read the job's id from the address of its reconstruction, as older clients name an earlier job."""
    match = re.match(rf"^s3://{re.escape(bucket)}/jobs/(?P<job>{UUID_PATTERN})/sfm(?:/|$)", uri or "")
    return match["job"] if match else None


def request_of(job: JobRow) -> tuple[Any, ...]:
    """Give what a request for a job says: two of the same key must say the same."""
    return (
        job.capture_uri,
        job.project_id,
        job.preset,
        job.source_job_id,
        job.options,
    )


def read_progress(document: Mapping[str, Any] | None, step: str, since: int) -> StepProgress | None:
    """Read a step's progress file.

    Args:
        document: The file, or None when there is none.
        step: The step it should be of.
        since: Start of the attempt in epoch milliseconds: an older file is an earlier attempt's.

    Returns:
        The progress; None when there is none of this attempt.
    """
    if document is None or document.get("step") != step:
        return None
    try:
        if parse_iso_ms(str(document["updated_at"])) < since:
            return None
        left = document.get("seconds_left")
        return StepProgress(
            step=step,
            fraction=min(1.0, max(0.0, float(document["fraction"]))),
            seconds_left=None if left is None else max(0.0, float(left)),
            message=str(document.get("message") or ""),
            figures=document.get("figures") or {},
        )
    except (KeyError, TypeError, ValueError):
        return None


def overall_fraction(stage: str, progress: StepProgress | None, shares: Mapping[str, float]) -> float:
    """Give how much of the whole job is done.

    Args:
        stage: The job's stage.
        progress: The running step's own progress, if known.
        shares: Share of the job's time that each step takes; a step that it does not do has none. The checks
            between the steps take seconds.

    Returns:
        0 to 1: the shares of the steps before, and this step's share by its own fraction.
    """
    if stage == "completed":
        return 1.0
    if stage not in STEPS:
        return 0.0
    before = sum(shares.get(step, 0.0) for step in STEPS[: STEPS.index(stage)])
    own = progress.fraction if progress and progress.step == stage else 0.0
    return min(1.0, before + shares.get(stage, 0.0) * own)


def seconds_left(
    fraction: float, elapsed: float, progress: StepProgress | None, estimated: Estimate | None
) -> float | None:
    """Estimate the seconds until the job ends.

    Args:
        fraction: Of the whole job, 0 to 1.
        elapsed: Seconds since its start.
        progress: The running step's own progress, if known.
        estimated: What the job was expected to take.

    Returns:
        By the rate so far, but at least what the step itself expects; by the estimate while it is too early
        for a rate, and None without one.
    """
    if fraction >= 1:
        return 0.0
    own = progress.seconds_left if progress else None
    if fraction < _MIN_FRACTION_TO_ESTIMATE:
        if estimated is None:
            return None
        work = estimated.seconds.likely
        return max(work * (1 - fraction), work + estimated.waiting_seconds.likely - elapsed, own or 0.0)
    by_rate = elapsed * (1 - fraction) / fraction
    return max(by_rate, own or 0.0)


def later_stage(stage: str, other: str) -> str:
    """Give the later of two stages; events and progress files overtake each other."""
    if stage not in STEPS or other not in STEPS:
        return other if stage == "starting" and other in STEPS else stage
    return max(stage, other, key=STEPS.index)


def describe_job(job: JobRow, progress: StepProgress | None, now: int, prices: Prices) -> Job:
    """Describe a job for its owner.

    Args:
        job: Its row.
        progress: Progress of its latest step, if known.
        now: Epoch milliseconds.
        prices: What machines cost.

    Returns:
        What the API answers.
    """
    active = job.status in ACTIVE
    stage = later_stage(job.current_stage, progress.step) if active and progress else job.current_stage
    started = job.began_at
    elapsed = max(0.0, ((job.ended_at or now) - started) / 1000)
    own = progress if progress and progress.step == stage else None
    fraction = overall_fraction(stage, own, shares_of(job))
    left = seconds_left(fraction, elapsed, own, job.estimate) if active else None
    return Job(
        job_id=job.job_id,
        status=job.status,
        current_stage=stage,
        details=_details(job, own),
        created_at=iso(job.created_at),
        start_time=iso(started),
        end_time=iso(job.ended_at) if job.ended_at else None,
        elapsed_seconds=round(elapsed, 1),
        estimated_completion_seconds=_rounded(left),
        progress=JobProgress(
            stage=stage,
            fraction=round(fraction, 4),
            seconds_left=_rounded(left),
            message=own.message if own else "",
            figures=dict(own.figures) if own else {},
            stage_fraction=round(own.fraction, 4) if own else None,
            stage_seconds_left=own.seconds_left if own else None,
        ),
        seconds_taken=None if job.ended_at is None else round(elapsed, 1),
        estimate=tell_estimate(job.estimate) if job.estimate else None,
        cost=tell_cost(job, now, prices),
        queue=tell_queue(job),
        capture_id=job.capture_id,
        project_id=job.project_id,
        preset=job.preset,
        attempt=job.attempt,
        execution_arn=job.execution_arn,
        viewer_url=job.viewer_url,
        result=job.result,
        error=(
            JobError(sentence=job.failure_sentence, next_step=job.failure_next_step)
            if job.failure_sentence is not None
            else None
        ),
    )


def in_old_words(job: Job) -> Job:
    """Say a job in the words of older clients: their stage names, and no status but their five."""
    return job.model_copy(
        update={
            "current_stage": _OLD_WORD_OF_STEP.get(job.current_stage, job.current_stage),
            "status": "RUNNING" if job.status in ACTIVE else job.status,
        }
    )


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)


def _details(job: JobRow, progress: StepProgress | None) -> str:
    if job.failure_sentence:
        return job.failure_sentence
    if job.status == "STOPPING":
        return "The job is being stopped."
    if job.status == "SUCCEEDED":
        return "The model is ready."
    if progress and progress.message and job.stage_status != WAITING_FOR_MACHINE:
        return progress.message
    return _stage_details(job)


def _stage_details(job: JobRow) -> str:
    if job.stage_status == WAITING_FOR_MACHINE:
        return tell_queue(job).sentence
    if job.current_stage in STEPS:
        return f"{job.current_stage}: {job.stage_status or 'starting'}"
    return "The capture is being checked."
