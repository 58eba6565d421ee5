"""The APIs' route table against the functions' own routes, and what each route does for nobody."""

import importlib
import re
import uuid

import pytest

from components.routes import DRONE_PATH, FILE_UPLOAD, ML, PROJECTS, with_preflights

TABLE = [*FILE_UPLOAD, *PROJECTS, *DRONE_PATH, *ML]
FUNCTIONS = sorted({route.function for route in TABLE})


def handler_module(function):
    return importlib.import_module(f"functions.{function}.handler")


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


@pytest.mark.cloud
@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("route", TABLE, ids=lambda route: f"{route.method} {route.path}")
def test_nobody_gets_anything(call, route):
    path = re.sub(r"{\w+}", lambda _: str(uuid.uuid4()), route.path)
    answer = call(handler_module(route.function).handler, route.method, path, {}, user=None)
    if route.public:
        assert answer.status == 404
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
