"""Zip archives in S3: only their central directory is read, by ranged GETs; nothing is unpacked."""

import io
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from functions.pipeline_steps.logic import MAX_UNPACK_RATIO, Entry
from functions.pipeline_steps.refusals import CaptureRejected
from functions.shared.photo_names import is_photo_name

MAX_DIRECTORY_BYTES = 16 * 2**20
"""Some 150,000 entries; a capture has hundreds."""
_BLOCK = 256 * 1024
_ENCRYPTED = 0x1

ReadRange = Callable[[int, int], bytes]
"""Reads bytes [first, last] of an object, both included."""


@dataclass
class RangedFile(io.RawIOBase):
    """A seekable file over ranged reads, in blocks, with a bound on what is read at all.

    Attributes:
        size: Bytes of the object.
        read_range: Reads a part of it.
        budget: Bytes that may still be read.
    """

    size: int
    read_range: ReadRange
    budget: int = MAX_DIRECTORY_BYTES
    position: int = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError("before the start of the file")
        self.position = base + offset
        return self.position

    def tell(self) -> int:
        """Say where it is."""
        return self.position

    def readinto(self, buffer: object) -> int:
        """Read into a buffer.

        Raises:
            zipfile.BadZipFile: More is asked for than any honest archive's directory needs.
        """
        view = memoryview(buffer)  # type: ignore[arg-type] # typeshed's buffer type is private
        length = min(len(view), max(0, self.size - self.position))
        if length == 0:
            return 0
        self.budget -= length
        if self.budget < 0:
            raise zipfile.BadZipFile("directory too large")
        data = self.read_range(self.position, self.position + length - 1)
        view[: len(data)] = data
        self.position += len(data)
        return len(data)


def read_entries(name: str, size: int, read_range: ReadRange) -> list[Entry]:
    """List the photos that an archive says it holds.

    Args:
        name: The archive's name, for messages.
        size: Its size in bytes.
        read_range: Reads a part of it.

    Returns:
        Its photos with their sizes unpacked.

    Raises:
        CaptureRejected: It is no archive, encrypted, unpacks to far more than photos do, or has names that
            lead out of its folder.
    """
    try:
        with zipfile.ZipFile(io.BufferedReader(RangedFile(size, read_range), _BLOCK)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise CaptureRejected(
            f"{name} is not a readable zip archive: pack the photos again and upload it once more."
        ) from error
    for info in infos:
        _check_entry(name, info)
    if sum(info.file_size for info in infos) > MAX_UNPACK_RATIO * size:
        raise CaptureRejected(
            f"{name} would unpack to far more than photos do: pack the original photos again."
        )
    return [
        Entry(name=info.filename, size=info.file_size)
        for info in infos
        if not info.is_dir() and is_photo_name(info.filename)
    ]


def _check_entry(archive: str, info: zipfile.ZipInfo) -> None:
    parts = PurePosixPath(info.orig_filename.replace("\\", "/")).parts
    if ".." in parts or (parts and (parts[0] == "/" or parts[0].endswith(":"))):
        raise CaptureRejected(
            f"{archive} holds a file that would be written outside its folder ({info.orig_filename[:80]!r}): "
            "pack the photos again."
        )
    if info.flag_bits & _ENCRYPTED:
        raise CaptureRejected(f"{archive} is protected by a password: pack the photos again without one.")
