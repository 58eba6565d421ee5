"""Lets API Gateway and EventBridge invoke a function only where its policy says so (AddPermission)."""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any

from ministack.core.iam_evaluator import EvalContext, evaluate_resource_policy
from ministack.core.responses import get_account_id, get_region

from local.cloud.ministack import patch_points

log = logging.getLogger("spaceport.lambda_permission")
PATH_PARAMETER = re.compile(r"\{[^}]*\}")

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Puts the check in front of the invocations."""
    _check_rest_apis()
    _check_rules()


def _may_invoke(function_ref: str, service: str, source_arn: str, account: str, region: str) -> bool:
    functions = patch_points.module("services.lambda_svc")
    find = patch_points.function(functions, "_get_func_record_for_ref_in_scope", ("function_ref",))
    record, config, _ = find(function_ref, account_id=account, region=region)
    if record is None or config is None:
        # The invocation itself says that the function is missing.
        return True
    # An alias's or a version's record has no policy: it is the function's, with their ARNs as resources.
    function, _, _ = find(config["FunctionName"], account_id=account, region=region)
    target = function_ref if function_ref.startswith("arn:") else config["FunctionArn"]
    context = EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account="",
        action="lambda:InvokeFunction",
        resource_arn=target,
        region=region,
        service_context={"aws:sourcearn": source_arn, "aws:sourceaccount": account},
    )
    allowed = evaluate_resource_policy(function["policy"], context, service).decision == "Allow"
    if not allowed:
        log.warning(
            "%s (%s) is not authorized to perform: lambda:InvokeFunction on %s", service, source_arn, target
        )
    return bool(allowed)


def _check_rest_apis() -> None:
    apis = patch_points.module("services.apigateway_v1")
    reference = patch_points.function(apis, "_extract_lambda_ref_from_integration_uri", ("uri",))
    leading = ("integration", "api_id", "stage_name", "stage", "resource", "request_path", "method")
    for name in ("_invoke_lambda_proxy_v1", "_invoke_lambda_custom_v1"):
        original = patch_points.function(apis, name, leading)

        async def invoke(  # type: ignore[no-untyped-def] # passes MiniStack's arguments through
            integration: Json,
            api_id: str,
            stage_name: str,
            stage: Json,
            resource: Json,
            request_path: str,
            method: str,
            *others,  # noqa: ANN002
            original=original,  # noqa: ANN001
            **options,  # noqa: ANN003
        ) -> Response:
            account = options.get("owner_account_id") or get_account_id()
            region = options.get("owner_region") or get_region()
            path = PATH_PARAMETER.sub("*", resource.get("path", "/"))
            source = f"arn:aws:execute-api:{region}:{account}:{api_id}/{stage_name}/{method}{path}"
            if not _may_invoke(
                reference(integration.get("uri", "")), "apigateway.amazonaws.com", source, account, region
            ):
                return _internal_error()
            answer: Response = await original(
                integration, api_id, stage_name, stage, resource, request_path, method, *others, **options
            )
            return answer

        patch_points.replace(apis, name, invoke)


def _internal_error() -> Response:
    return (
        500,
        {"Content-Type": "application/json"},
        json.dumps({"message": "Internal server error"}).encode(),
    )


def _check_rules() -> None:
    events = patch_points.module("services.eventbridge")
    original = patch_points.function(events, "_invoke_target", ("target", "event", "rule"))

    def invoke(
        target: Json, event: Json, rule: Mapping[str, Any], view: patch_points.MiniStack = None
    ) -> None:
        arn = target.get("Arn", "")
        source = rule.get("Arn") or ""
        if arn.startswith("arn:aws:lambda:") and ":rule/" in source:
            account, region = get_account_id(), get_region()
            if not _may_invoke(arn, "events.amazonaws.com", source, account, region):
                return
        original(target, event, rule, view)

    patch_points.replace(events, "_invoke_target", invoke)
