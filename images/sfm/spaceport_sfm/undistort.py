"""Undistorted images with pinhole cameras, in COLMAP's layout."""

import shutil
from pathlib import Path

import pycolmap

from spaceport_sfm.options import SfmOptions
from spaceport_sfm.probes import FileCount
from spaceport_sfm.sink import ProgressSink


def undistort(
    reconstruction: pycolmap.Reconstruction,
    folder: Path,
    work: Path,
    result: Path,
    options: SfmOptions,
    progress: ProgressSink,
) -> pycolmap.Reconstruction:
    """Writes `images/` and `sparse/0/*.bin` with PINHOLE cameras into the result.

    Args:
        reconstruction: In the frame the result shall have.
        folder: The photos.
        work: A folder of the job's own.
        result: Gets the two folders.
        options: Longest side and JPEG quality.
        progress: Told after every image.

    Returns:
        The undistorted model.
    """
    distorted = work / "distorted"
    output = work / "undistorted"
    distorted.mkdir(parents=True)
    reconstruction.write_binary(distorted)
    camera_options = pycolmap.UndistortCameraOptions()
    camera_options.max_image_size = options.max_image_size
    line = "Straightening photos: {done} of {total}"
    with progress.watched(FileCount(output / "images"), reconstruction.num_reg_images(), line):
        pycolmap.undistort_images(
            output,
            distorted,
            folder,
            undistort_options=camera_options,
            jpeg_quality=options.jpeg_quality,
            num_threads=options.num_threads,
        )
    shutil.move(output / "images", result / "images")
    (result / "sparse").mkdir()
    shutil.move(output / "sparse", result / "sparse" / "0")
    return pycolmap.Reconstruction(result / "sparse" / "0")
