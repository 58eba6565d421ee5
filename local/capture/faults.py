"""Captures that something is wrong with: what a pilot may upload all the same."""

import bz2
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from PIL import Image, ImageFilter

from local.capture.cache import SampleCapture, sample_capture

FaultKind = Literal[
    "missing",
    "empty",
    "two_photos",
    "text_as_jpg",
    "truncated",
    "two_places",
    "forwarded",
    "zip",
    "zip_traversal",
    "zip_bomb",
]

BLUR_PX = 3.0
MEBIBYTE = 1 << 20
BOMB_ENTRY_BYTES = 64 * MEBIBYTE
BOMB_BYTES = 10 * 1024 * MEBIBYTE
BOMB_ENTRIES = BOMB_BYTES // BOMB_ENTRY_BYTES
# Real photos beside the zeros, as long as the archive stays below so much.
BOMB_PHOTO_BYTES = 900_000
# Versions, methods and signatures of PKWARE's APPNOTE.TXT, 4.3.7, 4.3.12 and 4.3.16.
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
CENTRAL_HEADER = struct.Struct("<4s6H3L5H2L")
END_OF_DIRECTORY = struct.Struct("<4s4H2LH")
VERSION_FOR_BZIP2 = 46
METHOD_BZIP2 = 12
FIRST_OF_JANUARY_1980 = 0x21


def _photos(sample: SampleCapture) -> list[Path]:
    return sorted(sample.photos.iterdir())


def _copy(photos: list[Path], folder: Path) -> None:
    folder.mkdir()
    for photo in photos:
        shutil.copyfile(photo, folder / photo.name)


def _missing(sample: SampleCapture, place: Path) -> None:  # noqa: ARG001 - there is nothing to make
    return None


def _empty(sample: SampleCapture, place: Path) -> None:  # noqa: ARG001 - an empty folder needs no sample
    place.mkdir()


def _two_photos(sample: SampleCapture, place: Path) -> None:
    _copy(_photos(sample)[:2], place)


def _text_as_jpg(sample: SampleCapture, place: Path) -> None:
    place.mkdir()
    for photo in _photos(sample):
        (place / photo.name).write_text(f"This is a note about {photo.name}, not a photo.\n")


def _truncated(sample: SampleCapture, place: Path) -> None:
    """All photos, the second one cut off in the middle."""
    photos = _photos(sample)
    _copy(photos, place)
    whole = photos[1].read_bytes()
    (place / photos[1].name).write_bytes(whole[: len(whole) // 2])


def _two_places(sample: SampleCapture, place: Path) -> None:
    """The second half of the photos is from another scene, some kilometres away."""
    settings = sample.settings
    elsewhere = replace(settings, seed=settings.seed + 1000, latitude=settings.latitude + 0.05)
    other = sample_capture(sample.folder.parent, settings=elsewhere)
    here = _photos(sample)
    _copy(here[0 : len(here) // 2], place)
    for photo in _photos(other)[len(here) // 2 :]:
        shutil.copyfile(photo, place / photo.name)


def _forwarded(sample: SampleCapture, place: Path) -> None:
    """Photos as a messenger passes them on, without EXIF; every other one is blurred, one is there twice."""
    place.mkdir()
    for index, photo in enumerate(_photos(sample)):
        with Image.open(photo) as image:
            pixels = image.filter(ImageFilter.GaussianBlur(BLUR_PX)) if index % 2 else image.convert("RGB")
        pixels.save(place / photo.name, "JPEG", quality=90, exif=b"", xmp=b"")
    shutil.copyfile(place / _photos(sample)[0].name, place / "again.jpg")


def _zip(sample: SampleCapture, place: Path) -> None:
    with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as archive:
        for photo in _photos(sample):
            archive.write(photo, f"photos/{photo.name}")


def _zip_traversal(sample: SampleCapture, place: Path) -> None:
    """Some names leave the folder that the archive is unpacked into."""
    photos = _photos(sample)
    names = ["../escaped.jpg", "../../../../tmp/escaped.jpg", "/tmp/escaped.jpg"]  # noqa: S108 - never unpacked
    names += [f"photos/{photo.name}" for photo in photos[3:]]
    with zipfile.ZipFile(place, "w", zipfile.ZIP_STORED) as archive:
        for name, photo in zip(names, photos, strict=False):
            # ZipFile.write() would take the leading slash away.
            archive.writestr(zipfile.ZipInfo(name), photo.read_bytes())


def _compressed_zeros() -> tuple[bytes, int]:
    """Returns the bzip2 stream of one entry of the bomb, and the entry's CRC-32."""
    chunk = bytes(MEBIBYTE)
    compressor = bz2.BZ2Compressor()
    stream = b""
    checksum = 0
    for _ in range(BOMB_ENTRY_BYTES // MEBIBYTE):
        stream += compressor.compress(chunk)
        checksum = zlib.crc32(chunk, checksum)
    return stream + compressor.flush(), checksum


def _zip_bomb(sample: SampleCapture, place: Path) -> None:
    """Some photos, and 160 entries of 64 MiB zeros that take some hundred bytes each.

    The entries are written by hand, since zipfile takes no data that is compressed already and compressing
    10 GiB takes a minute. The archive is valid: whoever unpacks it gets 10 GiB.
    """
    stream, checksum = _compressed_zeros()
    sizes = (checksum, len(stream), BOMB_ENTRY_BYTES)
    common = (0, METHOD_BZIP2, 0, FIRST_OF_JANUARY_1980, *sizes)
    directory = b""
    with place.open("wb") as archive:
        entries = 0
        written = 0
        for photo in _photos(sample):
            content = photo.read_bytes()
            written += len(content)
            if written > BOMB_PHOTO_BYTES:
                break
            plain = (0, 0, 0, FIRST_OF_JANUARY_1980, zlib.crc32(content), len(content), len(content))
            directory += _write_entry(archive, f"photos/{photo.name}", plain, content)
            entries += 1
        for number in range(BOMB_ENTRIES):
            directory += _write_entry(archive, f"photos/DJI_{9000 + number}.jpg", common, stream)
            entries += 1
        start = archive.tell()
        archive.write(directory)
        archive.write(END_OF_DIRECTORY.pack(b"PK\x05\x06", 0, 0, entries, entries, len(directory), start, 0))


def _write_entry(archive: BinaryIO, name: str, common: tuple[int, ...], content: bytes) -> bytes:
    """Writes one entry and returns its record of the central directory.

    Args:
        archive: Open at the entry's place.
        name: Of the entry.
        common: The fields that both headers have: flags, method, time, date, CRC-32, compressed and
            plain size.
        content: What is stored, compressed as `common` says.
    """
    offset = archive.tell()
    archive.write(LOCAL_HEADER.pack(b"PK\x03\x04", VERSION_FOR_BZIP2, *common, len(name), 0))
    archive.write(name.encode() + content)
    versions = (VERSION_FOR_BZIP2, VERSION_FOR_BZIP2)
    record = CENTRAL_HEADER.pack(b"PK\x01\x02", *versions, *common, len(name), 0, 0, 0, 0, 0, offset)
    return record + name.encode()


MAKERS: dict[FaultKind, Callable[[SampleCapture, Path], None]] = {
    "missing": _missing,
    "empty": _empty,
    "two_photos": _two_photos,
    "text_as_jpg": _text_as_jpg,
    "truncated": _truncated,
    "two_places": _two_places,
    "forwarded": _forwarded,
    "zip": _zip,
    "zip_traversal": _zip_traversal,
    "zip_bomb": _zip_bomb,
}


def make_fault(kind: FaultKind, sample: SampleCapture, out: Path) -> Path:
    """Makes a capture that something is wrong with, or, as `zip`, a good one in an archive.

    Args:
        kind: What is wrong: the path is not there (missing), a folder without photos (empty) or with two
            (two_photos), text files named as photos (text_as_jpg), one photo cut off among good ones
            (truncated), half the photos of another place (two_places), photos without EXIF, half of them
            blurred and one of them twice (forwarded), an archive with names that lead outside
            (zip_traversal) or that unpacks to 10 GiB (zip_bomb).
        sample: The photos to start from. For two_places, another one is made beside it in the cache.
        out: Folder to make it in; made where it is not there.

    Returns:
        The folder or the archive; for `missing`, a path where nothing is.

    Raises:
        ValueError: There is no such kind.
        FileExistsError: It was made there before.
    """
    if kind not in MAKERS:
        raise ValueError(f"no fault is called {kind!r}: there are {', '.join(get_args(FaultKind))}")
    out.mkdir(parents=True, exist_ok=True)
    place = out / (f"{kind}.zip" if kind.startswith("zip") else kind)
    if place.exists():
        raise FileExistsError(f"{place} is there already")
    MAKERS[kind](sample, place)
    return place
