"""Judges requests by the actions, ARNs and conditions that AWS judges them by, where MiniStack does not.

Its ARNs are narrower: what a role may do on AWS, it could not do here. X-Ray's calls it lets pass unjudged.
"""

from local.cloud.ministack import patch_points
from local.cloud.ministack.judging import Json, Request, content_of, name_resources

TAGGING = {"TagResource", "UntagResource", "ListTagsForResource"}
DEFAULT_BUS = "default"
TRACES = "xray"


def install() -> None:
    """Names log streams and rules, tells the namespace of metrics, judges traces and what batches do."""
    actions = patch_points.module("core.iam_actions")
    name_resources(actions, _named)
    _tell_namespace(actions)
    _judge_traces(actions)
    _judge_batches(actions)


def _named(arn: str, request: Request) -> str:
    if request.service == "logs" and arn != "*":
        action = request.headers.get("x-amz-target", "").rpartition(".")[2]
        return arn if action in TAGGING else _log_stream(arn, request.content)
    if request.service == "events":
        return _rule(arn, request.content, f"arn:aws:events:{request.region}:{request.account}:rule")
    return arn


def _log_stream(group: str, request: Json) -> str:
    """Returns what AWS judges a call about a log group or its stream by; of a group, the name stays empty."""
    return f"{group}:log-stream:{request.get('logStreamName', '')}"


def _rule(arn: str, request: Json, rules: str) -> str:
    """Returns the ARN of a rule: calls about targets name it otherwise, and the default bus is not named."""
    if isinstance(name := request.get("Rule"), str):
        arn = f"{rules}/{request.get('EventBusName') or DEFAULT_BUS}/{name}"
    return arn.replace(f"{rules}/{DEFAULT_BUS}/", f"{rules}/")


def _tell_namespace(actions: patch_points.MiniStack) -> None:
    original = patch_points.function(
        actions, "request_tag_context", ("service", "iam_action", "body", "params")
    )

    def context(service: str, action: str, body: bytes, params: Json) -> Json:
        known: Json = original(service, action, body, params)
        if action != "cloudwatch:PutMetricData":
            return known
        namespace = content_of(body).get("Namespace") or params.get("Namespace")
        return {**known, "cloudwatch:namespace": namespace} if namespace else known

    patch_points.replace(actions, "request_tag_context", context)


def _judge_traces(actions: patch_points.MiniStack) -> None:
    """Lets IAM answer first; whoever may trace is told that the service is not supported."""
    patterns = patch_points.value(patch_points.module("core.router"), "SERVICE_PATTERNS", dict)
    patterns[TRACES] = {"host_patterns": [r"xray\."]}
    patch_points.value(actions, "SERVICE_TO_IAM_NAMESPACE", dict)[TRACES] = TRACES
    patch_points.value(actions, "_BOTOCORE_SERVICE_MAP", dict)[TRACES] = [TRACES]


def _judge_batches(actions: patch_points.MiniStack) -> None:
    """Asks for the right to do to one message what a batch does to several: SQS has no rights of batches."""
    original = patch_points.function(
        actions, "extract_iam_action", ("service", "method", "path", "headers", "body", "query_params")
    )

    def extract(
        service: str, method: str, path: str, headers: Json, body: bytes, query_params: Json
    ) -> str | None:
        action: str | None = original(service, method, path, headers, body, query_params)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    patch_points.replace(actions, "extract_iam_action", extract)
