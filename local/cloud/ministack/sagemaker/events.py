"""Tells EventBridge how jobs stand."""

import json
import logging

from local.cloud.ministack import patch_points
from local.cloud.ministack.sagemaker.jobs import Job

log = logging.getLogger("spaceport.sagemaker")


def tell(job: Job) -> None:
    """Puts the job's state change, with what Describe answers, on the default bus."""
    bus = patch_points.module("services.eventbridge")
    put = patch_points.function(bus, "_put_events", ("data", "allow_aws_source"))
    entry = {
        "Source": "aws.sagemaker",
        "DetailType": f"SageMaker {job.kind.label} Job State Change",
        "Resources": [job.arn],
        "Detail": json.dumps(job.describe(milliseconds=True)),
    }
    log.info("%s is %s", job.arn, job.status)
    put({"Entries": [entry]}, allow_aws_source=True)
