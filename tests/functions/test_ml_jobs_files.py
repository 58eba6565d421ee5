"""What a job has made: its logs, its files, and the links to its model."""

import uuid
from contextlib import suppress

import httpx
import pytest

from functions.delivery.handler import handler as delivery_handler
from functions.ml_jobs.handler import handler
from functions.shared.clock import now_ms
from functions.shared.job_names import StepJobName
from functions.shared.links import LinkStore
from functions.shared.stores import Table
from tests.functions.job_kit import artifacts_key, capture_of, jobs, put

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]


@pytest.fixture
def job(call, cloud, user):
    answer = call(handler, "POST", "/start-job", {"s3Url": capture_of(cloud, user)}, user=user)
    assert answer.status == 200, answer.body
    return answer.body["jobId"]


@pytest.fixture
def model(cloud, job):
    """Give the job a model, as its publishing would."""
    for name in ("model.sog", "index.html"):
        put(cloud, f"jobs/{job}/model/{name}", name)
    jobs().published(job, "https://view.example.org/open/x", {}, now_ms())
    return job


@pytest.fixture
def ask(call, user):
    """Ask about a job: method, what is behind its address, body."""

    def send(job_id, method, rest, body=None, *, as_user=user, **options):
        return call(handler, method, f"/jobs/{job_id}{rest}", body, user=as_user, **options)

    return send


def write_log(cloud, job_id, step, number, lines):
    logs = cloud.client("logs")
    group = "/aws/sagemaker/" + ("TrainingJobs" if step == "3dgs" else "ProcessingJobs")
    stream = f"{StepJobName(job_id, 1, step, number)}/algo-1-1700000000"
    for make, names in (
        (logs.create_log_group, {"logGroupName": group}),
        (logs.create_log_stream, {"logGroupName": group, "logStreamName": stream}),
    ):
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            make(**names)
    events = [{"timestamp": now_ms() + index, "message": line} for index, line in enumerate(lines)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def texts(answer):
    return [line["text"] for line in answer.body["lines"]]


def test_the_end_of_the_latest_log_is_shown_and_the_cursors_lead_on(cloud, job, ask):
    assert ask(job, "GET", "/logs").body["lines"] == []
    write_log(cloud, job, "3dgs", 1, ["spot machine", "gone"])
    write_log(cloud, job, "3dgs", 2, [f"step {n}" for n in range(10)])
    write_log(cloud, job, "sfm", 1, ["matching"])
    jobs().in_stage(StepJobName(job, 1, "3dgs", 2), "Training", now_ms(), now_ms())
    tail = ask(job, "GET", "/logs", query={"limit": "4"})
    assert (tail.body["step"], texts(tail)) == ("3dgs", [f"step {n}" for n in range(6, 10)])
    older = ask(job, "GET", "/logs", query={"limit": "4", "cursor": tail.body["olderCursor"]})
    assert texts(older) == [f"step {n}" for n in range(2, 6)]
    write_log(cloud, job, "3dgs", 2, ["done"])
    newer = ask(job, "GET", "/logs", query={"cursor": tail.body["newerCursor"]})
    assert texts(newer) == ["done"]
    assert texts(ask(job, "GET", "/logs", query={"step": "sfm"})) == ["matching"]


def test_a_cursor_of_another_job_or_of_nobody_shows_nothing(call, cloud, user, job, ask):
    write_log(cloud, job, "sfm", 1, ["secret"])
    cursor = ask(job, "GET", "/logs", query={"step": "sfm"}).body["newerCursor"]
    other = call(handler, "POST", "/start-job", {"s3Url": capture_of(cloud, user)}, user=user).body["jobId"]
    for bad in (cursor, "e30=", "WzEsMl0=", "?"):
        answer = ask(other, "GET", "/logs", query={"cursor": bad})
        assert (answer.status, answer.body["code"]) == (400, "INVALID_CURSOR"), bad


def test_files_can_be_fetched_at_their_addresses(cloud, model, ask):
    put(cloud, f"jobs/{model}/sfm/report.json", "{}")
    put(cloud, f"jobs/{model}/sfm/images/DJI_0001.jpg")
    put(cloud, f"jobs/{model}/3dgs/checkpoints/step-100.pt")
    put(cloud, artifacts_key(model, 1, 1))
    answer = ask(model, "GET", "/artifacts").body
    files = {file["name"]: file for file in answer["artifacts"]}
    training = artifacts_key(model, 1, 1).removeprefix(f"jobs/{model}/")
    assert set(files) == {"model/model.sog", "model/index.html", "sfm/report.json", training}
    got = httpx.get(files["model/model.sog"]["url"], trust_env=False)
    assert (got.text, len(got.content)) == ("model.sog", files["model/model.sog"]["bytes"])
    assert "attachment" in got.headers["Content-Disposition"]


def opened(call, link):
    path = link["url"].removeprefix("https://view.example.org")
    return call(delivery_handler, "GET", path, user=None)


def test_a_shared_link_opens_until_it_is_withdrawn(call, model, ask):
    link = ask(model, "POST", "/links", {"label": "The surveyor"}).body
    assert (link["kind"], link["state"], link["expiresAt"]) == ("shared", "open", None)
    assert opened(call, link).status == 302
    withdrawn = ask(model, "DELETE", f"/links/{link['linkId']}")
    assert withdrawn.body["state"] == "revoked"
    assert opened(call, link).status == 410
    assert ask(model, "DELETE", f"/links/{link['linkId']}").body == withdrawn.body
    assert ask(model, "GET", "/links").body["links"] == [withdrawn.body]


def test_an_expiring_link_ends_and_its_cookies_with_it(call, model, ask, monkeypatch):
    link = ask(model, "POST", "/links", {"expiresInSeconds": 400}).body
    cookies = opened(call, link).headers["Set-Cookie"]
    assert all(int(cookie.split("Max-Age=")[1].split(";")[0]) <= 400 for cookie in cookies)
    monkeypatch.setattr("functions.delivery.handler.now_seconds", lambda: now_ms() // 1000 + 401)
    assert opened(call, link).status == 410


def test_links_are_apart(call, model, ask):
    first, second = (ask(model, "POST", "/links", {"label": label}).body for label in ("a", "b"))
    assert first["linkId"] != second["linkId"]
    ask(model, "DELETE", f"/links/{first['linkId']}")
    assert opened(call, second).status == 302
    shown = ask(model, "GET", "/links").body["links"]
    assert [(one["label"], one["state"]) for one in shown] == [("b", "open"), ("a", "revoked")]


def test_withdrawing_the_mailed_link_takes_it_from_the_job(model, ask):
    _, token = jobs().reserve_link(model, "t" * 43)
    LinkStore(Table("links")).table.put_new(
        {"token": token, "jobId": model, "owner": jobs().get(model).owner, "createdAt": 1}, key="token"
    )
    (link,) = ask(model, "GET", "/links").body["links"]
    assert link["kind"] == "mailed"
    ask(model, "DELETE", f"/links/{link['linkId']}")
    assert ask(model, "GET", "").body["viewerUrl"] is None


def test_there_is_nothing_to_share_before_there_is_a_model(job, ask):
    answer = ask(job, "POST", "/links", {})
    assert (answer.status, answer.body["code"]) == (409, "NO_MODEL")


def test_the_same_key_makes_one_link(model, ask):
    ids = {
        ask(model, "POST", "/links", {}, headers={"Idempotency-Key": "k"}).body["linkId"] for _ in range(3)
    }
    assert len(ids) == 1


def test_a_stranger_neither_sees_nor_changes_anything(model, ask):
    link = ask(model, "POST", "/links", {}).body
    stranger = str(uuid.uuid4())
    for method, rest, body in (
        ("GET", "/logs", None),
        ("GET", "/artifacts", None),
        ("GET", "/links", None),
        ("POST", "/links", {}),
        ("DELETE", f"/links/{link['linkId']}", None),
    ):
        assert ask(model, method, rest, body, as_user=stranger).status == 404
    other_job = ask(model, "DELETE", "/links/nonsense")
    assert other_job.status == 404
    assert ask(model, "GET", "/links").body["links"] == [link]
