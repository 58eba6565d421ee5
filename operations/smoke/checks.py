"""What was looked at, how it went and how long it took: a line each, and all of it for programs."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local.client import ApiError

State = Literal["ok", "failed", "skipped"]
NAME_WIDTH = 9


class CheckFailedError(Exception):
    """Something is not as it should be.

    Attributes:
        next_step: What to do, where that is more than the check's own advice.
    """

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


@dataclass
class Check:
    """One look at the stack.

    Attributes:
        name: What was looked at.
        state: How it went.
        seconds: How long it took.
        message: What was found.
        next_step: What to do; empty where nothing is.
    """

    name: str
    state: State = "ok"
    seconds: float = 0.0
    message: str = ""
    next_step: str = ""

    @property
    def lines(self) -> list[str]:
        """It, for people."""
        mark = {"ok": "ok  ", "failed": "FAIL", "skipped": "--  "}[self.state]
        took = "" if self.state == "skipped" else f"{self.seconds:.1f} s"
        line = f"{mark}  {self.name:<{NAME_WIDTH}}  {took:>8}  {self.message}".rstrip()
        return [line, f"      Next: {self.next_step}"] if self.next_step else [line]


@dataclass
class Checks:
    """All of them, in order.

    Attributes:
        say: Shows a line.
        done: Those that were made or skipped.
    """

    say: Callable[[str], None]
    done: list[Check] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether each was made and went well."""
        return all(check.state == "ok" for check in self.done)

    @contextmanager
    def making(self, name: str, *, next_step: str) -> Iterator[Check]:
        """Makes a check; whoever makes it writes into its message what was found.

        A refusal or a lost connection fails it and goes no further; so does `CheckFailedError`.

        Args:
            name: What is looked at.
            next_step: What to do when it fails and nobody says better.
        """
        check = Check(name)
        started = time.monotonic()
        try:
            yield check
        except (CheckFailedError, ApiError, ClientError, BotoCoreError, httpx.HTTPError, OSError) as error:
            check.state, check.message = "failed", str(error) or type(error).__name__
            check.next_step = getattr(error, "next_step", "") or next_step
        except BaseException:
            check.state, check.message = "failed", "It was broken off."
            raise
        finally:
            check.seconds = time.monotonic() - started
            self._add(check)

    def skip(self, names: Sequence[str]) -> None:
        """Notes what could not be looked at, of these, because something before it failed."""
        made = {check.name for check in self.done}
        for name in names:
            if name not in made:
                self._add(Check(name, "skipped", message="not looked at"))

    def as_json(self) -> list[dict[str, Any]]:
        """All of them, for programs."""
        return [
            {
                "name": check.name,
                "state": check.state,
                "seconds": round(check.seconds, 2),
                "message": check.message,
                "nextStep": check.next_step or None,
            }
            for check in self.done
        ]

    def _add(self, check: Check) -> None:
        self.done.append(check)
        for line in check.lines:
            self.say(line)
