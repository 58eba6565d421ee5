"""How far a long COLMAP call is, seen from outside by what it has written so far.

A probe runs in another process than COLMAP. In the same one, Python's SQLite and COLMAP's own would drop each
other's file locks and the database would break (sqlite.org, "How To Corrupt An SQLite Database File", 2.2.1).
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Probe(Protocol):
    """A picklable count of what is done."""

    def count(self) -> int | None:
        """The number of things done so far, or None if it cannot be told right now."""


@dataclass(frozen=True)
class RowCount:
    """Rows of a table of an SQLite file that another process writes."""

    database: Path
    table: str

    def count(self) -> int | None:
        """The number of rows."""
        query = f"SELECT COUNT(*) FROM {self.table}"  # noqa: S608 - the table is named by our own code
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=0)) as connection:
                return int(connection.execute(query).fetchone()[0])
        except sqlite3.OperationalError:
            return None


@dataclass(frozen=True)
class FileCount:
    """Files below a folder, which may not be there yet."""

    folder: Path

    def count(self) -> int:
        """The number of files."""
        return sum(1 for path in self.folder.rglob("*") if path.is_file())
