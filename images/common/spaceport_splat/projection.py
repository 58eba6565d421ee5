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
    gaussians = pack_gaussians(splats.means, splats.log_scales, splats.quats)
    return project_packed(gaussians, splats.opacities, view, near_plane=near_plane)


def pack_gaussians(means: Float32, log_scales: Float32, quats: Float32) -> Float32:
    """[N, 10] what `project_packed` takes: mean, log scales, rotation."""
    return np.concatenate([means, log_scales, quats], axis=1)


def project_packed(
    gaussians: Float32, opacities: Float32, view: View, *, near_plane: float = NEAR_PLANE
) -> Projected:
    """`project` for arrays: Gaussians [N, 10] from `pack_gaussians` and opacities [N] in 0..1."""
    count = len(gaussians)
    means2d = np.zeros((count, 2), np.float32)
    conics = np.zeros((count, 3), np.float32)
    depths = np.zeros(count, np.float32)
    variances = np.zeros((count, 2), np.float32)
    _project(
        gaussians,
        np.asarray(view.cam_from_model, np.float32),
        _camera(view),
        near_plane,
        means2d,
        conics,
        depths,
        variances,
    )
    radii = find_radii(means2d, variances, opacities, view.width, view.height)
    return Projected(means2d, conics, depths, radii, opacities)


def project_backward(
    gaussians: Float32, projected: Projected, view: View, grad_means2d: Float32, grad_conics: Float32
) -> Float32:
    """Derivatives of a loss by the Gaussians, from those by their projection.

    Args:
        gaussians: As given to `project_packed`.
        projected: What it returned.
        view: As given to it.
        grad_means2d: [N, 2].
        grad_conics: [N, 3].

    Returns:
        [N, 10], in the order of `pack_gaussians`.
    """
    result = np.zeros_like(gaussians)
    _project_backward(
        gaussians,
        np.asarray(view.cam_from_model, np.float32),
        _camera(view),
        projected.conics,
        projected.radii,
        grad_means2d,
        grad_conics,
        result,
    )
    return result


def _camera(view: View) -> Float32:
    return np.array([view.fx, view.fy, view.cx, view.cy, view.width, view.height], np.float32)


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


@kernel
def _to_camera(cam_from_model: Float32, gaussians: Float32, i: int, center: Float32) -> None:
    """Writes where Gaussian `i` is for the camera to `center` [3]."""
    for row in range(3):
        center[row] = cam_from_model[row, 3]
        for column in range(3):
            center[row] += cam_from_model[row, column] * gaussians[i, column]


@kernel
def _turned_axes(cam_from_model: Float32, gaussians: Float32, i: int, axes: Float32, turned: Float32) -> None:
    """Writes Gaussian `i`'s axes, as columns, to `axes` [3, 3], and as the camera sees them to `turned`."""
    _rotation(gaussians[i, 6:10], axes)
    for row in range(3):
        for column in range(3):
            turned[row, column] = 0
            for k in range(3):
                turned[row, column] += cam_from_model[row, k] * axes[k, column]


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
        _to_camera(cam_from_model, gaussians, i, center)
        z = center[2]
        if not near_plane <= z <= FAR_PLANE:
            continue
        axes = np.empty((3, 3), np.float32)
        turned = np.empty((3, 3), np.float32)
        _turned_axes(cam_from_model, gaussians, i, axes, turned)
        slope_x = _held(center[0] / z, cx, width, fx)
        slope_y = _held(center[1] / z, cy, height, fy)
        xx, xy, yy = np.float32(BLUR), np.float32(0), np.float32(BLUR)
        for axis in range(3):
            scale = math.exp(gaussians[i, 3 + axis]) / z
            across = scale * fx * (turned[0, axis] - slope_x * turned[2, axis])
            down = scale * fy * (turned[1, axis] - slope_y * turned[2, axis])
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


@parallel_kernel
def _project_backward(
    gaussians: Float32,
    cam_from_model: Float32,
    camera: Float32,
    conics: Float32,
    radii: Int32,
    grad_means2d: Float32,
    grad_conics: Float32,
    result: Float32,
) -> None:
    fx, fy, cx, cy, width, height = camera
    for i in numba.prange(len(gaussians)):
        if radii[i, 0] <= 0 or radii[i, 1] <= 0:
            continue
        center = np.empty(3, np.float32)
        axes = np.empty((3, 3), np.float32)
        turned = np.empty((3, 3), np.float32)
        _to_camera(cam_from_model, gaussians, i, center)
        _turned_axes(cam_from_model, gaussians, i, axes, turned)
        z = center[2]
        slope_x = _held(center[0] / z, cx, width, fx)
        slope_y = _held(center[1] / z, cy, height, fy)
        d_xx, d_xy, d_yy = _covariance_gradient(conics[i], grad_conics[i])
        d_turned = np.empty((3, 3), np.float32)
        d_slope_x, d_slope_y, d_z = np.float32(0), np.float32(0), np.float32(0)
        for axis in range(3):
            scale = math.exp(gaussians[i, 3 + axis]) / z
            across = scale * fx * (turned[0, axis] - slope_x * turned[2, axis])
            down = scale * fy * (turned[1, axis] - slope_y * turned[2, axis])
            d_across = 2 * d_xx * across + d_xy * down
            d_down = 2 * d_yy * down + d_xy * across
            result[i, 3 + axis] = d_across * across + d_down * down
            d_z -= (d_across * across + d_down * down) / z
            d_turned[0, axis] = d_across * scale * fx
            d_turned[1, axis] = d_down * scale * fy
            d_turned[2, axis] = -scale * (d_across * fx * slope_x + d_down * fy * slope_y)
            d_slope_x -= d_across * scale * fx * turned[2, axis]
            d_slope_y -= d_down * scale * fy * turned[2, axis]
        # A slope that is held at the picture's edge does not follow the centre.
        d_slope_x = d_slope_x if slope_x == center[0] / z else np.float32(0)
        d_slope_y = d_slope_y if slope_y == center[1] / z else np.float32(0)
        d_slope_x += grad_means2d[i, 0] * fx
        d_slope_y += grad_means2d[i, 1] * fy
        d_z -= (d_slope_x * center[0] + d_slope_y * center[1]) / (z * z)
        d_axes = np.empty((3, 3), np.float32)
        for row in range(3):
            result[i, row] = (
                cam_from_model[0, row] * d_slope_x / z
                + cam_from_model[1, row] * d_slope_y / z
                + cam_from_model[2, row] * d_z
            )
            for column in range(3):
                d_axes[row, column] = 0
                for k in range(3):
                    d_axes[row, column] += cam_from_model[k, row] * d_turned[k, column]
        _rotation_backward(gaussians[i, 6:10], d_axes, result[i, 6:10])


@kernel
def _covariance_gradient(conic: Float32, grad: Float32) -> tuple[np.float32, np.float32, np.float32]:
    """By the covariance's xx, xy and yy, from that by its inverse's: dS = -C dC C."""
    half = np.float32(0.5) * grad[1]
    left_xx = grad[0] * conic[0] + half * conic[1]
    left_xy = grad[0] * conic[1] + half * conic[2]
    left_yx = half * conic[0] + grad[2] * conic[1]
    left_yy = half * conic[1] + grad[2] * conic[2]
    return (
        -(conic[0] * left_xx + conic[1] * left_yx),
        -np.float32(2) * (conic[0] * left_xy + conic[1] * left_yy),
        -(conic[1] * left_xy + conic[2] * left_yy),
    )


@kernel
def _rotation_backward(quat: Float32, grad: Float32, result: Float32) -> None:
    """Writes the derivative by a quaternion of any length, from that by its rotation matrix, to `result`."""
    length = math.sqrt(quat[0] * quat[0] + quat[1] * quat[1] + quat[2] * quat[2] + quat[3] * quat[3])
    w, x, y, z = quat[0] / length, quat[1] / length, quat[2] / length, quat[3] / length
    turn_x = grad[2, 1] - grad[1, 2]
    turn_y = grad[0, 2] - grad[2, 0]
    turn_z = grad[1, 0] - grad[0, 1]
    both_xy = grad[0, 1] + grad[1, 0]
    both_xz = grad[0, 2] + grad[2, 0]
    both_yz = grad[1, 2] + grad[2, 1]
    d_w = 2 * (x * turn_x + y * turn_y + z * turn_z)
    d_x = 2 * (w * turn_x + y * both_xy + z * both_xz - 2 * x * (grad[1, 1] + grad[2, 2]))
    d_y = 2 * (w * turn_y + x * both_xy + z * both_yz - 2 * y * (grad[0, 0] + grad[2, 2]))
    d_z = 2 * (w * turn_z + x * both_xz + y * both_yz - 2 * z * (grad[0, 0] + grad[1, 1]))
    along = w * d_w + x * d_x + y * d_y + z * d_z
    result[0] = (d_w - w * along) / length
    result[1] = (d_x - x * along) / length
    result[2] = (d_y - y * along) / length
    result[3] = (d_z - z * along) / length
