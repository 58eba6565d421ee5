"""Maps a queue to a function only where AWS would: its role takes messages, and its calls end in time."""

from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import error_response_json

from local.cloud.ministack import iam, patch_points

TAKING = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Puts the checks in front of CreateEventSourceMapping."""
    functions = patch_points.module("services.lambda_svc")
    original = patch_points.function(functions, "_create_esm", ("data",))

    def create(data: Json) -> Response:
        refusal = _refusal(functions, data)
        if refusal is not None:
            return _invalid(refusal)
        made: Response = original(data)
        return made

    patch_points.replace(functions, "_create_esm", create)


def _refusal(functions: patch_points.MiniStack, data: Json) -> str | None:
    """Returns AWS's sentence where a queue must not be mapped; what is no queue is not judged here."""
    source = str(data.get("EventSourceArn", ""))
    find = patch_points.function(functions, "_resolve_existing_esm_function", ("function_ref",))
    record_of = patch_points.function(functions, "_get_func_record_for_qualifier", ("name", "qualifier"))
    queue = _queue(source)
    name, qualifier, missing = find(data.get("FunctionName", ""))
    if queue is None or missing:
        return None
    _, configuration = record_of(name, qualifier)
    principal = iam.principal_of_role(configuration["Role"], name)
    for action in TAKING:
        if iam.denial(principal, f"sqs:{action}", source):
            return f"The function execution role does not have permissions to call {action} on SQS"
    hidden, longest = int(queue["attributes"]["VisibilityTimeout"]), int(configuration["Timeout"])
    if hidden < longest:
        return f"Queue visibility timeout: {hidden} seconds is less than Function timeout: {longest} seconds"
    return None


def _queue(arn: str) -> Json | None:
    queues = patch_points.module("services.sqs")
    try:
        parsed = parse_arn(arn)
    except ArnParseError:
        return None
    if parsed.service != "sqs":
        return None
    url = patch_points.function(queues, "_queue_url", ("name",))(parsed.resource)
    found: Json | None = patch_points.value(queues, "_queues").get(url)
    return found


def _invalid(sentence: str) -> Response:
    answer: Response = error_response_json("InvalidParameterValueException", sentence, 400)
    return answer
