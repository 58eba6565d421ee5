"""A job: what was asked, how it stands, and how the Describe call tells it."""

import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Json = dict[str, Any]
JsonValue = Any


class Status(StrEnum):
    """SageMaker's job statuses."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    STOPPING = "Stopping"
    STOPPED = "Stopped"


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.STOPPED})


@dataclass(frozen=True)
class JobKind:
    """What training and processing jobs are called.

    Attributes:
        label: The word in the API's names.
        segment: The word in ARNs.
        undescribed: Members of the request that Describe does not repeat.
    """

    label: str
    segment: str
    undescribed: frozenset[str]

    @property
    def name_key(self) -> str:
        """The member that holds the job's name."""
        return f"{self.label}JobName"

    @property
    def arn_key(self) -> str:
        """The member that holds the job's ARN."""
        return f"{self.label}JobArn"

    @property
    def status_key(self) -> str:
        """The member that holds the job's status."""
        return f"{self.label}JobStatus"

    def arn(self, name: str, region: str, account: str) -> str:
        """Returns the ARN of the job of a name; SageMaker writes it in lower case."""
        return f"arn:aws:sagemaker:{region}:{account}:{self.segment}/{name.lower()}"


TRAINING = JobKind("Training", "training-job", frozenset({"Tags"}))
PROCESSING = JobKind("Processing", "processing-job", frozenset({"Tags"}))
KINDS = (TRAINING, PROCESSING)


@dataclass
class Job:
    """One job.

    Attributes:
        kind: Training or processing.
        name: Its name.
        arn: Its ARN.
        account: The account it belongs to.
        region: The region it runs in.
        request: What was asked.
        status: How it stands.
        secondary: Training's secondary status and its history.
        failure_reason: Why it failed.
        exit_message: What a processing container left in `output/message`.
        model_artifacts: Where a training job's model is in S3.
        stop_requested: Set when it is asked to stop.
        finished: Set when its status will not change any more.
    """

    kind: JobKind
    name: str
    arn: str
    account: str
    region: str
    request: Json
    status: Status = Status.IN_PROGRESS
    secondary: list[Json] = field(default_factory=list)
    failure_reason: str | None = None
    exit_message: str | None = None
    model_artifacts: str | None = None
    created: float = field(default_factory=time.time)
    modified: float = field(default_factory=time.time)
    started: float | None = None
    ended: float | None = None
    stop_requested: threading.Event = field(default_factory=threading.Event)
    finished: threading.Event = field(default_factory=threading.Event)

    @property
    def instance_type(self) -> str:
        """The machine that it runs on."""
        if self.kind is TRAINING:
            return str(self.request["ResourceConfig"].get("InstanceType", ""))
        return str(self.request["ProcessingResources"]["ClusterConfig"]["InstanceType"])

    @property
    def is_spot(self) -> bool:
        """Whether it asked for a spot machine."""
        return bool(self.request.get("EnableManagedSpotTraining", False))

    @property
    def secondary_status(self) -> str:
        """The last of training's secondary statuses."""
        return str(self.secondary[-1]["Status"]) if self.secondary else "Starting"

    @property
    def wait_deadline(self) -> float | None:
        """When a spot job has waited and run for as long as it may, in epoch seconds."""
        seconds = self.request.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds")
        return None if seconds is None else self.created + float(seconds)

    def enter(self, secondary: str, message: str) -> None:
        """Goes on to a secondary status."""
        now = time.time()
        if self.secondary:
            self.secondary[-1]["EndTime"] = now
        self.secondary.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
        self.modified = now

    def start(self) -> None:
        """Notes that its container starts, be it for the first time or after an interruption."""
        self.modified = time.time()
        self.started = self.started or self.modified

    def end(self, status: Status, secondary: str, message: str) -> None:
        """Goes to its last status; `finished` is set by whoever told the others about it."""
        self.enter(secondary, message)
        self.secondary[-1]["EndTime"] = self.ended = time.time()
        self.status = status

    def describe(self, *, milliseconds: bool = False) -> Json:
        """Returns what the Describe call answers.

        Args:
            milliseconds: Times as whole milliseconds, as in events and Step Functions, not as seconds.
        """
        told: Json = {
            name: value for name, value in self.request.items() if name not in self.kind.undescribed
        }
        told |= {
            self.kind.arn_key: self.arn,
            self.kind.status_key: self.status.value,
            "CreationTime": self.created,
            "LastModifiedTime": self.modified,
            f"{self.kind.label}StartTime": self.started,
            f"{self.kind.label}EndTime": self.ended,
            "FailureReason": self.failure_reason,
            "ExitMessage": self.exit_message,
        }
        if self.kind is TRAINING:
            told |= self._describe_training()
        told = {name: value for name, value in told.items() if value is not None}
        return _in_milliseconds(told) if milliseconds else told

    def _describe_training(self) -> Json:
        told: Json = {
            "SecondaryStatus": self.secondary_status,
            "SecondaryStatusTransitions": [dict(transition) for transition in self.secondary],
            "EnableNetworkIsolation": self.request.get("EnableNetworkIsolation", False),
            "EnableInterContainerTrafficEncryption": self.request.get(
                "EnableInterContainerTrafficEncryption", False
            ),
            "EnableManagedSpotTraining": self.is_spot,
        }
        if self.model_artifacts is not None:
            told["ModelArtifacts"] = {"S3ModelArtifacts": self.model_artifacts}
        if self.started is not None and self.ended is not None:
            seconds = max(1, round(self.ended - self.started))
            told |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        return told

    def summary(self) -> Json:
        """Returns what the List call says of it."""
        told = self.describe()
        names = [
            *(self.kind.name_key, self.kind.arn_key, self.kind.status_key),
            *("CreationTime", "LastModifiedTime", f"{self.kind.label}EndTime"),
            *(("SecondaryStatus",) if self.kind is TRAINING else ("FailureReason", "ExitMessage")),
        ]
        return {name: told[name] for name in names if name in told}


def _in_milliseconds(value: JsonValue, name: str = "") -> JsonValue:
    if isinstance(value, dict):
        return {key: _in_milliseconds(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [_in_milliseconds(item) for item in value]
    if isinstance(value, float) and name.endswith("Time"):
        return round(value * 1000)
    return value
