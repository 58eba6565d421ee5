"""Clients of this cloud with the credentials of a job's role."""

import os
import threading

from botocore.config import Config
from botocore.session import get_session

from local.cloud.ministack import iam
from local.cloud.ministack.sagemaker.transfer import Client

# The name under which SageMaker assumes a job's role.
SESSION_NAME = "SageMaker"

_session = get_session()
_lock = threading.Lock()


class RoleClients:
    """S3 and CloudWatch Logs as a job's role sees them.

    Attributes:
        s3: The S3 client.
        logs: The CloudWatch Logs client.
    """

    def __init__(self, role_arn: str, region: str) -> None:
        """Assumes the role."""
        self._credentials = iam.assume(role_arn, SESSION_NAME)
        self._region = region
        self.s3 = self._client("s3")
        self.logs = self._client("logs")

    def _client(self, service: str) -> Client:
        config = Config(
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "total_max_attempts": 3},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        # Making clients changes the session, which is shared by all jobs.
        with _lock:
            return _session.create_client(
                service,
                region_name=self._region,
                endpoint_url=f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
                aws_access_key_id=self._credentials.access_key,
                aws_secret_access_key=self._credentials.secret_key,
                aws_session_token=self._credentials.token,
                config=config,
            )
