"""Reads Pulumi config and collects what is wrong with it, so that all of it can be told at once."""

import json
import re

import pulumi


class ConfigReader:
    """Reads values of the project's namespace; a wrong one reads as an empty value and is remembered.

    Attributes:
        problems: What was missing or wrong so far, each naming its key.
    """

    def __init__(self, config: pulumi.Config) -> None:
        self.config = config
        self.problems: list[str] = []

    def wrong(self, key: str, problem: str) -> None:
        """Remember what is wrong with a key."""
        self.problems.append(f"{self.config.name}:{key} {problem}")

    def text(self, key: str, pattern: str, meaning: str) -> str:
        """Read a text that fits a pattern as a whole; `meaning` says what it must be."""
        value = self.config.get(key)
        if not value:
            self.wrong(key, f"is missing; it must be {meaning}")
            return ""
        if not re.fullmatch(pattern, value.strip()):
            self.wrong(key, f"must be {meaning}")
        return value.strip()

    def optional_text(self, key: str, pattern: str, meaning: str) -> str | None:
        """Read a text that may be left out."""
        return self.text(key, pattern, meaning) if self.config.get(key) else None

    def texts(self, key: str, pattern: str, meaning: str, *, may_be_empty: bool = False) -> tuple[str, ...]:
        """Read a list of different texts that each fit a pattern."""
        value = self.json_value(key)
        if value is None:
            return ()
        if not isinstance(value, list) or not (value or may_be_empty):
            self.wrong(key, f"must be a list{'' if may_be_empty else ' of at least one'}; each {meaning}")
            return ()
        wrong = [item for item in value if not isinstance(item, str) or not re.fullmatch(pattern, item)]
        if wrong:
            self.wrong(key, f"has {', '.join(map(repr, wrong))}; each must be {meaning}")
        elif len(set(value)) < len(value):
            self.wrong(key, "names something twice")
        return tuple(str(item) for item in value)

    def flag(self, key: str) -> bool:
        """Read true or false."""
        value = self.config.get(key)
        if value not in ("true", "false"):
            self.wrong(key, "must be true or false" if value else "is missing; it must be true or false")
        return value == "true"

    def whole_number(self, key: str, minimum: int, maximum: int) -> int:
        """Read a number within limits, both included."""
        value = self.config.get(key)
        if not value or not re.fullmatch(r"\d{1,9}", value) or not minimum <= int(value) <= maximum:
            self.wrong(key, f"must be a whole number from {minimum} to {maximum}")
            return 0
        return int(value)

    def json_value(self, key: str) -> object:
        """Read a list or a map; None, and a problem, where there is none."""
        value = self.config.get(key)
        if not value:
            self.wrong(key, "is missing")
            return None
        try:
            parsed: object = json.loads(value)
        except ValueError:
            self.wrong(key, "must be a list or a map")
            return None
        return parsed
