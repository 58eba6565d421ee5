"""What the patches of IAM's judging have in common: how they read a request, and name what it is about."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from local.cloud.ministack import patch_points

Json = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A request to a service.

    Attributes:
        service: MiniStack's name of the service.
        headers: Its headers.
        body: Its body.
        query: Its parameters.
        region: Where it goes to.
        account: Whose resources it is about.
    """

    service: str
    headers: Json
    body: bytes
    query: Json
    region: str
    account: str

    @cached_property
    def content(self) -> Json:
        """The body's JSON; empty where it has none. Bodies of objects are not read for nothing."""
        return content_of(self.body)


def name_resources(actions: patch_points.MiniStack, rename: Callable[[str, Request], str]) -> None:
    """Has the ARN that a request is judged by named anew.

    Args:
        actions: MiniStack's module of IAM's actions.
        rename: Gives the ARN, from the one that it has so far.
    """
    original = patch_points.function(
        actions,
        "extract_resource_arn",
        ("service", "method", "path", "headers", "body", "query_params", "region", "account_id"),
    )

    def extract(
        service: str,
        method: str,
        path: str,
        headers: Json,
        body: bytes,
        query_params: Json,
        region: str,
        account_id: str,
    ) -> str:
        arn = str(original(service, method, path, headers, body, query_params, region, account_id))
        return rename(arn, Request(service, headers, body, query_params, region, account_id))

    patch_points.replace(actions, "extract_resource_arn", extract)


def content_of(body: bytes) -> Json:
    """Reads a body's JSON; empty where it is none."""
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
