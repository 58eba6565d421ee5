"""The first view of a model: from outside and above, where the drone was, at what the drone looked at."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from spaceport_job.records import Camera

Vector = NDArray[np.float64]

# Model frame: x = -east, y = -up, z = -north.
UP = np.array([0.0, -1.0, 0.0])
SOUTH = np.array([0.0, 0.0, 1.0])

_LOWEST, _HIGHEST = math.radians(20), math.radians(45)
# Above this the photos look straight down: the side they were taken from says nothing, and a low view would
# show what none of them has seen.
_NADIR = math.radians(65)
_HIGHEST_NADIR = math.radians(75)
_NARROWEST, _WIDEST = math.radians(45), math.radians(75)
_SOUTH_PREFERENCE = 0.1
_PRIOR_WEIGHT = 0.01


@dataclass(frozen=True)
class OpeningView:
    """A camera that looks at a point, in the model frame.

    Attributes:
        position: [3].
        target: [3]; the viewer's controls turn around it.
        horizontal_fov: Radians, across a picture wider than high.
    """

    position: Vector
    target: Vector
    horizontal_fov: float

    def cam_from_model(self) -> NDArray[np.float64]:
        """Returns the 4x4 transform into OpenCV camera axes (x right, y down, z forward)."""
        forward = self.target - self.position
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, UP)
        right /= np.linalg.norm(right)
        transform = np.eye(4)
        transform[:3, :3] = np.stack([right, np.cross(forward, right), forward])
        transform[:3, 3] = -transform[:3, :3] @ self.position
        return transform

    def focal_length(self, width: int) -> float:
        """Returns the focal length in pixels of a picture of that width."""
        return width / 2 / math.tan(self.horizontal_fov / 2)


def _centers_and_axes(cameras: Sequence[Camera]) -> tuple[Vector, Vector]:
    transforms = np.array([camera.cam_from_model for camera in cameras])
    rotations, translations = transforms[:, :3, :3], transforms[:, :3, 3]
    return -np.einsum("nji,nj->ni", rotations, translations), rotations[:, 2]


def _looked_at(centers: Vector, axes: Vector, middle: Vector) -> Vector:
    """Returns the point nearest to all optical axes in the least squares.

    Photos straight down have parallel axes, which leave the depth open: the model's middle is a weak prior.
    """
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]
    prior = _PRIOR_WEIGHT * len(axes)
    left = across.sum(axis=0) + prior * np.eye(3)
    right = np.einsum("nij,nj->i", across, centers) + prior * middle
    point = np.linalg.solve(left, right)
    in_front = np.einsum("ni,ni->n", point - centers, axes) > 0
    return np.asarray(point) if in_front.mean() > 0.5 else middle  # noqa: PLR2004 - more than half of them


def _direction(offsets: Vector, distances: Vector) -> Vector:
    """Returns the unit vector from the target to the first view's camera."""
    elevations = np.arcsin(np.clip(offsets @ UP / distances, -1, 1))
    middle = float(np.median(elevations))
    straight_down = middle > _NADIR
    elevation = float(np.clip(middle, _LOWEST, _HIGHEST_NADIR if straight_down else _HIGHEST))
    sideways = offsets - np.outer(offsets @ UP, UP)
    lengths = np.linalg.norm(sideways, axis=1)
    if straight_down or not lengths.any():
        azimuth = SOUTH
    else:
        sideways /= np.maximum(lengths, 1e-12)[:, None]
        away_from_south = np.arccos(np.clip(sideways @ SOUTH, -1, 1))
        scores = np.abs(elevations - elevation) + _SOUTH_PREFERENCE * away_from_south + (lengths < 1e-9)  # noqa: PLR2004
        azimuth = sideways[int(np.argmin(scores))]
    return np.asarray(math.cos(elevation) * azimuth + math.sin(elevation) * UP)


def opening_view(cameras: Sequence[Camera], means: NDArray[np.floating]) -> OpeningView:
    """Chooses the first view.

    It looks at the point the photos look at, from their usual distance, 20 to 45 degrees above the horizon
    and from the side of a photo that was taken that steeply, of several the southern one: then north is up.
    Where all photos look straight down, it looks down too, a little from the south.

    Args:
        cameras: Of the capture, in the model frame; without any, the model's extent decides.
        means: [N, 3] positions of the splats, at least one.
    """
    middle = np.median(means, axis=0).astype(np.float64)
    extent = float(np.linalg.norm(np.percentile(means, 90, axis=0) - np.percentile(means, 10, axis=0))) or 1.0
    if not cameras:
        direction = math.cos(_HIGHEST) * SOUTH + math.sin(_HIGHEST) * UP
        return OpeningView(middle + extent * direction, middle, _WIDEST)
    centers, axes = _centers_and_axes(cameras)
    target = _looked_at(centers, axes, middle)
    offsets = centers - target
    distances = np.maximum(np.linalg.norm(offsets, axis=1), 1e-9)
    distance = max(float(np.median(distances)), extent / 10)
    fovs = [2 * math.atan(max(camera.width, camera.height) / 2 / camera.fx) for camera in cameras]
    fov = float(np.clip(np.median(fovs), _NARROWEST, _WIDEST))
    return OpeningView(target + distance * _direction(offsets, distances), target, fov)
