"""Writes an adoption into a stack's file, which keeps its comments and all other text as it is."""

import json
from collections.abc import Sequence

import yaml

KEY = "spaceport:adopt"
INDENT = 2


class StackFileError(ValueError):
    """The file is not one that an entry can be put into; the message says what to do."""


def entry(
    name: str, id_: str, ignore_changes: Sequence[str], *, absent: Sequence[str] = (), indent: int = 0
) -> str:
    """Writes an adoption's lines.

    Args:
        name: Our name of the resource.
        id_: What it is imported by.
        ignore_changes: Inputs that may differ at first.
        absent: A bucket's settings that are made and not imported.
        indent: Blanks before each line.
    """
    lines = [
        f"{name}:",
        f"{' ' * INDENT}id: {json.dumps(id_)}",
        f"{' ' * INDENT}ignoreChanges: [{', '.join(ignore_changes)}]",
    ]
    if absent:
        lines.append(f"{' ' * INDENT}absent: [{', '.join(absent)}]")
    return "".join(f"{' ' * indent}{line}\n" for line in lines)


def with_adoption(
    text: str, name: str, id_: str, ignore_changes: Sequence[str], *, absent: Sequence[str] = ()
) -> str:
    """Adds an adoption to a stack's file.

    Args:
        text: The file.
        name: Our name of the resource.
        id_: What it is imported by.
        ignore_changes: Inputs that may differ at first.
        absent: A bucket's settings that are made and not imported.

    Returns:
        The file with the entry; unchanged where it has it already.

    Raises:
        StackFileError: It adopts something else under this name, or is not written as a block.
    """
    config = _block(
        _value(_block(yaml.compose(text, Loader=yaml.SafeLoader), "the file"), "config"), "config"
    )
    adopted = _value(config, KEY)
    expected = yaml.safe_load(text)
    if adopted is None:
        place, indent = _end(text, config), _indent(config)
        lines = f"{' ' * indent}{KEY}:\n" + entry(
            name, id_, ignore_changes, absent=absent, indent=indent + INDENT
        )
    else:
        adopted = _block(adopted, KEY)
        there = expected["config"][KEY].get(name)
        if there is not None:
            if there.get("id") == id_:
                return text
            raise StackFileError(
                f"{KEY} adopts {there.get('id')} as {name} already: take that entry out first"
            )
        place = _end(text, adopted)
        lines = entry(name, id_, ignore_changes, absent=absent, indent=_indent(adopted))
    before = text[:place]
    if not before.endswith("\n"):
        before += "\n"
    written = before + lines + text[place:]
    written_entry = {"id": id_, "ignoreChanges": list(ignore_changes)}
    if absent:
        written_entry["absent"] = list(absent)
    expected["config"].setdefault(KEY, {})[name] = written_entry
    if yaml.safe_load(written) != expected:
        raise StackFileError(
            f"the entry cannot be put into the file as it is written: add it by hand under {KEY}"
        )
    return written


def _value(node: yaml.MappingNode, key: str) -> yaml.Node | None:
    return next((value for found, value in node.value if found.value == key), None)


def _block(node: yaml.Node | None, what: str) -> yaml.MappingNode:
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise StackFileError(f"{what} is no map of lines: add the entry by hand under {KEY}")
    return node


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
