"""What becomes of an item of the old projects table: pure, so that a check works it out again."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, TypeVar, get_args

from boto3.dynamodb.types import Binary
from pydantic import TypeAdapter, ValidationError

from functions.projects.models import ProjectId, Status

Item = dict[str, Any]
T = TypeVar("T")
RowKey = tuple[str, str]
"""A project's owner and id."""

MAX_PROGRESS = 100
UNKNOWN_TIME = 0
_USER = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PROJECT_ID: TypeAdapter[str] = TypeAdapter(ProjectId)
_STATUSES = frozenset(get_args(Status))
# The smallest milliseconds and microseconds that no time in seconds reaches before the year 5138.
_MILLISECONDS_FROM = Decimal(10) ** 11
_MICROSECONDS_FROM = Decimal(10) ** 14
_KEPT_AS = "Before"
_NO_DOCUMENT: dict[str, Any] = {}


class UnreadableError(ValueError):
    """A value that is not what its field must be."""


class UnfitError(ValueError):
    """An item that can be nobody's project; the message says why."""


@dataclass(frozen=True)
class Row:
    """An item as the new table takes it.

    Attributes:
        item: All attributes, numbers as decimals.
        changes: What differs from the old item, such as "createdAt: milliseconds made seconds".
    """

    item: Item
    changes: tuple[str, ...]

    @property
    def key(self) -> RowKey:
        """Whose project it is, and which."""
        return self.item["userSub"], self.item["projectId"]

    @property
    def age(self) -> tuple[Decimal, Decimal]:
        """When it was changed and made, epoch seconds: of two rows of one key the later one counts."""
        return self.item["updatedAt"], self.item["createdAt"]


@dataclass
class _Change:
    """A row on its way."""

    item: Item
    changes: list[str] = field(default_factory=list)

    def read(self, name: str, read: Callable[[Any], tuple[T, str]], default: T | None) -> None:
        """Reads a field into the form that it must have.

        What cannot be read is kept beside it, under the field's name and "Before".

        Args:
            name: Of the field.
            read: Gives the value, and in words what was done to it, "" for nothing.
            default: What an item without the field gets; None leaves it without.
        """
        given = self.item.pop(name, None)
        value = default
        if given is not None:
            try:
                value, done = read(given)
            except UnreadableError as error:
                kept = f"{name}{_KEPT_AS}"
                while kept in self.item:
                    kept += _KEPT_AS
                self.item[kept] = given
                done = f"{error}, kept as {kept}"
            if done:
                self.changes.append(f"{name}: {done}")
        elif default is not None:
            self.changes.append(f"{name}: added")
        if value is not None:
            self.item[name] = value


def row_of(old: Mapping[str, Any]) -> Row:
    """Works out the row of an old item.

    Args:
        old: As boto3 deserialises it.

    Raises:
        UnfitError: It has no owner, or an id that no project can have.
    """
    row = _Change({name: _plain(value) for name, value in old.items()})
    row.changes += [f"{name}: made JSON's types" for name in old if row.item[name] is not old[name]]
    _identify(row)
    row.read("title", _text, "Untitled")
    row.read("email", _text, "")
    row.read("status", _status, "draft")
    row.read("progress", _progress, Decimal(0))
    row.read("params", _document, _NO_DOCUMENT)
    row.read("upload", _document, None)
    row.read("ml", _document, None)
    row.read("version", _version, Decimal(1))
    _date(row)
    return Row(row.item, tuple(row.changes))


def _identify(row: _Change) -> None:
    owner = row.item.get("userSub")
    if owner in (None, ""):
        raise UnfitError("it has no userSub")
    if not isinstance(owner, str) or not _USER.fullmatch(owner):
        raise UnfitError("its userSub is no id of a user")
    if row.item.get("projectId") in (None, "") and isinstance(row.item.get("id"), str):
        row.item["projectId"] = row.item["id"]
        row.changes.append("projectId: taken from id")
    try:
        _PROJECT_ID.validate_python(row.item.get("projectId"), strict=True)
    except ValidationError:
        raise UnfitError("its projectId is none that a project can have") from None


def _date(row: _Change) -> None:
    """Reads both times; one that is missing is the other, and where there is none the row says 1970."""
    for name in ("createdAt", "updatedAt"):
        row.read(name, _time, None)
    known = [row.item[name] for name in ("createdAt", "updatedAt") if name in row.item]
    for name in ("createdAt", "updatedAt"):
        if name not in row.item:
            row.item[name] = known[0] if known else Decimal(UNKNOWN_TIME)
            row.changes.append(f"{name}: added" if known else f"{name}: unknown, made 1970")


def _plain(value: Any) -> Any:  # noqa: ANN401 -- any value of DynamoDB's
    """Makes lists of sets and base64 of bytes, which JSON does not know; all else stays the same object."""
    if isinstance(value, set):
        return [_plain(part) for part in sorted(value, key=str)]
    if isinstance(value, Binary):
        return base64.b64encode(value.value).decode()  # type: ignore[attr-defined]  # the stubs leave it out
    if isinstance(value, dict):
        parts = {name: _plain(part) for name, part in value.items()}
        return parts if any(parts[name] is not value[name] for name in value) else value
    if isinstance(value, list):
        listed = [_plain(part) for part in value]
        return listed if any(new is not old for new, old in zip(listed, value, strict=True)) else value
    return value


def _text(given: object) -> tuple[str, str]:
    if isinstance(given, str):
        return given, ""
    if isinstance(given, Decimal):
        return f"{given:f}", "a number made text"
    raise UnreadableError("no text")


def _status(given: object) -> tuple[str, str]:
    if isinstance(given, str) and given.strip().lower() in _STATUSES:
        status = given.strip().lower()
        return status, "" if status == given else "written in lower case"
    raise UnreadableError("no status that a project can have")


def _number(given: object) -> tuple[Decimal, str]:
    if isinstance(given, Decimal):
        return given, ""
    if isinstance(given, str) and re.fullmatch(r"\s*-?\d{1,20}(\.\d{1,18})?\s*", given, re.ASCII):
        return Decimal(given.strip()), "text made a number"
    raise UnreadableError("no number")


def _progress(given: object) -> tuple[Decimal, str]:
    number, done = _number(given)
    whole = min(max(number, Decimal(0)), Decimal(MAX_PROGRESS)).to_integral_value(ROUND_HALF_UP)
    return (whole, done) if whole == number else (whole, "made a whole number from 0 to 100")


def _version(given: object) -> tuple[Decimal, str]:
    number, done = _number(given)
    if number < 1 or number != number.to_integral_value():
        raise UnreadableError("no version")
    return number, done


def _document(given: object) -> tuple[dict[str, Any], str]:
    if isinstance(given, dict):
        return given, ""
    if isinstance(given, str):
        try:
            document = json.loads(given, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict):
            return document, "JSON text made a map"
    raise UnreadableError("no map")


def _no_constant(name: str) -> Any:  # noqa: ANN401 -- what json wants
    raise UnreadableError(name)


def _time(given: object) -> tuple[Decimal, str]:
    try:
        number, done = _number(given)
    except UnreadableError:
        number, done = _iso(given), "a date made epoch seconds"
    for start, unit, per_second in (
        (_MICROSECONDS_FROM, "microseconds", 1_000_000),
        (_MILLISECONDS_FROM, "milliseconds", 1_000),
    ):
        if number >= start:
            number, done = number / per_second, f"{unit} made seconds"
            break
    if number < 0 or number >= _MILLISECONDS_FROM:
        raise UnreadableError("no time")
    whole = Decimal(int(number))
    return whole, done or ("made whole seconds" if whole != number else "")


def _iso(given: object) -> Decimal:
    if not isinstance(given, str):
        raise UnreadableError("no time")
    try:
        moment = datetime.fromisoformat(given.strip())
    except ValueError:
        raise UnreadableError("no time") from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return Decimal(int(moment.timestamp()))


def differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Names the fields that differ, by type as well as by value."""
    return sorted(
        name
        for name in expected.keys() | found.keys()
        if name not in expected or name not in found or not _same(expected[name], found[name])
    )


def _same(one: Any, other: Any) -> bool:  # noqa: ANN401 -- any value of DynamoDB's
    if isinstance(one, dict) and isinstance(other, dict):
        return not differences(one, other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return type(one) is type(other) and bool(one == other)
