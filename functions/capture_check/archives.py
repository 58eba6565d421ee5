"""Zip archives in S3: their directory, and their entries' first bytes, are read by ranged GETs."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from functions.capture_check.reasons import CaptureRejected
from functions.capture_check.rules import MAX_UNPACK_RATIO, Packed, Photo
from functions.shared.photo_names import is_photo_name

MAX_DIRECTORY_BYTES = 16 * 2**20
"""Some 150,000 entries; a capture has hundreds."""
_BLOCK = 256 * 1024
_ENCRYPTED = 0x1
# The local header of APPNOTE.TXT, 4.3.7: signature, then at 26 the lengths of name and extra field.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_SIGNATURE = b"PK\x03\x04"
_NAME_AND_EXTRA_BYTES = 4096
"""What is read for them at first: names have hundreds of bytes, extra fields some dozens."""

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
            zipfile.BadZipFile: More is asked for than the budget allows.
        """
        view = memoryview(buffer)  # type: ignore[arg-type] # typeshed's buffer type is private
        length = min(len(view), max(0, self.size - self.position))
        if length == 0:
            return 0
        self.budget -= length
        if self.budget < 0:
            raise zipfile.BadZipFile("more to read than there should be")
        data = self.read_range(self.position, self.position + length - 1)
        view[: len(data)] = data
        self.position += len(data)
        return len(data)


def read_photos(name: str, key: str, size: int, read_range: ReadRange) -> list[Photo]:
    """List the photos that an archive says it holds.

    Args:
        name: The archive's name, for messages.
        key: Its key.
        size: Its size in bytes.
        read_range: Reads a part of it.

    Returns:
        Its photos and where they lie.

    Raises:
        CaptureRejected: It is no archive, encrypted, unpacks to far more than photos do, or has names that
            lead out of its folder.
    """
    try:
        with zipfile.ZipFile(io.BufferedReader(RangedFile(size, read_range), _BLOCK)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise CaptureRejected(
            f"{name} is not a readable zip archive: pack the photos again and upload it once more.",
            code="ARCHIVE_UNREADABLE",
        ) from error
    for info in infos:
        _check_entry(name, info)
    if sum(info.file_size for info in infos) > MAX_UNPACK_RATIO * size:
        raise CaptureRejected(
            f"{name} would unpack to far more than photos do: pack the original photos again.",
            code="ARCHIVE_TOO_DENSE",
        )
    return [
        Photo(
            name=f"{name}/{info.filename}",
            size=info.file_size,
            key=key,
            packed=Packed(info.header_offset, info.compress_size, info.compress_type, info.CRC),
        )
        for info in infos
        if not info.is_dir() and is_photo_name(info.filename)
    ]


def _check_entry(archive: str, info: zipfile.ZipInfo) -> None:
    parts = PurePosixPath(info.orig_filename.replace("\\", "/")).parts
    if ".." in parts or (parts and (parts[0] == "/" or parts[0].endswith(":"))):
        raise CaptureRejected(
            f"{archive} holds a file that would be written outside its folder ({info.orig_filename[:80]!r}): "
            "pack the photos again.",
            code="ARCHIVE_LEADS_OUT",
        )
    if info.flag_bits & _ENCRYPTED:
        raise CaptureRejected(
            f"{archive} is protected by a password: pack the photos again without one.",
            code="ARCHIVE_PROTECTED",
        )


class UnknownPackingError(Exception):
    """The entry is packed in a way that is not unpacked here, or not in pieces."""


def unpack_start(packed: Packed, read_range: ReadRange, length: int) -> bytes:
    """Unpack the first bytes of an entry, with one read.

    Args:
        packed: Where it lies.
        read_range: Reads a part of the archive.
        length: How many bytes at most.

    Returns:
        The entry's content, or the beginning of it.

    Raises:
        UnknownPackingError: It is packed in another way than stored or deflated.
        ValueError: It is damaged.
    """
    if packed.method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise UnknownPackingError(f"method {packed.method}")
    # Where deflating saves nothing, it adds some bytes to each block.
    wanted = min(packed.size, length + length // 1000 + 64)
    data = read_range(packed.offset, packed.offset + _LOCAL_HEADER.size + _NAME_AND_EXTRA_BYTES + wanted - 1)
    if len(data) < _LOCAL_HEADER.size:
        raise ValueError("cut off")
    signature, name_bytes, extra_bytes = _LOCAL_HEADER.unpack_from(data)
    if signature != _LOCAL_SIGNATURE:
        raise ValueError("no entry is where the directory says")
    start = _LOCAL_HEADER.size + name_bytes + extra_bytes
    content = data[start : start + wanted]
    if packed.method == zipfile.ZIP_STORED:
        return content[:length]
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(content, length)
    except zlib.error as error:
        raise ValueError("damaged") from error
