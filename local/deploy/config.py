"""A stack's configuration, as the Pulumi CLI would hand it to the program."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class ConfigError(Exception):
    """The configuration does not fit the project's schema."""


@dataclass(frozen=True)
class Entry:
    """One key of the project's config schema.

    Attributes:
        key: With its namespace, such as `spaceport:environment`.
        type: `string`, `integer`, `number`, `boolean`, `array` or `object`; None where the schema has none.
        items: Type of an array's items.
        default: Value where a stack gives none.
        required: Whether a stack must give one.
    """

    key: str
    type: str | None
    items: str | None
    default: Any
    required: bool


@dataclass(frozen=True)
class Project:
    """What Pulumi.yaml says.

    Attributes:
        name: Of the project, also the default namespace of its config.
        main: Folder or file of the program.
        entries: Config schema by full key.
    """

    name: str
    main: Path
    entries: Mapping[str, Entry]


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def read_project(folder: Path) -> Project:
    """Reads `Pulumi.yaml`.

    Raises:
        ConfigError: There is none, or its config section is not one.
    """
    path = folder / "Pulumi.yaml"
    document = read_yaml(path)
    name = document.get("name")
    if not isinstance(name, str):
        raise ConfigError(f"{path} names no project")
    section = document.get("config") or {}
    if not isinstance(section, Mapping):
        raise ConfigError(f"{path}: config must be a map")
    entries = [_entry(path, name, key, value) for key, value in section.items()]
    main = folder / str(document.get("main", "."))
    return Project(
        name, main / "__main__.py" if main.is_dir() else main, {entry.key: entry for entry in entries}
    )


def stack_config(
    folder: Path,
    stack: str,
    *,
    config: Mapping[str, Any],
    machine: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The whole configuration of a stack by full key, in the text form that Pulumi hands to programs.

    Args:
        folder: Of Pulumi.yaml and Pulumi.<stack>.yaml.
        stack: Name of the stack.
        config: Values that win over the files; keys without a namespace are the project's. Texts are read as
            `pulumi config set` would take them (`true`, `3`, JSON for lists and maps).
        machine: Values of this machine, which win over the files too; those without an entry are left out.

    Raises:
        ConfigError: A missing file or value, a wrong type, or an unknown key, each named.
    """
    project = read_project(folder)
    values = given_values(project, folder, stack)
    for key, value in (machine or {}).items():
        if _full(project.name, key) in project.entries:
            values[_full(project.name, key)] = (value, "this machine")
    values |= {_full(project.name, key): (value, "the call of deploy") for key, value in config.items()}

    missing = [entry.key for entry in project.entries.values() if entry.required and entry.key not in values]
    if missing:
        raise ConfigError(
            f"stack {stack!r} gives no value for {', '.join(missing)}, which Pulumi.yaml requires: "
            f"put it into {_stack_file(stack)}"
        )
    return {key: _text(project, key, value, source) for key, (value, source) in values.items()}


def given_values(project: Project, folder: Path, stack: str) -> dict[str, tuple[Any, str]]:
    """What the files give, unchecked: each value by full key, with the name of the file that gives it.

    Raises:
        ConfigError: The stack's file is missing or not a YAML map.
    """
    name = _stack_file(stack)
    given = read_yaml(folder / name).get("config") or {}
    values: dict[str, tuple[Any, str]] = {
        entry.key: (entry.default, "Pulumi.yaml")
        for entry in project.entries.values()
        if entry.default is not None
    }
    return values | {_full(project.name, key): (value, name) for key, value in given.items()}


def read_yaml(path: Path) -> dict[str, Any]:
    """Reads a YAML file that is a map.

    Raises:
        ConfigError: It is missing or something else.
    """
    try:
        document = yaml.safe_load(path.read_text())
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise ConfigError(f"{path} must be a map")
    return document


def _stack_file(stack: str) -> str:
    return f"Pulumi.{stack}.yaml"


def _full(project: str, key: str) -> str:
    return key if ":" in key else f"{project}:{key}"


def _entry(path: Path, project: str, key: str, value: Any) -> Entry:  # noqa: ANN401 - any YAML value
    full = _full(project, key)
    if not isinstance(value, Mapping):
        return Entry(full, None, None, value, required=False)
    unknown = set(value) - {"type", "items", "default", "value", "description", "secret"}
    if unknown:
        raise ConfigError(f"{path}: config {full} has unknown fields {', '.join(sorted(unknown))}")
    kind = value.get("type")
    if kind is not None and kind not in _TYPES:
        raise ConfigError(f"{path}: config {full} has type {kind!r}; there are {', '.join(_TYPES)}")
    own = full.startswith(f"{project}:")
    if not own and ("type" in value or "default" in value):
        raise ConfigError(
            f"{path}: config {full} is not the project's own: it may have a value, no type or default"
        )
    items = value.get("items")
    if kind == "array" and not (isinstance(items, Mapping) and items.get("type") in _TYPES):
        raise ConfigError(f"{path}: config {full} is an array, so its items need a type")
    default = value.get("default", value.get("value"))
    entry = Entry(
        full,
        kind,
        items["type"] if isinstance(items, Mapping) else None,
        default,
        required=own and "default" not in value and "value" not in value,
    )
    if default is not None:
        _check(entry, default, "Pulumi.yaml")
    return entry


def _text(project: Project, key: str, value: Any, source: str) -> str:  # noqa: ANN401 - any YAML value
    entry = project.entries.get(key)
    if entry is None and key.startswith(f"{project.name}:"):
        known = ", ".join(sorted(name.partition(":")[2] for name in project.entries))
        raise ConfigError(f"{source} sets {key}, which Pulumi.yaml does not know; there are {known}")
    if isinstance(value, Mapping) and set(value) == {"secure"}:
        raise ConfigError(f"{key} is encrypted in {source}: give its value for this machine in `config`")
    if entry is not None and entry.type not in (None, "string") and isinstance(value, str):
        value = _parse(entry, value, source)
    if entry is not None:
        _check(entry, value, source)
    return value if isinstance(value, str) else json.dumps(value)


def _parse(entry: Entry, text: str, source: str) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{source} sets {entry.key} to {text!r}, which is no {entry.type}") from error


def _check(entry: Entry, value: Any, source: str) -> None:  # noqa: ANN401 - any YAML value
    if entry.type is None:
        return
    if not _is(entry.type, value):
        raise ConfigError(f"{source} sets {entry.key} to {value!r}, which is no {entry.type}")
    if entry.type == "array" and entry.items:
        for item in value:
            if not _is(entry.items, item):
                raise ConfigError(
                    f"{source} sets {entry.key} to a list with {item!r}, which is no {entry.items}"
                )


def _is(kind: str, value: Any) -> bool:  # noqa: ANN401 - any YAML value
    if kind != "boolean" and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[kind])
