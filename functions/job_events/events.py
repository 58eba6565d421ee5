"""What becomes of an event, in any order, however often it comes: a job's row, project and notices."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from functions.job_events.intermediates import Intermediates
from functions.job_events.logic import project_changes
from functions.job_events.mail import mail_about
from functions.job_events.metrics import StageMetrics
from functions.job_events.models import ExecutionEvent, StepJobDetail, StepJobEvent
from functions.job_events.step_jobs import StepJobs
from functions.job_events.webhook import event_about
from functions.shared.aws import step_functions
from functions.shared.clock import now_seconds, to_ms
from functions.shared.failures import Failure, explain
from functions.shared.housekeeping import NOT_GOING
from functions.shared.job_names import StepJobName, parse_execution_name, parse_step_job_name
from functions.shared.jobs import ACTIVE, ENDED, Channel, JobRow, JobStore
from functions.shared.mail import Sender, send
from functions.shared.observability import logger
from functions.shared.stores import Table
from functions.shared.user_settings import SettingsStore, UserSettings
from functions.shared.webhook_events import WebhookQueue

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

LOOK_BACK_MS = 7 * 24 * 3600 * 1000
"""How long ago an execution may have started that is looked at: longer than any may take."""

SETTLE_AFTER_MS = 10 * 60 * 1000
"""How long after an execution's end its SageMaker jobs' events are waited for."""


@dataclass(frozen=True)
class Events:
    """Takes events in.

    Attributes:
        jobs: The jobs table.
        projects: The projects table.
        settings: How people want to be told.
        webhooks: What their webhooks are told.
        metrics: Where the stages' figures go.
        step_jobs: The SageMaker jobs.
        state_machine_arn: The machine whose executions are the jobs.
        mail_from: Sender of mails.
        intermediates: What jobs leave behind.
    """

    jobs: JobStore
    projects: Table
    settings: SettingsStore
    webhooks: WebhookQueue
    metrics: StageMetrics
    step_jobs: StepJobs
    state_machine_arn: str
    mail_from: Sender
    intermediates: Intermediates

    def step_job_changed(self, event: StepJobEvent) -> None:
        """Keep where a SageMaker job is, if it is the latest news of the job, and count how it ended once."""
        name = parse_step_job_name(event.detail.name)
        if name is None:
            return
        detail = event.detail
        stage_status = detail.secondary_status or detail.status
        self.jobs.in_stage(name, stage_status, event.at, event.running_since, event.machine)
        if detail.has_ended:
            self._count(name, detail)

    def look(self, now: int) -> None:
        """Put for how long what runs has had its machine, and take in what no event told of.

        That is ends of executions, and ends of SageMaker jobs of those that have ended.

        Args:
            now: Epoch milliseconds.
        """
        for execution in self._started_lately(now):
            name = parse_execution_name(execution["name"])
            job = self.jobs.get(name.job_id) if name else None
            if name is None or job is None or job.attempt != name.attempt:
                continue
            if execution["status"] == "RUNNING" and job.stage_running_since is not None:
                self.metrics.running(job.current_stage, (now - job.stage_running_since) / 1000)
            elif execution["status"] in ENDED and _is_untold(job):
                logger.warning("an end that was not told", extra={"execution": execution["name"]})
                self.execution_changed(_as_event(execution))
            if execution["status"] in ENDED and now - to_ms(execution["stopDate"]) > SETTLE_AFTER_MS:
                self._settle(job)

    def _count(self, name: StepJobName, detail: StepJobDetail) -> None:
        if self.jobs.count_machine(name, self.step_jobs.use_of(name, detail)):
            self.metrics.ended(name.step, seconds=detail.machine_seconds, failed=detail.status == "Failed")

    def _settle(self, job: JobRow) -> None:
        """Count what a job's SageMaker jobs took whose ends were not told, once per attempt."""
        if job.settled_attempt >= job.attempt:
            return
        step_jobs = list(self.step_jobs.of_job(job.job_id))
        for name, detail in step_jobs:
            if detail.has_ended:
                self._count(name, detail)
        if all(detail.has_ended for _, detail in step_jobs):
            self.jobs.settled(job.job_id, job.attempt)

    def _started_lately(self, now: int) -> Iterator["ExecutionListItemTypeDef"]:
        """Executions that may still run or have ended lately, the latest start first."""
        pages = step_functions().get_paginator("list_executions")
        listed = (
            execution
            for page in pages.paginate(stateMachineArn=self.state_machine_arn)
            for execution in page["executions"]
        )
        return takewhile(lambda one: now - to_ms(one["startDate"]) < LOOK_BACK_MS, listed)

    def execution_changed(self, event: ExecutionEvent) -> None:
        """Keep an execution's start or end, show it in the project, tell an end once, and tidy up."""
        name = parse_execution_name(event.detail.name)
        if name is None:
            return
        status = event.detail.status
        if status in ENDED:
            self.jobs.ended(name.job_id, name.attempt, status, event.at, self._failure(event))
        elif status == "RUNNING":
            self.jobs.running(name.job_id, name.attempt, event.at, event.detail.execution_arn)
        job = self.jobs.get(name.job_id)
        if job is None:
            logger.warning("event of an unknown job", extra={"job_id": name.job_id})
            return
        self._show_in_project(job)
        if job.status in ENDED and job.attempt == name.attempt:
            self._tell(job)
            self.intermediates.mark(job.job_id)

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
            condition=f"attribute_exists(#projectId) AND {NOT_GOING} AND "
            "(attribute_not_exists(#jobCreatedAt) OR #jobCreatedAt <= :created)",
            values={"created": job.created_at},
        )

    def _tell(self, job: JobRow) -> None:
        """Tell how the job ended, each way once per attempt; what fails is tried by the repeated event."""
        settings = self.settings.read(job.owner)
        self._once(job, "webhookAttempt", lambda: self._post(job, settings))
        self._once(job, "notifiedAttempt", lambda: self._mail(job, settings))

    def _once(self, job: JobRow, channel: Channel, tell: Callable[[], None]) -> None:
        if not self.jobs.claim_notice(job.job_id, job.attempt, channel):
            return
        try:
            tell()
        except Exception:
            self.jobs.release_notice(job.job_id, job.attempt, channel)
            raise

    def _post(self, job: JobRow, settings: UserSettings) -> None:
        """Have the owner's webhook told, if there is one."""
        if settings.has_webhook:
            self.webhooks.put(event_about(job))
            logger.info("webhook event put", extra={"job_id": job.job_id, "status": job.status})

    def _mail(self, job: JobRow, settings: UserSettings) -> None:
        """Mail the owner, if that is wanted."""
        if job.email and settings.mail_notices:
            send(mail_about(job), sender=self.mail_from, to=job.email)
            logger.info("mail sent", extra={"job_id": job.job_id, "status": job.status})


def _is_untold(job: JobRow) -> bool:
    """Tell whether the row has no end yet, or its owner has not heard of it by all ways."""
    return job.status in ACTIVE or min(job.notified_attempt, job.webhook_attempt) < job.attempt


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
