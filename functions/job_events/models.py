"""Events that EventBridge sends, reduced to what is used."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict, Field, TypeAdapter

from functions.shared.clock import to_ms


class _Event(BaseModel):
    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    time: datetime

    @property
    def at(self) -> int:
        """Epoch milliseconds of the event, which EventBridge gives in whole seconds."""
        return to_ms(self.time)


class ExecutionDetail(BaseModel):
    """A state machine execution."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    execution_arn: str = Field(alias="executionArn")
    name: str
    status: str
    error: str | None = None
    cause: str | None = None


class ExecutionEvent(_Event):
    """An execution has changed its status."""

    detail_type: Literal["Step Functions Execution Status Change"] = Field(alias="detail-type")
    detail: ExecutionDetail


class StepJobDetail(BaseModel):
    """A SageMaker job, as an event or a Describe call tells it: events leave out what is billed."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    name: str = Field(validation_alias=AliasChoices("TrainingJobName", "ProcessingJobName"))
    status: str = Field(validation_alias=AliasChoices("TrainingJobStatus", "ProcessingJobStatus"))
    secondary_status: str | None = Field(default=None, validation_alias="SecondaryStatus")
    last_modified: datetime | None = Field(default=None, validation_alias="LastModifiedTime")
    started: datetime | None = Field(
        default=None, validation_alias=AliasChoices("TrainingStartTime", "ProcessingStartTime")
    )
    ended: datetime | None = Field(
        default=None, validation_alias=AliasChoices("TrainingEndTime", "ProcessingEndTime")
    )

    instance_type: str | None = Field(
        default=None,
        validation_alias=AliasChoices(
            AliasPath("ResourceConfig", "InstanceType"),
            AliasPath("ProcessingResources", "ClusterConfig", "InstanceType"),
        ),
    )
    billable_seconds: float | None = Field(default=None, validation_alias="BillableTimeInSeconds")

    @property
    def has_ended(self) -> bool:
        """Whether its status will not change any more."""
        return self.status in ("Completed", "Failed", "Stopped")

    @property
    def machine_seconds(self) -> float | None:
        """How long a job that has ended had its machine; None where it never got one."""
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


class StepJobEvent(_Event):
    """A SageMaker job has changed its status."""

    detail_type: Literal["SageMaker Training Job State Change", "SageMaker Processing Job State Change"] = (
        Field(alias="detail-type")
    )
    detail: StepJobDetail

    @property
    def at(self) -> int:
        """Epoch milliseconds of the change: SageMaker's own time is finer than the event's."""
        return to_ms(self.detail.last_modified or self.time)

    @property
    def machine(self) -> str | None:
        """The machine that the job has; None before and after."""
        return self.detail.instance_type if self.running_since is not None else None

    @property
    def running_since(self) -> int | None:
        """Epoch milliseconds since when the job has its machine; None before and after."""
        started = self.detail.started
        return to_ms(started) if started and not self.detail.has_ended else None


class LookEvent(_Event):
    """It is time to look at what runs."""

    detail_type: Literal["Scheduled Event"] = Field(alias="detail-type")


JobEvent = ExecutionEvent | StepJobEvent | LookEvent
_ADAPTER = TypeAdapter[JobEvent](Annotated[JobEvent, Field(union_mode="left_to_right")])


def parse_event(event: dict[str, Any]) -> JobEvent:
    """Read an event.

    Raises:
        pydantic.ValidationError: It is none that the rules send.
    """
    return _ADAPTER.validate_python(event)
