"""The HTTP server in front of a distribution: checks signatures, and lets MiniStack's CloudFront serve."""

import http.client
import threading
from collections.abc import Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from local.cloud import EmbeddedCloud
from local.edge.distribution import Distribution, DistributionError, load
from local.edge.response_headers import UnknownHeaderError
from local.edge.signature import AccessDenied, Viewer, check

CHUNK_BYTES = 256 * 1024
ORIGIN_SECONDS = 60.0
# Of the connection, not of the message: never passed on.
HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host")
)


class EdgeError(Exception):
    """The edge cannot serve a distribution."""


class Edge:
    """A distribution's address on this machine, at 127.0.0.1, from construction to `close`.

    Attributes:
        url: The address, without a slash at its end. It is there at once: what is deployed may need it.
    """

    def __init__(self, cloud: EmbeddedCloud) -> None:
        """Opens the address; until `serve` is called, it answers 503.

        Args:
            cloud: The cloud that the distribution is in.
        """
        self._cloud = cloud
        self._server = _Server()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._server.public_url = self.url
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True, name="edge"
        )
        self._thread.start()

    def serve(self, distribution_id: str) -> None:
        """Serves a distribution from now on, as it is configured now.

        Raises:
            EdgeError: It asks for something that the edge cannot do.
        """
        try:
            distribution = load(self._cloud.client("cloudfront"), distribution_id)
        except (DistributionError, UnknownHeaderError) as error:
            msg = f"Distribution {distribution_id}: {error}"
            raise EdgeError(msg) from error
        self._server.cloud_port = self._cloud.port
        self._server.distribution = distribution

    def close(self) -> None:
        """Closes the address."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        """Returns itself: it is open already."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes the address."""
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Waiting for open connections would hold the end up as long as a browser keeps them.
    block_on_close = False
    request_queue_size = 128
    distribution: Distribution | None = None
    cloud_port = 0
    public_url = ""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - the standard library's
        """Keeps silent: a viewer that leaves in the middle is no error."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "CloudFront"
    server: _Server
    # One small packet less per answer, and no wait for an acknowledgement between headers and body.
    wbufsize = CHUNK_BYTES
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the standard library's
        """Logs nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        distribution = self.server.distribution
        if distribution is None:
            self._error(HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable", "Nothing is deployed here yet.")
            return
        behaviour = distribution.behaviour(unquote(urlsplit(self.path).path))
        if behaviour.keys is not None:
            url = self.server.public_url + self.path
            cookie = "; ".join(self.headers.get_all("Cookie") or [])
            try:
                check(Viewer(url, cookie, self.client_address[0]), behaviour.keys)
            except AccessDenied as error:
                self._error(HTTPStatus.FORBIDDEN, error.code, str(error))
                return
        self._pass_on(distribution, behaviour.headers.of(self.headers.get("Origin")), body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _answer  # noqa: N815 - the standard library's names

    def _pass_on(self, distribution: Distribution, added: Mapping[str, str], body: bytes) -> None:
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
        # The distribution is found by its domain, and viewers reach it by HTTPS.
        headers |= {"Host": distribution.domain, "X-Forwarded-Proto": "https", "Connection": "close"}
        origin = http.client.HTTPConnection("127.0.0.1", self.server.cloud_port, timeout=ORIGIN_SECONDS)
        try:
            origin.request(self.command, self.path, body or None, headers)
            self._return(origin.getresponse(), added)
        except OSError as error:
            self._error(HTTPStatus.BAD_GATEWAY, "BadGateway", f"The embedded cloud does not answer: {error}")
            self.close_connection = True
        finally:
            origin.close()

    def _return(self, answer: http.client.HTTPResponse, added: Mapping[str, str]) -> None:
        self.send_response_only(answer.status, answer.reason)
        replaced = {name.lower() for name in added}
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in replaced]
        for name, value in (*kept, *added.items()):
            if name.lower() == "set-cookie":
                self.send_header(name, _without_secure(value))
            elif name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if answer.length is None and self.command != "HEAD":
            # Without a length, the end of the connection is the end of the body.
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        while chunk := answer.read(CHUNK_BYTES):
            self.wfile.write(chunk)

    def _error(self, status: HTTPStatus, code: str, message: str) -> None:
        xml = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        body = f'<?xml version="1.0" encoding="UTF-8"?>{xml}'.encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Server", "CloudFront")
        self.send_header("X-Cache", "Error from cloudfront")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _without_secure(cookie: str) -> str:
    """Takes `Secure` off a cookie: this address is the one a browser has, and it has no TLS."""
    parts = [part.strip() for part in cookie.split(";")]
    return "; ".join(part for part in parts if part.lower() != "secure")
