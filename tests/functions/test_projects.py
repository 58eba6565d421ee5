"""The projects API over real DynamoDB calls."""

import base64
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.projects.handler import handler
from functions.shared.stores import Table

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
    assert answer.body == {"project": project, "captures": [], "flightPlans": [], "jobs": []}
    listed = call(handler, "GET", "/projects", user=user)
    assert listed.body["projects"] == [project]


@pytest.mark.parametrize("number", [0.1, -2.5e-130, 1e38, 9.9e125, 10**38 - 1, -(2**53) - 1, 1e22, 3.0])
def test_a_number_comes_back_as_it_was_sent_and_can_be_sent_again(call, project, user, number):
    path = f"/projects/{project['projectId']}"
    sent = {"parts": [{"number": number}]}
    for _ in range(2):
        assert call(handler, "PATCH", path, {"params": sent}, user=user).status == 200
        read = call(handler, "GET", path, user=user).body["project"]["params"]
        assert read == sent
        sent = read


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


def test_a_deleted_project_is_gone_at_once(call, project, user, housekeeping):
    path = f"/projects/{project['projectId']}"
    assert call(handler, "DELETE", path, user=user).body == {"ok": True}
    for method, body in (("GET", None), ("DELETE", None), ("PATCH", {"title": "x"})):
        assert call(handler, method, path, body, user=user).status == 404
    for method in ("GET", "POST"):
        assert call(handler, method, f"{path}/export", user=user).status == 404
    assert call(handler, "GET", "/projects", user=user).body["projects"] == []
    taken = {"projectId": project["projectId"]}
    assert call(handler, "POST", "/projects", taken, user=user).status == 409
    housekeeping.work()
    assert call(handler, "POST", "/projects", taken, user=user).status == 200


def test_every_answer_about_a_project_has_its_version_as_an_etag(call, user):
    made = call(handler, "POST", "/projects", {}, user=user)
    path = f"/projects/{made.body['project']['projectId']}"
    changed = call(handler, "PATCH", path, {"title": "x"}, user=user)
    read = call(handler, "GET", path, user=user)
    assert [one.header("ETag") for one in (made, changed, read)] == ['"1"', '"2"', '"2"']
    exposed = read.header("Access-Control-Expose-Headers") or ""
    assert "ETag" in exposed.split(",")


def test_of_two_writers_who_read_the_same_one_loses_nothing_of_the_other(call, project, user):
    path = f"/projects/{project['projectId']}"
    tag = call(handler, "GET", path, user=user).header("ETag")
    changes = [{"title": "of one"}, {"params": {"of": "two"}}]
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(
                lambda body: call(handler, "PUT", path, body, user=user, headers={"If-Match": tag}), changes
            )
        )
    assert sorted(answer.status for answer in answers) == [200, 412]
    (late,) = [index for index, answer in enumerate(answers) if answer.status == 412]
    assert answers[late].body["code"] == "VERSION_CONFLICT"
    tag = call(handler, "GET", path, user=user).header("ETag")
    again = call(handler, "PUT", path, changes[late], user=user, headers={"If-Match": tag})
    after = again.body["project"]
    assert (after["title"], after["params"]) == ("of one", {"of": "two"})


@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ("*", 200),
        ('"1"', 200),
        ('"7", "1"', 200),
        ('W/"1"', 412),
        ('"2"', 412),
        ("1", 412),
        ("nonsense", 412),
    ],
)
def test_a_condition_is_read_as_http_has_it(call, project, user, if_match, status):
    path, headers = f"/projects/{project['projectId']}", {"If-Match": if_match}
    assert call(handler, "PATCH", path, {"title": "x"}, user=user, headers=headers).status == status


def test_a_condition_of_the_header_and_one_of_the_body_both_count(call, project, user):
    path = f"/projects/{project['projectId']}"
    body = {"title": "x", "version": 2}
    answer = call(handler, "PATCH", path, body, user=user, headers={"If-Match": '"1"'})
    assert (answer.status, answer.body["code"]) == (409, "VERSION_CONFLICT")
    assert call(handler, "GET", path, user=user).body["project"] == project


def test_a_project_that_was_changed_meanwhile_is_not_deleted(call, project, user, housekeeping):
    path = f"/projects/{project['projectId']}"
    call(handler, "PATCH", path, {"title": "x"}, user=user)
    assert call(handler, "DELETE", path, user=user, headers={"If-Match": '"1"'}).status == 412
    assert not housekeeping.asked
    assert call(handler, "DELETE", path, user=user, headers={"If-Match": '"2"'}).status == 200


def test_a_row_of_an_older_system_has_a_version_too(call, user):
    Table("projects").put_new({"userSub": user, "projectId": "old", "title": "Old"}, key="projectId")
    tag = call(handler, "GET", "/projects/old", user=user).header("ETag")
    headers = {"If-Match": tag}
    statuses = [
        call(handler, "PATCH", "/projects/old", {"title": "x"}, user=user, headers=headers).status
        for _ in range(2)
    ]
    assert statuses == [200, 412]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    writes=st.lists(
        st.tuples(st.sampled_from(["a", "b", "c"]), st.sampled_from(["read", "header", "body"])), max_size=12
    )
)
def test_no_sequence_of_writers_loses_an_update(call, writes):
    """Writers count in one field: what each was told to be done is in it, however stale their reading."""
    user = str(uuid.uuid4())
    path = "/projects/p"
    made = call(handler, "POST", "/projects", {"projectId": "p", "params": {"n": 0}}, user=user).body[
        "project"
    ]
    seen = dict.fromkeys("abc", made)
    done = 0
    for writer, act in writes:
        if act == "read":
            seen[writer] = call(handler, "GET", path, user=user).body["project"]
            continue
        version = seen[writer]["version"]
        body = {"params": {"n": seen[writer]["params"]["n"] + 1}}
        headers = {"If-Match": f'"{version}"'} if act == "header" else None
        body |= {"version": version} if act == "body" else {}
        answer = call(handler, "PATCH", path, body, user=user, headers=headers)
        assert answer.status in (200, 412 if act == "header" else 409)
        if answer.status == 200:
            done += 1
            seen[writer] = answer.body["project"]
    project = call(handler, "GET", path, user=user).body["project"]
    assert (project["params"], project["version"]) == ({"n": done}, done + 1)


def test_a_change_makes_no_project(call, user):
    path = f"/projects/{uuid.uuid4()}"
    assert call(handler, "PATCH", path, {"title": "x"}, user=user).status == 404
    assert call(handler, "GET", "/projects", user=user).body["projects"] == []


def test_every_route_hides_another_persons_project(call, project, user, housekeeping):
    path = f"/projects/{project['projectId']}"
    call(handler, "POST", f"{path}/export", user=user)
    mine = len(housekeeping.asked)
    requests = [(method, path, body) for method, body in (("GET", None), ("DELETE", None))]
    requests += [(method, path, {"title": "x"}) for method in ("PUT", "PATCH")]
    requests += [(method, f"{path}/export", None) for method in ("GET", "POST")]
    for method, place, body in requests:
        answer = call(handler, method, place, body, user=str(uuid.uuid4()))
        assert (answer.status, answer.body["code"]) == (404, "NOT_FOUND"), method
        assert call(handler, method, place, body, user=None).status == 401
    assert len(housekeeping.asked) == mine
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
