"""A project's version as an ETag, and conditions on it (RFC 9110, 8.8.3 and 13.1.1)."""

import re

_OWN_TAG = re.compile(r'"(\d{1,15})"')


def etag(version: int) -> str:
    """Write a version as an ETag."""
    return f'"{version}"'


def versions_in(if_match: str) -> frozenset[int] | None:
    """Read the versions that `If-Match` names.

    Args:
        if_match: The header's value.

    Returns:
        The versions, None for `*`, which takes any; a weak tag and one that we do not give match nothing.
    """
    if if_match.strip() == "*":
        return None
    found = (_OWN_TAG.fullmatch(tag.strip()) for tag in if_match.split(","))
    return frozenset(int(match[1]) for match in found if match)
