"""The client's way through the upload routes, where connections break."""

import json
from collections.abc import Callable

import httpx
import pytest

from functions.file_upload.handler import handler
from functions.file_upload.parts import MIN_PART_BYTES
from local import client
from tests.functions.upload_kit import rows

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

API = "http://api.example/prod"


@pytest.fixture
def pilot(call, user, monkeypatch):
    """Give a client whose requests come to the handler, and whose parts go where a function sends them."""
    monkeypatch.setattr("functions.file_upload.parts.USUAL_PART_BYTES", MIN_PART_BYTES)
    monkeypatch.setattr(client, "ONE_PART_BYTES", MIN_PART_BYTES)
    monkeypatch.setattr(client, "RETRY_SECONDS", 0.01)
    made = []

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/prod")
        got = call(handler, request.method, path, json.loads(request.content), user=user)
        return httpx.Response(got.status, json=got.body)

    def make(break_off: Callable[[], bool] = lambda: False) -> client.Spaceport:
        real = httpx.HTTPTransport()

        def part(request: httpx.Request) -> httpx.Response:
            if break_off():
                raise httpx.ConnectError("the connection is lost")
            return real.handle_request(request)

        addresses = client.Addresses(API, API, API, API, "pool", "client")
        api = client.Spaceport(addresses, "token")
        api._http = httpx.Client(transport=httpx.MockTransport(answer))
        api._s3 = httpx.Client(transport=httpx.MockTransport(part))
        made.append(api)
        return api

    yield make
    for api in made:
        api.close()


@pytest.fixture
def files(tmp_path):
    contents = {"a.jpg": b"a photo", "b.zip": b"z" * (2 * MIN_PART_BYTES + 9), "c.jpg": b"c photo"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    return [(name, tmp_path / name) for name in contents]


def arrived(cloud, place: str) -> dict[str, bytes]:
    """Give a capture's objects by name."""
    bucket, _, prefix = place.removeprefix("s3://").partition("/")
    s3 = cloud.client("s3")
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    return {key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}


@pytest.mark.parametrize("every", [10**6, 2, 3])
def test_a_capture_arrives_whole_however_often_the_connection_breaks(cloud, pilot, files, every):
    sent = 0

    def break_off() -> bool:
        nonlocal sent
        sent += 1
        return sent % every == 0

    counted = []
    place = pilot(break_off).upload_capture(files, counted.append, at_once=1)
    assert arrived(cloud, place) == {name: path.read_bytes() for name, path in files}
    assert sum(counted) == sum(path.stat().st_size for _, path in files)


def test_a_file_goes_on_after_a_reload(cloud, pilot, files):
    name, path = files[1]
    before = pilot()
    upload = before._start_file(name, path, {})
    place = {key: upload[key] for key in ("uploadId", "bucketName", "objectKey")}
    some = {"partNumbers": [2], "checksums": [client._sha256(client._part(path, upload["partSize"], 2))]}
    (link,) = before._call("POST", before._upload_url("get-presigned-urls"), place | some)["parts"]
    before._send(path, upload["partSize"], link, lambda _: None)
    counted = []
    pilot().finish_file(place, path, counted.append)
    assert sum(counted) == path.stat().st_size - upload["partSize"]
    assert rows(cloud, upload["captureId"]).files[name]["state"] == "uploaded"


def test_a_connection_that_stays_away_is_told(pilot, files):
    with pytest.raises(ConnectionError, match="not arrived"):
        pilot(lambda: True).upload_capture(files[:1])
