"""The step from a capture to a georeferenced model, without the job around it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import PIL
import pycolmap
from spaceport_job import Georeference, write_json

from spaceport_sfm.features import create_database, extract_features
from spaceport_sfm.georeference import Placement, georeference
from spaceport_sfm.intake import take_in
from spaceport_sfm.mapping import map_photos
from spaceport_sfm.matching import choose_pairs, match_pairs
from spaceport_sfm.options import SfmOptions
from spaceport_sfm.sink import ProgressSink
from spaceport_sfm.undistort import undistort

STAGES = {
    "intake": 2.0,
    "features": 35.0,
    "matching": 35.0,
    "mapping": 23.0,
    "georeference": 1.0,
    "undistort": 4.0,
}
"""Stages with the share of the time they usually take."""
GLOG_WARNING = 1


@dataclass(frozen=True)
class Task:
    """One reconstruction.

    Attributes:
        capture: What was uploaded.
        work: An empty folder for everything that is not the result.
        result: Gets `images/`, `sparse/0/` and `georeference.json`.
        options: The options.
    """

    capture: Path
    work: Path
    result: Path
    options: SfmOptions


@dataclass(frozen=True)
class Outcome:
    """What the report says about a reconstruction."""

    input: dict[str, Any]
    output: dict[str, Any]
    quality: dict[str, Any]
    warnings: list[str]
    versions: dict[str, str]


def reconstruct(progress: ProgressSink, task: Task) -> Outcome:
    """Runs every stage.

    Raises:
        CaptureError: the capture cannot be reconstructed; the message says why and what to do.
    """
    pycolmap.logging.minloglevel = GLOG_WARNING
    pycolmap.set_random_seed(task.options.seed)
    options = task.options
    database = task.work / "database.db"
    with progress.stage("intake", "Looking at the photos"):
        intake = take_in(task.capture, task.work, on_progress=progress.update)
    photos = intake.photos
    with progress.stage("features", "Looking for details in the photos"):
        cameras = create_database(database, photos)
        features = extract_features(database, intake.folder, photos, options, progress)
    with progress.stage("matching", "Comparing photos"):
        pairs = choose_pairs(photos, options)
        verified = match_pairs(database, photos, pairs, options, progress)
    with progress.stage("mapping", "Placing photos"):
        mapping = map_photos(database, intake.folder, task.work / "models", photos, options, progress)
    model = mapping.reconstruction
    with progress.stage("georeference", "Finding the place on the map"):
        placement = georeference(model, photos, seed=options.seed)
        apply_placement(model, placement)
        model.update_point_3d_errors()
        reprojection_px = model.compute_mean_reprojection_error()
        georecord = placement.record()
        write_json(task.result / "georeference.json", georecord)
    with progress.stage("undistort", "Straightening photos"):
        pinhole = undistort(model, intake.folder, task.work, task.result, options, progress)
    registered = model.num_reg_images()
    sizes = sorted({(camera.width, camera.height) for camera in pinhole.cameras.values()})
    return Outcome(
        input={
            "files": intake.files,
            "photos": len(photos),
            "photos_with_gps": sum(photo.metadata.gps is not None for photo in photos),
            "cameras": cameras,
        },
        output={
            "registered": registered,
            "points": model.num_points3D(),
            "image_sizes": [list(size) for size in sizes],
        },
        quality={
            "reprojection_px": round(reprojection_px, 4),
            "registered_fraction": round(registered / len(photos), 4),
            "mean_track_length": round(model.compute_mean_track_length(), 3),
            "features_per_photo": round(features / len(photos)),
            "compared_pairs": len(pairs),
            "verified_pairs": verified,
            "mapping_attempt": mapping.attempt,
            "georeference": _georeference_quality(georecord, placement),
        },
        warnings=[*intake.warnings, *mapping.warnings, *placement.warnings],
        versions={"pycolmap": pycolmap.__version__, "numpy": np.__version__, "pillow": PIL.__version__},
    )


def apply_placement(reconstruction: pycolmap.Reconstruction, placement: Placement) -> None:
    """Brings the reconstruction into ENU metres."""
    transform = placement.transform
    reconstruction.transform(
        pycolmap.Sim3d(transform.scale, pycolmap.Rotation3d(transform.rotation), transform.translation)
    )


def _georeference_quality(record: Georeference, placement: Placement) -> dict[str, Any]:
    residuals = record.residuals
    return {
        "source": record.source,
        "rmse_m": None if residuals is None else round(residuals.rmse_m, 4),
        "positions_used": len(placement.inliers),
    }
