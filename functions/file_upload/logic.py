"""Rules of uploads: which files are taken, what they are called, how large they may be."""

import itertools
import re
import unicodedata
from collections.abc import Collection, Sequence
from itertools import pairwise
from pathlib import PurePosixPath

from functions.file_upload.models import UploadedPart

PHOTO_TYPES = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
}
ARCHIVE_TYPES = {".zip": "application/zip"}
CONTENT_TYPES = PHOTO_TYPES | ARCHIVE_TYPES

MAX_PHOTO_BYTES = 200 * 10**6
"""A 100-megapixel TIFF; drones' JPEGs have 5 to 25 MB."""
MAX_ARCHIVE_BYTES = 20 * 10**9
"""Some 1,000 photos; an archive is unpacked on the processing instance's disk."""
MAX_FILES = 3000
MAX_CAPTURE_BYTES = 50 * 10**9
"""Twice that, with what is made of it, fits the processing instance's disk."""
MAX_NAME_CHARACTERS = 120
KEEP_UNFINISHED_DAYS = 7
"""As long as S3 keeps the parts of an unfinished upload."""
DAY_SECONDS = 24 * 3600


class RefusedFileError(ValueError):
    """The file is of no use or too large; the message is for people."""


def safe_name(file_name: str) -> str:
    r"""Turn the name on a person's disk into one that is safe as a key and as a file.

    Args:
        file_name: Any text, with `/` or `\` between folders.

    Returns:
        Letters, digits, `.`, `_` and `-` only; not starting with a dot; at most `MAX_NAME_CHARACTERS` long;
        its extension is one of `CONTENT_TYPES`.

    Raises:
        RefusedFileError: The extension is none that we read.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFKC", file_name).strip())[-1]
    stem, dot, suffix = re.sub(r"[^A-Za-z0-9._-]+", "_", last).rpartition(".")
    extension = dot + suffix
    if extension.lower() not in CONTENT_TYPES:
        raise RefusedFileError(
            "fileName: only photos (.jpg, .jpeg, .png, .tif, .tiff) and .zip archives of photos can be read; "
            "export raw photos to JPEG first"
        )
    visible = stem.lstrip(".-") or "photo"
    return visible[: MAX_NAME_CHARACTERS - len(extension)] + extension


def numbered_name(name: str, number: int) -> str:
    """Give the n-th file of one name its own name: the second `DJI_0001.JPG` becomes `DJI_0001-2.JPG`."""
    if number == 1:
        return name
    path = PurePosixPath(name)
    return f"{path.stem}-{number}{path.suffix}"


def free_numbers(name: str, taken: Collection[str], count: int) -> list[int]:
    """Give the first numbers under which a file of this name stays apart from all others.

    Args:
        name: A safe name.
        taken: Names in lower case that the capture has.
        count: How many numbers to give.
    """
    free = (number for number in itertools.count(1) if numbered_name(name, number).lower() not in taken)
    return list(itertools.islice(free, count))


def file_expires_at(now: int) -> int:
    """Give the epoch second after which a file that was started now and never completed is forgotten."""
    return now + KEEP_UNFINISHED_DAYS * DAY_SECONDS


def capture_expires_at(now: int) -> int:
    """Give the epoch second after which a capture that was started now is forgotten if no file arrived.

    A file may be started as long as the capture outlives it: for the first half of the time.
    """
    return now + 2 * KEEP_UNFINISHED_DAYS * DAY_SECONDS


def size_limit(name: str) -> int:
    """Give how many bytes a file of this (safe) name may have."""
    return MAX_ARCHIVE_BYTES if PurePosixPath(name).suffix.lower() in ARCHIVE_TYPES else MAX_PHOTO_BYTES


def check_size(name: str, size: int) -> None:
    """Refuse a file that is empty or too large.

    Raises:
        RefusedFileError: It is.
    """
    if size == 0:
        raise RefusedFileError(f"{name} is empty.")
    if size > size_limit(name):
        raise RefusedFileError(
            f"{name} has {size / 1e6:,.0f} MB; at most {size_limit(name) / 1e6:,.0f} MB are taken."
        )


def content_type(name: str) -> str:
    """Give the media type of a file of this (safe) name."""
    return CONTENT_TYPES[PurePosixPath(name).suffix.lower()]


def capture_prefix(owner: str, capture_id: str) -> str:
    """Give the folder of a capture in the uploads bucket."""
    return f"uploads/{owner}/{capture_id}/"


def capture_and_name(owner: str, object_key: str) -> tuple[str, str] | None:
    """Read capture and file name from a key; None when the key is not in this owner's folder."""
    parts = object_key.split("/")
    if len(parts) != 4 or parts[0] != "uploads" or parts[1] != owner or not parts[2] or not parts[3]:  # noqa: PLR2004 -- uploads/sub/capture/name
        return None
    return parts[2], parts[3]


def ordered_parts(parts: Sequence[UploadedPart]) -> list[UploadedPart]:
    """Sort parts by number.

    Raises:
        RefusedFileError: A number comes twice.
    """
    in_order = sorted(parts, key=lambda part: part.part_number)
    for earlier, later in pairwise(in_order):
        if earlier.part_number == later.part_number:
            raise RefusedFileError(f"parts: part {later.part_number} is named twice")
    return in_order
