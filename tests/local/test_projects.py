"""A project's end, whole: deployed with IAM enforced, exported, fetched, deleted, and nothing left of it."""

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import httpx
import pytest

from local import client, people
from local.deployed import Deployed

pytestmark = [pytest.mark.cloud, pytest.mark.slow, pytest.mark.timeout(600)]

SECONDS = 60.0
PHOTOS = {"one.jpg": b"\xff\xd8 one" * 1000, "two.jpg": b"\xff\xd8 two" * 1000}
MODEL = {"index.html": b"<html>", "model.sog": b"splats" * 1000}

Send = Callable[..., httpx.Response]


@pytest.fixture(scope="module")
def send(up: Deployed) -> Iterator[Send]:
    """Give a function that sends a signed-in person's requests."""
    addresses = client.Addresses.from_outputs(up.deployment.outputs)
    person = people.sign_in_new(up.cloud.client("cognito-idp"), addresses, "pilot@example.com")
    headers = {"Authorization": f"Bearer {person.token}"}
    with httpx.Client(timeout=SECONDS, headers=headers, trust_env=False) as browser:

        def request(method: str, output: str, path: str = "", body: Any = None) -> httpx.Response:  # noqa: ANN401
            url = up.deployment.outputs[output].rstrip("/") + path
            # API Gateway wants a body of JSON where it knows a model for one.
            sent = {} if body is None and method in ("POST", "PUT", "PATCH") else body
            return browser.request(method, url, json=sent)

        yield request


def physical(up: Deployed, name: str) -> str:
    return next(one.id for one in up.deployment.resources if one.name == name)


def upload(send: Send, project: str) -> str:
    """Upload the photos as a capture of a project, and begin a file that is never completed."""
    capture = None
    for name, data in {**PHOTOS, "never.jpg": b""}.items():
        start = {"fileName": name, "projectId": project} | ({"captureId": capture} if capture else {})
        begun = send("POST", "fileUploadApiUrl", "/start-multipart-upload", start).json()
        capture = begun.pop("captureId")
        if data:
            part = {**begun, "partNumber": 1}
            url = send("POST", "fileUploadApiUrl", "/get-presigned-url", part).json()["url"]
            tag = httpx.put(url, content=data, trust_env=False).headers["ETag"]
            done = {**begun, "parts": [{"ETag": tag, "PartNumber": 1}]}
            assert send("POST", "fileUploadApiUrl", "/complete-multipart-upload", done).is_success
    assert capture
    return str(capture)


def put_model(up: Deployed, owner: str, project: str, capture: str) -> tuple[str, str]:
    """Write a finished job with its model and link, as the pipeline leaves it; give the job and the token."""
    job, token, at = str(uuid.uuid4()), uuid.uuid4().hex + uuid.uuid4().hex[:11], str(int(time.time() * 1000))
    dynamodb, s3 = up.cloud.client("dynamodb"), up.cloud.client("s3")
    words = {
        "jobId": job,
        "owner": owner,
        "projectId": project,
        "captureId": capture,
        "captureUri": f"s3://{up.deployment.outputs['uploadsBucket']}/uploads/{owner}/{capture}/",
        "preset": "draft",
        "status": "SUCCEEDED",
        "linkToken": token,
    }
    row = {name: {"S": value} for name, value in words.items()}
    dynamodb.put_item(
        TableName=physical(up, "jobs-table"), Item={**row, "createdAt": {"N": at}, "publishedAt": {"N": at}}
    )
    link = {name: {"S": value} for name, value in {"token": token, "jobId": job, "owner": owner}.items()}
    dynamodb.put_item(TableName=physical(up, "links-table"), Item={**link, "createdAt": {"N": at}})
    for name, data in {**MODEL, "../request.json": b"{}"}.items():
        key = f"jobs/{job}/request.json" if name.startswith("..") else f"jobs/{job}/model/{name}"
        s3.put_object(Bucket=up.deployment.outputs["mlBucket"], Key=key, Body=data)
    return job, token


def await_that(look: Callable[[], Any]) -> Any:  # noqa: ANN401 -- whatever is looked for
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it does not come")


def keys(up: Deployed) -> set[str]:
    """Keys of everything in the buckets of people's things."""
    s3 = up.cloud.client("s3")
    listed = [s3.list_objects_v2(Bucket=up.deployment.outputs[one]) for one in ("uploadsBucket", "mlBucket")]
    return {item["Key"] for page in listed for item in page.get("Contents", [])}


def test_a_project_is_exported_and_then_goes_with_all_that_belongs_to_it(up: Deployed, send: Send):
    before = keys(up)
    project = send("POST", "projectsApiUrl", "", {"title": "Barn"}).json()["project"]
    path, owner = f"/{project['projectId']}", project["userSub"]
    capture = upload(send, project["projectId"])
    job, token = put_model(up, owner, project["projectId"], capture)
    stays = send("POST", "projectsApiUrl", "", {"title": "Other"}).json()["project"]
    other = upload(send, stays["projectId"])
    shown = send("GET", "projectsApiUrl", path)
    assert shown.headers["ETag"] == '"1"'
    assert [one["captureId"] for one in shown.json()["captures"]] == [capture]
    assert [one["jobId"] for one in shown.json()["jobs"]] == [job]

    started = send("POST", "projectsApiUrl", f"{path}/export")
    assert started.status_code == HTTPStatus.OK, started.text

    def ready() -> dict[str, Any] | None:
        export = send("GET", "projectsApiUrl", f"{path}/export").json()["export"]
        assert export["state"] in ("running", "ready"), export
        return export if export["state"] == "ready" else None

    url = await_that(ready)["url"]
    archive = zipfile.ZipFile(io.BytesIO(httpx.get(url, trust_env=False).raise_for_status().content))
    files = {f"photos/{capture}/{name}": data for name, data in PHOTOS.items()}
    files |= {f"models/{job}/{name}": data for name, data in MODEL.items()}
    assert {name: archive.read(name) for name in files} == files
    assert json.loads(archive.read("project.json"))["project"]["title"] == "Barn"

    assert send("DELETE", "projectsApiUrl", path).json() == {"ok": True}
    assert send("GET", "projectsApiUrl", path).status_code == HTTPStatus.NOT_FOUND
    await_that(lambda: send("POST", "projectsApiUrl", "", {"projectId": path[1:]}).is_success)
    left = keys(up) - before
    assert {key.rpartition("/")[2] for key in left} == set(PHOTOS)
    assert {key.split("/")[2] for key in left} == {other}
    link = httpx.get(f"{up.deployment.outputs['deliveryUrl']}/open/{token}", trust_env=False)
    assert link.status_code == HTTPStatus.NOT_FOUND

    assert send("DELETE", "fileUploadApiUrl", f"/captures/{other}").json() == {"ok": True}
    await_that(lambda: not keys(up) - before)
    letters = up.cloud.client("sqs").get_queue_attributes(
        QueueUrl=physical(up, "housekeeping-dead-letters"), AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert letters["Attributes"]["ApproximateNumberOfMessages"] == "0"
