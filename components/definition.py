"""The state machine's definition (Amazon States Language, JSONPath), as pure functions.

Its input is made by the jobs function: `jobId`, `attempt`, `owner`, `captureUri`, `startAt`, `arguments` of
the processing steps and `hyperparameters` of training. An execution that starts at `compressor` also brings
the earlier training's result as `train.artifacts`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]

LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
PROCESSING_JOB = "arn:aws:states:::sagemaker:createProcessingJob.sync"
TRAINING_JOB = "arn:aws:states:::sagemaker:createTrainingJob.sync"

FUNCTION_SECONDS = 330
SFM_SECONDS = 4 * 3600
COMPRESSOR_SECONDS = 3600
MARGIN_SECONDS = 30 * 60
"""What SageMaker takes around a job: finding a machine, pulling the image, moving data."""
QUOTA_WAIT_SECONDS = 12 * 3600
"""How long an execution may wait, over all its steps, for the account's quota of machines."""

SFM_VOLUME_GB = 200
TRAINING_VOLUME_GB = 100
COMPRESSOR_VOLUME_GB = 50

FAILED = "Failed"
STOPPED = "Stopped"
UNKNOWN_STEP = "UnknownStep"


@dataclass(frozen=True)
class Machines:
    """What the steps run on.

    Attributes:
        sfm: Machine of the SfM step.
        training: Machine of the 3DGS step.
        compressor: Machine of the compressor step.
        use_spot: Whether training takes managed spot machines.
        max_training_seconds: Longest training.
    """

    sfm: str
    training: str
    compressor: str
    use_spot: bool
    max_training_seconds: int

    @property
    def max_wait_seconds(self) -> int:
        """Longest training with all waiting for spot machines."""
        return self.max_training_seconds * (2 if self.use_spot else 1)


@dataclass(frozen=True)
class Parts:
    """What the definition refers to, by ARN, name or address."""

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
    return {
        "Comment": "From a capture's photos to a published model.",
        "StartAt": "StartStep",
        "TimeoutSeconds": _total_seconds(machines),
        "States": {
            "StartStep": _start_choice(),
            "CheckCapture": _function_step(parts, "check_capture", "Sfm", {"captureUri.$": "$.captureUri"}),
            "Sfm": _sfm_step(parts, machines),
            "SfmCompleted": _completed("$.sfm.status", "QualityGate"),
            "QualityGate": _function_step(parts, "quality_gate", "Train3dgs"),
            "Train3dgs": _training_step(parts, machines),
            "Train3dgsCompleted": _completed("$.train.status", "Compressor"),
            "Compressor": _compressor_step(parts, machines),
            "CompressorCompleted": _completed("$.compressor.status", "Publish"),
            "Publish": _function_step(parts, "publish", "Published"),
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
    first_states = {"sfm": "CheckCapture", "3dgs": "QualityGate", "compressor": "Compressor"}
    return {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.startAt", "StringEquals": step, "Next": state}
            for step, state in first_states.items()
        ],
        "Default": UNKNOWN_STEP,
    }


def _completed(status: str, following: str) -> State:
    """Look at a job's status: one that was stopped, as at its time limit, is no error to Step Functions."""
    return {
        "Type": "Choice",
        "Choices": [{"Variable": status, "StringEquals": "Completed", "Next": following}],
        "Default": STOPPED,
    }


def _function_step(parts: Parts, action: str, following: str, event: State | None = None) -> State:
    return {
        "Type": "Task",
        "Resource": LAMBDA_INVOKE,
        "Parameters": {
            "FunctionName": parts.steps_function,
            "Payload": {"action": action, "jobId.$": "$.jobId", **(event or {})},
        },
        "ResultPath": None,
        "TimeoutSeconds": FUNCTION_SECONDS,
        "Retry": [
            _retry(
                "Lambda.ClientExecutionTimeoutException",
                "Lambda.ServiceException",
                "Lambda.AWSLambdaException",
                "Lambda.SdkClientException",
                "Lambda.TooManyRequestsException",
                seconds=2,
                attempts=6,
            )
        ],
        "Catch": _catch(),
        "Next": following,
    }


def _sfm_step(parts: Parts, machines: Machines) -> State:
    return _job_step(
        PROCESSING_JOB,
        {
            "ProcessingJobName.$": _job_name("sfm"),
            "RoleArn": parts.sfm_role,
            "AppSpecification": {
                "ImageUri": parts.sfm_image,
                "ContainerArguments.$": "$.arguments.sfm",
            },
            "ProcessingResources": _cluster(machines.sfm, SFM_VOLUME_GB),
            "ProcessingInputs": [_processing_input("capture", {"S3Uri.$": "$.captureUri"})],
            "ProcessingOutputConfig": {
                "Outputs": [
                    _processing_output("sfm", _job_uri(parts, "sfm"), "EndOfJob"),
                    _processing_output("progress", _job_uri(parts, "progress/sfm"), "Continuous"),
                ]
            },
            "NetworkConfig": {"EnableNetworkIsolation": True},
            "StoppingCondition": {"MaxRuntimeInSeconds": SFM_SECONDS},
        },
        result={"status.$": "$.ProcessingJobStatus"},
        result_path="$.sfm",
        seconds=SFM_SECONDS,
        following="SfmCompleted",
    )


def _training_step(parts: Parts, machines: Machines) -> State:
    stopping = {"MaxRuntimeInSeconds": machines.max_training_seconds}
    if machines.use_spot:
        stopping["MaxWaitTimeInSeconds"] = machines.max_wait_seconds
    return _job_step(
        TRAINING_JOB,
        {
            "TrainingJobName.$": _job_name("3dgs"),
            "RoleArn": parts.training_role,
            "AlgorithmSpecification": {"TrainingImage": parts.training_image, "TrainingInputMode": "File"},
            "HyperParameters.$": "$.hyperparameters",
            "InputDataConfig": [
                {
                    "ChannelName": "sfm",
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "S3Prefix",
                            "S3Uri.$": _job_uri(parts, "sfm/"),
                            "S3DataDistributionType": "FullyReplicated",
                        }
                    },
                }
            ],
            "OutputDataConfig": {"S3OutputPath.$": _job_uri(parts, "3dgs/")},
            "CheckpointConfig": {
                "S3Uri.$": _job_uri(parts, "3dgs/checkpoints/"),
                "LocalPath": "/opt/ml/checkpoints",
            },
            "ResourceConfig": {
                "InstanceCount": 1,
                "InstanceType": machines.training,
                "VolumeSizeInGB": TRAINING_VOLUME_GB,
            },
            "EnableManagedSpotTraining": machines.use_spot,
            "EnableNetworkIsolation": True,
            "StoppingCondition": stopping,
        },
        result={
            "status.$": "$.TrainingJobStatus",
            "artifacts.$": "$.ModelArtifacts.S3ModelArtifacts",
        },
        result_path="$.train",
        seconds=machines.max_wait_seconds,
        following="Train3dgsCompleted",
    )


def _compressor_step(parts: Parts, machines: Machines) -> State:
    return _job_step(
        PROCESSING_JOB,
        {
            "ProcessingJobName.$": _job_name("compressor"),
            "RoleArn": parts.compressor_role,
            "AppSpecification": {
                "ImageUri": parts.compressor_image,
                "ContainerArguments.$": "$.arguments.compressor",
            },
            "ProcessingResources": _cluster(machines.compressor, COMPRESSOR_VOLUME_GB),
            "ProcessingInputs": [
                _processing_input("model", {"S3Uri.$": "$.train.artifacts"}),
                _processing_input("sfm", {"S3Uri.$": _job_uri(parts, "sfm/report.json")}),
            ],
            "ProcessingOutputConfig": {
                "Outputs": [
                    _processing_output("model", _job_uri(parts, "model"), "EndOfJob"),
                    _processing_output("progress", _job_uri(parts, "progress/compressor"), "Continuous"),
                ]
            },
            "NetworkConfig": {"EnableNetworkIsolation": True},
            "StoppingCondition": {"MaxRuntimeInSeconds": COMPRESSOR_SECONDS},
        },
        result={"status.$": "$.ProcessingJobStatus"},
        result_path="$.compressor",
        seconds=COMPRESSOR_SECONDS,
        following="CompressorCompleted",
    )


def _job_step(
    resource: str,
    parameters: State,
    *,
    result: State,
    result_path: str,
    seconds: int,
    following: str,
) -> State:
    """Run a SageMaker job and wait for its end.

    A quota that is used up is waited for; a job that failed is not repeated here, for its failure is mostly
    the capture's.
    """
    return {
        "Type": "Task",
        "Resource": resource,
        "Parameters": parameters,
        "ResultSelector": result,
        "ResultPath": result_path,
        "TimeoutSeconds": seconds + MARGIN_SECONDS,
        "Retry": [
            _retry(
                "SageMaker.ResourceLimitExceeded",
                "SageMaker.ResourceLimitExceededException",
                seconds=60,
                attempts=24,
                max_delay=QUOTA_WAIT_SECONDS // 24,
            ),
            _retry(
                "SageMaker.AmazonSageMakerException",
                "SageMaker.InternalServerException",
                "SageMaker.SdkClientException",
                "SageMaker.ServiceUnavailable",
                "SageMaker.ThrottlingException",
                seconds=5,
                attempts=6,
            ),
        ],
        "Catch": _catch(),
        "Next": following,
    }


def _retry(*errors: str, seconds: int, attempts: int, max_delay: int = 300) -> State:
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": seconds,
        "MaxAttempts": attempts,
        "BackoffRate": 2.0,
        "MaxDelaySeconds": max_delay,
        "JitterStrategy": "FULL",
    }


def _catch() -> list[State]:
    return [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": FAILED}]


def _job_name(step: str) -> str:
    """Name a SageMaker job `{jobId}-{attempt}-{step}-{try}`: a retry must not use a name twice."""
    return f"States.Format('{{}}-{{}}-{step}-{{}}', $.jobId, $.attempt, $$.State.RetryCount)"


def _job_uri(parts: Parts, place: str) -> str:
    """Say where something is in the job's folder."""
    return f"States.Format('s3://{parts.ml_bucket}/jobs/{{}}/{place}', $.jobId)"


def _cluster(machine: str, volume_gb: int) -> State:
    return {"ClusterConfig": {"InstanceCount": 1, "InstanceType": machine, "VolumeSizeInGB": volume_gb}}


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


def _total_seconds(machines: Machines) -> int:
    steps = SFM_SECONDS + machines.max_wait_seconds + COMPRESSOR_SECONDS
    return steps + 3 * (MARGIN_SECONDS + FUNCTION_SECONDS) + QUOTA_WAIT_SECONDS
