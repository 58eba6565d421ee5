"""COLMAP's database with the cameras and photos, and the SIFT features of every photo."""

from collections.abc import Sequence
from pathlib import Path

import pycolmap

from spaceport_sfm.options import SfmOptions
from spaceport_sfm.photos import Photo
from spaceport_sfm.probes import RowCount
from spaceport_sfm.sink import ProgressSink

CAMERA_MODEL = "OPENCV"
DEFAULT_FOCAL_FACTOR = 1.2
"""Focal length per longest side where EXIF tells none (COLMAP's default)."""


def create_database(database: Path, photos: Sequence[Photo]) -> int:
    """Writes cameras and photos in the order given, so that their ids never depend on threads.

    Photos of one camera model, size and focal length share one camera: a drone's calibration is the same for
    the whole flight, and one shared camera is far better determined than one per photo.

    Returns:
        The number of cameras.
    """
    rigs: dict[tuple[str, str, int, int, float | None], tuple[int, int]] = {}
    with pycolmap.Database.open(database) as db:
        for photo in photos:
            metadata = photo.metadata
            key = (metadata.make, metadata.model, photo.width, photo.height, _rounded(metadata.focal_px))
            if key not in rigs:
                rigs[key] = _add_camera(db, photo)
            camera_id, rig_id = rigs[key]
            image = pycolmap.Image()
            image.name = photo.name
            image.camera_id = camera_id
            image.image_id = db.write_image(image)
            frame = pycolmap.Frame()
            frame.rig_id = rig_id
            frame.add_data_id(image.data_id)
            db.write_frame(frame)
    return len(rigs)


def extract_features(
    database: Path, folder: Path, photos: Sequence[Photo], options: SfmOptions, progress: ProgressSink
) -> int:
    """Extracts SIFT features of every photo into the database.

    Returns:
        The number of features of all photos together.
    """
    extraction = pycolmap.FeatureExtractionOptions()
    extraction.max_image_size = options.feature_image_size
    extraction.num_threads = options.num_threads
    extraction.sift.max_num_features = options.max_num_features
    line = "Looking for details: {done} of {total} photos"
    with progress.watched(RowCount(database, "keypoints"), len(photos), line):
        pycolmap.extract_features(
            database,
            folder,
            image_names=[photo.name for photo in photos],
            extraction_options=extraction,
        )
    with pycolmap.Database.open(database) as db:
        return int(db.num_keypoints())


def _add_camera(db: pycolmap.Database, photo: Photo) -> tuple[int, int]:
    known = photo.metadata.focal_px
    focal = known or DEFAULT_FOCAL_FACTOR * max(photo.width, photo.height)
    camera = pycolmap.Camera.create_from_model_name(0, CAMERA_MODEL, focal, photo.width, photo.height)
    camera.has_prior_focal_length = known is not None
    camera.camera_id = db.write_camera(camera)
    rig = pycolmap.Rig()
    rig.add_ref_sensor(camera.sensor_id)
    return camera.camera_id, db.write_rig(rig)


def _rounded(focal_px: float | None) -> float | None:
    """A zoom step is another camera; the rounding of EXIF's numbers is not."""
    return None if focal_px is None else round(focal_px, -1)
