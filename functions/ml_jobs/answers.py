"""Answers of the jobs API, with the field names that existing clients know."""

from typing import Any, Literal

from functions.shared.api import AnswerModel


class StartedJob(AnswerModel):
    """A job that was started."""

    job_id: str
    execution_arn: str
    message: str


class StoppedJob(AnswerModel):
    """A job that is being stopped.

    Attributes:
        stopped_resources: ARNs of what stops.
    """

    success: Literal[True] = True
    message: str
    job_id: str
    stopped_resources: list[str]


class JobProgress(AnswerModel):
    """How far a job is.

    Attributes:
        fraction: Of the whole job, 0 to 1.
        seconds_left: Until its end; None while it is too early to say.
        message: One line for people.
        figures: A few live figures of the step.
        stage_fraction: Of the running step alone.
        stage_seconds_left: Of the running step alone.
    """

    stage: str
    fraction: float
    seconds_left: float | None
    message: str
    figures: dict[str, Any]
    stage_fraction: float | None
    stage_seconds_left: float | None


class JobError(AnswerModel):
    """Why a job failed, and what to do."""

    sentence: str
    next_step: str | None


class Job(AnswerModel):
    """A job.

    Attributes:
        current_stage: starting, a step, completed or failed.
        details: One line for people.
        created_at: ISO 8601, UTC; as the other times.
        estimated_completion_seconds: Until its end, as older clients name it.
        attempt: Counts from 1.
        result: Figures of the model.
    """

    job_id: str
    status: str
    current_stage: str
    details: str
    created_at: str
    start_time: str
    end_time: str | None
    elapsed_seconds: float
    estimated_completion_seconds: float | None
    progress: JobProgress
    capture_id: str
    project_id: str | None
    preset: str
    attempt: int
    execution_arn: str | None
    viewer_url: str | None
    result: dict[str, Any] | None
    error: JobError | None


class RemovedJob(AnswerModel):
    """It is gone."""

    ok: Literal[True] = True


class JobPage(AnswerModel):
    """Some of the caller's jobs, the newest first."""

    jobs: list[Job]
    next_cursor: str | None
