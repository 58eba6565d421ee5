"""Tells people what was found out about resources that are to be adopted."""

import json
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from adoption.existing.fitting import Difference, Finding

_LONGEST = 70


def show_findings(console: Console, findings: Sequence[Finding]) -> None:
    """Prints what the first `up` would do to each resource, and what is left for later ones."""
    for finding in findings:
        console.print(f"{finding.name}: {finding.id}", style="bold")
        for refusal in finding.refusals:
            console.print(f"  does not fit: {refusal}.", style="red")
        if finding.refusals:
            continue
        if not finding.first and not finding.later:
            console.print("  fits as it is: `up` takes it over and changes nothing.")
        for one in finding.first:
            console.print(f"  the first `up` writes {_change(one)}")
        for one in finding.later:
            console.print(f"  left as it is at first: {_change(one)}")


def _change(one: Difference) -> str:
    there = "nothing there" if one.there is None else _short(one.there)
    return f"{one.name}: {there} -> {_short(one.wanted)}"


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
