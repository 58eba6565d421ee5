"""One typed options object from what SageMaker passes: a command line or a file of strings."""

import difflib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import annotated_types
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from spaceport_job.failure import InputError


class OptionsError(InputError):
    """An option is unknown, malformed or out of range; the message names it and says what is allowed."""


class JobOptions(BaseModel):
    """Base of a container's options: `name: int = Field(8192, ge=1024, le=65536, description=...)`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


KINDS: Mapping[object, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
}
Options = TypeVar("Options", bound=JobOptions)


def load_options(
    cls: type[Options], *, argv: Sequence[str] | None = None, hyperparameters: Path | None = None
) -> Options:
    """Reads the options; the command line wins over the file, and the defaults fill the rest.

    Args:
        cls: The options class.
        argv: Arguments without the program's name: `--name value`, `--name=value` or, for a switch, `--name`.
        hyperparameters: A JSON object of name to value; SageMaker makes every value a string.

    Raises:
        OptionsError: naming the option, what it may be and, for an unknown one, the names near it.
    """
    given: dict[str, Any] = {}
    if hyperparameters is not None and hyperparameters.exists():
        given.update(_read_file(hyperparameters))
    if argv:
        given.update(_read_arguments(cls, argv))
    for name in given:
        if name not in cls.model_fields:
            raise OptionsError(_unknown(cls, name))
    try:
        return cls.model_validate({name: _decode(value) for name, value in given.items()})
    except ValidationError as error:
        problems = [_invalid(cls, problem, given) for problem in error.errors()]
        raise OptionsError(" ".join(dict.fromkeys(problems))) from error


def describe_options(cls: type[JobOptions]) -> str:
    """One line per option: name, what it may be, default and meaning."""
    lines = []
    for name, field in cls.model_fields.items():
        default = "" if field.is_required() else f", default {field.get_default(call_default_factory=True)}"
        lines.append(f"  --{name}  {_allowed(field)}{default}. {field.description or ''}".rstrip())
    return "\n".join(lines)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OptionsError(f"The options file {path.name} is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise OptionsError(f"The options file {path.name} must hold a JSON object of names and values.")
    return document


def _read_arguments(cls: type[JobOptions], argv: Sequence[str]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    rest = list(argv)
    while rest:
        argument = rest.pop(0)
        if not argument.startswith("--") or argument == "--":
            raise OptionsError(f"Expected an option such as --name value, but got '{argument}'.")
        name, equals, value = argument[2:].partition("=")
        name = name.replace("-", "_")
        if name not in cls.model_fields:
            raise OptionsError(_unknown(cls, name))
        if name in given:
            raise OptionsError(f"Option '{name}' is given twice.")
        if equals:
            given[name] = value
        elif rest and not rest[0].startswith("--"):
            given[name] = rest.pop(0)
        elif cls.model_fields[name].annotation is bool:
            given[name] = True
        else:
            raise OptionsError(
                f"Option '{name}' has no value: it must be {_allowed(cls.model_fields[name])}."
            )
    return given


def _decode(value: object) -> object:
    """Lists and objects arrive as JSON text; pydantic turns the other strings into numbers and switches."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _unknown(cls: type[JobOptions], name: str) -> str:
    near = difflib.get_close_matches(name, cls.model_fields, n=2, cutoff=0.6)
    hint = f" Did you mean {' or '.join(repr(other) for other in near)}?" if near else ""
    return f"Unknown option '{name}'.{hint} The options are: {', '.join(cls.model_fields)}."


def _invalid(cls: type[JobOptions], problem: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    location = problem["loc"]
    name = str(location[0]) if location else ""
    if name not in cls.model_fields:
        return f"{str(problem['msg']).removeprefix('Value error, ')}."
    if problem["type"] == "missing":
        return f"Option '{name}' is missing: it must be {_allowed(cls.model_fields[name])}."
    reason = ""
    if problem["type"] == "value_error":
        reason = f" ({str(problem['msg']).removeprefix('Value error, ')})"
    return f"Option '{name}' is {given[name]!r}: it must be {_allowed(cls.model_fields[name])}{reason}."


def _allowed(field: FieldInfo) -> str:
    choices = _choices(field.annotation)
    if choices:
        return "one of " + ", ".join(str(choice) for choice in choices)
    kind = _kind(field.annotation)
    bounds = [text for text in map(_bound, field.metadata) if text]
    return " ".join([kind, " and ".join(bounds)]).strip()


def _choices(annotation: object) -> tuple[object, ...]:
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    nested = [_choices(part) for part in get_args(annotation)]
    return tuple(choice for part in nested for choice in part)


def _kind(annotation: object) -> str:
    parts = [part for part in get_args(annotation) if part is not type(None)]
    if get_origin(annotation) not in (list, tuple, dict) and len(parts) == 1:
        return _kind(parts[0])
    return KINDS.get(annotation, str(annotation))


def _bound(constraint: object) -> str:
    match constraint:
        case annotated_types.Ge(ge=value):
            return f"at least {value}"
        case annotated_types.Gt(gt=value):
            return f"greater than {value}"
        case annotated_types.Le(le=value):
            return f"at most {value}"
        case annotated_types.Lt(lt=value):
            return f"less than {value}"
        case annotated_types.MultipleOf(multiple_of=value):
            return f"a multiple of {value}"
        case _:
            return ""
