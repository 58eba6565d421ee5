"""How much a capture has to work on, told by its files."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from functions.ml_jobs.step_times import BYTES_PER_PIXEL, TYPICAL_MEGAPIXELS, Photos
from functions.shared.capture_checks import has_seen
from functions.shared.photo_names import is_archive_name, is_photo_name
from functions.shared.s3_objects import Listed

PIXELS_PER_MEGAPIXEL = 1_000_000
LEAST_MEGAPIXELS, MOST_MEGAPIXELS = 0.3, 100.0
_JPEG = frozenset({".jpg", ".jpeg"})


def photos_in(
    files: Iterable[Listed],
    megapixels: float | None = None,
    check: Mapping[str, Any] | None = None,
) -> Photos:
    """Count a capture's photos.

    Where no check has looked at these files, what is in an archive is guessed by its size, and how large the
    photos are by the mean size of the JPEGs.

    Args:
        files: The capture's files.
        megapixels: Of a photo, where the caller says so.
        check: What the capture's last check found, if there was one.

    Returns:
        The photos; at least one.
    """
    listed = list(files)
    figures = _figures(check, listed)
    if figures:
        found = figures.get("resolution", {}).get("medianMegapixels")
        return Photos(max(1, figures["files"]["photos"]), megapixels or found or TYPICAL_MEGAPIXELS)
    photos = [one for one in listed if is_photo_name(one.key) and one.size > 0]
    packed = sum(one.size for one in listed if is_archive_name(one.key))
    jpegs = [one.size for one in photos if PurePosixPath(one.key).suffix.lower() in _JPEG]
    if megapixels is None:
        megapixels = _megapixels_of(sum(jpegs) / len(jpegs)) if jpegs else TYPICAL_MEGAPIXELS
    in_archives = round(packed / (megapixels * PIXELS_PER_MEGAPIXEL * BYTES_PER_PIXEL))
    return Photos(max(1, len(photos) + in_archives), megapixels, counted=packed == 0)


def _figures(check: Mapping[str, Any] | None, files: Sequence[Listed]) -> Mapping[str, Any] | None:
    """Give what a check found; None where the capture has changed since."""
    if check is None or not has_seen(check, len(files), sum(one.size for one in files)):
        return None
    figures: Mapping[str, Any] = check["figures"]
    return figures


def _megapixels_of(size: float) -> float:
    megapixels = size / BYTES_PER_PIXEL / PIXELS_PER_MEGAPIXEL
    return min(MOST_MEGAPIXELS, max(LEAST_MEGAPIXELS, megapixels))
