"""Which of two IAM patterns takes in more: of actions, resources and principals, and of conditions."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

ANYTHING = "*"
_NEGATIVE = "Not"


@dataclass(frozen=True)
class Pattern:
    """One action, resource or principal, or everything but some.

    Attributes:
        texts: The pattern, with `*` and `?`; several only where they are what is left out.
        but: Whether it is everything but these (`NotAction`, `NotResource`, `NotPrincipal`).
    """

    texts: tuple[str, ...]
    but: bool = False

    def covers(self, other: "Pattern") -> bool:
        """Whether all that the other one takes in is in this one, too.

        Where wildcards on both sides make that hard to say the answer is no, which shows a change too many.
        """
        if not self.but and not other.but:
            return matches(self.texts[0], other.texts[0])
        if not self.but:
            return self.texts == (ANYTHING,)
        if other.but:
            return all(any(matches(theirs, ours) for theirs in other.texts) for ours in self.texts)
        (text,) = other.texts
        return not _has_wildcard(text) and not any(matches(left_out, text) for left_out in self.texts)

    def __str__(self) -> str:
        """As people read it."""
        return f"everything but {', '.join(self.texts)}" if self.but else self.texts[0]


@cache
def matches(pattern: str, text: str) -> bool:
    """Whether a pattern takes in all that a text, maybe a pattern itself, stands for."""
    # By place in the text: whether the pattern so far can end there. A `?` takes no `*`, which is longer.
    ends = [True] + [False] * len(text)
    for sign in pattern:
        if sign == "*":
            for place in range(len(text)):
                ends[place + 1] = ends[place + 1] or ends[place]
        else:
            takes = ((sign == "?" and at != "*") or at == sign for at in text)
            ends = [False, *(before and took for before, took in zip(ends, takes, strict=False))]
    return ends[-1]


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


@dataclass(frozen=True)
class Condition:
    """When a statement holds.

    Attributes:
        tests: By operator and key, the values; all must hold.
    """

    tests: tuple[tuple[str, str, frozenset[str]], ...] = ()

    @classmethod
    def of(cls, written: Mapping[str, Mapping[str, Any]] | None) -> "Condition":
        """Read a statement's `Condition`."""
        tests = [
            (operator, key, frozenset(_texts(values)))
            for operator, keys in (written or {}).items()
            for key, values in keys.items()
        ]
        return cls(tuple(sorted(tests, key=lambda test: test[:2])))

    def covers(self, other: "Condition") -> bool:
        """Whether this one holds whenever the other one does."""
        theirs = {test[:2]: test[2] for test in other.tests}
        return all(
            (operator, key) in theirs and _is_weaker(operator, values, theirs[operator, key])
            for operator, key, values in self.tests
        )

    def __str__(self) -> str:
        """As people read it, without what is left to say where there is none."""
        return " and ".join(
            f"{key} {operator} {' or '.join(sorted(values))}" for operator, key, values in self.tests
        )


def _is_weaker(operator: str, ours: frozenset[str], theirs: frozenset[str]) -> bool:
    return ours <= theirs if _NEGATIVE in operator else theirs <= ours


def _texts(values: Any) -> list[str]:  # noqa: ANN401 - a text, a number, a truth value, or a list of them
    return [one if isinstance(one, str) else json.dumps(one) for one in _listed(values)]


def _listed(values: Any) -> list[Any]:  # noqa: ANN401 - as above
    return values if isinstance(values, list) else [values]
