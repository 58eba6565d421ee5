"""An adoption as an entry of a stack's file."""

import json
from collections.abc import Sequence

from local.stack_file import INDENT, StackFileError, setting, with_entry

KEY = "spaceport:adopt"


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
    there = setting(text, KEY).get(name)
    if there is not None:
        if there.get("id") == id_:
            return text
        raise StackFileError(f"{KEY} adopts {there.get('id')} as {name} already: take that entry out first")
    value = {"id": id_, "ignoreChanges": list(ignore_changes), **({"absent": list(absent)} if absent else {})}
    return with_entry(text, KEY, name, entry(name, id_, ignore_changes, absent=absent), value)
