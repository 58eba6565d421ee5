"""Why a capture is judged as it is: what is wrong and what to do, in plain words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

Level = Literal["refusal", "warning", "note"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""The gravest first."""
NAMES_SHOWN = 5
MAX_NAME = 80


class CaptureRejected(Exception):  # noqa: N818 -- the name is the error that Step Functions shows
    """The capture cannot become a model; the message says why and what to do.

    Attributes:
        code: The reason's stable code.
    """

    def __init__(self, sentence: str, *, code: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes:
        level: `refusal` where no model can come out, `warning` where a poor one would, `note` for what is
            only good to know.
        code: Stable code, for programs.
        sentence: What is wrong and what to do.
        photos: Some of the photos that it is about.
    """

    level: Level
    code: str
    sentence: str
    photos: Sequence[str] = ()

    def described(self) -> dict[str, Any]:
        """Give it as JSON."""
        document: dict[str, Any] = {"level": self.level, "code": self.code, "sentence": self.sentence}
        if self.photos:
            document["photos"] = [shortened(name) for name in self.photos[:NAMES_SHOWN]]
        return document


def refusal(error: CaptureRejected) -> Reason:
    """Give a refusal as a reason."""
    return Reason("refusal", error.code, str(error))


def count(number: int, noun: str) -> str:
    """Write a number with its noun: no photos, 1 photo, 2,000 photos."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}" if number else f"no {noun}s"


def shortened(name: str) -> str:
    """Cut a long name, whose end tells more than its folders."""
    return name if len(name) <= MAX_NAME else f"…{name[1 - MAX_NAME :]}"


def some_of(names: Iterable[str], limit: int = 3) -> str:
    """Name the first few and say how many more there are."""
    ordered = sorted(names)
    shown = ", ".join(shortened(name) for name in ordered[:limit])
    more = len(ordered) - limit
    return f"{shown} and {more:,} more" if more > 0 else shown
