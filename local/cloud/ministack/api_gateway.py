"""What a REST API refuses on AWS and MiniStack lets through.

A body over 10 MB (Amazon API Gateway Developer Guide, "Quotas for configuring and running a REST API"), and
an access token where a method names no OAuth scope: there the authorizer wants an ID token ("Integrate a REST
API with an Amazon Cognito user pool").
"""

from types import ModuleType
from typing import Any

from local.cloud.ministack import patch_points

MAX_BODY_BYTES = 10 * 1024 * 1024

Json = dict[str, Any]


def install() -> None:
    """Refuses both, with the API's own gateway responses."""
    gateway = patch_points.module("services.apigateway_v1")
    _refuse_large_bodies(gateway)
    _refuse_access_tokens(gateway)


def _refuse_large_bodies(gateway: ModuleType) -> None:
    original = patch_points.function(
        gateway,
        "_execute_in_scope",
        ("request", "api_id", "stage_name", "method", "path", "headers", "body"),
    )
    refuse = patch_points.function(gateway, "_gw_error", ("response_type", "message"))
    stages = patch_points.value(gateway, "_stages_v1")

    async def execute(
        request: Json,
        api_id: str,
        stage_name: str,
        method: str,
        path: str,
        headers: Json,
        body: bytes,
        *others: patch_points.MiniStack,
    ) -> patch_points.MiniStack:
        stage = stages.get(api_id, {}).get(stage_name)
        if stage and len(body or b"") > MAX_BODY_BYTES:
            request["stage"] = stage
            return refuse("REQUEST_TOO_LARGE", f"HTTP content length exceeded {MAX_BODY_BYTES} bytes.")
        return await original(request, api_id, stage_name, method, path, headers, body, *others)

    patch_points.replace(gateway, "_execute_in_scope", execute)


def _refuse_access_tokens(gateway: ModuleType) -> None:
    original = patch_points.function(
        gateway,
        "_validate_cognito_authorizer",
        ("authorizer", "method_obj", "headers", "query_params", "stage"),
    )
    refuse = patch_points.function(gateway, "_gw_error", ("response_type", "message"))

    async def validate(
        authorizer: Json, method: Json, *others: patch_points.MiniStack
    ) -> tuple[Json | None, patch_points.MiniStack]:
        claims, error = await original(authorizer, method, *others)
        if error is None and not method.get("authorizationScopes") and claims.get("token_use") != "id":
            return None, refuse("UNAUTHORIZED", "Unauthorized")
        return claims, error

    patch_points.replace(gateway, "_validate_cognito_authorizer", validate)
