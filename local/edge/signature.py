"""Checks CloudFront's signed cookies and signed URLs.

The forms are those of the CloudFront Developer Guide, "Serve private content with signed URLs and signed
cookies": a policy, custom or canned, signed with RSA and SHA-1, in a base64 of CloudFront's own.
"""

import base64
import binascii
import ipaddress
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1

from local.edge.distribution import wildcards

PARAMETERS = ("Policy", "Signature", "Key-Pair-Id", "Expires")
COOKIE_PREFIX = "CloudFront-"

Json = dict[str, Any]


class AccessDenied(Exception):  # noqa: N818 - CloudFront's word
    """A viewer may not see what it asked for.

    Attributes:
        code: CloudFront's error code.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Viewer:
    """A viewer's request.

    Attributes:
        url: The whole address that was asked for.
        cookie: The `Cookie` header.
        address: Where it comes from.
    """

    url: str
    cookie: str
    address: str


def check(viewer: Viewer, keys: Mapping[str, RSAPublicKey], now: float | None = None) -> None:
    """Checks that a viewer's signature covers what it asks for.

    Args:
        viewer: The request.
        keys: The keys that count, by id.
        now: The time, in seconds since 1970; without one, now.

    Raises:
        AccessDenied: It does not.
    """
    resource, given = _credentials(viewer)
    if "Key-Pair-Id" not in given:
        raise AccessDenied("MissingKey", "Missing Key-Pair-Id query parameter or cookie value")
    key = keys.get(given["Key-Pair-Id"])
    if key is None:
        raise AccessDenied("InvalidKey", "Unknown Key")
    text = _policy_text(given, resource)
    try:
        key.verify(_decode(given.get("Signature", "")), text, PKCS1v15(), SHA1())  # noqa: S303 - CloudFront's hash
    except InvalidSignature as error:
        raise AccessDenied("AccessDenied", "Access denied") from error
    _check_policy(text, resource, viewer.address, time.time() if now is None else now)


def _credentials(viewer: Viewer) -> tuple[str, dict[str, str]]:
    """Returns the address without CloudFront's parameters, and the policy, signature and key that came along.

    A signed address counts alone, whatever cookies there are.
    """
    parts = urlsplit(viewer.url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    in_url = {name: value for name, value in query if name in PARAMETERS}
    if not {"Signature", "Key-Pair-Id"} & set(in_url):
        return viewer.url, _cookies(viewer.cookie)
    rest = urlencode([(name, value) for name, value in query if name not in PARAMETERS])
    return parts._replace(query=rest).geturl(), in_url


def _cookies(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in header.split(";"):
        try:
            cookie = SimpleCookie(part.strip())
        except CookieError:
            continue
        for name, morsel in cookie.items():
            if name.startswith(COOKIE_PREFIX):
                # The browser sends the cookie of the most specific path first.
                found.setdefault(name.removeprefix(COOKIE_PREFIX), morsel.value)
    return found


def _policy_text(given: Mapping[str, str], resource: str) -> bytes:
    if "Policy" in given:
        return _decode(given["Policy"])
    if not re.fullmatch(r"\d+", given.get("Expires", "")):
        raise AccessDenied("MissingPolicy", "Missing Policy or Expires query parameter or cookie value")
    condition = {"DateLessThan": {"AWS:EpochTime": int(given["Expires"])}}
    canned = {"Statement": [{"Resource": resource, "Condition": condition}]}
    return json.dumps(canned, separators=(",", ":")).encode()


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")), validate=True)
    except binascii.Error as error:
        raise AccessDenied("MalformedPolicy", "Malformed Policy") from error


def _check_policy(text: bytes, resource: str, address: str, now: float) -> None:
    try:
        (statement,) = json.loads(text)["Statement"]
        pattern = str(statement.get("Resource", "*"))
        condition: Json = statement["Condition"]
        before = condition["DateLessThan"]["AWS:EpochTime"]
        after = condition.get("DateGreaterThan", {}).get("AWS:EpochTime", 0)
        network = ipaddress.ip_network(condition.get("IpAddress", {}).get("AWS:SourceIp", "0.0.0.0/0"))
        in_time = after < now < before
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AccessDenied("MalformedPolicy", "Malformed Policy") from error
    covered = re.fullmatch(wildcards(pattern), resource, re.DOTALL) is not None
    if not (covered and in_time and ipaddress.ip_address(address) in network):
        raise AccessDenied("AccessDenied", "Access denied")
