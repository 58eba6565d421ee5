"""Creators of resources, one module per AWS service, and the table of them by Pulumi type token."""

from collections.abc import Mapping
from types import ModuleType

from local.deploy.creators import (
    apigateway,
    awslambda,
    budgets,
    cloudfront,
    cloudwatch,
    cognito,
    dynamodb,
    ecr,
    events,
    iam,
    images,
    kms,
    provider,
    s3,
    secretsmanager,
    ses,
    sns,
    sqs,
    stepfunctions,
)
from local.deploy.kinds import Kind

_MODULES = (
    apigateway,
    awslambda,
    budgets,
    cloudfront,
    cloudwatch,
    cognito,
    dynamodb,
    ecr,
    events,
    iam,
    images,
    kms,
    provider,
    s3,
    secretsmanager,
    ses,
    sns,
    sqs,
    stepfunctions,
)


def _kinds(module: ModuleType) -> dict[str, Kind]:
    classes = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Kind) and hasattr(value, "tokens")
    )
    return {token: kind() for kind in classes for token in kind.tokens}


KINDS: Mapping[str, Kind] = {token: kind for module in _MODULES for token, kind in _kinds(module).items()}
"""Creators by type token."""
