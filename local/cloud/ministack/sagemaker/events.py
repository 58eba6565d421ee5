"""Tells EventBridge how jobs stand."""

import json
import logging
from typing import Any

from local.cloud.ministack import faults, patch_points
from local.cloud.ministack.sagemaker.jobs import Job

log = logging.getLogger("spaceport.sagemaker")


def tell(job: Job) -> None:
    """Puts the job's state change, with what Describe answers, on the default bus."""
    bus = patch_points.module("services.eventbridge")
    put = patch_points.function(bus, "_put_events", ("data", "allow_aws_source"))
    entry: dict[str, Any] = {
        "Source": "aws.sagemaker",
        "DetailType": f"SageMaker {job.kind.label} Job State Change",
        "Resources": [job.arn],
        "Detail": json.dumps(job.describe(milliseconds=True)),
    }
    log.info("%s is %s", job.arn, job.status)
    for _ in range(faults.copies_of_event(entry["Source"], job.status.value, job.secondary_status)):
        put({"Entries": [entry]}, allow_aws_source=True)
