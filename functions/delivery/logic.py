"""Shared links: whether one is valid, and the signed cookies that let a browser see one model.

Cookies carry a custom policy (Amazon CloudFront Developer Guide, "Set signed cookies using a custom policy"):
the policy and its RSA-SHA1 signature in base64, with `+`, `=` and `/` replaced by `-`, `_` and `~`.
"""

import base64
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from botocore.signers import CloudFrontSigner

from functions.shared.links import Link

COOKIE_SECONDS = 600
"""How long a browser may read a model before its link is looked at again: a revoked link works no longer."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

Sign = Callable[[bytes], bytes]
LinkState = Literal["open", "unknown", "gone"]


def is_token(text: str) -> bool:
    """Tell whether a text has the form of a link's token."""
    return _TOKEN.fullmatch(text) is not None


def link_state(link: Link | None, job: Mapping[str, Any] | None, now: int) -> LinkState:
    """Judge a link.

    Args:
        link: Its row, if there is one.
        job: The row of its job, if there is one.
        now: Epoch seconds.

    Returns:
        `open` when the model may be seen, `gone` when it could be once, `unknown` when there is no such link.
    """
    if link is None:
        return "unknown"
    if not link.opens(now) or job is None or job.get("publishedAt") is None:
        return "gone"
    return "open"


def cookie_seconds(link: Link, now: int) -> int:
    """Say how long cookies last: no longer than their link opens."""
    return COOKIE_SECONDS if link.ends_at is None else min(COOKIE_SECONDS, link.ends_at - now)


def model_folder(delivery_url: str, job_id: str) -> str:
    """Give the address of a model's folder, ending in a slash."""
    return f"{delivery_url}/jobs/{job_id}/model/"


def signed_cookies(
    delivery_url: str, job_id: str, key_pair_id: str, sign: Sign, *, now: int, seconds: int
) -> list[str]:
    """Make the `Set-Cookie` values that open one model's folder.

    Args:
        delivery_url: Address of the distribution, without a slash at the end.
        job_id: Whose model.
        key_pair_id: Id of the public key.
        sign: Signs with the private key: RSA, PKCS #1 v1.5, SHA-1.
        now: Epoch seconds.
        seconds: How long they last.

    Returns:
        Three values: policy, signature and key id.
    """
    expires = datetime.fromtimestamp(now + seconds, UTC)
    resource = model_folder(delivery_url, job_id) + "*"
    policy = CloudFrontSigner(key_pair_id, sign).build_policy(resource, expires).encode()
    attributes = f"Path=/jobs/{job_id}/model/; Max-Age={seconds}; HttpOnly; SameSite=Lax"
    if delivery_url.startswith("https:"):
        attributes += "; Secure"
    return [
        f"CloudFront-Policy={_cookie_base64(policy)}; {attributes}",
        f"CloudFront-Signature={_cookie_base64(sign(policy))}; {attributes}",
        f"CloudFront-Key-Pair-Id={key_pair_id}; {attributes}",
    ]


def _cookie_base64(data: bytes) -> str:
    return base64.b64encode(data).decode().translate(str.maketrans("+=/", "-_~"))
