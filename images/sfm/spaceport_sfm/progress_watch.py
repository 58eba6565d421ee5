"""How far a long COLMAP call is, seen from what it has written so far."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

POLL_S = 0.5


@contextmanager
def watch_rows(database: Path, table: str, tell: Callable[[int], None]) -> Iterator[None]:
    """Calls `tell(number of rows)` while the block runs.

    Args:
        database: An SQLite file that the block writes.
        table: One of its tables.
        tell: Called from a thread of its own about twice a second, when the number has changed.
    """
    query = f"SELECT COUNT(*) FROM {table}"  # noqa: S608 - the table is named by our own code

    def count() -> int | None:
        try:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=POLL_S)) as connection:
                return int(connection.execute(query).fetchone()[0])
        except sqlite3.OperationalError:
            return None  # the writer holds the lock: look again later

    with _watch(count, tell):
        yield


@contextmanager
def watch_files(folder: Path, tell: Callable[[int], None]) -> Iterator[None]:
    """Calls `tell(number of files)` below a folder, which may not be there yet, while the block runs."""

    def count() -> int:
        return sum(1 for path in folder.rglob("*") if path.is_file())

    with _watch(count, tell):
        yield


@contextmanager
def _watch(count: Callable[[], int | None], tell: Callable[[int], None]) -> Iterator[None]:
    finished = threading.Event()

    def watch() -> None:
        last: int | None = None
        while not finished.wait(POLL_S):
            now = count()
            if now is not None and now != last:
                last = now
                tell(now)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        finished.set()
        watcher.join()
