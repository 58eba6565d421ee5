"""A real browser and a server that behaves as the delivery does, for tests that look at pages."""

import http.server
import os
import re
import shutil
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_BROWSERS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
SKIP_VARIABLE = "SPACEPORT_SKIP_BROWSER"
# Software rendering, no sandbox (containers have no user namespaces) and nothing that calls home.
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]
CONTENT_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".json": "application/json",
    ".jpg": "image/jpeg",
    ".svg": "image/svg+xml",
}


def find_chromium() -> str | None:
    """Returns the path of a Chromium or Chrome on this machine, if there is one."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    return next((path for path in MAC_BROWSERS if sys.platform == "darwin" and Path(path).exists()), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A headless Chromium; a machine without one fails unless it says that it wants to do without."""
    path = find_chromium()
    if path is None:
        if os.environ.get(SKIP_VARIABLE) == "1":
            pytest.skip(f"{SKIP_VARIABLE}=1 and there is no Chromium")
        pytest.fail(
            f"There is no Chromium: install the package `chromium` (or set {SKIP_VARIABLE}=1 to do without).",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class FileServer:
    """Serves a folder over HTTP, with range requests.

    Attributes:
        url: Of the folder, without a trailing slash.
        requests: Paths asked for so far, without the query.
        refuse: Path -> status to answer with instead.
    """

    url: str
    requests: list[str] = field(default_factory=list)
    refuse: dict[str, int] = field(default_factory=dict)


def make_handler(folder: Path, server: FileServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            server.requests.append(path)
            file = folder / path.lstrip("/")
            if file.is_dir():
                file /= "index.html"
            if path in server.refuse or not file.is_file():
                self.answer(server.refuse.get(path, 404), b"", {})
                return
            content = file.read_bytes()
            headers = {
                "Content-Type": CONTENT_TYPES.get(file.suffix, "application/octet-stream"),
                "Accept-Ranges": "bytes",
                "X-Content-Type-Options": "nosniff",
            }
            wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            if wanted is None:
                self.answer(200, content, headers)
                return
            first, last = int(wanted[1]), min(int(wanted[2] or len(content) - 1), len(content) - 1)
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            self.answer(206, content[first : last + 1], headers)

        def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Keeps the test's output to what failed."""

    return Handler


@pytest.fixture
def serve() -> Iterator[Any]:
    """Returns a function that serves a folder and gives its FileServer; all stop with the test."""
    running: list[http.server.ThreadingHTTPServer] = []

    def start(folder: Path) -> FileServer:
        served = FileServer("")
        listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), make_handler(folder, served))
        served.url = f"http://127.0.0.1:{listener.server_port}"
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        running.append(listener)
        return served

    yield start
    for listener in running:
        listener.shutdown()
        listener.server_close()
