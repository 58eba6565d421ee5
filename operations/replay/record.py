"""What a SageMaker job was given, as SageMaker remembers it. Nothing here writes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

from functions.shared.job_names import STEPS, TRAINING, StepJobName, parse_step_job_name
from local.aws import Clients

ML = PurePosixPath("/opt/ml")
FAILED = "Failed"


class ReplayError(Exception):
    """A job cannot be run again; the message says why and what to do."""


@dataclass(frozen=True)
class Record:
    """One SageMaker job.

    Attributes:
        name: Its name.
        status: How it ended, in SageMaker's words.
        reason: Why it failed; empty where it did not.
        image: Address of its image.
        arguments: Of a processing job's command line.
        hyperparameters: Of a training job.
        inputs: S3 addresses by the folder below `/opt/ml` that they are brought to.
        outputs: Folders below `/opt/ml` that are taken away.
        checkpoints: S3 address of a training job's checkpoints; empty without.
    """

    name: StepJobName
    status: str
    reason: str
    image: str
    arguments: tuple[str, ...]
    hyperparameters: Mapping[str, str]
    inputs: Mapping[PurePosixPath, str]
    outputs: tuple[PurePosixPath, ...]
    checkpoints: str = ""

    def with_options(self, options: Mapping[str, str]) -> "Record":
        """Gives the same job with some options set otherwise, or added."""
        if self.name.step == TRAINING:
            return replace(self, hyperparameters={**self.hyperparameters, **options})
        arguments = list(self.arguments)
        for option, value in options.items():
            flag = f"--{option}"
            if flag in arguments:
                arguments[arguments.index(flag) + 1] = value
            else:
                arguments += [flag, value]
        return replace(self, arguments=tuple(arguments))


def find(clients: Clients, job_id: str, step: str | None) -> Record:
    """Finds the last SageMaker job of a job: the failed one, or the last of a step.

    Args:
        clients: Gives the boto3 client of a service.
        job_id: The job.
        step: Which step; None for the last one that failed.

    Raises:
        ReplayError: There is none.
    """
    sagemaker = clients("sagemaker")
    found = sorted(_names(sagemaker, job_id), key=lambda one: one[0].order)
    if not found:
        raise ReplayError(f"SageMaker knows no job of {job_id}: look at the id, the account and the region")
    if step is None:
        chosen = [name for name, status in found if status == FAILED]
        if not chosen:
            said = ", ".join(f"{name.within_job} {status}" for name, status in found)
            raise ReplayError(f"none of its SageMaker jobs failed ({said}): name a step, STEP=3dgs")
    else:
        chosen = [name for name, _ in found if name.step == step]
        if not chosen:
            raise ReplayError(f"it never came to the step {step}; there are {', '.join(STEPS)}")
    last = chosen[-1]
    return _training(sagemaker, last) if last.step == TRAINING else _processing(sagemaker, last)


def _names(sagemaker: Any, job_id: str) -> Iterator[tuple[StepJobName, str]]:  # noqa: ANN401 - a boto3 client
    for kind in ("Processing", "Training"):
        pages = sagemaker.get_paginator(f"list_{kind.lower()}_jobs").paginate(NameContains=job_id)
        for page in pages:
            for summary in page[f"{kind}JobSummaries"]:
                name = parse_step_job_name(summary[f"{kind}JobName"])
                if name is not None and name.job_id == job_id:
                    yield name, summary[f"{kind}JobStatus"]


def _processing(sagemaker: Any, name: StepJobName) -> Record:  # noqa: ANN401 - a boto3 client
    found = sagemaker.describe_processing_job(ProcessingJobName=str(name))
    application = found["AppSpecification"]
    outputs = found.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return Record(
        name=name,
        status=found["ProcessingJobStatus"],
        reason=found.get("ExitMessage") or found.get("FailureReason", ""),
        image=application["ImageUri"],
        arguments=tuple(application.get("ContainerArguments", ())),
        hyperparameters={},
        inputs={
            _below(one["S3Input"]["LocalPath"]): one["S3Input"]["S3Uri"]
            for one in found.get("ProcessingInputs", [])
        },
        outputs=tuple(_below(one["S3Output"]["LocalPath"]) for one in outputs),
    )


def _training(sagemaker: Any, name: StepJobName) -> Record:  # noqa: ANN401 - a boto3 client
    found = sagemaker.describe_training_job(TrainingJobName=str(name))
    channels = found.get("InputDataConfig", [])
    return Record(
        name=name,
        status=found["TrainingJobStatus"],
        reason=found.get("FailureReason", ""),
        image=found["AlgorithmSpecification"]["TrainingImage"],
        arguments=("train",),
        hyperparameters=found.get("HyperParameters", {}),
        inputs={
            PurePosixPath("input/data", one["ChannelName"]): one["DataSource"]["S3DataSource"]["S3Uri"]
            for one in channels
        },
        outputs=(PurePosixPath("model"), PurePosixPath("output/data"), PurePosixPath("checkpoints")),
        checkpoints=found.get("CheckpointConfig", {}).get("S3Uri", ""),
    )


def _below(path: str) -> PurePosixPath:
    return PurePosixPath(path).relative_to(ML)
