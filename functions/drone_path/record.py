"""Plans as plain JSON values and back, to the last bit: later files are of what was planned then."""

import types
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from functions.drone_path.plan import Plan

Kind = TypeVar("Kind")


class RecordError(ValueError):
    """It is a record of another form than plans have now."""


def to_record(plan: Plan) -> dict[str, Any]:
    """Give all of a plan as values that JSON has; floats keep every digit."""
    record: dict[str, Any] = _plain(plan)
    return record


def from_record(record: object) -> Plan:
    """Give the plan of a record.

    Raises:
        RecordError: It lacks what plans have now.
    """
    try:
        return _made(Plan, record)
    except (KeyError, TypeError, ValueError) as error:
        raise RecordError("the record is of another form") from error


def _plain(value: object) -> Any:  # noqa: ANN401 -- any JSON value
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _made(kind: type[Kind], value: Any) -> Kind:  # noqa: ANN401 -- any JSON value
    made: Any = value
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        # What a record does not have yet must have a default that means the same.
        there = [field.name for field in fields(kind) if field.name in value]
        made = kind(**{name: _made(hints[name], value[name]) for name in there})
    elif get_origin(kind) is np.ndarray:
        (number,) = get_args(get_args(kind)[1])
        made = np.asarray(value, number)
    elif get_origin(kind) is tuple:
        made = tuple(_made(get_args(kind)[0], one) for one in value)
    elif get_origin(kind) in (Union, types.UnionType) and value is not None:
        (some,) = (one for one in get_args(kind) if one is not type(None))
        made = _made(some, value)
    result: Kind = made
    return result
