"""What the jobs API does with jobs that are there: show, list and stop them."""

from dataclasses import dataclass
from typing import Any

from functions.ml_jobs import logic
from functions.ml_jobs.answers import Job, JobPage, StoppedJob
from functions.shared.aws import step_functions
from functions.shared.claims import Caller
from functions.shared.clock import now_ms, to_ms
from functions.shared.errors import conflict, not_found
from functions.shared.failures import explain
from functions.shared.job_names import STEPS, progress_key
from functions.shared.jobs import ACTIVE, ENDED, JobRow, JobStore
from functions.shared.observability import logger
from functions.shared.prices import Prices
from functions.shared.s3_objects import read_json

STARTING_MS = 60_000
"""After so long a job's start is recorded, or it broke off."""


def own_job(store: JobStore, caller: Caller, job_id: str) -> JobRow:
    """Read a job of the caller.

    Raises:
        ApiError: 404 for a job that is not the caller's, or that is being removed.
    """
    job = store.of_owner(job_id, caller.sub)
    if job is None:
        raise not_found("job")
    return job


@dataclass(frozen=True)
class Jobs:
    """Jobs of one state machine.

    Attributes:
        store: The jobs table.
        ml_bucket: Where jobs have their folders.
        prices: What machines cost.
    """

    store: JobStore
    ml_bucket: str
    prices: Prices

    def show(self, caller: Caller, job_id: str) -> Job:
        """Describe a job and how far it is.

        Raises:
            ApiError: 404 for a job that is not the caller's.
        """
        job = own_job(self.store, caller, job_id)
        if job.status in ACTIVE:
            job = self._with_real_status(job)
        progress = self._progress(job) if job.status in ACTIVE else None
        return logic.describe_job(job, progress, now_ms(), self.prices)

    def page(self, caller: Caller, limit: int, cursor: str | None) -> JobPage:
        """List the caller's jobs, newest first, as their rows stand."""
        page = self.store.page(caller.sub, limit, cursor)
        rows = [JobRow.model_validate(item) for item in page.items]
        jobs = [logic.describe_job(row, None, now_ms(), self.prices) for row in rows]
        return JobPage(jobs=jobs, next_cursor=page.cursor)

    def stop(self, caller: Caller, job_id: str) -> StoppedJob:
        """Stop a job and the machine that works on it; stopping it twice is no error.

        A job whose start broke off has no execution: it ends at once.

        Raises:
            ApiError: 404 for a job that is not the caller's, 409 when it has ended.
        """
        job = own_job(self.store, caller, job_id)
        if job.execution_arn is None:
            if job.status in ACTIVE and now_ms() - job.began_at > STARTING_MS:
                self.store.ended(job_id, job.attempt, "ABORTED", now_ms(), explain("ABORTED", None, None))
                return StoppedJob(message="The job is stopped.", job_id=job_id, stopped_resources=[])
            raise conflict("JOB_STARTING", "This job is just starting: try again in a few seconds.")
        if self.store.stopping(job_id) is None:
            raise conflict("JOB_ENDED", "This job has ended already.")
        step_functions().stop_execution(
            executionArn=job.execution_arn, error="StoppedByOwner", cause="Stopped by its owner."
        )
        logger.info("job stopped", extra={"job_id": job_id})
        return StoppedJob(
            message="The job is being stopped.", job_id=job_id, stopped_resources=[job.execution_arn]
        )

    def _with_real_status(self, job: JobRow) -> JobRow:
        """Look at the execution itself: the event that tells of its end may be late or lost."""
        if job.execution_arn is None:
            return job
        execution = step_functions().describe_execution(executionArn=job.execution_arn)
        status = execution["status"]
        if status not in ENDED:
            return job
        failure = explain(status, execution.get("error"), execution.get("cause"))
        return job.model_copy(
            update={
                "status": status,
                "current_stage": "completed" if status == "SUCCEEDED" else "failed",
                "ended_at": to_ms(execution["stopDate"]),
                "failure_sentence": failure.sentence if failure else None,
                "failure_next_step": failure.next_step if failure else None,
            }
        )

    def _progress(self, job: JobRow) -> logic.StepProgress | None:
        """Read the progress of the latest step that has any."""
        since = job.began_at
        for step in reversed(STEPS):
            document = self._progress_document(job.job_id, step)
            progress = logic.read_progress(document, step, since)
            if progress is not None:
                return progress
        return None

    def _progress_document(self, job_id: str, step: str) -> dict[str, Any] | None:
        try:
            return read_json(self.ml_bucket, progress_key(job_id, step))
        except ValueError:
            logger.warning("unreadable progress", extra={"job_id": job_id, "step": step})
            return None
