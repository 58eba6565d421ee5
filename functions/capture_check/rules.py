"""What a capture may be: which files are photos, how many, how large."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.capture_check.reasons import CaptureRejected, count

MIN_PHOTOS = 3
"""Fewer views never fix a shape: two leave its depth to one baseline."""
MAX_PHOTOS = 5000
MAX_UNPACKED_BYTES = 60 * 10**9
"""What the processing instance's disk holds beside its results."""
MAX_UNPACK_RATIO = 20
"""Photos are packed already: a zip of JPEGs shrinks by a few percent, one of plain TIFFs by some 3 times."""


@dataclass(frozen=True)
class Packed:
    """Where a photo lies in its archive.

    Attributes:
        offset: Of its local header, bytes.
        size: Its bytes there.
        method: How it is packed, as in the archive's directory.
        crc: CRC-32 of its content, as the directory tells.
    """

    offset: int
    size: int
    method: int
    crc: int


@dataclass(frozen=True)
class Photo:
    """A photo, plain or in an archive, as the listings tell.

    Attributes:
        name: Its name in the capture; one in an archive begins with the archive's.
        size: Bytes, unpacked.
        key: Key of the object that it is or lies in.
        e_tag: ETag of a plain photo, "" in an archive.
        packed: Where it lies in an archive, None for a plain one.
    """

    name: str
    size: int
    key: str = ""
    e_tag: str = ""
    packed: Packed | None = None


def take_photos(plain: Sequence[Photo], archives: Mapping[str, Sequence[Photo]]) -> list[Photo]:
    """Judge a capture by its names and sizes.

    Args:
        plain: Photos uploaded as they are.
        archives: Photos of each archive, by its name.

    Returns:
        The photos with content, by name.

    Raises:
        CaptureRejected: It cannot become a model.
    """
    photos = [*plain, *(photo for packed in archives.values() for photo in packed)]
    with_content = sorted((photo for photo in photos if photo.size > 0), key=lambda photo: photo.name)
    if len(with_content) < MIN_PHOTOS:
        raise CaptureRejected(
            f"This capture has {count(len(with_content), 'photo')}; a model needs at least {MIN_PHOTOS}, "
            "and 20 or more that overlap by two thirds to look good.",
            code="TOO_FEW_PHOTOS",
        )
    if len(with_content) > MAX_PHOTOS:
        raise CaptureRejected(
            f"This capture has {len(with_content):,} photos; one job takes at most {MAX_PHOTOS:,}. "
            "Split it into several captures.",
            code="TOO_MANY_PHOTOS",
        )
    total = sum(photo.size for photo in with_content)
    if total > MAX_UNPACKED_BYTES:
        raise CaptureRejected(
            f"This capture has {total / 1e9:,.0f} GB of photos; one job takes at most "
            f"{MAX_UNPACKED_BYTES / 1e9:,.0f} GB. Split it into several captures.",
            code="TOO_LARGE",
        )
    return with_content
