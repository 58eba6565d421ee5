"""Photos and archives of photos, told by their names."""

from pathlib import PurePosixPath

PHOTO_EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff"})
ARCHIVE_EXTENSION = ".zip"


def is_photo_name(name: str) -> bool:
    """Tell photos from what file managers and cards put beside them."""
    path = PurePosixPath(name)
    return (
        path.suffix.lower() in PHOTO_EXTENSIONS
        and not path.name.startswith(".")
        and "__MACOSX" not in path.parts
    )


def is_archive_name(name: str) -> bool:
    """Tell archives from other files."""
    return PurePosixPath(name).suffix.lower() == ARCHIVE_EXTENSION
