"""Which operation of AWS a request asks for, and how its service answers errors, by botocore's models."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import parse_qs

import botocore.session
from botocore.exceptions import UnknownServiceError

from local.cloud.ministack.patch_points import MiniStack

Parameters = Mapping[str, list[str] | str]

# Where botocore's name of a service is not the one that requests are signed for.
_MODELS = {"states": "stepfunctions", "ses": "sesv2", "monitoring": "cloudwatch"}


@dataclass(frozen=True)
class Route:
    """What a request must have to be for an operation of a REST service.

    Attributes:
        operation: Its name.
        method: HTTP method.
        path: The whole path.
        query: Names of parameters that must be there, with the value if it must be one.
        headers: Names of headers that must be there, in lower case.
    """

    operation: str
    method: str
    path: re.Pattern[str]
    query: tuple[tuple[str, str | None], ...]
    headers: tuple[str, ...]

    def takes(self, method: str, path: str, headers: Mapping[str, str], parameters: Parameters) -> bool:
        """Tells whether a request has all of it."""
        return (
            method == self.method
            and self.path.fullmatch(path) is not None
            and all(
                name in parameters and value in (None, _first(parameters[name])) for name, value in self.query
            )
            and all(name in headers for name in self.headers)
        )


@cache
def model(service: str) -> MiniStack:
    """Returns botocore's model of a service, by the name that requests are signed for, or None."""
    try:
        return botocore.session.get_session().get_service_model(_MODELS.get(service, service))
    except UnknownServiceError:
        return None


def operation(
    service: str, method: str, path: str, headers: Mapping[str, str], body: bytes, parameters: Parameters
) -> str:
    """Names the operation that a request asks for; "" where that cannot be told.

    Args:
        service: The service, by the name that requests are signed for.
        method: HTTP method.
        path: The decoded path; a bucket is part of it.
        headers: Headers, their names in lower case.
        body: The body.
        parameters: The query.
    """
    if target := headers.get("x-amz-target"):
        return target.rpartition(".")[2]
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        parameters = {**parse_qs(body.decode(errors="replace")), **parameters}
    if action := parameters.get("Action"):
        return _first(action)
    asked = path.rstrip("/") or "/"
    found = (route for route in _routes(service) if route.takes(method, asked, headers, parameters))
    return next((route.operation for route in found), "")


@cache
def _routes(service: str) -> tuple[Route, ...]:
    """Returns a REST service's routes, the ones that ask for most first."""
    described = model(service)
    if described is None or not described.protocol.startswith("rest"):
        return ()
    routes = [_route(described.operation_model(name)) for name in described.operation_names]
    return tuple(sorted(routes, key=_demands, reverse=True))


def _demands(route: Route) -> tuple[int, int]:
    return len(route.query) + len(route.headers), len(route.path.pattern)


def _route(described: MiniStack) -> Route:
    path, _, literal = described.http["requestUri"].partition("?")
    query: list[tuple[str, str | None]] = []
    for part in filter(None, literal.split("&")):
        name, _, value = part.partition("=")
        query.append((name, value or None))
    headers = []
    shape = described.input_shape
    for member in shape.required_members if shape else ():
        how = shape.members[member].serialization
        if how.get("location") == "querystring":
            query.append((how["name"], None))
        elif how.get("location") == "header":
            headers.append(how["name"].lower())
    parts = re.split(r"(\{\w+\+?\})", path.rstrip("/") or "/")
    pattern = "".join(
        ".+" if part.endswith("+}") else "[^/]+" if part.startswith("{") else re.escape(part)
        for part in parts
    )
    return Route(described.name, described.http["method"], re.compile(pattern), tuple(query), tuple(headers))


def _first(value: list[str] | str) -> str:
    return value if isinstance(value, str) else next(iter(value), "")
