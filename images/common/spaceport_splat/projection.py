"""From Gaussians in space to Gaussians in the picture (EWA splatting), with gsplat's culling.

M. Zwicker et al., "EWA Splatting", IEEE TVCG 8 (3), 2002; the tight box is that of L. Radl et al.,
"StopThePop", arXiv 2402.00525, section B.2, as in gsplat's projection kernel.
"""

import math
from dataclasses import dataclass
from typing import Protocol, Self

import numba
import numpy as np
from numpy.typing import ArrayLike

from spaceport_splat.arrays import Float32, Int32
from spaceport_splat.kernels import kernel, parallel_kernel
from spaceport_splat.splats import Splats

BLUR = 0.3
"""Added to the variance in the picture, in px^2: no Gaussian falls between pixels (gsplat's eps2d)."""
NEAR_PLANE = 0.01
FAR_PLANE = 1e10
MIN_ALPHA = 1 / 255
"""A contribution below this is left out."""


class View(Protocol):
    """A pinhole camera: OpenCV axes (x right, y down, z forward), pixel centres at half pixels."""

    @property
    def width(self) -> int:
        """In pixels."""

    @property
    def height(self) -> int:
        """In pixels."""

    @property
    def fx(self) -> float:
        """Focal length in pixels."""

    @property
    def fy(self) -> float:
        """Focal length in pixels."""

    @property
    def cx(self) -> float:
        """Principal point in pixels."""

    @property
    def cy(self) -> float:
        """Principal point in pixels."""

    @property
    def cam_from_model(self) -> ArrayLike:
        """[4, 4] row-major: camera coordinates from model coordinates."""


@dataclass(frozen=True)
class Pinhole:
    """A `View` of its own; see there for the attributes."""

    width: int
    height: int
    fx: float
    fy: float
    cx: float
    cy: float
    cam_from_model: ArrayLike

    @classmethod
    def resized(cls, view: View, width: int, height: int) -> Self:
        """The same camera with a picture of another size in pixels."""
        across = width / view.width
        down = height / view.height
        return cls(
            width,
            height,
            view.fx * across,
            view.fy * down,
            view.cx * across,
            view.cy * down,
            view.cam_from_model,
        )


def camera_center(view: View) -> Float32:
    """[3] where the camera is, in the model frame."""
    matrix = np.asarray(view.cam_from_model, np.float64)
    return np.asarray(-matrix[:3, :3].T @ matrix[:3, 3], np.float32)


@dataclass(frozen=True)
class Projected:
    """Gaussians in a picture.

    Attributes:
        means2d: [N, 2] in pixels.
        conics: [N, 3] inverse of the covariance: xx, xy, yy, in 1/px^2.
        depths: [N] along the camera's z axis.
        radii: [N, 2] half size of the box in which it is seen, in px; 0 where it is culled.
        opacities: [N] in 0..1.
    """

    means2d: Float32
    conics: Float32
    depths: Float32
    radii: Int32
    opacities: Float32


def project(splats: Splats, view: View, *, near_plane: float = NEAR_PLANE) -> Projected:
    """Projects Gaussians into a view.

    Args:
        splats: N Gaussians.
        view: The camera.
        near_plane: What is nearer than this is culled, in units of the model frame.
    """
    count = len(splats)
    opacities = splats.opacities
    means2d = np.zeros((count, 2), np.float32)
    conics = np.zeros((count, 3), np.float32)
    depths = np.zeros(count, np.float32)
    variances = np.zeros((count, 2), np.float32)
    _project(
        np.concatenate([splats.means, splats.log_scales, splats.quats], axis=1),
        np.asarray(view.cam_from_model, np.float32),
        np.array([view.fx, view.fy, view.cx, view.cy, view.width, view.height], np.float32),
        near_plane,
        means2d,
        conics,
        depths,
        variances,
    )
    radii = find_radii(means2d, variances, opacities, view.width, view.height)
    return Projected(means2d, conics, depths, radii, opacities)


def find_radii(means2d: Float32, variances: Float32, opacities: Float32, width: int, height: int) -> Int32:
    """Half size of the boxes within which Gaussians' alpha is at least 1/255.

    Args:
        means2d: [N, 2] centres in px.
        variances: [N, 2] along x and y, in px^2; 0 where a Gaussian is culled already.
        opacities: [N] in 0..1.
        width: Of the picture, in px.
        height: Of the picture, in px.

    Returns:
        [N, 2] in px, rounded up; 0 where nothing of it is in the picture.
    """
    extent = np.sqrt(2 * np.log(np.maximum(opacities / MIN_ALPHA, 1)))
    radii = np.ceil(extent[:, None] * np.sqrt(variances))
    size = np.array([width, height], np.float32)
    inside = (means2d + radii > 0) & (means2d - radii < size) & (radii > 0)
    return np.asarray(np.where(inside.all(axis=1)[:, None], np.minimum(radii, 1 << 30), 0), np.int32)


@kernel
def _rotation(quat: Float32, matrix: Float32) -> None:
    """Rotation matrix of a quaternion w, x, y, z of any length but zero."""
    length = math.sqrt(quat[0] * quat[0] + quat[1] * quat[1] + quat[2] * quat[2] + quat[3] * quat[3])
    w, x, y, z = quat[0] / length, quat[1] / length, quat[2] / length, quat[3] / length
    matrix[0, 0] = 1 - 2 * (y * y + z * z)
    matrix[0, 1] = 2 * (x * y - w * z)
    matrix[0, 2] = 2 * (x * z + w * y)
    matrix[1, 0] = 2 * (x * y + w * z)
    matrix[1, 1] = 1 - 2 * (x * x + z * z)
    matrix[1, 2] = 2 * (y * z - w * x)
    matrix[2, 0] = 2 * (x * z - w * y)
    matrix[2, 1] = 2 * (y * z + w * x)
    matrix[2, 2] = 1 - 2 * (x * x + y * y)


@kernel
def _held(slope: float, center: float, size: float, focal: float) -> float:
    """A ray's slope held within the picture plus 0.15 of its size on either side.

    Beyond that the linearised projection grows without bound; gsplat holds it there.
    """
    margin = 0.15 * size / focal
    held: float = min(max(slope, -center / focal - margin), (size - center) / focal + margin)
    return held


@parallel_kernel
def _project(
    gaussians: Float32,
    cam_from_model: Float32,
    camera: Float32,
    near_plane: float,
    means2d: Float32,
    conics: Float32,
    depths: Float32,
    variances: Float32,
) -> None:
    fx, fy, cx, cy, width, height = camera
    for i in numba.prange(len(gaussians)):
        center = np.empty(3, np.float32)
        for row in range(3):
            center[row] = cam_from_model[row, 3]
            for column in range(3):
                center[row] += cam_from_model[row, column] * gaussians[i, column]
        z = center[2]
        if not near_plane <= z <= FAR_PLANE:
            continue
        axes = np.empty((3, 3), np.float32)
        _rotation(gaussians[i, 6:10], axes)
        slope_x = _held(center[0] / z, cx, width, fx)
        slope_y = _held(center[1] / z, cy, height, fy)
        xx, xy, yy = np.float32(BLUR), np.float32(0), np.float32(BLUR)
        for axis in range(3):
            along = np.zeros(3, np.float32)
            for row in range(3):
                for column in range(3):
                    along[row] += cam_from_model[row, column] * axes[column, axis]
            scale = math.exp(gaussians[i, 3 + axis]) / z
            across = scale * fx * (along[0] - slope_x * along[2])
            down = scale * fy * (along[1] - slope_y * along[2])
            xx += across * across
            xy += across * down
            yy += down * down
        determinant = xx * yy - xy * xy
        if not determinant > 0:
            continue
        means2d[i, 0] = fx * center[0] / z + cx
        means2d[i, 1] = fy * center[1] / z + cy
        conics[i, 0], conics[i, 1], conics[i, 2] = yy / determinant, -xy / determinant, xx / determinant
        depths[i] = z
        variances[i, 0], variances[i, 1] = xx, yy
