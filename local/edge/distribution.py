"""What the edge needs to know of a CloudFront distribution."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from local.edge.response_headers import ResponseHeaders, read_policy

Json = Mapping[str, Any]


class DistributionError(Exception):
    """A distribution asks for something that the edge cannot do."""


@dataclass(frozen=True)
class Behaviour:
    """One cache behaviour.

    Attributes:
        pattern: Its path pattern; `*` for the default behaviour.
        keys: The public keys that viewers' signatures are checked against, by id; None where it is public.
        headers: What is added to its answers.
    """

    pattern: str
    keys: Mapping[str, RSAPublicKey] | None
    headers: ResponseHeaders = field(default_factory=ResponseHeaders)

    def matches(self, path: str) -> bool:
        """Tells whether a path is this behaviour's: `*` is any characters, `?` any one, case counts."""
        pattern = self.pattern if self.pattern.startswith(("/", "*")) else f"/{self.pattern}"
        return re.fullmatch(wildcards(pattern), path, re.DOTALL) is not None


@dataclass(frozen=True)
class Distribution:
    """A distribution.

    Attributes:
        domain: Its domain name.
        behaviours: Its behaviours in order, the default last.
    """

    domain: str
    behaviours: tuple[Behaviour, ...]

    def behaviour(self, path: str) -> Behaviour:
        """Returns the behaviour of a path: the first whose pattern matches."""
        return next(behaviour for behaviour in self.behaviours if behaviour.matches(path))


def wildcards(pattern: str) -> str:
    """Returns the regular expression of a pattern with CloudFront's wildcards."""
    parts = {"*": ".*", "?": "."}
    return "".join(parts.get(character, re.escape(character)) for character in pattern)


def load(cloudfront: Any, distribution_id: str) -> Distribution:  # noqa: ANN401 - a boto3 client
    """Reads a distribution.

    Args:
        cloudfront: A CloudFront client.
        distribution_id: The distribution.

    Raises:
        DistributionError: It checks viewers in another way than by a key group, or with another key than RSA.
        UnknownHeaderError: Its policy has headers that the edge does not know.
    """
    told = cloudfront.get_distribution(Id=distribution_id)["Distribution"]
    config = told["DistributionConfig"]
    items = [
        *config.get("CacheBehaviors", {}).get("Items", []),
        {"PathPattern": "*", **config["DefaultCacheBehavior"]},
    ]
    behaviours = (
        Behaviour(item["PathPattern"], _keys(cloudfront, item), _headers(cloudfront, item)) for item in items
    )
    return Distribution(told["DomainName"], tuple(behaviours))


def _headers(cloudfront: Any, behaviour: Json) -> ResponseHeaders:  # noqa: ANN401 - a boto3 client
    policy = behaviour.get("ResponseHeadersPolicyId")
    if not policy:
        return ResponseHeaders()
    found = cloudfront.get_response_headers_policy(Id=policy)["ResponseHeadersPolicy"]
    return read_policy(found["ResponseHeadersPolicyConfig"])


def _keys(cloudfront: Any, behaviour: Json) -> dict[str, RSAPublicKey] | None:  # noqa: ANN401 - a boto3 client
    if behaviour.get("TrustedSigners", {}).get("Enabled"):
        msg = "Trusted signers (the root user's keys) are not supported: use a trusted key group."
        raise DistributionError(msg)
    groups = behaviour.get("TrustedKeyGroups", {})
    if not groups.get("Enabled"):
        return None
    return {
        key_id: _key(cloudfront, key_id)
        for group in groups.get("Items", [])
        for key_id in cloudfront.get_key_group(Id=group)["KeyGroup"]["KeyGroupConfig"]["Items"]
    }


def _key(cloudfront: Any, key_id: str) -> RSAPublicKey:  # noqa: ANN401 - a boto3 client
    text = cloudfront.get_public_key(Id=key_id)["PublicKey"]["PublicKeyConfig"]["EncodedKey"]
    key = load_pem_public_key(text.encode())
    if not isinstance(key, RSAPublicKey):
        msg = f"Public key {key_id} is not an RSA key."
        raise DistributionError(msg)
    return key
