"""Opens zips from strangers: nothing outside the folder, no links, no bombs."""

import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Self

from spaceport_job import CaptureError

CHUNK = 1 << 20


@dataclass(frozen=True)
class UnpackLimits:
    """How much the zips of one capture may hold together.

    Attributes:
        file_bytes: Largest single file, inflated.
        total_bytes: All files, inflated.
        files: Number of entries.
        ratio: Most inflated bytes per byte of zip; photos hardly shrink in a zip.
        ratio_from_bytes: Inflated size from which the ratio is looked at.
    """

    file_bytes: int = 1 << 30
    total_bytes: int = 100 << 30
    files: int = 20_000
    ratio: float = 50.0
    ratio_from_bytes: int = 64 << 20

    def less(self, total_bytes: int, files: int) -> Self:
        """What is left of the limits after a zip."""
        return type(self)(
            file_bytes=self.file_bytes,
            total_bytes=self.total_bytes - total_bytes,
            files=self.files - files,
            ratio=self.ratio,
            ratio_from_bytes=self.ratio_from_bytes,
        )


@dataclass(frozen=True)
class UnpackedFile:
    """A file out of a zip: its name in there, and where it lies now under a name of our own."""

    name: str
    path: Path


@dataclass(frozen=True)
class Unpacked:
    """The files that were unpacked, in the order of their names, and their size together in bytes."""

    files: tuple[UnpackedFile, ...]
    total_bytes: int


def unpack_zip(path: Path, target: Path, *, source: str, wanted: set[str], limits: UnpackLimits) -> Unpacked:
    """Unpacks the wanted files of a zip; sizes are counted while inflating, the zip's own are not believed.

    Args:
        path: The zip.
        target: Folder to unpack into.
        source: The zip's name for people.
        wanted: Lower-case suffixes of the files to unpack; the others only count as entries.
        limits: How much may come out.

    Raises:
        CaptureError: the zip is damaged, protected, too big or reaches outside its folder.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > limits.files:
                raise CaptureError(
                    f"The zip '{source}' holds {len(entries)} files, more than can be opened. "
                    "Zip only the photos of one place."
                )
            for entry in entries:
                _check_name(entry, source)
            chosen = [entry for entry in entries if PurePosixPath(entry.filename).suffix.lower() in wanted]
            meter = _Meter(source, path.stat().st_size, limits)
            chosen.sort(key=lambda entry: entry.filename)
            target.mkdir(parents=True)
            files = tuple(
                _inflate(archive, entry, target / f"{index:05d}", meter) for index, entry in enumerate(chosen)
            )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise CaptureError(
            f"The zip '{source}' is damaged or incomplete. Make it again and upload it again."
        ) from error
    return Unpacked(files, meter.total)


class _Meter:
    """Counts what was inflated and stops a bomb before it fills the disk."""

    def __init__(self, source: str, zip_bytes: int, limits: UnpackLimits) -> None:
        self.total = 0
        self._source = source
        self._zip_bytes = zip_bytes
        self._limits = limits

    def add(self, size: int, file_size: int) -> None:
        self.total += size
        limits = self._limits
        swollen = self.total > limits.ratio_from_bytes and self.total > limits.ratio * self._zip_bytes
        if swollen or file_size > limits.file_bytes or self.total > limits.total_bytes:
            raise CaptureError(
                f"The zip '{self._source}' unpacks to far more than a zip of photos can hold, so it was not "
                "opened. Zip the drone's original photos again, or upload them without a zip."
            )


def _check_name(entry: zipfile.ZipInfo, source: str) -> None:
    name = entry.filename.replace("\\", "/")
    parts = PurePosixPath(name).parts
    link = stat.S_ISLNK(entry.external_attr >> 16)
    if link or name.startswith("/") or ".." in parts or ":" in name or "\x00" in entry.orig_filename:
        raise CaptureError(
            f"The zip '{source}' is not safe to open: its entry '{entry.filename}' points outside the zip. "
            "Make the zip again from the folder of photos."
        )
    if entry.flag_bits & 0x1:
        raise CaptureError(f"The zip '{source}' is protected with a password. Make it again without one.")


def _inflate(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, stem: Path, meter: _Meter) -> UnpackedFile:
    destination = stem.with_suffix(PurePosixPath(entry.filename).suffix.lower())
    size = 0
    with archive.open(entry) as packed, destination.open("xb") as file:
        while chunk := packed.read(CHUNK):
            size += len(chunk)
            meter.add(len(chunk), size)
            file.write(chunk)
    return UnpackedFile(entry.filename, destination)
