"""The deployed APIs answer what their documents say, whatever is asked; a small part of `make fuzz`."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from components.offers import OFFERS
from functions.openapi.build import write_documents
from tests.fuzz.run import fuzz
from tests.fuzz.target import Target, target

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

EXAMPLES = 8
"""Made-up requests per route."""


@pytest.fixture(scope="module")
def up() -> Iterator[Target]:
    with target() as deployed:
        yield deployed


@pytest.mark.cloud
def test_signed_in_people_get_the_documents_with_the_apis_addresses(up):
    with httpx.Client(base_url=up.addresses["ml-api"], trust_env=False, timeout=30) as browser:
        for path in write_documents():
            url = f"/openapi/{path.stem}"
            assert browser.get(url).status_code == 401
            answer = browser.get(url, headers={"Authorization": f"Bearer {up.token}"})
            served = answer.json()
            assert served.pop("servers") == [{"url": up.addresses[path.stem]}]
            assert served == json.loads(path.read_text())


@pytest.mark.cloud
def test_every_answer_is_as_the_documents_say(up, tmp_path):
    outcomes = fuzz(up, tmp_path, examples=EXAMPLES, phases=("fuzzing",))
    assert {one.api for one in outcomes} == set(OFFERS)
    for one in outcomes:
        assert not one.failures, one.log
        assert one.requests >= EXAMPLES * len(OFFERS[one.api].routes) / 2, one.log
    # Refusals alone would try nothing but the checks of requests.
    assert sum(one.accepted for one in outcomes) > sum(one.requests for one in outcomes) / 20


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"error": "x", "code": "X", "requestId": "r"}),
        (418, {"error": "x", "code": "X", "requestId": "r"}),
        (400, {"message": "Bad Request"}),
        (200, {"message": "Thank you", "email": "a@example.com", "success": True}),
    ],
)
def test_what_is_not_as_the_documents_say_is_seen(tmp_path, status, body):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        apis = Target({"waitlist-api": f"http://127.0.0.1:{server.server_port}"}, "token")
        (outcome,) = fuzz(apis, tmp_path, examples=2, phases=("fuzzing",))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert outcome.failures
