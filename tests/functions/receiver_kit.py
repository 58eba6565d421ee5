"""A receiver of webhooks: an HTTPS server of this process, under a certificate of a CA of its own.

It listens on 127.0.0.1, which no post may reach: a `Poster` for it is told that the receiver's name has a
public address, and a connection to that address is one to the server.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from functions.webhooks.post import Poster

HOST = "hooks.example.com"
URL = f"https://{HOST}/spaceport?from=spaceport"
PUBLIC_ADDRESS = "93.184.215.14"


@dataclass(frozen=True)
class Post:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """The server.

    Attributes:
        port: Where it listens.
        authority: The CA's certificate, PEM.
        posts: Everything that came in.
        answers: Statuses of the next answers, the first one first; afterwards 204.
        location: What answers lead to, where they are redirects.
        act: What it does in place of answering, with the connection in hand.
    """

    port: int
    authority: str
    posts: list[Post] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    location: str = ""
    act: Callable[[socket.socket], None] | None = None

    def poster(self, **changes: Any) -> Poster:  # noqa: ANN401 -- of any attribute
        """Make a poster whose every connection ends here."""
        trusting = ssl.create_default_context(cadata=self.authority)
        arguments = {"tls": trusting, "resolve": self.resolve, "connect": self.connect, **changes}
        return Poster(**arguments)

    @staticmethod
    def resolve(_host: str, _port: int) -> Sequence[str]:
        return [PUBLIC_ADDRESS]

    def connect(self, address: tuple[str, int], seconds: float) -> socket.socket:
        assert address[0] == PUBLIC_ADDRESS
        return socket.create_connection(("127.0.0.1", self.port), seconds)


@contextmanager
def receiver(folder: Path, host: str = HOST) -> Iterator[Receiver]:
    """Run a receiver whose certificate is for a name."""
    authority, chain = _certificates(host)
    pem = folder / "receiver.pem"
    pem.write_text(chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length)
            running.posts.append(Post(self.path, dict(self.headers.items()), body))
            if running.act:
                running.act(self.connection)
                self.close_connection = True
                return
            self.send_response(running.answers.pop(0) if running.answers else 204)
            if running.location:
                self.send_header("Location", running.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def finish_request(self, request: Any, address: Any) -> None:  # noqa: ANN401 -- as the server has it
            try:
                secured = context.wrap_socket(request, server_side=True)
            except OSError:
                return  # Who does not trust the certificate hangs up.
            with secured:
                super().finish_request(secured, address)

        def handle_error(self, *_: object) -> None:
            """Who is cut off is no error here."""

    with Server(("127.0.0.1", 0), Handler) as server:
        running = Receiver(server.server_port, authority)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()


def _certificates(host: str) -> tuple[str, str]:
    """Make a CA and a key with a certificate of it; PEM of the CA's certificate, and of the other two."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "A CA of tests")])
    ca = _builder(ca_name, ca_name, ca_key).add_extension(x509.BasicConstraints(True, None), True)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    leaf = _builder(name, ca_name, key).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(host)]), False
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pems = [
        built.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
        for built in (ca, leaf)
    ]
    return pems[0], private.decode() + pems[1]


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
    )
