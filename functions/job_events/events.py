"""What becomes of an event: the job's row, its project and one mail, in any order, however often it comes."""

from collections.abc import Iterator
from dataclasses import dataclass

from functions.job_events.logic import project_changes
from functions.job_events.mail import mail_about
from functions.job_events.metrics import StageMetrics
from functions.job_events.models import ExecutionEvent, StepJobEvent
from functions.shared.aws import ses, step_functions
from functions.shared.clock import now_ms, now_seconds
from functions.shared.failures import Failure, explain
from functions.shared.job_names import parse_execution_name, parse_step_job_name
from functions.shared.jobs import ENDED, JobRow, JobStore
from functions.shared.observability import logger
from functions.shared.stores import Table


@dataclass(frozen=True)
class Events:
    """Takes events in.

    Attributes:
        jobs: The jobs table.
        projects: The projects table.
        metrics: Where the stages' figures go.
        state_machine_arn: The machine whose executions are the jobs.
        mail_from: Sender of mails.
    """

    jobs: JobStore
    projects: Table
    metrics: StageMetrics
    state_machine_arn: str
    mail_from: str

    def step_job_changed(self, event: StepJobEvent) -> None:
        """Keep where a SageMaker job is, if it is the latest news of the job, and put how it ended once."""
        name = parse_step_job_name(event.detail.name)
        if name is None:
            return
        detail = event.detail
        self.jobs.in_stage(name, detail.secondary_status or detail.status, event.at, event.running_since)
        if detail.has_ended and self.jobs.claim_figures(name):
            self.metrics.ended(name.step, seconds=detail.machine_seconds, failed=detail.status == "Failed")

    def look(self) -> None:
        """Put for how long each SageMaker job that runs has had its machine."""
        for execution in self._running_executions():
            name = parse_execution_name(execution)
            job = self.jobs.get(name.job_id) if name else None
            if name and job and job.attempt == name.attempt and job.stage_running_since is not None:
                self.metrics.running(job.current_stage, (now_ms() - job.stage_running_since) / 1000)

    def _running_executions(self) -> Iterator[str]:
        pages = step_functions().get_paginator("list_executions")
        for page in pages.paginate(stateMachineArn=self.state_machine_arn, statusFilter="RUNNING"):
            for execution in page["executions"]:
                yield execution["name"]

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
        mail = mail_about(job)
        try:
            ses().send_email(
                FromEmailAddress=self.mail_from,
                Destination={"ToAddresses": [job.email]},
                Content={
                    "Simple": {
                        "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                        "Body": {
                            "Text": {"Data": mail.text, "Charset": "UTF-8"},
                            "Html": {"Data": mail.html, "Charset": "UTF-8"},
                        },
                    }
                },
            )
        except Exception:
            self.jobs.release_notice(job.job_id, job.attempt)
            raise
        logger.info("mail sent", extra={"job_id": job.job_id, "status": job.status})
