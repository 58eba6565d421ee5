"""What the steps tell people."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from adoption.checking import Checked
from adoption.copying import Copied
from adoption.projects_table import IGNORED_AT_FIRST, RESOURCE, Migration
from adoption.stack_file import KEY, entry
from adoption.survey import Survey
from local.stack_file import INDENT

LINES = 20
"""Of a list on the screen; the report has all."""


def _listed(console: Console, heading: str, lines: Sequence[str], style: str = "yellow") -> None:
    if lines:
        console.print(f"{heading}: {len(lines)}", style=style)
        for line in lines[:LINES]:
            console.print(f"  {line}")
        if len(lines) > LINES:
            console.print(f"  and {len(lines) - LINES} more, in the report")


def _keys(keys: Iterable[tuple[str, str, str]]) -> str:
    return ", ".join(f"{name} ({kind.lower()}, {type_})" for name, kind, type_ in keys)


def show_plan(console: Console, migration: Migration, found: Survey) -> None:
    """Shows what is there and what would be done."""
    table = migration.source.table
    console.print(f"From {table.name}, keys {_keys(table.keys)}: {found.items} items", style="bold")
    console.print(f"To {migration.target}, keys {_keys(migration.blueprint.keys)}", style="bold")
    console.print(f"Projects that are moved: {len(found.projects)}")
    if found.change_counts:
        changes = Table("items", "what is changed in them", box=None)
        for change, count in found.change_counts.most_common():
            changes.add_row(str(count), change)
        console.print(changes)
        console.print("Everything else of an item, fields unknown to the program too, stays as it is.")
    _listed(
        console,
        "Items that are left out, as a later one of the same project counts",
        [f"{one.item}: {one.by} counts, {one.reason}" for one in found.superseded],
    )
    _listed(
        console,
        "Items that cannot be moved",
        [f"{one.item}: {one.reason}" for one in found.unfit],
        style="red",
    )


def show_copy(console: Console, copied: Copied) -> None:
    """Shows what a copy did."""
    if copied.resumed:
        console.print("Went on from an earlier copy, which had been interrupted.")
    done = ", ".join(f"{count} {outcome}" for outcome, count in sorted(copied.rows.items()))
    console.print(f"Copied: {done or 'nothing'}.")
    _listed(console, "Rows that are newer in the new table and stay as they are", copied.newer)
    _listed(
        console,
        "Items that DynamoDB refused",
        [f"{name}: {why}" for name, why in copied.refused.items()],
        style="red",
    )
    if copied.later:
        console.print(f"Items that have come meanwhile: {copied.later}. Copy once more.", style="yellow")


def show_check(console: Console, checked: Checked, unfit: int, left_behind: int) -> None:
    """Shows what a check found.

    Args:
        console: Where.
        checked: What it found.
        unfit: How many items cannot be moved.
        left_behind: How many of them may stay.
    """
    console.print(f"Projects that are equal in both tables: {checked.equal}")
    _listed(console, "Projects missing in the new table", checked.missing, style="red")
    _listed(
        console,
        "Projects that differ",
        [f"{name}: {', '.join(fields)}" for name, fields in checked.differing.items()],
        style="red",
    )
    _listed(console, "Projects that have been changed in the new table since", checked.newer)
    _listed(
        console,
        "Rows without an old item, made in the new table or deleted in the old one since",
        [" / ".join(key) for key in checked.extra],
    )
    if not checked.passed:
        console.print("The check fails: copy and check again.", style="red")
    elif unfit != left_behind:
        console.print(
            f"The check fails: items that cannot be moved: {unfit}. Mend them in the old system, or say "
            f"that they may stay behind: LEAVE={unfit}.",
            style="red",
        )
    else:
        console.print("The check passes.", style="green")


def show_switch(console: Console, migration: Migration, file: Path, *, changed: bool) -> None:
    """Shows what was written and what is next."""
    console.print(f"{file.name} {'now has' if changed else 'has already'}:", style="bold")
    lines = entry(RESOURCE, migration.target, IGNORED_AT_FIRST, indent=INDENT)
    console.print(f"{KEY}:\n{lines}", end="")
    console.print(
        "Next: stop the old system's writing, copy and check once more, then deploy (docs/adopting.md). The "
        f"old table {migration.source.table.name} stays as it was, so the old system can go on with it."
    )


def write_report(path: Path, found: Survey, copied: Copied | None, checked: Checked | None) -> None:
    """Writes everything that was found, with the keys of items and no other content, as JSON."""
    report: Mapping[str, object] = {
        "items": found.items,
        "projects": len(found.projects),
        "changes": {item: changes for item, changes in sorted(found.changes.items()) if changes},
        "superseded": [asdict(one) for one in found.superseded],
        "unfit": [asdict(one) for one in found.unfit],
        "copied": asdict(copied) if copied else None,
        "checked": asdict(checked) if checked else None,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")
