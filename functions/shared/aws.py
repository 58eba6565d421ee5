"""AWS clients, made once per process at their first use."""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient

# API Gateway gives up after 29 seconds: a call that is refused for good, or never answered, must fail before.
_ATTEMPTS = 3
_QUICK = Config(
    connect_timeout=2, read_timeout=7, retries={"mode": "standard", "total_max_attempts": _ATTEMPTS}
)
S3_CONNECTIONS = 16
"""Requests to S3 that a function may have open at once."""
# Signature version 4 for presigned URLs in every region; no checksum that a browser's plain PUT would lack.
_S3 = _QUICK.merge(
    Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        max_pool_connections=S3_CONNECTIONS,
    )
)


@cache
def dynamodb() -> "DynamoDBClient":
    """Give the DynamoDB client."""
    return boto3.client("dynamodb", config=_QUICK)


@cache
def s3() -> "S3Client":
    """Give the S3 client."""
    return boto3.client("s3", config=_S3)


@cache
def lambda_functions() -> "LambdaClient":
    """Give the Lambda client."""
    return boto3.client("lambda", config=_QUICK)


@cache
def step_functions() -> "SFNClient":
    """Give the Step Functions client."""
    return boto3.client("stepfunctions", config=_QUICK)


@cache
def sagemaker() -> "SageMakerClient":
    """Give the SageMaker client."""
    return boto3.client("sagemaker", config=_QUICK)


@cache
def secrets_manager() -> "SecretsManagerClient":
    """Give the Secrets Manager client."""
    return boto3.client("secretsmanager", config=_QUICK)


@cache
def cognito() -> "CognitoIdentityProviderClient":
    """Give the client of Cognito's user pools."""
    return boto3.client("cognito-idp", config=_QUICK)


@cache
def ses() -> "SESV2Client":
    """Give the SES v2 client."""
    return boto3.client("sesv2", config=_QUICK)


@cache
def cloudwatch_logs() -> "CloudWatchLogsClient":
    """Give the CloudWatch Logs client."""
    return boto3.client("logs", config=_QUICK)


@cache
def sqs() -> "SQSClient":
    """Give the SQS client."""
    return boto3.client("sqs", config=_QUICK)
