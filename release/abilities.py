"""What a change gives to whom, and what it takes, in words."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from local.preview.registrations import Run
from release.grants import Grant, grants
from release.patterns import ANYTHING

_NAME_OF = re.compile(r"\$\{(.+)\.(?:name|id)\}")


@dataclass(frozen=True)
class Abilities:
    """What changes between two runs, a line each.

    Attributes:
        gained: What somebody may do that they might not do before, also because a denial or condition went.
        lost: What somebody may no longer do.
    """

    gained: tuple[str, ...]
    lost: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether anything changes."""
        return bool(self.gained or self.lost)


def compare(before: Run, after: Run) -> Abilities:
    """Say who gains and who loses what.

    A statement that another one takes in is no change: a narrower right beside a wider one, a resource moved
    to another policy of the same role. A wildcard that grew, a condition or a denial that went is a gain.

    Args:
        before: The program as it is, with outputs by name.
        after: The program as it would be, likewise.
    """
    old, new = grants(before), grants(after)
    more, less = _beyond(new, old), _beyond(old, new)
    gained = _lines(more, allowed="may now") + _lines(less, denied="is no longer denied to")
    lost = _lines(less, allowed="may no longer") + _lines(more, denied="is now denied to")
    return Abilities(tuple(gained), tuple(lost))


def _beyond(ones: Iterable[Grant], others: Sequence[Grant]) -> list[Grant]:
    known = set(others)
    missing = [one for one in dict.fromkeys(ones) if one not in known]
    return [one for one in missing if not any(other.covers(one) for other in others)]


def _lines(found: Iterable[Grant], *, allowed: str = "", denied: str = "") -> list[str]:
    """Write those that are allowed, or those that are denied; actions of the same resources together."""
    actions: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for one in found:
        if one.allows == bool(allowed):
            key = (_who(str(one.principal)), str(one.resource), str(one.condition))
            actions[key].append(str(one.action))
    together: dict[tuple[str, str, tuple[str, ...]], list[str]] = defaultdict(list)
    for (who, resource, condition), names in sorted(actions.items()):
        together[who, condition, tuple(sorted(set(names)))].append(resource)
    lines = []
    for (who, condition, what_names), resources in together.items():
        what = ", ".join(f"`{name}`" for name in what_names)
        places = ", ".join(f"`{resource}`" for resource in resources if resource != ANYTHING) or "anything"
        when = f", if {condition}" if condition else ""
        if allowed:
            lines.append(f"{who} {allowed} {what} on {places}{when}")
        else:
            lines.append(f"{what} on {places} {denied} {who}{when}")
    return sorted(lines)


def _who(principal: str) -> str:
    if principal == ANYTHING:
        return "**anybody**"
    named = _NAME_OF.fullmatch(principal)
    return f"`{named[1] if named else principal}`"
