"""The APIs' route table against the functions' own routes, and what each route does for nobody."""

import importlib
import re
import uuid
from typing import get_type_hints

import pytest

from components import routes
from components.gateway_answers import ALLOWED_HEADERS
from components.routes import with_preflights
from functions.shared.api import REQUEST_HEADERS, SignedIn

TABLES = [table for name, table in vars(routes).items() if name.isupper() and isinstance(table, tuple)]
TABLE = [route for table in TABLES for route in table]
FUNCTIONS = sorted({route.function for route in TABLE})


def handler_module(function):
    """The code of a function; one code may be deployed several times, in versions."""
    folder = re.sub(r"_v\d$", "", function)
    return importlib.import_module(f"functions.{folder}.handler")


def shape(path):
    """Write a path's parameters alike, whatever they are called."""
    return re.sub(r"[{<]\w+[}>]", "{}", path)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_answers_what_the_table_sends_it(function):
    own = {
        (method, shape(path))
        for path, methods, *_ in handler_module(function).router._routes
        for method in methods
    }
    assert own == {(route.method, shape(route.path)) for route in TABLE if route.function == function}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_route_that_is_not_public_knows_who_calls(function):
    public = {(route.method, shape(route.path)) for route in TABLE if route.public}
    for (path, methods, *_), route in handler_module(function).router._routes.items():
        if not any((method, shape(path)) in public for method in methods):
            assert SignedIn in get_type_hints(route, include_extras=True).values(), path


@pytest.mark.cloud
@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("route", TABLE, ids=lambda route: f"{route.method} {route.path}")
def test_nobody_gets_anything(call, route):
    path = re.sub(r"{\w+}", lambda _: str(uuid.uuid4()), route.path)
    answer = call(handler_module(route.function).handler, route.method, path, {}, user=None)
    if route.public:
        # Nothing is there, or nothing was said: what a public route does is its own tests' affair.
        assert answer.status in (400, 404)
    else:
        assert (answer.status, answer.body["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.cloud
@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize(
    "route",
    [route for route in with_preflights(TABLE) if route.method == "OPTIONS" and route.function != "delivery"],
    ids=lambda route: route.path,
)
def test_every_path_answers_a_preflight(call, route):
    path = re.sub(r"{\w+}", "x", route.path)
    answer = call(handler_module(route.function).handler, "OPTIONS", path, user=None)
    assert answer.status == 204
    assert answer.header("Access-Control-Allow-Origin")
    allowed = answer.header("Access-Control-Allow-Methods") or ""
    needed = {other.method for other in TABLE if other.function == route.function}
    assert needed <= {method.strip() for method in allowed.split(",")}
    headers = answer.header("Access-Control-Allow-Headers") or ""
    assert set(ALLOWED_HEADERS.split(",")) <= set(headers.split(","))
    assert set(REQUEST_HEADERS) <= set(ALLOWED_HEADERS.split(","))
