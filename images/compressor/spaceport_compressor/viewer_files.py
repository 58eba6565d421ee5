"""The built viewer page: where it is, and copying it beside the model."""

import os
import shutil
from pathlib import Path

from spaceport_compressor.errors import ViewerFilesError

FOLDER_VARIABLE = "SPACEPORT_VIEWER_DIR"
IMAGE_FOLDER = Path("/opt/program/viewer")
INDEX = "index.html"


def viewer_folder() -> Path:
    """Returns the folder of the built page: `$SPACEPORT_VIEWER_DIR`, or its place in the image.

    Raises:
        ViewerFilesError: There is no page in it.
    """
    folder = Path(os.environ.get(FOLDER_VARIABLE) or IMAGE_FOLDER)
    if not (folder / INDEX).is_file():
        raise ViewerFilesError(
            f"There is no viewer page in {folder}. Build it with `npm run build` in images/compressor/viewer "
            f"and name its folder in ${FOLDER_VARIABLE}."
        )
    return folder


def copy_viewer(source: Path, target: Path) -> None:
    """Copies the page's files into `target`, which holds the model; none may take the place of another file.

    Raises:
        ViewerFilesError: A file of that name is there already.
    """
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        copy = target / file.relative_to(source)
        if copy.exists():
            raise ViewerFilesError(f"The viewer page's {copy.name} would replace a file of the model.")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
