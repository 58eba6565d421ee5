"""What the smoke test says of a model that is not as it should be, served by a small server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from local.client import ApiError
from operations.smoke.checks import CheckFailedError
from operations.smoke.model import look_at_model

MODEL = b"PK\x03\x04 and so on"
PHOTOS = 14
COOKIE = "signed=yes"


class Site:
    """A link and a model behind it, as they should be; a test breaks a part."""

    def __init__(self) -> None:
        report = {
            "sfm": {"output": {"registered": PHOTOS}},
            "compressor": {"output": {"sog_bytes": len(MODEL)}},
        }
        self.files = {
            "/jobs/1/model/index.html": b"<!doctype html><HTML></HTML>",
            "/jobs/1/model/model.sog": MODEL,
            "/jobs/1/model/report.json": json.dumps(report).encode(),
        }
        self.is_open = False


@pytest.fixture
def site() -> Iterator[tuple[Site, str]]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/open/token":
                self.send_response(302)
                self.send_header("Set-Cookie", f"{COOKIE}; Path=/")
                self.send_header("Location", "/jobs/1/model/index.html")
                self.end_headers()
                return
            content = site.files.get(self.path)
            signed = site.is_open or COOKIE in self.headers.get("Cookie", "")
            self.send_response(403 if not signed else 404 if content is None else 200)
            self.end_headers()
            if signed and content is not None:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield site, f"http://127.0.0.1:{server.server_port}/open/token"
    server.shutdown()
    server.server_close()


def test_a_model_that_is_whole_and_closed_passes(site):
    assert f"{PHOTOS} of {PHOTOS}" in look_at_model(site[1], photos=PHOTOS)


def test_a_model_that_strangers_see_fails(site):
    site[0].is_open = True
    with pytest.raises(CheckFailedError, match="answers a stranger without cookies 200") as failed:
        look_at_model(site[1], photos=PHOTOS)
    assert "key groups" in failed.value.next_step


def test_photos_that_are_not_registered_are_counted(site):
    with pytest.raises(CheckFailedError, match=f"{PHOTOS} of {PHOTOS + 1} photos"):
        look_at_model(site[1], photos=PHOTOS + 1)


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"not an archive"])
def test_another_model_than_the_one_written_fails(site, content: bytes):
    site[0].files["/jobs/1/model/model.sog"] = content
    with pytest.raises(CheckFailedError, match="is not the model"):
        look_at_model(site[1], photos=PHOTOS)


@pytest.mark.parametrize("file", ["index.html", "model.sog", "report.json"])
def test_a_file_that_is_not_there_fails(site, file: str):
    del site[0].files[f"/jobs/1/model/{file}"]
    with pytest.raises((httpx.HTTPStatusError, ApiError), match="404"):
        look_at_model(site[1], photos=PHOTOS)


def test_a_page_that_is_none_fails(site):
    site[0].files["/jobs/1/model/index.html"] = b"nothing"
    with pytest.raises(CheckFailedError, match="no page"):
        look_at_model(site[1], photos=PHOTOS)


def test_a_job_without_a_link_fails():
    with pytest.raises(CheckFailedError, match="no link"):
        look_at_model(None, photos=PHOTOS)
