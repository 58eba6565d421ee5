"""The jobs table: one row per job, changed only under conditions: late or doubled events do no harm."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from functions.shared.failures import Failure
from functions.shared.housekeeping import NOT_GOING, is_going
from functions.shared.job_names import SFM, StepJobName, step_of_order
from functions.shared.spending import Estimate, MachineUse
from functions.shared.stores import Page, Table
from functions.shared.tables import OWNER_INDEX

Status = Literal["PENDING", "RUNNING", "STOPPING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
ACTIVE = ("PENDING", "RUNNING", "STOPPING")
ENDED = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")
ENDED_WITHOUT_MODEL = ("FAILED", "TIMED_OUT", "ABORTED")

WAITING_FOR_MACHINE = "WaitingForMachine"
"""Stage status of a job that was refused a machine, because all that the account may have are in use."""

Channel = Literal["notifiedAttempt", "webhookAttempt"]
"""A way of telling people, by the attribute of the job that says how far it has told."""

_OF_AN_END = ("executionArn", "startedAt", "endedAt", "failureSentence", "failureNextStep")


def status_among(statuses: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Give the condition that a job has one of some statuses, and the values that it names."""
    values = {status.lower(): status for status in statuses}
    return f"#status IN ({', '.join(f':{name}' for name in values)})", values


_IS_ACTIVE, _ACTIVE_VALUES = status_among(ACTIVE)
_CAN_BE_RETRIED, _RETRY_VALUES = status_among(ENDED_WITHOUT_MODEL)


class JobRow(BaseModel):
    """A job.

    Attributes:
        owner: The `sub` of who started it.
        email: Where its end is told.
        created_at: Epoch milliseconds; as are the other times.
        capture_uri: Folder of the photos.
        source_job_id: Whose SfM result it goes on with, where it started at a later step.
        source_artifacts: S3 address of the training result that it goes on with, where it started after that.
        start_at: Step that the attempt started at.
        options: Options per step, as the containers take them.
        attempt: Counts executions of the job from 1.
        attempt_at: When the attempt was asked for.
        status: As of Step Functions, with PENDING before its first event and STOPPING once a stop was asked.
        current_stage: starting, then the step whose SageMaker job came last, then completed or failed.
        stage_status: SageMaker's word for where the step's job is, for example Starting or Training, or
            `WAITING_FOR_MACHINE`.
        stage_order: Order of the SageMaker job that set the stage.
        stage_event_at: Time of the event that set the stage.
        stage_running_since: When the step's job got its machine; None while it has none.
        stage_machine: That machine's type.
        machines: What every SageMaker job that has ended took: those of all attempts.
        cost_usd: Sum of what they cost, as far as prices are known; None while none has ended.
        settled_attempt: The attempt whose SageMaker jobs are all among them for sure.
        estimate: What the job was expected to take, before it started.
        failure_sentence: Why it failed, for people.
        failure_next_step: What to do then.
        link_token: Token of the link that was mailed.
        published_at: When its model became complete and reachable.
        result: Figures of the model.
        notified_attempt: The last attempt whose end has been mailed, or need not be.
        webhook_attempt: The same of the owner's webhook.
        deleting_at: When its owner deleted it; it is not shown any more.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    job_id: str
    owner: str
    email: str = ""
    created_at: int
    capture_uri: str
    capture_id: str
    project_id: str | None = None
    preset: str
    source_job_id: str | None = None
    source_artifacts: str | None = None
    start_at: str = SFM
    options: dict[str, dict[str, str]] = Field(default_factory=dict)
    attempt: int = 1
    attempt_at: int | None = None
    status: Status = "PENDING"
    execution_arn: str | None = None
    current_stage: str = "starting"
    stage_status: str | None = None
    stage_order: int = 0
    stage_event_at: int = 0
    stage_running_since: int | None = None
    stage_machine: str | None = None
    machines: list[MachineUse] = Field(default_factory=list)
    cost_usd: float | None = None
    settled_attempt: int = 0
    estimate: Estimate | None = None
    started_at: int | None = None
    ended_at: int | None = None
    failure_sentence: str | None = None
    failure_next_step: str | None = None
    link_token: str | None = None
    viewer_url: str | None = None
    published_at: int | None = None
    result: dict[str, Any] | None = None
    notified_attempt: int = 0
    webhook_attempt: int = 0
    deleting_at: int | None = None

    @property
    def reached(self) -> str | None:
        """The step whose SageMaker job came last, of whichever attempt; None before the first."""
        return step_of_order(self.stage_order)

    @property
    def likely_usd(self) -> float | None:
        """What the job was expected to cost; None where nobody could say."""
        return self.estimate.usd.likely if self.estimate and self.estimate.usd else None

    @property
    def cost_or_estimate_usd(self) -> float:
        """What the job has cost, and while it runs at least what it was expected to cost; 0 if unknown."""
        cost = self.cost_usd or 0.0
        return max(cost, self.likely_usd or 0.0) if self.status in ACTIVE else cost

    @property
    def began_at(self) -> int:
        """When the attempt began to run, or was asked for."""
        return self.started_at or self.attempt_at or self.created_at


@dataclass(frozen=True)
class JobStore:
    """All jobs."""

    table: Table

    def add(self, job: JobRow) -> bool:
        """Write a new job; False when its id is taken."""
        return self.table.put_new(job.model_dump(by_alias=True), key="jobId")

    def get(self, job_id: str) -> JobRow | None:
        """Read a job, whoever's it is."""
        item = self.table.get({"jobId": job_id})
        return JobRow.model_validate(item) if item else None

    def of_owner(self, job_id: str, owner: str) -> JobRow | None:
        """Read a job of this owner, unless it is being removed."""
        job = self.get(job_id)
        return job if job and job.owner == owner and job.deleting_at is None else None

    def page(self, owner: str, limit: int | None, cursor: str | None) -> Page:
        """Read some rows of an owner's jobs, newest first; those that are being removed are left out."""
        page = self._page(owner, limit, cursor, 0)
        return Page([row for row in page.items if not is_going(row)], page.cursor)

    def rows_since(self, owner: str, since: int) -> list[JobRow]:
        """Read all rows of an owner's jobs that were made since a time (epoch milliseconds)."""
        return [JobRow.model_validate(item) for item in self._page(owner, None, None, since).items]

    def _page(self, owner: str, limit: int | None, cursor: str | None, since: int) -> Page:
        return self.table.query(
            "#owner = :owner AND #createdAt >= :since",
            {"owner": owner, "since": since},
            index=OWNER_INDEX,
            newest_first=True,
            limit=limit,
            cursor=cursor,
        )

    def started(self, job_id: str, execution_arn: str) -> None:
        """Keep which execution does the job."""
        self._update(job_id, {"executionArn": execution_arn}, "attribute_exists(#jobId)", {})

    def withdraw(self, job_id: str) -> None:
        """Forget a job whose execution never started."""
        self.table.delete({"jobId": job_id}, condition="#status = :pending", values={"pending": "PENDING"})

    def tried_again(self, job: JobRow, start_at: str, at: int) -> JobRow | None:
        """Begin the next attempt; None when the job runs, has a model, or another request has begun it."""
        return self._update(
            job.job_id,
            {
                "attempt": job.attempt + 1,
                "attemptAt": at,
                "startAt": start_at,
                "status": "PENDING",
                "currentStage": "starting",
                **dict.fromkeys(_OF_AN_END),
            },
            f"#attempt = :attempt AND {_CAN_BE_RETRIED} AND {NOT_GOING}",
            {"attempt": job.attempt, **_RETRY_VALUES},
        )

    def not_tried_again(self, before: JobRow) -> None:
        """Take an attempt back whose execution never started."""
        kept = before.model_dump(by_alias=True)
        restored = ("attempt", "attemptAt", "startAt", "status", "currentStage")
        self._update(
            before.job_id,
            {name: kept[name] for name in (*restored, *_OF_AN_END)},
            "#attempt = :attempt AND #status = :pending",
            {"attempt": before.attempt + 1, "pending": "PENDING"},
        )

    def stopping(self, job_id: str) -> JobRow | None:
        """Mark that a stop was asked; None when the job has ended."""
        return self._update(job_id, {"status": "STOPPING"}, _IS_ACTIVE, _ACTIVE_VALUES)

    def running(self, job_id: str, attempt: int, at: int, execution_arn: str) -> JobRow | None:
        """Mark an attempt as running; None when it is already, or has ended."""
        return self._update(
            job_id,
            {"status": "RUNNING", "startedAt": at, "executionArn": execution_arn},
            "#attempt = :attempt AND #status = :pending",
            {"attempt": attempt, "pending": "PENDING"},
        )

    def ended(
        self, job_id: str, attempt: int, status: str, at: int, failure: Failure | None
    ) -> JobRow | None:
        """Mark an attempt's end; None when it is marked already."""
        changes = {
            "status": status,
            "endedAt": at,
            "currentStage": "completed" if status == "SUCCEEDED" else "failed",
            "stageStatus": None,
            "stageRunningSince": None,
            "stageMachine": None,
            "failureSentence": failure.sentence if failure else None,
            "failureNextStep": failure.next_step if failure else None,
        }
        return self._update(
            job_id,
            changes,
            f"#attempt = :attempt AND {_IS_ACTIVE}",
            {"attempt": attempt, **_ACTIVE_VALUES},
        )

    def in_stage(
        self,
        step_job: StepJobName,
        stage_status: str,
        at: int,
        running_since: int | None,
        machine: str | None = None,
    ) -> JobRow | None:
        """Mark where the running SageMaker job is; None when later news is known already."""
        return self._update(
            step_job.job_id,
            {
                "currentStage": step_job.step,
                "stageStatus": stage_status,
                "stageOrder": step_job.order,
                "stageEventAt": at,
                "stageRunningSince": running_since,
                "stageMachine": machine,
            },
            f"#attempt = :attempt AND {_IS_ACTIVE} AND "
            "(#stageOrder < :order OR (#stageOrder = :order AND #stageEventAt <= :at))",
            {"attempt": step_job.attempt, "order": step_job.order, "at": at, **_ACTIVE_VALUES},
        )

    def count_machine(self, step_job: StepJobName, use: MachineUse | None) -> bool:
        """Keep what a SageMaker job that has ended took, once.

        Args:
            step_job: The SageMaker job.
            use: What it took; None for one that never got a machine.

        Returns:
            False when it is counted already, or there is no such job.
        """
        cost: dict[str, float] = {} if use is None or use.usd is None else {"costUsd": use.usd}
        item = self.table.update(
            {"jobId": step_job.job_id},
            {},
            add={"counted": {step_job.within_job}, **cost},
            append={"machines": use.model_dump(by_alias=True)} if use else {},
            condition="attribute_exists(#jobId) AND NOT contains(#counted, :name)",
            values={"name": step_job.within_job},
        )
        return item is not None

    def settled(self, job_id: str, attempt: int) -> None:
        """Mark that every SageMaker job up to an attempt is counted."""
        self._update(job_id, {"settledAttempt": attempt}, "#attempt = :attempt", {"attempt": attempt})

    def reserve_link(self, job_id: str, token: str) -> tuple[JobRow, str]:
        """Give the job the token of its link, unless it has one already; the token that it has is returned.

        Raises:
            LookupError: There is no such job.
        """
        item = self.table.update(
            {"jobId": job_id}, {}, defaults={"linkToken": token}, condition="attribute_exists(#jobId)"
        )
        if item is None:
            raise LookupError(f"no job {job_id}")
        return JobRow.model_validate(item), str(item["linkToken"])

    def published(self, job_id: str, viewer_url: str, result: dict[str, Any], at: int) -> None:
        """Mark the model as complete and reachable."""
        self._update(
            job_id,
            {"viewerUrl": viewer_url, "result": result, "publishedAt": at},
            "attribute_exists(#jobId)",
            {},
        )

    def forget_viewer_url(self, job_id: str) -> None:
        """Show no link any more: it was withdrawn."""
        self._update(job_id, {"viewerUrl": None}, "attribute_exists(#jobId)", {})

    def claim_notice(self, job_id: str, attempt: int, channel: Channel) -> bool:
        """Take it on to tell the person how an attempt ended; False when this way has told it already."""
        return (
            self._update(
                job_id,
                {channel: attempt},
                # A job from before there was this way has told nothing by it.
                f"#attempt = :attempt AND (attribute_not_exists(#{channel}) OR #{channel} < :attempt)",
                {"attempt": attempt},
            )
            is not None
        )

    def release_notice(self, job_id: str, attempt: int, channel: Channel) -> None:
        """Give the telling back after it failed, so that a repeated event does it."""
        self._update(job_id, {channel: attempt - 1}, f"#{channel} = :attempt", {"attempt": attempt})

    def _update(
        self, job_id: str, changes: dict[str, Any], condition: str, values: dict[str, Any]
    ) -> JobRow | None:
        item = self.table.update(
            {"jobId": job_id}, changes, condition=condition, values=values, signed="lastChange"
        )
        return JobRow.model_validate(item) if item else None
