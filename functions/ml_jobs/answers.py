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


class Amounts(AnswerModel):
    """Seconds or US dollars that are not known for sure.

    Attributes:
        low: It would surprise us if it were less.
        likely: What we expect.
        high: It would surprise us if it were more.
    """

    low: float
    likely: float
    high: float


class StepForecast(AnswerModel):
    """What a step is expected to take.

    Attributes:
        machine: SageMaker's machine, by preference.
        seconds: With a machine.
        usd: None where its price is not known.
    """

    machine: str
    seconds: Amounts
    usd: Amounts | None


class Forecast(AnswerModel):
    """What a job is expected to take.

    Attributes:
        photos: How many photos it is for.
        megapixels: Of a photo.
        seconds: All steps, without waiting for machines.
        waiting_seconds: Waiting for machines, which costs nothing.
        usd: All steps; None where a machine's price is not known, and then `usd_reason` says so.
        finishes_at: When it will probably be done, ISO 8601, UTC.
        steps: By step.
        learned_from: How many of the caller's earlier jobs it goes by.
        sentence: All of it for people.
    """

    photos: int
    megapixels: float
    seconds: Amounts
    waiting_seconds: Amounts
    usd: Amounts | None
    usd_reason: str | None
    finishes_at: str
    steps: dict[str, StepForecast]
    learned_from: int
    sentence: str


class StepBill(AnswerModel):
    """What a step's machines took, of all tries.

    Attributes:
        machines: SageMaker's machines, in the order in which they worked.
        seconds: How long they were had.
        billed_seconds: What of that is billed.
        usd: What that costs; None where a price is not known.
    """

    machines: list[str]
    seconds: float
    billed_seconds: float
    usd: float | None


class Bill(AnswerModel):
    """What a job's machines cost.

    Attributes:
        usd: None where it is not known, and then `reason` says why.
        so_far: Whether more may come.
        upper_bound: Whether it may turn out to be less: what is billed of a spot machine's time is known at
            its end.
        by_steps: By step.
    """

    usd: float | None
    reason: str | None
    so_far: bool
    upper_bound: bool
    by_steps: dict[str, StepBill]


class Queue(AnswerModel):
    """Whether a job waits for a machine.

    Attributes:
        since: ISO 8601, UTC.
        sentence: For people; empty where it does not wait.
    """

    state: Literal["waiting_for_machine", "none"]
    since: str | None
    sentence: str


class Job(AnswerModel):
    """A job.

    Attributes:
        current_stage: starting, a step, completed or failed.
        details: One line for people.
        created_at: ISO 8601, UTC; as the other times.
        estimated_completion_seconds: Until its end, as older clients name it.
        seconds_taken: From start to end; None before its end.
        estimate: What it was expected to take before it started, if that was said.
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
    seconds_taken: float | None
    estimate: Forecast | None
    cost: Bill
    queue: Queue
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


class LogLine(AnswerModel):
    """A line of a log; `at` in ISO 8601, UTC."""

    at: str
    text: str


class LogPage(AnswerModel):
    """Lines of a step's log, the oldest first.

    Attributes:
        step: Whose log it is.
        older_cursor: For the lines before.
        newer_cursor: For those that have come since.
    """

    step: str
    lines: list[LogLine]
    older_cursor: str | None
    newer_cursor: str | None


class Artifact(AnswerModel):
    """A file that a job has made.

    Attributes:
        name: Its path in the job's folder.
        bytes: Its size.
        url: Where it can be fetched.
    """

    name: str
    bytes: int
    url: str


class ArtifactList(AnswerModel):
    """Files that a job has made."""

    artifacts: list[Artifact]
    urls_expire_at: str


class ModelLink(AnswerModel):
    """A link to a model.

    Attributes:
        link_id: What it is withdrawn by.
        url: What is sent to people.
        kind: `mailed` to the owner when the model became ready, or `shared` later.
        label: What its owner calls it.
        expires_at: ISO 8601, UTC; None for never.
    """

    link_id: str
    url: str
    kind: Literal["mailed", "shared"]
    label: str
    state: Literal["open", "expired", "revoked"]
    created_at: str
    expires_at: str | None


class ModelLinks(AnswerModel):
    """Links to a model."""

    links: list[ModelLink]
