"""What becomes of an event: the job's row, its project and one mail, in any order, however often it comes."""

from dataclasses import dataclass

from functions.job_events.logic import project_changes
from functions.job_events.mail import mail_about
from functions.job_events.models import ExecutionEvent, StepJobEvent
from functions.shared.aws import step_functions
from functions.shared.clock import now_seconds
from functions.shared.failures import Failure, explain
from functions.shared.job_names import parse_execution_name, parse_step_job_name
from functions.shared.jobs import ENDED, JobRow, JobStore
from functions.shared.mail import send
from functions.shared.observability import logger
from functions.shared.stores import Table


@dataclass(frozen=True)
class Events:
    """Takes events in.

    Attributes:
        jobs: The jobs table.
        projects: The projects table.
        mail_from: Sender of mails.
    """

    jobs: JobStore
    projects: Table
    mail_from: str

    def step_job_changed(self, event: StepJobEvent) -> None:
        """Keep where a SageMaker job is, if it is the latest news of the job."""
        name = parse_step_job_name(event.detail.name)
        if name is None:
            return
        self.jobs.in_stage(name, event.detail.secondary_status or event.detail.status, event.at)

    def execution_changed(self, event: ExecutionEvent) -> None:
        """Keep an execution's start or end, show it in the project, and tell an end by mail once."""
        name = parse_execution_name(event.detail.name)
        if name is None:
            return
        status = event.detail.status
        if status in ENDED:
            self.jobs.ended(name.job_id, name.attempt, status, event.at, self._failure(event))
        elif status == "RUNNING":
            self.jobs.running(name.job_id, name.attempt, event.at)
        job = self.jobs.get(name.job_id)
        if job is None:
            logger.warning("event of an unknown job", extra={"job_id": name.job_id})
            return
        self._show_in_project(job)
        if job.status in ENDED and job.attempt == name.attempt:
            self._tell(job)

    def _failure(self, event: ExecutionEvent) -> Failure | None:
        """Find the cause, which long events leave out."""
        error, cause = event.detail.error, event.detail.cause
        if event.detail.status == "FAILED" and not cause:
            execution = step_functions().describe_execution(executionArn=event.detail.execution_arn)
            error, cause = execution.get("error"), execution.get("cause")
        failure = explain(event.detail.status, error, cause)
        if failure:
            logger.warning(
                "job failed", extra={"execution": event.detail.name, "error_name": error, "cause": cause}
            )
        return failure

    def _show_in_project(self, job: JobRow) -> None:
        """Show the job in its project, unless the project is gone or has a newer job."""
        if job.project_id is None:
            return
        self.projects.update(
            {"userSub": job.owner, "projectId": job.project_id},
            {**project_changes(job), "updatedAt": now_seconds()},
            add={"version": 1},
            condition="attribute_exists(#projectId) AND "
            "(attribute_not_exists(#jobCreatedAt) OR #jobCreatedAt <= :created)",
            values={"created": job.created_at},
        )

    def _tell(self, job: JobRow) -> None:
        """Mail how the job ended, once per attempt; when that fails, the repeated event tries again."""
        if not job.email or not self.jobs.claim_notice(job.job_id, job.attempt):
            return
        try:
            send(mail_about(job), sender=self.mail_from, to=job.email)
        except Exception:
            self.jobs.release_notice(job.job_id, job.attempt)
            raise
        logger.info("mail sent", extra={"job_id": job.job_id, "status": job.status})
