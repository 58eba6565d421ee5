"""Shows differences between two stacks."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from local.preview.differences import Change, Differences
from local.preview.registrations import Registration
from local.preview.tree import columns, heading, is_component, short_type


def show_differences(console: Console, differences: Differences, ours: str, theirs: str) -> None:
    """Prints what only one stack has, and what differs in what both have.

    Args:
        console: Where to.
        differences: Between the two.
        ours: Name of the first stack.
        theirs: Name of the second stack.
    """
    for stack, only in ((ours, differences.only_ours), (theirs, differences.only_theirs)):
        console.print(heading(f"Only in {stack}: {len(only)}"))
        if only:
            console.print(columns([_named(one) for one in only]), soft_wrap=True)
    widest = max(len(ours), len(theirs))
    for title, lists in (
        ("Inputs", [(one.resource, one.inputs) for one in differences.changed if one.inputs]),
        ("Options", [(one.resource, one.options) for one in differences.changed if one.options]),
    ):
        console.print(heading(f"{title} that differ: {sum(len(changes) for _, changes in lists)}"))
        for resource, changes in lists:
            console.print(Text(f"  {'  '.join(_named(resource))}", style="cyan"), soft_wrap=True)
            for line in _lines(changes, ours.ljust(widest), theirs.ljust(widest)):
                console.print(line, soft_wrap=True)
    console.print(heading(f"Outputs that differ: {len(differences.outputs)}"))
    for line in _lines(differences.outputs, ours.ljust(widest), theirs.ljust(widest)):
        console.print(line, soft_wrap=True)


def _named(one: Registration) -> tuple[str, str]:
    return one.name, f"{short_type(one.type)} (component)" if is_component(one) else short_type(one.type)


def _lines(changes: Sequence[Change], ours: str, theirs: str) -> Iterator[Text]:
    for change in changes:
        yield Text(f"    {change.path}")
        for stack, value, style in ((ours, change.ours, "green"), (theirs, change.theirs, "magenta")):
            yield Text.assemble(f"      {stack}  ", (_text(value), style))


def _text(value: Any) -> str:  # noqa: ANN401 - any property value
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
