"""Who may do what, decided by MiniStack's own evaluator."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_actions, iam_evaluator
from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region
from ministack.core.router import extract_access_key_id
from ministack.services import iam as iam_service
from ministack.services import sts as sts_service

from local.cloud.ministack import patch_points

_roles = patch_points.value(iam_service, "_roles")
_gather_role_policies = patch_points.function(
    iam_evaluator, "_gather_role_policies", ("role_name", "account_id")
)
_permissions_boundary = patch_points.function(
    iam_evaluator, "_permissions_boundary", ("store", "name", "account_id")
)
_resource_policy = patch_points.function(iam_evaluator, "_resource_policy", ("service", "resource_arn"))

SESSION_NAME_LENGTH = 64
KEY_HEX_BYTES = 8


Principal = Any
"""MiniStack's PrincipalInfo: who asks, with the policies that count."""


@dataclass(frozen=True)
class RoleCredentials:
    """Temporary keys of a role."""

    access_key: str
    secret_key: str
    token: str


def _role(role_arn: str) -> dict[str, Any] | None:
    try:
        parsed = parse_arn(role_arn)
    except ArnParseError:
        return None
    name = parsed.resource.rpartition("/")[2]
    role: dict[str, Any] | None = _roles.get_scoped(parsed.account_id, None, name)
    return role if role is not None and role["Arn"] == role_arn else None


def trusts(role_arn: str, service: str) -> bool:
    """Tells whether a role exists and lets a service, such as `sagemaker.amazonaws.com`, assume it."""
    role = _role(role_arn)
    if role is None:
        return False
    context = iam_evaluator.EvalContext(
        principal_arn=service,
        principal_type="Service",
        principal_account=get_account_id(),
        action="sts:AssumeRole",
        resource_arn=role_arn,
        region=get_region(),
        service_context={"aws:sourceaccount": get_account_id()},
    )
    result = iam_evaluator.evaluate_resource_policy(
        _with_resource(role["AssumeRolePolicyDocument"]), context, service
    )
    return bool(result.decision == "Allow")


def _with_resource(document: str | dict[str, Any]) -> dict[str, Any]:
    """Gives a trust policy's statements the resource that they leave out: the role itself."""
    policy = json.loads(document) if isinstance(document, str) else document
    statements = policy.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    return {**policy, "Statement": [{**statement, "Resource": "*"} for statement in statements]}


def assumed_role_arn(role_arn: str, session_name: str) -> str:
    """Returns the ARN that a session of a role acts under."""
    parsed = parse_arn(role_arn)
    name = parsed.resource.rpartition("/")[2]
    return f"arn:aws:sts::{parsed.account_id}:assumed-role/{name}/{session_name[:SESSION_NAME_LENGTH]}"


def assume(role_arn: str, session_name: str) -> RoleCredentials:
    """Returns temporary keys of a role, as a service that it trusts gets them."""
    credentials = RoleCredentials(
        f"ASIA{secrets.token_hex(KEY_HEX_BYTES).upper()}", secrets.token_hex(20), secrets.token_hex(32)
    )
    role = _role(role_arn) or {}
    sts_service.register_session(
        credentials.access_key,
        {
            "Arn": assumed_role_arn(role_arn, session_name),
            "UserId": f"{role.get('RoleId', 'AROA')}:{session_name[:SESSION_NAME_LENGTH]}",
            "SecretAccessKey": credentials.secret_key,
            "SessionToken": credentials.token,
        },
    )
    return credentials


def principal_of_role(role_arn: str, session_name: str) -> Principal:
    """Returns a role as a principal with its policies; one that does not exist may do nothing."""
    parsed = parse_arn(role_arn)
    name = parsed.resource.rpartition("/")[2]
    exists = _role(role_arn) is not None
    return iam_evaluator.PrincipalInfo(
        arn=assumed_role_arn(role_arn, session_name),
        type="AssumedRole",
        account=parsed.account_id,
        policies=_gather_role_policies(name, parsed.account_id) if exists else [],
        limits=_permissions_boundary(_roles, name, parsed.account_id),
    )


def caller(headers: Mapping[str, str], query: Mapping[str, Any]) -> Principal:
    """Returns the principal that signed a request; the request is already authenticated."""
    return iam_evaluator.resolve_principal(extract_access_key_id(headers, query), get_account_id())


def denial(
    principal: Principal,
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> str | None:
    """Decides one action.

    Args:
        principal: Who asks.
        action: The action, such as `lambda:InvokeFunction`.
        resource: The ARN it is done to.
        context: Condition keys of the request.

    Returns:
        None where it is allowed, otherwise AWS's sentence naming principal, action and resource.
    """
    if principal.policies is None:
        return None
    evaluated = iam_evaluator.EvalContext(
        principal_arn=principal.arn,
        principal_type=principal.type,
        principal_account=principal.account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={key.lower(): value for key, value in (context or {}).items()},
        principal_keys=principal.keys,
    )
    result = iam_evaluator.evaluate(evaluated, principal.policies, *principal.limits)
    own_policy = _resource_policy(action.partition(":")[0], resource)
    if own_policy is not None:
        result = iam_evaluator.combine_resource_policy(
            result, evaluated, *own_policy, limits=principal.limits
        )
    if result.decision == "Allow":
        return None
    return str(
        iam_actions.identity_denial_message(
            action, principal.arn, resource, explicit_deny=result.decision == "Deny"
        )
    )


def pass_role_denial(principal: Principal, role_arn: str, service: str) -> str | None:
    """Decides whether a principal may give a service a role; returns AWS's sentence where it may not."""
    return denial(principal, "iam:PassRole", role_arn, {"iam:PassedToService": service})
