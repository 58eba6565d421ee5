"""Writes what was found to fit into a stack's file."""

from collections.abc import Sequence
from pathlib import Path

from adoption.existing.fitting import Finding
from adoption.stack_file import with_adoption


def write_entries(folder: Path, stack: str, findings: Sequence[Finding]) -> Path:
    """Writes an adoption of each finding, all or none; gives the file.

    Args:
        folder: Of the stacks' files.
        stack: Who adopts.
        findings: Without refusals.

    Raises:
        StackFileError: The file adopts something else already, or is not one that an entry can be put into.
    """
    file = folder / f"Pulumi.{stack}.yaml"
    text = file.read_text()
    for one in findings:
        text = with_adoption(text, one.name, one.id, one.ignore_changes, absent=one.absent)
    file.write_text(text)
    return file
