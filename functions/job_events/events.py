"""What becomes of an event: the job's row, its project and one mail, in any order, however often it comes."""

from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from functions.job_events.logic import project_changes
from functions.job_events.mail import mail_about
from functions.job_events.models import ExecutionEvent, StepJobEvent
from functions.shared.aws import step_functions
from functions.shared.clock import now_seconds, to_ms
from functions.shared.failures import Failure, explain
from functions.shared.job_names import parse_execution_name, parse_step_job_name
from functions.shared.jobs import ACTIVE, ENDED, JobRow, JobStore
from functions.shared.mail import send
from functions.shared.observability import logger
from functions.shared.stores import Table

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

CATCH_UP_MS = 7 * 24 * 3600 * 1000
"""How long ago an execution may have started whose end is looked for: longer than any may take."""


@dataclass(frozen=True)
class Events:
    """Takes events in.

    Attributes:
        jobs: The jobs table.
        projects: The projects table.
        mail_from: Sender of mails.
        state_machine_arn: What does the jobs.
    """

    jobs: JobStore
    projects: Table
    mail_from: str
    state_machine_arn: str

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

    def catch_up(self, now: int) -> None:
        """Take in the ends of executions that no event told of, or whose mail was not sent.

        Args:
            now: Epoch milliseconds.
        """
        pages = (
            step_functions().get_paginator("list_executions").paginate(stateMachineArn=self.state_machine_arn)
        )
        # The latest start comes first.
        started_lately = takewhile(
            lambda one: now - to_ms(one["startDate"]) < CATCH_UP_MS,
            (execution for page in pages for execution in page["executions"]),
        )
        for execution in started_lately:
            if execution["status"] in ENDED and self._is_news(execution["name"]):
                logger.warning("an end that was not told", extra={"execution": execution["name"]})
                self.execution_changed(_as_event(execution))

    def _is_news(self, execution_name: str) -> bool:
        name = parse_execution_name(execution_name)
        job = self.jobs.get(name.job_id) if name else None
        if name is None or job is None or job.attempt != name.attempt:
            return False
        return job.status in ACTIVE or bool(job.email and job.notified_attempt < job.attempt)

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


def _as_event(execution: "ExecutionListItemTypeDef") -> ExecutionEvent:
    """Make of a listed execution the event that should have told of its end; its cause is looked up."""
    return ExecutionEvent.model_validate(
        {
            "detail-type": "Step Functions Execution Status Change",
            "time": execution["stopDate"],
            "detail": {
                "executionArn": execution["executionArn"],
                "name": execution["name"],
                "status": execution["status"],
            },
        }
    )
