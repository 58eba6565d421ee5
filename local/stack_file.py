"""Writes into a stack's file, which keeps its comments and all other text as it is."""

from collections.abc import Mapping
from typing import Any

import yaml

INDENT = 2


class StackFileError(ValueError):
    """The file is not one that an entry can be put into; the message says what to do."""


def setting(text: str, key: str) -> dict[str, Any]:
    """Read a map among a stack's settings; empty where there is none.

    Args:
        text: The file.
        key: Such as `spaceport:adopt`.

    Raises:
        StackFileError: It is no map.
    """
    _config(text, key)
    found = yaml.safe_load(text)["config"].get(key) or {}
    if not isinstance(found, Mapping):
        raise StackFileError(f"{key} is no map: write it as one, an entry a line")
    return dict(found)


def with_entry(text: str, key: str, name: str, lines: str, value: Any) -> str:  # noqa: ANN401 - any YAML value
    """Put an entry into a map among a stack's settings.

    Args:
        text: The file.
        key: Which map, such as `spaceport:adopt`; made where it is not there.
        name: Of the entry; one of that name is replaced where it is a plain text.
        lines: The entry, without indentation.
        value: What it reads as.

    Returns:
        The file with the entry; unchanged where it has it already.

    Raises:
        StackFileError: The file is not written in lines, or the entry is there and no plain text.
    """
    config = _config(text, key)
    expected = yaml.safe_load(text)
    node = _value(config, key)
    if node is None:
        place, indent = _end(text, config), _indent(config)
        written = _insert(text, place, _indented(f"{key}:\n", indent) + _indented(lines, indent + INDENT))
    else:
        block = _block(node, key, key)
        there = _value(block, name)
        if there is None:
            written = _insert(text, _end(text, block), _indented(lines, _indent(block)))
        elif expected["config"][key][name] == value:
            return text
        elif isinstance(there, yaml.ScalarNode) and isinstance(value, str) and there.style != "|":
            written = text[: there.start_mark.index] + value + text[there.end_mark.index :]
        else:
            raise StackFileError(f"{key} has an entry {name} already: take it out first")
    expected["config"][key] = {**(expected["config"].get(key) or {}), name: value}
    if yaml.safe_load(written) != expected:
        raise StackFileError(
            f"the entry cannot be put into the file as it is written: add it by hand under {key}"
        )
    return written


def _config(text: str, key: str) -> yaml.MappingNode:
    document = _block(yaml.compose(text, Loader=yaml.SafeLoader), "the file", key)
    return _block(_value(document, "config"), "config", key)


def _value(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for found, value in node.value if found.value == key), None)


def _block(node: yaml.Node | None, what: str, key: str) -> yaml.MappingNode:
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise StackFileError(f"{what} is no map of lines: add the entry by hand under {key}")
    return node


def _indented(lines: str, indent: int) -> str:
    return "".join(f"{' ' * indent}{line}\n" for line in lines.splitlines())


def _insert(text: str, place: int, lines: str) -> str:
    before = text[:place]
    return before + ("" if before.endswith("\n") else "\n") + lines + text[place:]


def _indent(node: yaml.MappingNode) -> int:
    return int(node.value[0][0].start_mark.column)


def _end(text: str, node: yaml.Node) -> int:
    """Gives the place after the last line of a map that holds something; comments below it stay below."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    place = int(node.end_mark.index)
    if text[place - 1] == "\n":
        return place
    end = text.find("\n", place)
    return len(text) if end < 0 else end + 1
