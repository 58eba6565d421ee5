"""The APIs' documents against the route table, and what they must say of every route."""

import json
import re
import subprocess
import sys

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from components.offers import OFFERS, Offer
from components.routes import Route
from functions.openapi import build
from functions.openapi.build import ROOT, write_documents
from functions.openapi.document import SIGN_IN, DocumentError, document
from functions.shared.docstrings import attributes, prose
from functions.shared.errors import error_body, not_found

NAMES = sorted(OFFERS)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Every document, as a new process writes it."""
    folder = tmp_path_factory.mktemp("openapi")
    return {path.stem: path.read_text() for path in write_documents(folder)}


@pytest.fixture
def made(written, name):
    return json.loads(written[name])


def operations(made):
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def resolved(made, schema):
    reference = schema.get("$ref", "")
    return made["components"]["schemas"][reference.rpartition("/")[2]] if reference else schema


def test_every_api_has_a_document(written):
    assert set(written) == set(OFFERS)


@pytest.mark.parametrize("name", NAMES)
def test_a_document_is_valid_openapi(made):
    assert made["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(made).validate()


@pytest.mark.parametrize("name", NAMES)
def test_a_document_has_the_routes_of_its_table_and_no_other(made, name):
    table = {(route.method, route.path) for route in OFFERS[name].routes}
    assert {(method, path) for method, path, _ in operations(made)} == table


@pytest.mark.parametrize("name", NAMES)
def test_whoever_is_not_signed_in_is_told_where_to(made, name):
    public = {(route.method, route.path) for route in OFFERS[name].routes if route.public}
    scheme = made["components"]["securitySchemes"][SIGN_IN]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")
    for method, path, operation in operations(made):
        is_public = (method, path) in public
        assert operation["security"] == ([] if is_public else [{SIGN_IN: []}]), path
        assert ("401" in operation["responses"]) == (not is_public), path


@pytest.mark.parametrize("name", NAMES)
def test_every_operation_says_what_it_does(made):
    ids = [operation["operationId"] for _, _, operation in operations(made)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][A-Za-z0-9]*", one) for one in ids)
    for method, path, operation in operations(made):
        assert " " in operation["summary"], (method, path)
        assert not operation["summary"].startswith(method), (method, path)
        successes = [status for status in operation["responses"] if status < "400"]
        assert len(successes) >= 1, (method, path)
        for status, response in operation["responses"].items():
            assert response["description"] not in ("", "Successful Response"), (path, status)


@pytest.mark.parametrize("name", NAMES)
def test_every_error_has_the_one_shape(made):
    shape = set(error_body(not_found("x"), "request-1"))
    for method, path, operation in operations(made):
        for status, response in operation["responses"].items():
            if status >= "400":
                schema = resolved(made, response["content"]["application/json"]["schema"])
                assert set(schema["properties"]) == set(schema["required"]) == shape, (method, path, status)
        assert "422" not in operation["responses"] or "Validation" not in json.dumps(operation)
        headers = {one["name"] for one in operation.get("parameters", []) if one["in"] == "header"}
        assert ("If-Match" in headers) == ("412" in operation["responses"])
        for status in ("429", "503"):
            assert "Retry-After" in operation["responses"][status]["headers"]
        with_body = "requestBody" in operation
        assert with_body == ("415" in operation["responses"])
        assert with_body <= (method not in ("GET", "DELETE"))


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_of_a_path_is_declared_by_the_tables_name(made):
    for method, path, operation in operations(made):
        declared = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path)), (method, path)


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_used(made):
    used = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(made)))
    assert used == set(made["components"]["schemas"])


def test_what_a_class_says_of_its_fields_is_in_the_document(written):
    made = json.loads(written["drone-path-api"])["components"]["schemas"]["FlightRequest"]
    assert "Attributes" not in made["description"]
    assert made["properties"]["overlap"]["description"].startswith("Share of a photo that the next one shows")
    assert "from 0 to 95" in made["properties"]["overlap"]["description"]


def test_answers_that_are_no_json_say_so(written):
    plans = json.loads(written["drone-path-api"])["paths"]
    assert set(plans["/api/csv"]["post"]["responses"]["200"]["content"]) == {"text/csv"}
    opening = json.loads(written["ml-api"])["paths"]["/open/{token}"]["get"]["responses"]
    assert "200" not in opening
    assert "text/html" in opening["410"]["content"]
    assert opening["302"]


def test_the_same_sources_give_the_same_bytes_and_are_read_once(written, tmp_path):
    command = [
        sys.executable,
        "-c",
        f"from functions.openapi.build import *; write_documents(Path({str(tmp_path)!r}))",
    ]
    subprocess.run(command, cwd=ROOT, check=True, env={"PYTHONHASHSEED": "7"})
    assert {path.stem: path.read_text() for path in tmp_path.glob("*.json")} == written
    changed = tmp_path / "ml-api.json"
    changed.write_text("kept")
    write_documents(tmp_path)
    assert changed.read_text() == "kept"
    changed.unlink()
    write_documents(tmp_path)
    assert changed.read_text() == written["ml-api"]


def test_another_source_is_written_anew(tmp_path, monkeypatch):
    write_documents(tmp_path)
    (tmp_path / "ml-api.json").write_text("old")
    monkeypatch.setattr(build, "_sources", lambda: "others")
    write_documents(tmp_path)
    assert (tmp_path / "ml-api.json").read_text() != "old"


def test_a_route_that_no_function_has_is_named():
    offer = Offer(
        "x", "xUrl", (Route("GET", "/projects", "projects"), Route("GET", "/lost/{id}", "projects"))
    )
    with pytest.raises(DocumentError, match=r"GET /lost/\{id\}"):
        document("x-api", offer, "1")


def test_docstrings_are_read():
    text = """A thing.

    It has more
    to say.

    Attributes:
        one: First, which
            goes on: here.
        two: Second.

    Raises:
        three: Not a field.
    """
    assert prose(text) == "A thing.\n\nIt has more\nto say."
    assert attributes(text) == {"one": "First, which goes on: here.", "two": "Second."}
    assert attributes(None) == attributes("x") == {}
