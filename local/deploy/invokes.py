"""Answers to the program's questions to the provider (`aws.get_caller_identity` and such)."""

# ruff: noqa: ARG001 - all answers have one signature

from collections.abc import Callable, Mapping
from typing import Any

from local.deploy.model import Cloud


class UnansweredError(Exception):
    """The program asked what nobody here answers."""


Answer = Callable[[Cloud, Callable[[str], Any], Mapping[str, Any]], dict[str, Any]]


def _caller_identity(
    cloud: Cloud, clients: Callable[[str], Any], arguments: Mapping[str, Any]
) -> dict[str, Any]:
    identity = clients("sts").get_caller_identity()
    return {
        "id": identity["Account"],
        "accountId": identity["Account"],
        "arn": identity["Arn"],
        "userId": identity["UserId"],
    }


def _region(cloud: Cloud, clients: Callable[[str], Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": cloud.region,
        "name": cloud.region,
        "region": cloud.region,
        "description": "The embedded cloud",
        "endpoint": cloud.endpoint.partition("://")[2],
    }


def _partition(cloud: Cloud, clients: Callable[[str], Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": "aws",
        "partition": "aws",
        "dnsSuffix": "amazonaws.com",
        "reverseDnsPrefix": "com.amazonaws",
    }


ANSWERS: Mapping[str, Answer] = {
    "aws:index/getCallerIdentity:getCallerIdentity": _caller_identity,
    "aws:index/getRegion:getRegion": _region,
    "aws:index/getPartition:getPartition": _partition,
}
"""By token of the function."""
