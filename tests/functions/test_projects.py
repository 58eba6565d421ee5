"""The projects API over real DynamoDB calls."""

import base64
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from functions.projects.handler import handler

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]


@pytest.fixture
def project(call, user):
    """Make a project."""
    body = {"title": "Barn", "params": {"batteries": 3, "latitude": 41.7}, "upload": {"ignored": True}}
    answer = call(handler, "POST", "/projects", body, user=user)
    assert answer.status == 200, answer.body
    return answer.body["project"]


def test_a_project_has_the_fields_that_clients_know(project, user):
    assert project["userSub"] == user
    assert project["email"] == f"{user}@example.org"
    assert (project["title"], project["status"], project["progress"]) == ("Barn", "draft", 0)
    assert project["params"] == {"batteries": 3, "latitude": 41.7}
    assert project["createdAt"] == project["updatedAt"]
    assert "upload" not in project


def test_a_project_is_read_as_it_was_written(call, project, user):
    answer = call(handler, "GET", f"/projects/{project['projectId']}", user=user)
    assert answer.body == {"project": project}
    listed = call(handler, "GET", "/projects", user=user)
    assert listed.body["projects"] == [project]


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_touches_only_what_it_names(call, project, user, method):
    path = f"/projects/{project['projectId']}"
    changed = call(handler, method, path, {"status": "path_downloaded", "progress": 20}, user=user)
    assert changed.status == 200
    after = changed.body["project"]
    assert (after["status"], after["progress"], after["version"]) == ("path_downloaded", 20, 2)
    assert {name: after[name] for name in ("title", "params", "createdAt")} == {
        name: project[name] for name in ("title", "params", "createdAt")
    }
    assert call(handler, "GET", path, user=user).body["project"] == after


def test_of_two_changes_to_one_version_one_is_told_to_read_again(call, project, user):
    path = f"/projects/{project['projectId']}"
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(
                lambda title: call(handler, "PATCH", path, {"title": title, "version": 1}, user=user),
                ("one", "two"),
            )
        )
    assert sorted(answer.status for answer in answers) == [200, 409]


def test_a_deleted_project_is_gone(call, project, user):
    path = f"/projects/{project['projectId']}"
    assert call(handler, "DELETE", path, user=user).body == {"ok": True}
    for method in ("GET", "DELETE"):
        assert call(handler, method, path, user=user).status == 404


def test_a_change_makes_no_project(call, user):
    path = f"/projects/{uuid.uuid4()}"
    assert call(handler, "PATCH", path, {"title": "x"}, user=user).status == 404
    assert call(handler, "GET", "/projects", user=user).body["projects"] == []


def test_every_route_hides_another_persons_project(call, project):
    path = f"/projects/{project['projectId']}"
    for method, body in (("GET", None), ("PUT", {"title": "x"}), ("PATCH", {"title": "x"}), ("DELETE", None)):
        answer = call(handler, method, path, body, user=str(uuid.uuid4()))
        assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND"), method
        assert call(handler, method, path, body, user=None).status == 401
    assert call(handler, "GET", "/projects", user=None).status == 401
    assert call(handler, "POST", "/projects", {}, user=None).status == 401
    assert call(handler, "GET", "/projects", user=str(uuid.uuid4())).body["projects"] == []


def test_an_id_is_taken_once(call, user):
    body = {"projectId": "barn-1"}
    first = call(handler, "POST", "/projects", body, user=user)
    second = call(handler, "POST", "/projects", body, user=user)
    other = call(handler, "POST", "/projects", body, user=str(uuid.uuid4()))
    assert (first.status, second.status, other.status) == (200, 409, 200)


def test_pages_give_every_project_once(call, user):
    ids = {call(handler, "POST", "/projects", {}, user=user).body["project"]["projectId"] for _ in range(5)}
    seen: list[str] = []
    query = {"limit": "2"}
    while True:
        page = call(handler, "GET", "/projects", user=user, query=query).body
        assert len(page["projects"]) <= 2
        seen += [project["projectId"] for project in page["projects"]]
        if page["nextCursor"] is None:
            break
        query = {"limit": "2", "cursor": page["nextCursor"]}
    assert sorted(seen) == sorted(ids)


def cursor_of(text):
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "x"},
        {"limit": "9" * 30},
        {"cursor": "nonsense"},
        {"cursor": "WzFd"},
        {"cursor": "\u00e4"},
        {"cursor": cursor_of('{"projectId": {"X": "1"}}')},
        {"cursor": cursor_of('{"projectId": {"S": 1}}')},
        {"cursor": cursor_of("[" * 3000)},
    ],
)
def test_paging_that_makes_no_sense_is_refused(call, user, query):
    assert call(handler, "GET", "/projects", user=user, query=query).status == 400


def test_another_persons_cursor_shows_nothing_of_theirs(call, user):
    for _ in range(3):
        call(handler, "POST", "/projects", {}, user=user)
    cursor = call(handler, "GET", "/projects", user=user, query={"limit": "1"}).body["nextCursor"]
    answer = call(handler, "GET", "/projects", user=str(uuid.uuid4()), query={"cursor": cursor})
    assert answer.status == 400 or answer.body["projects"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"progress": 101}, "progress"),
        ({"status": "sold"}, "status"),
        ({"title": "x" * 201}, "title"),
        ({"params": []}, "params"),
        ({"params": {"x": "y" * 70_000}}, "params"),
        ('{"params": ' + '{"a":' * 30 + "1" + "}" * 30 + "}", "params"),
    ],
)
def test_a_wrong_field_is_named(call, project, user, body, field):
    for method, path in (("POST", "/projects"), ("PATCH", f"/projects/{project['projectId']}")):
        answer = call(handler, method, path, body, user=user)
        assert (answer.status, answer.body["code"]) == (400, "INVALID_REQUEST")
        assert field in answer.body["error"]


def test_a_change_of_nothing_is_refused(call, project, user):
    answer = call(handler, "PATCH", f"/projects/{project['projectId']}", {"email": "x@y"}, user=user)
    assert (answer.status, answer.body["code"]) == (400, "NOTHING_TO_CHANGE")
