"""Lets a CloudFront distribution have a stage of a REST API as its origin.

MiniStack refuses to call addresses of AWS; the API behind such an address is its own.
"""

import os
import re
from typing import Any

from local.cloud.ministack import patch_points

API_HOST = re.compile(r"(?P<api>[a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com")


def install() -> None:
    """Sends requests for an API's address to the API in this process."""
    cloudfront = patch_points.module("services.cloudfront")
    original = patch_points.function(
        cloudfront, "_forward_to_origin", ("origin", "method", "uri", "query_string", "headers", "body")
    )

    def forward(
        origin: dict[str, Any], method: str, uri: str, *others: patch_points.MiniStack
    ) -> patch_points.MiniStack:
        api = API_HOST.fullmatch(origin["domain_name"])
        if api is None:
            return original(origin, method, uri, *others)
        here = {
            **origin,
            "domain_name": "127.0.0.1",
            "http_port": int(os.environ["GATEWAY_PORT"]),
            "protocol_policy": "http-only",
        }
        return original(here, method, f"/_aws/execute-api/{api['api']}{uri}", *others)

    patch_points.replace(cloudfront, "_forward_to_origin", forward)
