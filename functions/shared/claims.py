"""Who calls: the claims that API Gateway's Cognito authorizer has verified."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.shared.errors import unauthorized


@dataclass(frozen=True)
class Caller:
    """The signed-in person.

    Attributes:
        sub: The person's id in the user pool; owner of everything the person makes.
        email: Verified e-mail address, "" when the token has none.
        groups: Names of the person's groups.
    """

    sub: str
    email: str
    groups: frozenset[str]


def parse_groups(claim: str) -> frozenset[str]:
    """Read the groups claim, which arrives as "a,b" or as "[a b]".

    Args:
        claim: The claim as the authorizer passes it on.

    Returns:
        The group names; Cognito allows no blank in them.
    """
    return frozenset(re.findall(r"[^\s,\[\]\"]+", claim))


def caller_from_claims(claims: Mapping[str, Any]) -> Caller:
    """Turn verified claims into a caller.

    Raises:
        ApiError: 401 when the claims carry no `sub`.
    """
    sub = str(claims.get("sub") or "")
    if not sub:
        raise unauthorized()
    return Caller(
        sub=sub,
        email=str(claims.get("email") or ""),
        groups=parse_groups(str(claims.get("cognito:groups") or "")),
    )
