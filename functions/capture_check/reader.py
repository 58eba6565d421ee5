"""Reads photos from S3: the first bytes of each, and a few as a whole."""

import hashlib
import io
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

from botocore.exceptions import BotoCoreError, ClientError

from functions.capture_check.archives import RangedFile, ReadRange, UnknownPackingError, unpack_start
from functions.capture_check.metadata import PhotoFacts, has_signature, read_facts
from functions.capture_check.rules import Photo
from functions.capture_check.sharpness import blur_effect, decode_grey
from functions.shared.aws import S3_CONNECTIONS, s3

START_BYTES = 128 * 1024
"""Of a photo: EXIF and XMP have at most 64 KiB each, and stand at the beginning."""
MAX_HEADER_BYTES = 2 * 2**20
"""Read of a plain photo whose header is longer, as of thermal cameras, or stands at the end (TIFF)."""
DECODED_AT_ONCE = 2
"""Whole photos in memory."""
MAX_DECODED_PIXELS = 100_000_000
MAX_DECODED_BYTES = 200 * 10**6

Fault = Literal["not_an_image", "damaged", "not_told"]
"""Other bytes than a photo's; a header that cannot be read; one that was not reached."""


@dataclass(frozen=True)
class Start:
    """What a photo's first bytes tell.

    Attributes:
        digest: Of the first bytes, None when they could not be read.
        facts: What the header tells, None with a fault.
        fault: What is wrong with it.
    """

    digest: bytes | None
    facts: PhotoFacts | None
    fault: Fault | None = None


@dataclass(frozen=True)
class Look:
    """What the pixels of a photo tell.

    Attributes:
        photo: The photo.
        damaged: Whether it cannot be decoded to its end.
        blur: 0 (sharp) to 1; None without any detail.
    """

    photo: Photo
    damaged: bool
    blur: float | None


@dataclass(frozen=True)
class PhotoReader:
    """Reads photos of one bucket.

    Attributes:
        bucket: The bucket.
    """

    bucket: str

    def range_of(self, key: str, size: int) -> ReadRange:
        """Give what reads parts of an object; past its end there is nothing."""

        def read(first: int, last: int) -> bytes:
            if first >= size:
                return b""
            answer = s3().get_object(
                Bucket=self.bucket, Key=key, Range=f"bytes={first}-{min(last, size - 1)}"
            )
            return answer["Body"].read()

        return read

    def starts(self, photos: Sequence[Photo], sizes: dict[str, int]) -> list[Start]:
        """Read the headers of photos.

        Args:
            photos: The photos.
            sizes: Bytes of the objects that they are or lie in, by key.
        """
        with ThreadPoolExecutor(S3_CONNECTIONS) as pool:
            return list(
                pool.map(lambda photo: read_start(photo, self.range_of(photo.key, sizes[photo.key])), photos)
            )

    def looks(self, photos: Sequence[Photo], sizes: dict[str, int]) -> list[Look]:
        """Decode photos; arguments as those of `starts`."""
        with ThreadPoolExecutor(DECODED_AT_ONCE) as pool:
            return list(
                pool.map(lambda photo: look_at(photo, self.range_of(photo.key, sizes[photo.key])), photos)
            )


def read_start(photo: Photo, read_range: ReadRange) -> Start:
    """Read a photo's header.

    Args:
        photo: The photo.
        read_range: Reads a part of the object that it is or lies in.
    """
    try:
        start = _first_bytes(photo, read_range, START_BYTES)
    except UnknownPackingError:
        return Start(None, None, "not_told")
    except ValueError:
        return Start(None, None, "damaged")
    digest = hashlib.sha256(start).digest()
    if not has_signature(start):
        return Start(digest, None, "not_an_image")
    try:
        return Start(digest, read_facts(_header_file(photo, start, read_range)))
    except (BotoCoreError, ClientError):
        raise
    except Exception:  # noqa: BLE001 -- a stranger's bytes: Pillow's readers raise whatever they like
        # An archive's entry is read from its beginning only.
        cut = photo.packed is not None and photo.size > len(start)
        return Start(digest, None, "not_told" if cut else "damaged")


def look_at(photo: Photo, read_range: ReadRange) -> Look:
    """Decode a photo; arguments as those of `read_start`."""
    try:
        content = _first_bytes(photo, read_range, photo.size)
    except ValueError:
        return Look(photo, damaged=True, blur=None)
    if photo.packed is not None and zlib.crc32(content) != photo.packed.crc:
        return Look(photo, damaged=True, blur=None)
    try:
        grey = decode_grey(io.BytesIO(content))
    except Exception:  # noqa: BLE001 -- as above
        return Look(photo, damaged=True, blur=None)
    return Look(photo, damaged=False, blur=blur_effect(grey))


def spread(photos: Sequence[Photo], number: int) -> list[Photo]:
    """Choose photos evenly over a sequence."""
    if len(photos) <= number:
        return list(photos)
    return [photos[round(index * (len(photos) - 1) / (number - 1))] for index in range(number)]


def _first_bytes(photo: Photo, read_range: ReadRange, length: int) -> bytes:
    if photo.packed is not None:
        return unpack_start(photo.packed, read_range, length)
    return read_range(0, min(length, photo.size) - 1)


def _header_file(photo: Photo, start: bytes, read_range: ReadRange) -> BinaryIO:
    """Give a file over a photo that reads more than the first bytes only when it must."""
    if photo.packed is not None or len(start) >= photo.size:
        return io.BytesIO(start)

    def read(first: int, last: int) -> bytes:
        return start[first : last + 1] if last < len(start) else read_range(first, last)

    ranged = RangedFile(photo.size, read, budget=MAX_HEADER_BYTES)
    return cast("BinaryIO", io.BufferedReader(ranged, START_BYTES))
