"""One post to a receiver that we do not trust.

The receiver's name is resolved once, every address of it must be public, and the connection goes to one of
these very addresses: a name that leads elsewhere a moment later changes nothing. TLS is verified against the
name. No redirect is followed. However slowly the receiver works, the post ends in time.
"""

import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from threading import Timer

from functions.shared.webhook_urls import WebhookUrl
from functions.webhooks.addresses import is_public

LIMIT_SECONDS = 10.0
CONNECT_SECONDS = 3.0
"""Of one address: a name may have several, and not all of them need to answer."""
MAX_ANSWER_BYTES = 1024

Resolve = Callable[[str, int], Sequence[str]]
Connect = Callable[[tuple[str, int], float], socket.socket]


class NotDeliveredError(Exception):
    """A post that got no answer; the message is a sentence for the webhook's owner."""


def resolve_name(host: str, port: int) -> list[str]:
    """List the addresses of a name, IPv4 first: functions have no way out by IPv6.

    Raises:
        OSError: It has none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    in_order = sorted(found, key=lambda entry: entry[0] != socket.AF_INET)
    return list(dict.fromkeys(str(entry[4][0]) for entry in in_order))


@dataclass(frozen=True)
class Poster:
    """Posts to receivers.

    Attributes:
        tls: Whose certificates are believed.
        resolve: Gives the addresses of a name.
        connect: Opens a TCP connection to an address, within some seconds.
        limit_seconds: How long a post may take from the connection on.
    """

    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    resolve: Resolve = resolve_name
    connect: Connect = socket.create_connection
    limit_seconds: float = LIMIT_SECONDS

    def post(self, url: WebhookUrl, body: bytes, headers: Mapping[str, str]) -> int:
        """Post a JSON document.

        Args:
            url: Where to.
            body: The document.
            headers: Headers besides those that every post has.

        Returns:
            The status that the receiver answered.

        Raises:
            NotDeliveredError: There was no answer.
        """
        addresses = self._public_addresses(url)
        ends = time.monotonic() + self.limit_seconds
        try:
            with self._secured(self._reached(addresses, url.port, ends), url.host) as connection:
                # Socket timeouts begin anew with every byte; this one does not.
                timer = Timer(max(0.0, ends - time.monotonic()), _cut, (connection,))
                timer.start()
                try:
                    return _exchange(connection, url, body, headers)
                finally:
                    timer.cancel()
        except (OSError, HTTPException) as error:
            if time.monotonic() >= ends or isinstance(error, TimeoutError):
                sentence = f"The receiver took longer than {self.limit_seconds:.0f} seconds."
            else:
                sentence = _why(error)
            raise NotDeliveredError(sentence) from error

    def _public_addresses(self, url: WebhookUrl) -> Sequence[str]:
        try:
            addresses = self.resolve(url.host, url.port)
        except (OSError, UnicodeError) as error:
            raise NotDeliveredError("The receiver's name has no address.") from error
        if not addresses or not all(is_public(address) for address in addresses):
            raise NotDeliveredError("The receiver's name leads to an address that is not public.")
        return addresses

    def _reached(self, addresses: Sequence[str], port: int, ends: float) -> socket.socket:
        """Connect to the first of some addresses that answers.

        Raises:
            OSError: None does.
        """
        failure: OSError = TimeoutError()
        for address in addresses:
            left = ends - time.monotonic()
            if left <= 0:
                break
            try:
                reached = self.connect((address, port), min(left, CONNECT_SECONDS))
            except OSError as error:
                failure = error
            else:
                reached.settimeout(max(0.01, ends - time.monotonic()))
                return reached
        raise failure

    def _secured(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        return self.tls.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)


def _exchange(connection: ssl.SSLSocket, url: WebhookUrl, body: bytes, headers: Mapping[str, str]) -> int:
    connection.do_handshake()
    http = HTTPConnection(url.host, url.port)
    # With a socket of its own it opens none, and so resolves nothing.
    http.sock = connection
    everywhere = {
        "Host": url.authority,
        "Content-Type": "application/json",
        "User-Agent": "Spaceport-Webhooks/1",
        "Connection": "close",
    }
    http.request("POST", url.target, body=body, headers={**everywhere, **headers})
    answer = http.getresponse()
    # The status is all that counts; a receiver that still writes is heard a little, and then left.
    with suppress(OSError, HTTPException):
        answer.read(MAX_ANSWER_BYTES)
    return answer.status


def _cut(connection: ssl.SSLSocket) -> None:
    """End a connection under the thread that waits for it.

    Not by the TLS socket's own method, which would make what is still sent plain text.
    """
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "The receiver's certificate is not valid for its name."
    if isinstance(error, ssl.SSLError):
        return "No TLS connection to the receiver could be made."
    if isinstance(error, HTTPException) and not isinstance(error, OSError):
        return "What the receiver answered is not HTTP."
    return "The receiver could not be reached, or hung up."
