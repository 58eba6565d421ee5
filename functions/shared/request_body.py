"""Reads request bodies, and refuses JSON that nothing here could keep or answer with."""

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from functions.shared.errors import ApiError, bad_request, too_large
from functions.shared.stores import MAX_DIGITS

MAX_BODY_CHARACTERS = 1_000_000
MAX_NESTING = 64
LEAST_MAGNITUDE, MOST_MAGNITUDE = 1e-130, 9.9e125
"""Of a number in DynamoDB (Developer Guide, "Supported data types")."""
_EXACT = 2**53
"""Up to here a float holds every whole number."""
_WITHOUT_NUMBER = re.compile(r'"([A-Za-z][A-Za-z0-9_]{0,63})"\s*:\s*(?:NaN|-?Infinity)')


class _NoNumberError(ValueError):
    """There is NaN or infinity, which JSON does not have."""


def read_body(text: str) -> dict[str, Any]:
    """Read a request's JSON body; a whole number is an int, however it is written.

    Raises:
        ApiError: 413 when it is too long; 400 when it is no JSON object, or has in it NaN or infinity, a
            number that DynamoDB cannot hold, half of a surrogate pair, or too many levels.
    """
    if len(text) > MAX_BODY_CHARACTERS:
        raise too_large("BODY_TOO_LARGE", f"The request is longer than {MAX_BODY_CHARACTERS:,} characters.")
    try:
        body = json.loads(text, parse_int=_whole, parse_float=_fraction, parse_constant=_no_number)
    except _NoNumberError as error:
        field = _WITHOUT_NUMBER.search(text)
        place = f"{field[1]}: " if field else ""
        raise bad_request(
            "INVALID_JSON", f"{place}JSON has no number {error}; write a number, or leave it out."
        ) from error
    except (ValueError, RecursionError) as error:
        raise bad_request("INVALID_JSON", "The request's body is not valid JSON.") from error
    if not isinstance(body, dict):
        raise bad_request("INVALID_JSON", "The request's body must be a JSON object.")
    if text.count("{") + text.count("[") > MAX_NESTING and _is_deep(body):
        raise bad_request("INVALID_JSON", f"The request's body has more than {MAX_NESTING} levels.")
    if "\\u" in text and not _is_unicode(body):
        raise bad_request("INVALID_JSON", "The request's body has half a character in it.")
    return body


def _whole(text: str) -> int:
    if len(text.lstrip("-")) > MAX_DIGITS:
        raise _unkept()
    return int(text)


def _fraction(text: str) -> int | float:
    number = float(text)
    if number and not LEAST_MAGNITUDE <= abs(number) <= MOST_MAGNITUDE:
        raise _unkept()
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def _no_number(text: str) -> NoReturn:
    raise _NoNumberError(text)


def _unkept() -> ApiError:
    return bad_request(
        "INVALID_NUMBER", f"A number has more than {MAX_DIGITS} digits, or is too large or too small."
    )


def _is_deep(body: dict[str, Any]) -> bool:
    level: list[Any] = [body]
    for _ in range(MAX_NESTING):
        level = [part for value in level for part in _parts(value)]
    return any(isinstance(value, dict | list) for value in level)


def _parts(value: object) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _is_unicode(body: dict[str, Any]) -> bool:
    try:
        json.dumps(body, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
