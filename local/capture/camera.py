"""COLMAP's OPENCV camera model, and a drone's camera in space.

The distortion is that of COLMAP's src/colmap/sensor/models.h (OpenCVCameraModel).
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from local.capture.arrays import Floats, Vector
from local.capture.jit import kernel

CONVERGED = 1e-13


@dataclass(frozen=True)
class Intrinsics:
    """One lens and sensor.

    Attributes:
        width: Pixels.
        height: Pixels.
        focal: Of both axes, pixels; the principal point is the image's middle.
        distortion: k1, k2, p1, p2.
    """

    width: int
    height: int
    focal: float
    distortion: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)

    @property
    def model(self) -> str:
        """The name of COLMAP's camera model."""
        return "OPENCV" if any(self.distortion) else "PINHOLE"

    @property
    def params(self) -> list[float]:
        """COLMAP's parameters of the model: fx, fy, cx, cy and, where there is distortion, k1, k2, p1, p2."""
        pinhole = [self.focal, self.focal, self.width / 2, self.height / 2]
        return pinhole + list(self.distortion) if self.model == "OPENCV" else pinhole


@dataclass(frozen=True)
class Pose:
    """Where a camera is and how its gimbal is turned, as DJI counts.

    Attributes:
        centre: Metres east, north, up.
        yaw: Degrees from north over east; of the image's upper side where the camera looks straight down.
        pitch: Degrees, 0 level, -90 straight down.
        roll: Degrees, positive where the camera's right side is lower.
    """

    centre: Vector
    yaw: float
    pitch: float
    roll: float = 0.0

    @property
    def rotation(self) -> Floats:
        """Camera from world, [3, 3]: its rows are the camera's right, down and forward in the world."""
        yaw, pitch, roll = (math.radians(angle) for angle in (self.yaw, self.pitch, self.roll))
        level = math.cos(pitch)
        forward = np.array([level * math.sin(yaw), level * math.cos(yaw), math.sin(pitch)])
        level_right = np.array([math.cos(yaw), -math.sin(yaw), 0.0])
        level_down = np.cross(forward, level_right)
        right = math.cos(roll) * level_right + math.sin(roll) * level_down
        return np.array([right, np.cross(forward, right), forward])

    @property
    def cam_from_world(self) -> Floats:
        """[4, 4], OpenCV axes."""
        matrix = np.eye(4)
        matrix[:3, :3] = self.rotation
        matrix[:3, 3] = -self.rotation @ np.array(self.centre)
        return matrix


def looking_at(centre: Floats, target: Floats, roll: float = 0.0) -> Pose:
    """Returns the pose of a camera that has a place in its middle."""
    east, north, up = target - centre
    yaw = math.degrees(math.atan2(east, north))
    pitch = math.degrees(math.atan2(up, math.hypot(east, north)))
    return Pose((float(centre[0]), float(centre[1]), float(centre[2])), yaw, pitch, roll)


class Camera(NamedTuple):
    """A posed camera for the kernels.

    Attributes:
        width: Pixels.
        height: Pixels.
        focal: Pixels.
        distortion: k1, k2, p1, p2.
        right: The camera's x axis in the world.
        down: Its y axis.
        forward: Its optical axis.
        centre: Metres.
    """

    width: int
    height: int
    focal: float
    distortion: tuple[float, float, float, float]
    right: Vector
    down: Vector
    forward: Vector
    centre: Vector


def posed(intrinsics: Intrinsics, pose: Pose) -> Camera:
    """Returns a lens at a pose."""
    right, down, forward = ((float(x), float(y), float(z)) for x, y, z in pose.rotation)
    return Camera(
        intrinsics.width,
        intrinsics.height,
        intrinsics.focal,
        intrinsics.distortion,
        right,
        down,
        forward,
        pose.centre,
    )


@kernel
def distort(u: float, v: float, distortion: tuple[float, float, float, float]) -> tuple[float, float]:
    """Returns where a place at (u, v) on the plane at depth 1 appears, in units of the focal length."""
    k1, k2, p1, p2 = distortion
    squared = u * u + v * v
    radial = (k1 + k2 * squared) * squared
    return (
        u + u * radial + 2.0 * p1 * u * v + p2 * (squared + 2.0 * u * u),
        v + v * radial + 2.0 * p2 * u * v + p1 * (squared + 2.0 * v * v),
    )


@kernel
def undistort(u: float, v: float, distortion: tuple[float, float, float, float]) -> tuple[float, float]:
    """Inverts distort() by fixed-point iteration, to 1e-13; made for mild distortion."""
    x = u
    y = v
    for _ in range(60):
        distorted_x, distorted_y = distort(x, y, distortion)
        step_x = u - distorted_x
        step_y = v - distorted_y
        x += step_x
        y += step_y
        if abs(step_x) + abs(step_y) < CONVERGED:
            break
    return x, y


@kernel
def ray(camera: Camera, px: float, py: float) -> tuple[Vector, float]:
    """Returns the unit direction in the world of a place in the image, and the depth per metre along it.

    Args:
        camera: The camera.
        px: Pixels from the image's left edge; the first pixel's middle is 0.5.
        py: Pixels from the upper edge.
    """
    u, v = undistort(
        (px - camera.width / 2) / camera.focal, (py - camera.height / 2) / camera.focal, camera.distortion
    )
    depth = 1.0 / math.sqrt(u * u + v * v + 1.0)
    direction = (
        (u * camera.right[0] + v * camera.down[0] + camera.forward[0]) * depth,
        (u * camera.right[1] + v * camera.down[1] + camera.forward[1]) * depth,
        (u * camera.right[2] + v * camera.down[2] + camera.forward[2]) * depth,
    )
    return direction, depth
