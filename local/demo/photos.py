"""Which files a demo uploads: the photos of a folder, one zip, or the sample capture."""

from dataclasses import dataclass
from pathlib import Path

PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})


class PhotosError(Exception):
    """There is nothing to upload; the message says why and what to do."""


@dataclass(frozen=True)
class Capture:
    """What is uploaded.

    Attributes:
        source: "sample", or the path that was given.
        files: Names in the capture and their paths.
        truth: The sample's truth.json; None for real photos.
    """

    source: str
    files: list[tuple[str, Path]]
    truth: Path | None = None

    @property
    def bytes(self) -> int:
        """The size of all files."""
        return sum(path.stat().st_size for _, path in self.files)


def find_photos(place: Path) -> Capture:
    """Finds the photos in a folder, at any depth, or takes a zip as it is.

    Raises:
        PhotosError: The place is not there, is neither a folder nor a zip, or holds no photos.
    """
    if not place.exists():
        raise PhotosError(f"There is nothing at {place}: check the path after PHOTOS=.")
    if place.is_file():
        if place.suffix.lower() != ".zip":
            raise PhotosError(f"{place} is neither a folder nor a .zip file.")
        return Capture(source=str(place), files=[(place.name, place)])
    photos = sorted(
        path for path in place.rglob("*") if path.is_file() and path.suffix.lower() in PHOTO_SUFFIXES
    )
    if not photos:
        kinds = ", ".join(sorted(PHOTO_SUFFIXES))
        raise PhotosError(f"The folder {place} holds no photos (looked for {kinds}, at any depth).")
    return Capture(source=str(place), files=[(path.relative_to(place).as_posix(), path) for path in photos])
