"""Answers calls of AWS APIs with errors, and loses answers, where a test has planned that.

A call is judged by IAM first: a fault happens to what would have been allowed. What Step Functions calls with
its `aws-sdk` tasks goes the same way.
"""

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from xml.sax.saxutils import escape

from local.cloud.ministack import api_operations, faults, patch_points

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[str, str, dict[str, str], bytes, dict[str, Any]], Awaitable[Response]]

_TOO_MANY_REQUESTS = {
    "cognito-idp": "TooManyRequestsException",
    "dynamodb": "ProvisionedThroughputExceededException",
    "lambda": "TooManyRequestsException",
    "s3": "SlowDown",
    "ses": "TooManyRequestsException",
}
_INTERNAL = {
    "dynamodb": "InternalServerError",
    "cognito-idp": "InternalErrorException",
    "s3": "InternalError",
    "secretsmanager": "InternalServiceError",
}
# Of errors that a service's model does not name; all others are the caller's fault.
_STATUS = {
    "InternalError": 500,
    "InternalErrorException": 500,
    "InternalFailure": 500,
    "InternalServerError": 500,
    "InternalServiceError": 500,
    "ServiceUnavailable": 503,
    "SlowDown": 503,
    "TooManyRequestsException": 429,
}
_SENTENCES = {
    "SlowDown": "Please reduce your request rate.",
    "InternalError": "We encountered an internal error.",
}


def install() -> None:
    """Puts the plan before every service."""
    app = patch_points.module("app")
    handlers = patch_points.value(app, "SERVICE_HANDLERS", dict)
    for service, handler in list(handlers.items()):
        handlers[service] = _faulty(service, handler)
    # Its requests do not go through the table of handlers.
    mail = patch_points.module("services.ses_v2")
    send = patch_points.function(
        mail, "handle_request", ("method", "path", "headers", "body", "query_params")
    )
    patch_points.replace(mail, "handle_request", _faulty("ses", send))


def _faulty(service: str, handler: Handler) -> Handler:
    async def handle(
        method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, Any]
    ) -> Response:
        if not faults.plan.has(faults.Kind.API_ERROR, faults.Kind.LOST_ANSWER):
            return await handler(method, path, headers, body, query_params)
        facts = {
            "service": service,
            "action": api_operations.operation(service, method, path, headers, body, query_params),
            "resource": frozenset(_names(path, body)),
        }
        fault = faults.plan.take(faults.Kind.API_ERROR, **facts)
        if fault is not None:
            return error(
                service, method, fault.error or _TOO_MANY_REQUESTS.get(service, "ThrottlingException")
            )
        answer = await handler(method, path, headers, body, query_params)
        if faults.plan.take(faults.Kind.LOST_ANSWER, **facts) is not None:
            return error(service, method, _INTERNAL.get(service, "InternalFailure"))
        return answer

    return handle


def error(service: str, method: str, code: str) -> Response:
    """Makes an error's answer in the service's own protocol.

    Args:
        service: The service, by the name that requests are signed for.
        method: HTTP method of the request.
        code: The error's code.
    """
    described = api_operations.model(service)
    status = _status(described, code)
    sentence = _SENTENCES.get(code, "Rate exceeded")
    protocol = described.protocol if described else "json"
    request = str(uuid.uuid4())
    if method == "HEAD":
        return status, {}, b""
    if protocol == "rest-xml":
        inner = f"<Code>{escape(code)}</Code><Message>{sentence}</Message>"
        text = f"<Error>{inner}<RequestId>{request}</RequestId><HostId>{request}</HostId></Error>"
        return (
            status,
            {"Content-Type": "application/xml"},
            f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode(),
        )
    if protocol in ("query", "ec2"):
        kind = "Receiver" if status >= 500 else "Sender"  # noqa: PLR2004 - HTTP errors
        inner = f"<Type>{kind}</Type><Code>{escape(code)}</Code><Message>{sentence}</Message>"
        text = f"<ErrorResponse><Error>{inner}</Error><RequestId>{request}</RequestId></ErrorResponse>"
        return status, {"Content-Type": "text/xml"}, text.encode()
    if protocol == "rest-json":
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": code}
        return status, headers, json.dumps({"message": sentence}).encode()
    version = described.metadata.get("jsonVersion", "1.1") if described else "1.1"
    space = (
        f"com.amazonaws.{service}.v{described.api_version.replace('-', '')}#" if service == "dynamodb" else ""
    )
    content = json.dumps({"__type": f"{space}{code}", "message": sentence})
    return status, {"Content-Type": f"application/x-amz-json-{version}"}, content.encode()


def _status(described: patch_points.MiniStack, code: str) -> int:
    for shape in described.error_shapes if described else ():
        if shape.error_code == code and "error" in shape.metadata:
            return int(shape.metadata["error"]["httpStatusCode"])
    return _STATUS.get(code, 400)


def _names(path: str, body: bytes) -> set[str]:
    """Returns what a request may be about: the parts of its path, and every name that its JSON has on top."""
    names = set(path.strip("/").split("/"))
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        return names
    values = content.values() if isinstance(content, dict) else ()
    for value in values:
        if isinstance(value, str):
            names |= {value, value.rpartition(":")[2], value.rpartition("/")[2]}
    return names
