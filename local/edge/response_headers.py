"""The headers that a response headers policy adds to a distribution's answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Mapping[str, Any]
_SECURITY = {
    "ContentSecurityPolicy": ("Content-Security-Policy", "ContentSecurityPolicy"),
    "ReferrerPolicy": ("Referrer-Policy", "ReferrerPolicy"),
    "FrameOptions": ("X-Frame-Options", "FrameOption"),
}
_SETTINGS = {"Name", "Comment", "SecurityHeadersConfig", "CorsConfig", "CustomHeadersConfig"}


class UnknownHeaderError(Exception):
    """A policy asks for headers that the edge does not know."""


@dataclass(frozen=True)
class ResponseHeaders:
    """What is added to an answer.

    Attributes:
        always: Headers by name.
        origins: Origins whose pages get the CORS headers.
        cors: These headers, without the origin.
    """

    always: Mapping[str, str] = field(default_factory=dict)
    origins: frozenset[str] = frozenset()
    cors: Mapping[str, str] = field(default_factory=dict)

    def of(self, origin: str | None) -> dict[str, str]:
        """Headers of an answer to a page of an origin; every one replaces the origin server's own."""
        if origin is None or not self.origins & {origin, "*"}:
            return dict(self.always)
        return {**self.always, **self.cors, "Access-Control-Allow-Origin": origin, "Vary": "Origin"}


def read_policy(config: Json) -> ResponseHeaders:
    """Reads a policy as CloudFront tells it.

    Raises:
        UnknownHeaderError: It has a part that is not known here.
    """
    security = {name: part for name, part in config.get("SecurityHeadersConfig", {}).items() if part}
    always = {
        header: str(security.pop(name)[field])
        for name, (header, field) in _SECURITY.items()
        if name in security
    }
    if security.pop("ContentTypeOptions", None):
        always["X-Content-Type-Options"] = "nosniff"
    if hsts := security.pop("StrictTransportSecurity", None):
        always["Strict-Transport-Security"] = f"max-age={hsts['AccessControlMaxAgeSec']}"
    unknown = {
        *security,
        *(name for name, part in config.items() if name not in _SETTINGS and _is_used(part)),
    }
    if unknown:
        raise UnknownHeaderError(f"The edge does not know {', '.join(sorted(unknown))} of a headers policy.")
    for item in config.get("CustomHeadersConfig", {}).get("Items", []):
        always[item["Header"]] = item["Value"]
    cors = config.get("CorsConfig") or {}
    return ResponseHeaders(
        always, frozenset(cors.get("AccessControlAllowOrigins", {}).get("Items", [])), _cors(cors)
    )


def _is_used(part: Json) -> bool:
    return bool(part.get("Quantity") or part.get("Enabled"))


def _cors(config: Json) -> dict[str, str]:
    headers = {}
    if config.get("AccessControlAllowCredentials"):
        headers["Access-Control-Allow-Credentials"] = "true"
    if exposed := config.get("AccessControlExposeHeaders", {}).get("Items"):
        headers["Access-Control-Expose-Headers"] = ",".join(exposed)
    return headers
