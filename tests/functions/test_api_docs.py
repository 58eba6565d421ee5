"""The function that gives the APIs' documents."""

import json

import pytest

from functions.api_docs import handler as module
from functions.api_docs import logic
from functions.api_docs.handler import handler

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]


@pytest.fixture
def documents(tmp_path, monkeypatch):
    (tmp_path / "ml-api.json").write_text('{"openapi": "3.1.0", "info": {"title": "Straße"}}')
    (tmp_path / "secret.json").write_text("{}")
    monkeypatch.setattr(module, "document", lambda *of: logic.document(*of, folder=tmp_path))
    return tmp_path


@pytest.mark.usefixtures("documents")
def test_a_document_says_where_its_api_is(call, cloud):
    answer = call(handler, "GET", "/openapi/ml-api")
    addresses = json.loads(cloud.environment["API_ADDRESSES"])
    assert answer.status == 200
    assert answer.body["info"]["title"] == "Straße"
    assert answer.body["servers"] == [{"url": addresses["ml-api"]}]


@pytest.mark.usefixtures("documents")
@pytest.mark.parametrize("api", ["other-api", "secret", "..", "%2e%2e%2fsecret", "ml-api.json"])
def test_what_is_no_api_has_no_document(call, api):
    assert call(handler, "GET", f"/openapi/{api}").status == 404
