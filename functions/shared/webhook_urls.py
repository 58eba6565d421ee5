"""Which addresses a webhook may have: public https names, checked before anything is sent there."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_CHARACTERS = 2048
HTTPS_PORT = 443
LOWEST_OWN_PORT = 1024
MAX_HOST_CHARACTERS = 253
_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: no form of an IP address does, whoever reads it.
_HOST = re.compile(rf"(?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])")
_INNER_NAMES = frozenset(
    {
        "arpa",
        "corp",
        "home",
        "internal",
        "intranet",
        "invalid",
        "lan",
        "local",
        "localdomain",
        "localhost",
        "onion",
        "private",
        "test",
    }
)
"""Last labels of names that mean something inside a network, or nothing at all."""


@dataclass(frozen=True)
class WebhookUrl:
    """A webhook's address that is within the rules.

    Attributes:
        host: The name, in lower case.
        port: 443, or 1024 and above.
        target: Path and query, as a request names them.
    """

    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """What a request's Host header says."""
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"


def parse_webhook_url(text: str) -> WebhookUrl:
    """Read a webhook's address.

    Args:
        text: The address.

    Returns:
        Its parts.

    Raises:
        ValueError: It is not within the rules; the message says which, for people.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"must not be longer than {MAX_CHARACTERS:,} characters")
    if not _PRINTABLE.fullmatch(text) or "\\" in text:
        raise ValueError("must be written in ASCII, without spaces and backslashes")
    if not text.lower().startswith("https://"):
        raise ValueError("must begin with https://")
    try:
        parts = urlsplit(text)
        port = HTTPS_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise ValueError("is no address") from error
    if "@" in parts.netloc:
        raise ValueError("must not have a user name or a password in it")
    if "#" in text:
        raise ValueError("must not have a fragment (#)")
    if parts.netloc.endswith(":") or (port != HTTPS_PORT and port < LOWEST_OWN_PORT):
        raise ValueError(f"must have the port {HTTPS_PORT}, or one from {LOWEST_OWN_PORT} on")
    host = parts.hostname or ""
    if len(host) > MAX_HOST_CHARACTERS or not _HOST.fullmatch(host):
        raise ValueError("must have a full public name as its host, and no IP address")
    if host.rpartition(".")[2] in _INNER_NAMES:
        raise ValueError("must have a host that is known outside of your network")
    return WebhookUrl(host, port, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
