"""A bucket that takes encrypted requests alone is usable here, and its condition is really looked at."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud_kit import allow

pytestmark = pytest.mark.cloud


def bucket_that_denies(cloud, secure: str) -> str:
    name = f"transport-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=name)
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"Bool": {"aws:SecureTransport": secure}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    cloud.client("s3").put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    return name


def test_requests_count_as_encrypted(cloud, kit):
    s3 = kit.as_user("s3", allow("s3:PutObject", "*"))
    s3.put_object(Bucket=bucket_that_denies(cloud, "false"), Key="a", Body=b"1")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=bucket_that_denies(cloud, "true"), Key="a", Body=b"1")
