"""The state machine's definition (Amazon States Language, JSONPath), as pure functions.

Its input is made by the jobs function: `jobId`, `attempt`, `owner`, `captureUri`, `startAt`, `sourceJobId`,
`arguments` of the processing steps and `hyperparameters` of training. `sourceJobId` is the job whose results
an execution begins with: the job itself, or an earlier one where it starts at a later step. An execution that
starts at `compressor` also brings that job's training result as `train.artifacts`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from components.job_states import (
    FAILED,
    FUNCTION_SECONDS,
    STOPPED,
    JobStep,
    Machine,
    State,
    catch,
    invoke_function,
    job_states,
)

STEPS = ("sfm", "3dgs", "compressor")
SFM_SECONDS = 4 * 3600
COMPRESSOR_SECONDS = 3600
MARGIN_SECONDS = 30 * 60
"""What SageMaker takes around a job: finding a machine, pulling the image, moving data."""

SFM_VOLUME_GB = 200
TRAINING_VOLUME_GB = 100
COMPRESSOR_VOLUME_GB = 50

UNKNOWN_STEP = "UnknownStep"


@dataclass(frozen=True)
class Machines:
    """What the steps run on.

    Attributes:
        sfm: Machine of the SfM step.
        training: Machines of the 3DGS step, the preferred one first.
        compressor: Machine of the compressor step.
        use_spot: Whether training takes managed spot machines, while there are any.
        max_training_seconds: Longest training.
        spot_wait_seconds: How long a training waits for a spot machine before the next one is tried.
        usd_per_hour: Prices by machine, where they differ from those that the functions know.
    """

    sfm: str
    training: tuple[str, ...]
    compressor: str
    use_spot: bool
    max_training_seconds: int
    spot_wait_seconds: int
    usd_per_hour: Mapping[str, float] = field(default_factory=dict)

    @property
    def for_training(self) -> tuple[Machine, ...]:
        """What training tries in turn: every type as a spot machine, where those are used, then on demand."""
        longest = self.max_training_seconds
        # A spot machine is waited for at the beginning and, as long again, after an interruption.
        with_waiting = longest + 2 * self.spot_wait_seconds
        spot = [Machine(one, longest, with_waiting) for one in self.training] if self.use_spot else []
        return (*spot, *(Machine(one, longest) for one in self.training))


@dataclass(frozen=True)
class Parts:
    """What the definition refers to, by ARN, name or address."""

    check_function: str
    steps_function: str
    ml_bucket: str
    sfm_image: str
    training_image: str
    compressor_image: str
    sfm_role: str
    training_role: str
    compressor_role: str


def build_definition(parts: Parts, machines: Machines) -> State:
    """Build the whole state machine."""
    steps = [_sfm_step(parts, machines), _training_step(parts, machines), _compressor_step(parts, machines)]
    return {
        "Comment": "From a capture's photos to a published model.",
        "StartAt": "StartStep",
        "TimeoutSeconds": sum(step.total_seconds for step in steps) + 3 * FUNCTION_SECONDS + MARGIN_SECONDS,
        "States": {
            "StartStep": _start_choice(),
            "CheckCapture": _function_step(
                parts.check_function, "check_capture", "SfmPlan", {"captureUri.$": "$.captureUri"}
            ),
            "QualityGate": _function_step(
                parts.steps_function, "quality_gate", "Train3dgsPlan", {"sourceJobId.$": "$.sourceJobId"}
            ),
            **{name: state for step in steps for name, state in job_states(step).items()},
            "Train3dgsResult": {
                "Type": "Pass",
                "Parameters": {"artifacts.$": "$.train.ended.job.ModelArtifacts.S3ModelArtifacts"},
                "ResultPath": "$.train",
                "Next": "CompressorPlan",
            },
            "Publish": _function_step(parts.steps_function, "publish", "Published"),
            "Published": {"Type": "Succeed"},
            FAILED: {"Type": "Fail", "ErrorPath": "$.failure.Error", "CausePath": "$.failure.Cause"},
            STOPPED: {
                "Type": "Fail",
                "Error": "JobStopped",
                "Cause": json.dumps(
                    {"ExitMessage": "A step was stopped because it took longer than it may."}
                ),
            },
            UNKNOWN_STEP: {"Type": "Fail", "Error": "UnknownStep", "Cause": "startAt names no step"},
        },
    }


def tagged(definition: State, tags: Mapping[str, str]) -> State:
    """Give every SageMaker job that a definition starts the tags, which Step Functions would not.

    Without them a job, and with it most of the cost, belongs to no stack.
    """
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]

    def visit(part: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(part, list):
            return [visit(item) for item in part]
        if not isinstance(part, dict):
            return part
        visited = {key: visit(value) for key, value in part.items()}
        if re.search(r":create(Processing|Training)Job\b", str(part.get("Resource", ""))):
            visited["Parameters"] = {**visited["Parameters"], "Tags": listed}
        return visited

    return {key: visit(value) for key, value in definition.items()}


def _start_choice() -> State:
    first_states = {"sfm": "CheckCapture", "3dgs": "QualityGate", "compressor": "CompressorPlan"}
    return {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.startAt", "StringEquals": step, "Next": state}
            for step, state in first_states.items()
        ],
        "Default": UNKNOWN_STEP,
    }


def _function_step(function: str, action: str, following: str, event: State | None = None) -> State:
    payload = {"action": action, "jobId.$": "$.jobId", **(event or {})}
    return {**invoke_function(function, payload), "Catch": catch(), "Next": following}


def _sfm_step(parts: Parts, machines: Machines) -> JobStep:
    return _processing_step(
        parts,
        "Sfm",
        "sfm",
        {
            "RoleArn": parts.sfm_role,
            "AppSpecification": {
                "ImageUri": parts.sfm_image,
                "ContainerArguments.$": "$.arguments.sfm",
            },
            "ProcessingInputs": [_processing_input("capture", {"S3Uri.$": "$.captureUri"})],
            "ProcessingOutputConfig": {
                "Outputs": [
                    _processing_output("sfm", _job_uri(parts, "sfm"), "EndOfJob"),
                    _processing_output("progress", _job_uri(parts, "progress/sfm"), "Continuous"),
                ]
            },
        },
        machine=Machine(machines.sfm, SFM_SECONDS),
        volume_gb=SFM_VOLUME_GB,
        following="QualityGate",
    )


def _training_step(parts: Parts, machines: Machines) -> JobStep:
    machine = "$.train.job.machine"
    return JobStep(
        state="Train3dgs",
        step="3dgs",
        data="$.train",
        kind="Training",
        parameters={
            "RoleArn": parts.training_role,
            "AlgorithmSpecification": {"TrainingImage": parts.training_image, "TrainingInputMode": "File"},
            "HyperParameters.$": "$.hyperparameters",
            "InputDataConfig": [
                {
                    "ChannelName": "sfm",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri.$": _job_uri(parts, "sfm/", of="$.sourceJobId"),
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
            ],
            "OutputDataConfig": {"S3OutputPath.$": _job_uri(parts, "3dgs/")},
            # The same for every try: whichever machine comes next goes on where the last one was.
            "CheckpointConfig": {
                "S3Uri.$": _job_uri(parts, "3dgs/checkpoints/"),
                "LocalPath": "/opt/ml/checkpoints",
            },
            "ResourceConfig": {
                "InstanceCount": 1,
                "InstanceType.$": f"{machine}.instanceType",
                "VolumeSizeInGB": TRAINING_VOLUME_GB,
            },
            "EnableManagedSpotTraining.$": f"{machine}.spot",
            "EnableNetworkIsolation": True,
            "StoppingCondition.$": f"{machine}.stopping",
        },
        machines=machines.for_training,
        margin_seconds=MARGIN_SECONDS,
        spot_wait_seconds=machines.spot_wait_seconds,
        steps_function=parts.steps_function,
        following="Train3dgsResult",
    )


def _compressor_step(parts: Parts, machines: Machines) -> JobStep:
    return _processing_step(
        parts,
        "Compressor",
        "compressor",
        {
            "RoleArn": parts.compressor_role,
            "AppSpecification": {
                "ImageUri": parts.compressor_image,
                "ContainerArguments.$": "$.arguments.compressor",
            },
            "ProcessingInputs": [
                _processing_input("model", {"S3Uri.$": "$.train.artifacts"}),
                _processing_input("sfm", {"S3Uri.$": _job_uri(parts, "sfm/report.json", of="$.sourceJobId")}),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    _processing_output("model", _job_uri(parts, "model"), "EndOfJob"),
                    _processing_output("progress", _job_uri(parts, "progress/compressor"), "Continuous"),
                ]
            },
        },
        machine=Machine(machines.compressor, COMPRESSOR_SECONDS),
        volume_gb=COMPRESSOR_VOLUME_GB,
        following="Publish",
    )


def _processing_step(
    parts: Parts,
    state: str,
    step: str,
    parameters: State,
    *,
    machine: Machine,
    volume_gb: int,
    following: str,
) -> JobStep:
    data = f"$.{step}"
    return JobStep(
        state=state,
        step=step,
        data=data,
        kind="Processing",
        parameters={
            **parameters,
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType.$": f"{data}.job.machine.instanceType",
                    "VolumeSizeInGB": volume_gb,
                }
            },
            "NetworkConfig": {"EnableNetworkIsolation": True},
            "StoppingCondition.$": f"{data}.job.machine.stopping",
        },
        machines=[machine],
        margin_seconds=MARGIN_SECONDS,
        spot_wait_seconds=0,
        steps_function=parts.steps_function,
        following=following,
    )


def _job_uri(parts: Parts, place: str, *, of: str = "$.jobId") -> str:
    """Say where something is in a job's folder."""
    return f"States.Format('s3://{parts.ml_bucket}/jobs/{{}}/{place}', {of})"


def _processing_input(name: str, source: State) -> State:
    return {
        "InputName": name,
        "S3Input": {
            **source,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }


def _processing_output(name: str, uri: str, upload: str) -> State:
    return {
        "OutputName": name,
        "S3Output": {
            "S3Uri.$": uri,
            "LocalPath": f"/opt/ml/processing/output/{name}",
            "S3UploadMode": upload,
        },
    }
