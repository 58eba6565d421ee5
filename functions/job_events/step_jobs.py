"""The pipeline's SageMaker jobs, as SageMaker itself knows them: what they took, and which there were."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from functions.job_events.models import StepJobDetail
from functions.shared.aws import sagemaker
from functions.shared.job_names import TRAINING, StepJobName, parse_step_job_name
from functions.shared.prices import Prices
from functions.shared.spending import MachineUse

_UNKNOWN_CODES = ("ResourceNotFound", "ValidationException")


@dataclass(frozen=True)
class StepJobs:
    """Asks SageMaker.

    Attributes:
        prices: What machines cost.
    """

    prices: Prices

    def use_of(self, name: StepJobName, detail: StepJobDetail) -> MachineUse | None:
        """Say what a job that has ended took.

        A processing job is billed for as long as it had its machine. What is billed of a training, SageMaker
        tells only when asked: its events have no such figure. Where it no longer knows the job, all of its
        time counts, which is the most it can be.

        Args:
            name: Its name.
            detail: What is known of it.

        Returns:
            What it took; None where it never got a machine.
        """
        seconds = detail.machine_seconds
        if seconds is None:
            return None
        if name.step == TRAINING and detail.billable_seconds is None:
            detail = self._described(name, detail)
        billed = seconds if detail.billable_seconds is None else detail.billable_seconds
        return MachineUse(
            step=name.step,
            order=name.order,
            instance_type=detail.instance_type,
            machine_seconds=seconds,
            billed_seconds=billed,
            usd=self.prices.usd(detail.instance_type, billed),
        )

    def of_job(self, job_id: str) -> Iterator[tuple[StepJobName, StepJobDetail]]:
        """Find the SageMaker jobs of a job, of all its attempts."""
        client = sagemaker()
        processing = client.get_paginator("list_processing_jobs").paginate(NameContains=job_id)
        for page in processing:
            for one in page["ProcessingJobSummaries"]:
                yield from _ours(client.describe_processing_job(ProcessingJobName=one["ProcessingJobName"]))
        training = client.get_paginator("list_training_jobs").paginate(NameContains=job_id)
        for trained in training:
            for other in trained["TrainingJobSummaries"]:
                yield from _ours(client.describe_training_job(TrainingJobName=other["TrainingJobName"]))

    def _described(self, name: StepJobName, told: StepJobDetail) -> StepJobDetail:
        try:
            described = sagemaker().describe_training_job(TrainingJobName=str(name))
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNKNOWN_CODES:
                return told
            raise
        return StepJobDetail.model_validate(described)


def _ours(described: Mapping[str, Any]) -> Iterator[tuple[StepJobName, StepJobDetail]]:
    detail = StepJobDetail.model_validate(described)
    name = parse_step_job_name(detail.name)
    if name is not None:
        yield name, detail
