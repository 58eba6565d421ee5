"""Names of a job's steps, executions and SageMaker jobs, and the keys of its folder in the ml bucket."""

import re
from dataclasses import dataclass

SFM, TRAINING, COMPRESSOR = "sfm", "3dgs", "compressor"
STEPS = (SFM, TRAINING, COMPRESSOR)
OLD_STEP_WORDS = {"compression": COMPRESSOR}
"""Words of older clients for a step, and ours."""

UUID_PATTERN = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_MOST_TRIES = 1000
_EXECUTION = re.compile(rf"^(?P<job>{UUID_PATTERN})-(?P<attempt>\d+)$")
_STEP_JOB = re.compile(
    rf"^(?P<job>{UUID_PATTERN})-(?P<attempt>\d+)-(?P<step>{'|'.join(STEPS)})-(?P<try>\d+)$"
)


@dataclass(frozen=True)
class ExecutionName:
    """Name of a state machine execution: `{jobId}-{attempt}`."""

    job_id: str
    attempt: int

    def __str__(self) -> str:
        return f"{self.job_id}-{self.attempt}"


@dataclass(frozen=True)
class StepJobName:
    """Name of a SageMaker job: `{jobId}-{attempt}-{step}-{try}`."""

    job_id: str
    attempt: int
    step: str
    retry: int

    def __str__(self) -> str:
        return f"{self.job_id}-{self.within_job}"

    @property
    def within_job(self) -> str:
        """Name of the SageMaker job among all of its job."""
        return f"{self.attempt}-{self.step}-{self.retry}"

    @property
    def order(self) -> int:
        """Number that grows with attempt, step and retry: a later SageMaker job of a job has a higher one."""
        return (self.attempt * len(STEPS) + STEPS.index(self.step)) * _MOST_TRIES + self.retry


def step_of_order(order: int) -> str | None:
    """Say which step the SageMaker job of an order did; None for no job's order."""
    return STEPS[order // _MOST_TRIES % len(STEPS)] if order else None


def parse_execution_name(name: str) -> ExecutionName | None:
    """Read an execution's name; None when it is not one of ours."""
    match = _EXECUTION.match(name)
    return ExecutionName(match["job"], int(match["attempt"])) if match else None


def parse_step_job_name(name: str) -> StepJobName | None:
    """Read a SageMaker job's name; None when it is not one of ours."""
    match = _STEP_JOB.match(name)
    return (
        StepJobName(match["job"], int(match["attempt"]), match["step"], int(match["try"])) if match else None
    )


def request_key(job_id: str) -> str:
    """Key of what was asked."""
    return f"jobs/{job_id}/request.json"


def sfm_report_key(job_id: str) -> str:
    """Key of the SfM step's report."""
    return f"jobs/{job_id}/sfm/report.json"


def model_prefix(job_id: str) -> str:
    """Prefix of the published model's files."""
    return f"jobs/{job_id}/model/"


def progress_key(job_id: str, step: str) -> str:
    """Key of a step's progress: training has only its checkpoint folder synchronised while it runs."""
    if step == TRAINING:
        return f"jobs/{job_id}/3dgs/checkpoints/progress.json"
    return f"jobs/{job_id}/progress/{step}/progress.json"
