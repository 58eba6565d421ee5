"""The errors that every route of a kind can answer: what an API's document says of them."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from components.routes import Route
from functions.shared.api import Problem

PROBLEM = "Problem"
_JSON = "application/json"
_WRITING = frozenset({"DELETE", "PATCH", "POST", "PUT"})
_WAITING = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_SENTENCES = {
    HTTPStatus.BAD_REQUEST: "Something is wrong with the request itself.",
    HTTPStatus.UNAUTHORIZED: "Nobody is signed in, or the token has expired.",
    HTTPStatus.NOT_FOUND: "It does not exist, or it is somebody else's.",
    HTTPStatus.CONFLICT: "The request is right in itself, but not in the present state.",
    HTTPStatus.PRECONDITION_FAILED: "It has been changed since it was read.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request, or what it announces, is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not JSON.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests: wait before the next one.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong on our side.",
    HTTPStatus.SERVICE_UNAVAILABLE: "We are busy, nothing was lost: repeat the request later.",
}


def problem_schema() -> dict[str, Any]:
    """Give the schema of the errors' one shape."""
    return Problem.model_json_schema(by_alias=True)


def with_errors(
    responses: dict[str, dict[str, Any]], route: Route, *, has_body: bool, conditional: bool
) -> dict[str, dict[str, Any]]:
    """Add what the route can refuse a request with.

    Args:
        responses: What the route itself says, by status.
        route: The route.
        has_body: Whether its requests have a body.
        conditional: Whether a header of its requests can make them conditional.

    Returns:
        All answers by status, in order; each error has the one shape beside what the route says of it.
    """
    whole = dict(responses)
    for added in _statuses(route, has_body=has_body, conditional=conditional):
        whole.setdefault(str(int(added)), {"description": _SENTENCES[added]})
    for status, response in whole.items():
        if int(status) >= HTTPStatus.BAD_REQUEST:
            schema = {"$ref": f"#/components/schemas/{PROBLEM}"}
            response["content"] = {**response.get("content", {}), _JSON: {"schema": schema}}
        if int(status) in _WAITING:
            response["headers"] = {
                "Retry-After": {
                    "description": "Seconds to wait.",
                    "schema": {"type": "integer", "minimum": 1},
                }
            }
    return dict(sorted(whole.items()))


def _statuses(route: Route, *, has_body: bool, conditional: bool) -> Iterator[HTTPStatus]:
    yield HTTPStatus.BAD_REQUEST
    yield from (*_WAITING, HTTPStatus.INTERNAL_SERVER_ERROR)
    if not route.public:
        yield HTTPStatus.UNAUTHORIZED
    if not route.public or "{" in route.path:
        yield HTTPStatus.NOT_FOUND
    if not route.public and route.method in _WRITING:
        yield HTTPStatus.CONFLICT
    if conditional:
        yield HTTPStatus.PRECONDITION_FAILED
    if has_body:
        yield HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
