"""One ZIP archive of many files, written from front to back.

Files are stored, not compressed: photos and models do not get smaller. Where a file or the whole is larger
than 4 GB the archive is a ZIP64, which every current unpacker reads.
"""

import zipfile
from collections.abc import Iterable
from datetime import datetime
from typing import IO, Protocol, cast

_REGULAR_FILE = 0o100644 << 16
_FIRST_YEAR = 1980


class Target(Protocol):
    """Where an archive is written to: it need not be sought."""

    def write(self, data: bytes, /) -> int:
        """Take some bytes on."""

    def flush(self) -> None:
        """Pass them on."""


class ArchiveWriter:
    """Writes the files of an archive, in the order in which they come."""

    def __init__(self, target: Target, *, at: datetime) -> None:
        """Begin the archive.

        Args:
            target: Where it goes.
            at: Time that all files in it bear.
        """
        self._archive = zipfile.ZipFile(cast("IO[bytes]", target), "w", zipfile.ZIP_STORED)
        self._time = (max(at.year, _FIRST_YEAR), at.month, at.day, at.hour, at.minute, at.second)

    def add(self, name: str, size: int, chunks: Iterable[bytes]) -> None:
        """Write one file.

        Args:
            name: Its name, `/` between folders.
            size: Its expected bytes: it decides whether the entry is a ZIP64 one.
            chunks: Its bytes.
        """
        entry = zipfile.ZipInfo(name, self._time)
        entry.external_attr = _REGULAR_FILE
        entry.file_size = size
        with self._archive.open(entry, "w") as file:
            for chunk in chunks:
                file.write(chunk)

    def close(self) -> None:
        """Write the table of contents, without which nothing can be read."""
        self._archive.close()
