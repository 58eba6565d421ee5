"""Unpacks and reads what the training step left: the model folder inside model.tar.gz."""

import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from spaceport_job.records import CameraSet, Georeference, Report
from spaceport_splat.splats import Splats, read_ply

from spaceport_compressor.errors import ModelFolderError

ARCHIVE = "model.tar.gz"
SPLATS = "splat.ply"
CAMERAS = "cameras.json"
GEOREFERENCE = "georeference.json"
REPORT = "report.json"
HELDOUT = "heldout"

_WANTED = frozenset({SPLATS, CAMERAS, GEOREFERENCE, REPORT})
_MOST_BYTES = 64 * 1024**3

Record = TypeVar("Record", bound=BaseModel)


@dataclass(frozen=True)
class ModelFolder:
    """The training step's result.

    Attributes:
        folder: Where it was unpacked.
        splats: As trained, in the model frame.
        cameras: Of all photos that were used.
        georeference: Where the model is in the world.
        report: Of the training step.
    """

    folder: Path
    splats: Splats
    cameras: CameraSet
    georeference: Georeference
    report: Report

    def heldout_photo(self, name: str) -> Path | None:
        """Returns the held-out photo of a view at training size, or None where there is none."""
        photo = self.folder / HELDOUT / f"{name}.png"
        return photo if photo.is_file() else None


def _wanted_members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """Yields the files of the contract; anything else in the archive is not unpacked.

    Raises:
        ModelFolderError: They are larger than any model.
    """
    total = 0
    for member in archive:
        path = PurePosixPath(member.name)
        is_photo = path.parts[:1] == (HELDOUT,) and path.suffix == ".png"
        if not member.isfile() or ".." in path.parts or not (is_photo or str(path) in _WANTED):
            continue
        total += member.size
        if total > _MOST_BYTES:
            raise ModelFolderError(f"The trained model in {ARCHIVE} is larger than {_MOST_BYTES >> 30} GB.")
        yield member


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks the model folder; a member can leave neither `folder` nor a link behind.

    Raises:
        ModelFolderError: The archive is missing or damaged.
    """
    if not archive.is_file():
        raise ModelFolderError(f"The trained model {archive.name} is missing from the compressor's input.")
    try:
        with tarfile.open(archive, "r:gz") as packed:
            for member in _wanted_members(packed):
                packed.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise ModelFolderError(f"The trained model {archive.name} is damaged: {error}") from error


def read_record(path: Path, record: type[Record]) -> Record:
    """Reads one JSON file of the contract.

    Raises:
        ModelFolderError: It is missing or not what the contract says.
    """
    try:
        return record.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ModelFolderError(f"{path.name} is missing from what the step before left.") from error
    except ValidationError as error:
        raise ModelFolderError(f"{path.name} is not valid: {error}") from error


def read_model_folder(folder: Path) -> ModelFolder:
    """Reads the unpacked model folder.

    Raises:
        ModelFolderError: A file is missing or damaged, or there are no splats.
    """
    cameras = read_record(folder / CAMERAS, CameraSet)
    georeference = read_record(folder / GEOREFERENCE, Georeference)
    report = read_record(folder / REPORT, Report)
    try:
        splats = read_ply(folder / SPLATS)
    except FileNotFoundError as error:
        raise ModelFolderError(f"{SPLATS} is missing from the trained model.") from error
    except (ValueError, OSError) as error:
        raise ModelFolderError(f"{SPLATS} of the trained model is damaged: {error}") from error
    if not len(splats):
        raise ModelFolderError("The trained model holds no splats.")
    return ModelFolder(folder, splats, cameras, georeference, report)
