"""The OpenAPI 3.1 document of one API: its route table, filled with what the functions' routes say."""

import importlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.event_handler.api_gateway import Router

from components.offers import Offer
from components.routes import Route
from functions.openapi.errors import PROBLEM, problem_schema, with_errors
from functions.shared.docstrings import prose

VERSION = "3.1.0"
SIGN_IN = "idToken"
_VERSIONED = re.compile(r"_v\d$")
_PARAMETER = re.compile(r"[{<](\w+)[}>]")
_NOT_OURS = "422"
"""Powertools says of every route that it answers so; ours refuse with 400."""
_CONDITION = "If-Match"
_SUCCESS = "Successful Response"
"""What Powertools says of every answer."""
_VALIDATION_ERROR = "HTTPValidationError"

Json = dict[str, Any]
Endpoint = tuple[str, str]
"""Method, and path without the names of its parameters."""


class DocumentError(Exception):
    """A route table and the functions' routes do not fit together; the message says which route."""


def document(name: str, offer: Offer, version: str) -> Json:
    """Make the document of one API.

    Args:
        name: Logical name of the API.
        offer: What it offers.
        version: Of the program.

    Returns:
        The document; its schemas are those that its routes use.

    Raises:
        DocumentError: A function lacks a route of the table.
    """
    routers = [_router(function) for function in dict.fromkeys(route.function for route in offer.routes)]
    # Together, so that models of one name get names of their own.
    app = APIGatewayRestResolver(enable_validation=True)
    for router in routers:
        app.include_router(router)
    made = json.loads(app.get_openapi_json_schema(title=f"Spaceport: {name}", version=version))
    operations = {
        _endpoint(method, path): operation
        for path, methods in made["paths"].items()
        for method, operation in methods.items()
    }
    said = {endpoint: how for router in routers for endpoint, how in _functions(router)}
    paths: Json = {}
    for route in offer.routes:
        endpoint = _endpoint(route.method, route.path)
        if endpoint not in operations:
            raise DocumentError(f"{name}: functions/{route.function} has no {route.method} {route.path}")
        operation = _operation(route, operations[endpoint], *said[endpoint])
        _describe_success(operation["responses"].get("200", {}), made["components"]["schemas"])
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": VERSION,
        "info": {**made["info"], "description": offer.description},
        "paths": paths,
        "components": {
            "schemas": _used(paths, {**made["components"]["schemas"], PROBLEM: problem_schema()}),
            "securitySchemes": {
                SIGN_IN: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The ID token that a user pool gives at sign-in.",
                }
            },
        },
    }


def _router(function: str) -> Router:
    folder = _VERSIONED.sub("", function)
    router: Router = importlib.import_module(f"functions.{folder}.handler").router
    return router


def _functions(router: Router) -> Iterator[tuple[Endpoint, tuple[Callable[..., Any], bool]]]:
    """Give what answers each endpoint, and whether it does so for several methods."""
    for (path, methods, *_), function in router._routes.items():  # noqa: SLF001 -- told nowhere else
        for method in methods:
            yield _endpoint(method, path), (function, len(methods) > 1)


def _endpoint(method: str, path: str) -> Endpoint:
    return method.lower(), _PARAMETER.sub("{}", path)


def _operation(route: Route, made: Json, function: Callable[..., Any], several: bool) -> Json:
    summary, _, description = prose(function.__doc__).partition("\n")
    names = iter(_PARAMETER.findall(route.path))
    parameters = [_parameter(one, names) for one in made.get("parameters", [])]
    own = {
        status: response
        for status, response in made["responses"].items()
        if status != _NOT_OURS or _VALIDATION_ERROR not in json.dumps(response)
    }
    written: Json = {
        "operationId": _camel(function.__name__) + (route.method.capitalize() if several else ""),
        "summary": summary.strip().removesuffix("."),
        "description": " ".join(description.split()),
        "deprecated": made.get("deprecated"),
        "parameters": parameters,
        "requestBody": made.get("requestBody"),
        "responses": with_errors(
            own,
            route,
            has_body="requestBody" in made,
            conditional=any(one["name"] == _CONDITION for one in parameters),
        ),
        "security": [] if route.public else [{SIGN_IN: []}],
    }
    always = ("security", "responses")
    return {key: value for key, value in written.items() if value or key in always}


def _describe_success(response: Json, schemas: Json) -> None:
    """Say what a route answers in the words of its model."""
    if response.get("description") == _SUCCESS:
        reference = next(iter(response["content"].values()))["schema"].get("$ref", "")
        schema = schemas.get(reference.rpartition("/")[2], {})
        response["description"] = schema.get("description", "").partition("\n")[0] or "Done."


def _parameter(made: Json, path_names: Iterator[str]) -> Json:
    """Name a parameter as clients know it: the route table's name in a path, a header with its capitals."""
    schema = {key: value for key, value in made["schema"].items() if key not in ("title", "description")}
    name = made["name"]
    if made["in"] == "path":
        name = next(path_names)
    elif made["in"] == "header":
        name = "-".join(word.capitalize() for word in name.split("-"))
    return {**made, "name": name, "schema": schema}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _used(paths: Json, schemas: Json) -> Json:
    """Keep the schemas that the paths lead to."""
    kept: Json = {}
    left = [paths]
    while left:
        for name in re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(left.pop())):
            if name not in kept:
                kept[name] = schemas[name]
                left.append(schemas[name])
    return dict(sorted(kept.items()))
