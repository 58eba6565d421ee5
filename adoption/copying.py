"""Copies the projects; a copy that was interrupted goes on where it was."""

import json
import threading
from collections.abc import Mapping
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from adoption.rows import Item, UnfitError, differences, row_of
from adoption.survey import Progress, Survey
from adoption.tables import Position, Source, Target

SEGMENTS = 4
"""Parts of the old table that are read at a time."""


@dataclass
class Copied:
    """What a copy has done.

    Attributes:
        resumed: Whether it went on from an earlier one.
        rows: How many rows were new, renewed, the same already, or newer in the new table and left.
        newer: Keys of the old items whose rows are newer in the new table.
        refused: What DynamoDB said of items that it does not take, by their keys.
        later: How many items have come since the table was surveyed: the next copy takes them.
    """

    resumed: bool = False
    rows: dict[str, int] = field(default_factory=dict)
    newer: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    later: int = 0


class Bookmark:
    """Where each segment of a copy is, in a file that lasts until the copy is complete.

    A bookmark of other tables, or of another number of segments, is not taken up.
    """

    def __init__(self, path: Path, *, source: str, target: str) -> None:
        """Opens the bookmark.

        Args:
            path: The file.
            source: Id of the old table.
            target: Id of the new table.
        """
        self._path = path
        self._of = {"source": source, "target": target, "segments": SEGMENTS}
        self._lock = threading.Lock()
        self._positions: dict[str, Any] = {}
        try:
            kept = json.loads(path.read_text())
        except (FileNotFoundError, ValueError):
            kept = {}
        if isinstance(kept, Mapping) and kept.get("of") == self._of:
            self._positions = dict(kept["positions"])
        self.resumed = bool(self._positions)

    def is_done(self, segment: int) -> bool:
        """Tells whether a segment is copied whole."""
        return str(segment) in self._positions and self._positions[str(segment)] is None

    def start(self, segment: int) -> Position | None:
        """Gives where a segment goes on."""
        return self._positions.get(str(segment))

    def move(self, segment: int, position: Position | None) -> None:
        """Notes how far a segment is; None for its end."""
        with self._lock:
            self._positions[str(segment)] = position
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(".new")
            draft.write_text(json.dumps({"of": self._of, "positions": self._positions}))
            draft.replace(self._path)

    def remove(self) -> None:
        """Forgets it: the copy is complete."""
        self._path.unlink(missing_ok=True)


@dataclass
class _Copy:
    source: Source
    target: Target
    survey: Survey
    bookmark: Bookmark
    on_progress: Progress
    done: Copied
    stopped: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def segment(self, number: int) -> None:
        if self.bookmark.is_done(number):
            return
        pages = self.source.pages(segment=number, segments=SEGMENTS, start=self.bookmark.start(number))
        for items, position in pages:
            for old in items:
                if self.stopped.is_set():
                    return
                self.move(old)
                with self.lock:
                    self.on_progress(1)
            self.bookmark.move(number, position)

    def move(self, old: Item) -> None:
        try:
            row = row_of(old)
        except UnfitError:
            return
        name = self.source.identify(old)
        if not self.survey.counts(row.key, name):
            if row.key not in self.survey.projects:
                with self.lock:
                    self.done.later += 1
            return
        refusal, before = "", None
        try:
            before = self.target.put(row)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            refusal = error.response["Error"]["Message"]
        with self.lock:
            if refusal:
                self.done.refused[name] = refusal
            elif before is None:
                self.done.newer.append(name)
            else:
                outcome = _outcome(before, row.item)
                self.done.rows[outcome] = self.done.rows.get(outcome, 0) + 1


def _outcome(before: Item, after: Item) -> str:
    if not before:
        return "new"
    return "renewed" if differences(before, after) else "the same already"


def copy(
    source: Source,
    target: Target,
    survey: Survey,
    bookmark: Bookmark,
    on_progress: Progress = lambda _items: None,
) -> Copied:
    """Copies every project's item that counts.

    However it ends, what is written is right, and another copy goes on from the bookmark.

    Args:
        source: The old table.
        target: The new table.
        survey: Which items count.
        bookmark: Where to start, and where it is noted how far the copy is.
        on_progress: Told of each item, from one thread at a time.
    """
    work = _Copy(source, target, survey, bookmark, on_progress, Copied(resumed=bookmark.resumed))
    with ThreadPoolExecutor(SEGMENTS) as pool:
        segments = [pool.submit(work.segment, number) for number in range(SEGMENTS)]
        try:
            wait(segments, return_when=FIRST_EXCEPTION)
        finally:
            if not all(one.done() for one in segments):
                work.stopped.set()
    for one in segments:
        one.result()
    bookmark.remove()
    return work.done
