"""What is in the old table: the plan, which writes nothing."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from adoption.rows import Row, RowKey, UnfitError, row_of
from adoption.tables import Source

Progress = Callable[[int], None]
"""Told how many items more have been seen."""


@dataclass(frozen=True)
class Unfit:
    """An item that stays behind.

    Attributes:
        item: Its key.
        reason: Why.
    """

    item: str
    reason: str


@dataclass(frozen=True)
class Superseded:
    """An item of a project that another item is a later state of.

    Attributes:
        item: Its key.
        by: Key of the item that counts.
        reason: Why that one.
    """

    item: str
    by: str
    reason: str


@dataclass(frozen=True)
class _Candidate:
    item: str
    age: tuple[Decimal, Decimal]
    changes: tuple[str, ...]

    @property
    def rank(self) -> tuple[tuple[Decimal, Decimal], str]:
        return self.age, self.item


@dataclass
class Survey:
    """All items of the old table, without what is in them.

    Attributes:
        items: How many there are.
        unfit: Those that cannot be moved.
        superseded: Those of a project that a later item counts for.
    """

    items: int = 0
    unfit: list[Unfit] = field(default_factory=list)
    superseded: list[Superseded] = field(default_factory=list)
    _candidates: dict[RowKey, _Candidate] = field(default_factory=dict)

    @property
    def projects(self) -> Mapping[RowKey, str]:
        """Key of the item that counts, by the project's."""
        return {key: one.item for key, one in self._candidates.items()}

    @property
    def changes(self) -> Mapping[str, tuple[str, ...]]:
        """What is changed, by the key of each item that is moved."""
        return {one.item: one.changes for one in self._candidates.values()}

    @property
    def change_counts(self) -> Counter[str]:
        """How many items each change is made to."""
        return Counter(change for one in self._candidates.values() for change in one.changes)

    def counts(self, key: RowKey, item: str) -> bool:
        """Tells whether an item is the one that counts for its project; not for one that has come since."""
        found = self._candidates.get(key)
        return found is not None and found.item == item

    def add(self, item: str, row: Row) -> None:
        """Takes an item that fits."""
        new = _Candidate(item, row.age, row.changes)
        old = self._candidates.setdefault(row.key, new)
        if old is new:
            return
        loser, winner = sorted((old, new), key=lambda one: one.rank)
        self._candidates[row.key] = winner
        self.superseded.append(Superseded(loser.item, winner.item, _why(loser, winner)))


def _why(loser: _Candidate, winner: _Candidate) -> str:
    for place, reason in enumerate(("it was changed later", "it was made later")):
        if winner.age[place] != loser.age[place]:
            return reason
    return "its key comes last, and both are of the same times"


def survey(source: Source, on_progress: Progress = lambda _items: None) -> Survey:
    """Reads the whole old table.

    Args:
        source: The table.
        on_progress: Told of each page.
    """
    found = Survey()
    for items, _ in source.pages():
        for old in items:
            found.items += 1
            name = source.identify(old)
            try:
                found.add(name, row_of(old))
            except UnfitError as error:
                found.unfit.append(Unfit(name, str(error)))
        on_progress(len(items))
    return found
