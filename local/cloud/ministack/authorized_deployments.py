"""Judges deployments as AWS does: by tags, by roles' boundaries, and by the roles that they pass on.

MiniStack knows fewer tags and condition keys and does not ask for `iam:PassRole`: who may deploy one stack
could there take over another's roles and APIs.
"""

import re
from contextvars import ContextVar
from urllib.parse import unquote

from local.cloud.ministack import patch_points
from local.cloud.ministack.judging import Json, Request, content_of, name_resources

PASSED_ROLES = "spaceport:passed-roles"
"""Ours, between the reading of a request and its judging; no policy names it."""
_BOUNDED = {"AttachRolePolicy", "DeleteRolePolicy", "DetachRolePolicy", "PutRolePolicy"}
_BOUNDING = {"CreateRole", "PutRolePermissionsBoundary"}
_PASSING = {
    "lambda:CreateFunction": "Role",
    "lambda:UpdateFunctionConfiguration": "Role",
    "states:CreateStateMachine": "roleArn",
    "states:UpdateStateMachine": "roleArn",
}
_TAGS = {"UserPoolTags", "tags", "Tags", "TagList"}
_XML_TAG = re.compile(rb"<Key>([^<]*)</Key>\s*<Value>([^<]*)</Value>")
_API = re.compile(r"(arn:aws:apigateway:[^:]*::/(?:restapis|domainnames)/[^/]+)")
_LAMBDA_ACTIONS = {
    "GetLayerVersionByArn": "GetLayerVersion",
    "Invoke": "InvokeFunction",
    "InvokeWithResponseStream": "InvokeFunction",
}
"""Where IAM calls an operation otherwise."""
_BUDGET_READS = ("Describe", "List")


def install() -> None:
    """Puts all of it in front of the services."""
    actions, evaluator = patch_points.module("core.iam_actions"), patch_points.module("core.iam_evaluator")
    _tell_more(actions)
    _name_actions(actions)
    _name_resources(actions)
    _know_tags(evaluator)
    _name_principals(evaluator)
    _ask_for_passed_roles(evaluator)
    _tell_tags_of_mail(patch_points.module("app"))


def _tell_more(actions: patch_points.MiniStack) -> None:
    original = patch_points.function(
        actions, "request_tag_context", ("service", "iam_action", "body", "params")
    )

    def context(service: str, iam_action: str, body: bytes, params: Json) -> Json:
        known: Json = original(service, iam_action, body, params)
        name = iam_action.partition(":")[2]
        if service == "iam" and (boundary := _boundary(name, params)):
            known["iam:PermissionsBoundary"] = boundary
        if service in ("apigateway", "cloudfront", "cognito-idp"):
            known |= {f"aws:requesttag/{key}".lower(): value for key, value in _tags(body).items()}
        if name == "CreateEventSourceMapping":
            known["lambda:FunctionArn"] = _function(str(content_of(body).get("FunctionName", "")))
        if iam_action in _PASSING and (role := content_of(body).get(_PASSING[iam_action])):
            known[PASSED_ROLES] = [str(role)]
        return known

    patch_points.replace(actions, "request_tag_context", context)


def _boundary(action: str, params: Json) -> str | None:
    """Returns the boundary that a role gets or has."""
    if action in _BOUNDING:
        return _parameter(params, "PermissionsBoundary")
    if action in _BOUNDED:
        roles = patch_points.value(patch_points.module("services.iam"), "_roles")
        role = roles.get(_parameter(params, "RoleName") or "") or {}
        return role.get("PermissionsBoundary") or None
    return None


def _parameter(params: Json, name: str) -> str | None:
    value = params.get(name)
    return value[0] if isinstance(value, list) and value else value or None


def _function(reference: str) -> str:
    """Returns the ARN of a function that is named in any way, without its alias."""
    responses = patch_points.module("core.responses")
    name = reference.partition(":function:")[2] or reference
    here = f"arn:aws:lambda:{responses.get_region()}:{responses.get_account_id()}"
    return f"{here}:function:{name.partition(':')[0]}"


def _name_actions(actions: patch_points.MiniStack) -> None:
    """Names Lambda's actions by its API's model, and the two that IAM has for Budgets, tags apart."""
    original = patch_points.function(
        actions, "extract_iam_action", ("service", "method", "path", "headers", "body", "query_params")
    )
    match = patch_points.function(
        actions, "_match_rest_action", ("service", "method", "path", "query_params")
    )
    patch_points.value(actions, "_BOTOCORE_SERVICE_MAP", dict)["lambda"] = ["lambda"]

    def extract(
        service: str, method: str, path: str, headers: Json, body: bytes, query_params: Json
    ) -> str | None:
        action: str | None = original(service, method, path, headers, body, query_params)
        if service == "lambda" and (operation := match(service, method, path, query_params)):
            return f"lambda:{_LAMBDA_ACTIONS.get(operation, operation)}"
        if service == "budgets" and action and "Tag" not in action:
            name = action.partition(":")[2]
            return "budgets:ViewBudget" if name.startswith(_BUDGET_READS) else "budgets:ModifyBudget"
        return action

    patch_points.replace(actions, "extract_iam_action", extract)


def _name_resources(actions: patch_points.MiniStack) -> None:
    aliases = patch_points.value(patch_points.module("services.kms"), "_aliases")

    def rename(arn: str, request: Request) -> str:
        if request.service == "kms" and ":alias/" in arn:
            # A call that names a key by its alias is judged by the key.
            key = aliases.get(arn)
            return f"arn:aws:kms:{request.region}:{request.account}:key/{key}" if key else arn
        return _named(request) if arn == "*" else arn

    name_resources(actions, rename)


def _named(request: Request) -> str:
    """Returns the ARN that a request gives in whole, or the name of what has no other."""
    content, region, account = request.content, request.region, request.account
    for key in ("ResourceArn", "resourceArn", "ResourceARN", "Resource", "SubscriptionArn", "Arn"):
        arn = content.get(key) or _parameter(request.query, key)
        if isinstance(arn, str) and arn.startswith("arn:"):
            return arn
    if request.service == "lambda" and "Code" in content:
        return _function(str(content.get("FunctionName", "")))
    candidates = {
        "budgets": [
            (f"budgets::{account}:budget/", content.get("BudgetName")),
            (f"budgets::{account}:budget/", (content.get("Budget") or {}).get("BudgetName")),
        ],
        "ecr": [(f"ecr:{region}:{account}:repository/", _only(content.get("repositoryNames")))],
        "monitoring": [
            (f"cloudwatch:{region}:{account}:alarm:", _only(content.get("AlarmNames"))),
            (f"cloudwatch::{account}:dashboard/", content.get("DashboardName")),
            (f"cloudwatch::{account}:dashboard/", _only(content.get("DashboardNames"))),
        ],
    }
    named = (f"arn:aws:{place}{name}" for place, name in candidates.get(request.service, []) if name)
    return next(named, "*")


def _only(names: list[str] | None) -> str | None:
    return names[0] if names and len(names) == 1 else None


def _know_tags(evaluator: patch_points.MiniStack) -> None:
    """Looks tags up for boundaries' conditions too, and of more services."""
    patch_points.function(evaluator, "_names_condition_key", ("policies", "prefix"))
    patch_points.replace(evaluator, "_names_condition_key", lambda _policies, _prefix: True)
    tagging = patch_points.module("services.tagging")
    collectors = patch_points.value(tagging, "_RESOURCE_TAG_COLLECTORS", dict)
    for service in ("cognito-idp", "cloudfront"):
        collectors[service] = patch_points.value(tagging, "_COLLECTORS", dict)[service]
    original = patch_points.function(tagging, "resource_tags", ("arn",))
    gateway = patch_points.module("services.apigateway_v1")
    mail = patch_points.value(patch_points.module("services.ses_v2"), "_ses_tags")

    def tags(arn: str) -> dict[str, str] | None:
        if arn.startswith("arn:aws:apigateway:"):
            return _gateway_tags(gateway, arn)
        if arn.startswith("arn:aws:ses:"):
            return {tag["Key"]: tag["Value"] for tag in mail.get(arn, [])}
        known: dict[str, str] | None = original(arn)
        return known

    patch_points.replace(tagging, "resource_tags", tags)


def _gateway_tags(gateway: patch_points.MiniStack, arn: str) -> dict[str, str] | None:
    """Returns an API's or a domain's tags: as far as rights go, what is in it bears them too."""
    of = _API.search(unquote(arn.partition("/tags/")[2]) or arn)
    if of is None:
        return None
    domain = patch_points.value(gateway, "_domain_names").get(of[1].rpartition("/domainnames/")[2])
    return dict(domain["tags"] if domain else patch_points.value(gateway, "_v1_tags").get(of[1], {}))


def _name_principals(evaluator: patch_points.MiniStack) -> None:
    """`aws:PrincipalArn` of a role's session is the role's ARN."""
    original = patch_points.function(evaluator, "_resolve_condition_key", ("key", "ctx"))
    roles = patch_points.value(patch_points.module("services.iam"), "_roles")

    def resolve(key: str, ctx: patch_points.MiniStack) -> patch_points.JsonValue:
        value = original(key, ctx)
        if key.lower() != "aws:principalarn" or ":assumed-role/" not in str(value):
            return value
        role = roles.get_scoped(ctx.principal_account, None, str(value).split("/")[1])
        return role["Arn"] if role else value

    patch_points.replace(evaluator, "_resolve_condition_key", resolve)


def _ask_for_passed_roles(evaluator: patch_points.MiniStack) -> None:
    original = patch_points.function(
        evaluator, "enforce", ("access_key_id", "iam_action", "service", "region", "resource_arn")
    )
    mappings = patch_points.value(patch_points.module("services.lambda_svc"), "_esms")

    def enforce(
        access_key_id: str,
        iam_action: str,
        service: str,
        region: str,
        resource_arn: str = "*",
        service_context: Json | None = None,
    ) -> patch_points.MiniStack:
        context = {**_mail_tags.get(), **(service_context or {})}
        passed = context.pop(PASSED_ROLES, [])
        mapping = mappings.get(resource_arn.partition(":event-source-mapping:")[2])
        if mapping:
            context["lambda:FunctionArn"] = _function(mapping["FunctionArn"])
        denied = original(access_key_id, iam_action, service, region, resource_arn, context)
        for role in passed:
            if denied:
                break
            to = {"iam:PassedToService": f"{service}.amazonaws.com"}
            denied = original(access_key_id, "iam:PassRole", "iam", region, role, to)
        return denied

    patch_points.replace(evaluator, "enforce", enforce)


def _tell_tags_of_mail(app: patch_points.MiniStack) -> None:
    """Calls of SES v2 are judged on a way of their own, which knows no tags of requests."""
    original = patch_points.function(
        app, "_enforce_ses_v2", ("method", "path", "headers", "body", "query_params", "request_id")
    )

    def enforce(
        method: str, path: str, headers: Json, body: bytes, query_params: Json, request_id: str
    ) -> patch_points.JsonValue:
        tags = {f"aws:requesttag/{key}".lower(): value for key, value in _tags(body).items()}
        token = _mail_tags.set(tags)
        try:
            return original(method, path, headers, body, query_params, request_id)
        finally:
            _mail_tags.reset(token)

    patch_points.replace(app, "_enforce_ses_v2", enforce)


_mail_tags: ContextVar[dict[str, str]] = ContextVar("mail_tags", default={})  # noqa: B039 - never changed


def _tags(body: bytes) -> dict[str, str]:
    """Returns the tags that a request gives, of APIs whose models MiniStack does not ask for them."""
    request = content_of(body)
    for key in _TAGS & request.keys():
        if isinstance(request[key], dict):
            return {str(name): str(value) for name, value in request[key].items()}
        if isinstance(request[key], list):
            return {str(tag.get("Key")): str(tag.get("Value")) for tag in request[key]}
    return {name.decode(): value.decode() for name, value in _XML_TAG.findall(body)}
