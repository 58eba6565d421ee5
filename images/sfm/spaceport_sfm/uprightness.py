"""Up, north and scale of a model without usable GPS: from the gimbal's angles or from the cameras alone."""

from collections.abc import Mapping, Sequence

import numpy as np
import pycolmap

from spaceport_sfm.photos import Gimbal, Photo
from spaceport_sfm.similarity import Points, SimilarityTransform

AGREEMENT = 0.9
"""Least length of the mean of unit vectors (1: all the same) at which they are believed."""
LEVEL_CONTRAST = 4.0
"""How many times better one direction must fit 'every photo is level' than the next one."""
LEVEL_FLOOR = 1e-3
"""Least mean square of the x axes along the next one: they must not all lie on one line."""
NOMINAL_HEIGHT_M = 40.0
"""Camera height above the ground that is assumed where nothing tells the scale: a usual mapping flight."""


def upright_transform(
    reconstruction: pycolmap.Reconstruction, photos: Sequence[Photo], ground: Points
) -> tuple[SimilarityTransform, str]:
    """A similarity that puts the model upright and about to scale, its ground at height 0, its middle at 0.

    Args:
        reconstruction: In any frame.
        photos: With the gimbal angles and heights that their XMP tells.
        ground: Points of the scene [M, 3], in the reconstruction's frame.

    Returns:
        The transform, and in words what its north and its scale rest on.
    """
    rotations = {
        image.name: np.asarray(image.cam_from_world().rotation.matrix(), dtype=np.float64).T
        for image in reconstruction.images.values()
        if image.has_pose
    }
    centres = np.array(
        [image.projection_center() for image in reconstruction.images.values() if image.has_pose]
    )
    gimbals = {photo.name: photo.metadata.gimbal for photo in photos if photo.metadata.gimbal}
    up = up_from_gimbals(rotations, gimbals)
    if up is None:
        up = up_from_cameras(np.array(list(rotations.values())))
    north = north_from_gimbals(rotations, gimbals, up)
    north_note = "north is the compass's" if north is not None else "north is arbitrary"
    axes = _frame(up, north)
    heights = (centres - np.median(ground, axis=0)) @ axes[2]
    told = [
        photo.metadata.relative_altitude_m
        for photo in photos
        if photo.name in rotations and (photo.metadata.relative_altitude_m or 0.0) > 1.0
    ]
    height_m = float(np.median([value for value in told if value is not None])) if told else NOMINAL_HEIGHT_M
    scale_note = "its scale comes from the flight height" if told else "its scale is a guess"
    span = float(np.median(heights))
    if span <= 0:
        span = float(np.linalg.norm(centres - np.median(ground, axis=0), axis=1).mean())
    scale = height_m / span
    middle = np.median(ground, axis=0)
    return SimilarityTransform(scale, axes, -scale * axes @ middle), f"{scale_note}, {north_note}"


def up_from_gimbals(rotations: Mapping[str, Points], gimbals: Mapping[str, Gimbal]) -> Points | None:
    """The world's up [3] in the model's frame, or None where pitch and roll disagree.

    Args:
        rotations: World-from-camera rotation [3, 3] by photo name; OpenCV axes.
        gimbals: DJI's angles by photo name.
    """
    ups = [rotations[name] @ camera_up(gimbals[name]) for name in sorted(gimbals) if name in rotations]
    return _agreed(np.array(ups).reshape(-1, 3))


def north_from_gimbals(
    rotations: Mapping[str, Points], gimbals: Mapping[str, Gimbal], up: Points
) -> Points | None:
    """North [3] in the model's frame, level, or None where the yaws disagree.

    They do on some drones that look straight down: the gimbal turns over at the end of a strip, and the yaw
    that is written jumps by half a turn while the picture does not.

    Args:
        rotations: World-from-camera rotation [3, 3] by photo name; OpenCV axes.
        gimbals: DJI's angles by photo name.
        up: Unit vector [3] in the model's frame.
    """
    norths = []
    for name in sorted(gimbals):
        if name not in rotations:
            continue
        heading = _level(rotations[name] @ camera_heading(gimbals[name]), up)
        yaw = np.radians(gimbals[name].yaw)
        norths.append(np.cos(yaw) * heading - np.sin(yaw) * np.cross(heading, up))
    return _agreed(np.array(norths).reshape(-1, 3))


def camera_up(gimbal: Gimbal) -> Points:
    """The world's up [3] in camera axes (x right, y down, z forward) at DJI's pitch and roll."""
    pitch, roll = np.radians(gimbal.pitch), np.radians(gimbal.roll)
    return np.array([-np.sin(roll) * np.cos(pitch), -np.cos(roll) * np.cos(pitch), np.sin(pitch)])


def camera_heading(gimbal: Gimbal) -> Points:
    """The horizontal direction of DJI's yaw [3] in camera axes: ahead when level, the top if looking down."""
    pitch, roll = np.radians(gimbal.pitch), np.radians(gimbal.roll)
    return np.array([np.sin(roll) * np.sin(pitch), np.cos(roll) * np.sin(pitch), np.cos(pitch)])


def up_from_cameras(rotations: Points) -> Points:
    """The world's up [3] in the model's frame, from cameras that are held level.

    A level camera's x axis is horizontal whatever its heading and pitch, so up is the direction that all x
    axes are orthogonal to. Photos of one heading leave it open; then up is against the mean viewing
    direction, as for a flight that looks straight down, brought orthogonal to the x axes.

    Args:
        rotations: World-from-camera rotations [N, 3, 3]; OpenCV axes.
    """
    rights, downs, forwards = (rotations[:, :, column] for column in range(3))
    values, vectors = np.linalg.eigh(rights.T @ rights / len(rights))
    if values[1] > LEVEL_CONTRAST * values[0] + LEVEL_FLOOR:
        up = vectors[:, 0]
    else:
        up = _level(-forwards.mean(axis=0), vectors[:, 2])
    above = -(downs.mean(axis=0) + forwards.mean(axis=0))
    return -up if up @ above < 0 else up


def _frame(up: Points, north: Points | None) -> Points:
    """East, north and up as rows [3, 3]; some horizontal direction is north where none is known."""
    if north is None:
        north = np.eye(3)[np.argmin(np.abs(up))]
    north = _level(north, up)
    return np.array([np.cross(north, up), north, up])


def _level(direction: Points, up: Points) -> Points:
    """The unit vector along the part of a direction [3] that is orthogonal to up."""
    level = direction - (direction @ up) * up
    return np.asarray(level / np.linalg.norm(level))


def _agreed(directions: Points) -> Points | None:
    """The mean direction of unit vectors [N, 3], or None where there are none or they disagree."""
    if not len(directions):
        return None
    mean = directions.mean(axis=0)
    length = float(np.linalg.norm(mean))
    return mean / length if length >= AGREEMENT else None
