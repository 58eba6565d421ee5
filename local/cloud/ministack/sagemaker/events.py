"""Tells EventBridge how jobs stand."""

import json
import logging
from typing import Any

from local.cloud.ministack import faults, patch_points
from local.cloud.ministack.sagemaker.jobs import Job

log = logging.getLogger("spaceport.sagemaker")

UNTOLD = frozenset({"BillableTimeInSeconds", "EnableManagedSpotTraining", "TrainingTimeInSeconds"})
"""What Describe answers and AWS's description of the events does not have."""


def tell(job: Job) -> None:
    """Puts the job's state change, with most of what Describe answers, on the default bus."""
    bus = patch_points.module("services.eventbridge")
    put = patch_points.function(bus, "_put_events", ("data", "allow_aws_source"))
    described = job.describe(milliseconds=True)
    entry: dict[str, Any] = {
        "Source": "aws.sagemaker",
        "DetailType": f"SageMaker {job.kind.label} Job State Change",
        "Resources": [job.arn],
        "Detail": json.dumps({name: value for name, value in described.items() if name not in UNTOLD}),
    }
    log.info("%s is %s", job.arn, job.status)
    for _ in range(faults.copies_of_event(entry["Source"], job.status.value, job.secondary_status)):
        put({"Entries": [entry]}, allow_aws_source=True)
