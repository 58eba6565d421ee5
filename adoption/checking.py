"""Compares the tables: nothing may be missing before the program is switched to the new one."""

from dataclasses import dataclass, field

from adoption.rows import Row, RowKey, UnfitError, differences, row_of
from adoption.survey import Progress, Survey
from adoption.tables import Source, Target


@dataclass
class Checked:
    """What a check found.

    Attributes:
        equal: How many projects are the same in both tables, after the stated changes.
        missing: Keys of old items without a row.
        differing: Names of fields that differ, by the old item's key.
        newer: Keys of old items whose row has been changed in the new table since.
        extra: Rows that no old item belongs to.
    """

    equal: int = 0
    missing: list[str] = field(default_factory=list)
    differing: dict[str, list[str]] = field(default_factory=dict)
    newer: list[str] = field(default_factory=list)
    extra: list[RowKey] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every project is in the new table."""
        return not self.missing and not self.differing


def check(
    source: Source, target: Target, survey: Survey, on_progress: Progress = lambda _items: None
) -> Checked:
    """Compares every project's item that counts with its row.

    Args:
        source: The old table.
        target: The new table.
        survey: Which items count.
        on_progress: Told of each page.
    """
    found = Checked()
    for items, _ in source.pages():
        expected: dict[str, Row] = {}
        for old in items:
            try:
                row = row_of(old)
            except UnfitError:
                continue
            name = source.identify(old)
            if survey.counts(row.key, name) or row.key not in survey.projects:
                expected[name] = row
        rows = target.get([row.key for row in expected.values()]) if expected else {}
        for name, row in expected.items():
            _compare(found, name, row, rows.get(row.key))
        on_progress(len(items))
    found.extra = sorted(set(target.keys()) - set(survey.projects))
    return found


def _compare(found: Checked, name: str, row: Row, there: dict[str, object] | None) -> None:
    if there is None:
        found.missing.append(name)
        return
    fields = differences(row.item, there)
    if not fields:
        found.equal += 1
    elif _is_newer(there, row):
        found.newer.append(name)
    else:
        found.differing[name] = fields


def _is_newer(there: dict[str, object], row: Row) -> bool:
    """Tells whether a row was changed after it was copied, as the copy's condition does."""
    return any(
        type(there.get(name)) is type(row.item[name]) and there[name] > row.item[name]
        for name in ("updatedAt", "version")
    )
