"""View-dependent colour: real spherical harmonics of degree 0 to 3.

Basis and signs are those of 3D Gaussian splatting, evaluated as in P.-P. Sloan, "Efficient Spherical Harmonic
Evaluation", JCGT 2 (2), 2013.
"""

import math

import numba
import numpy as np

from spaceport_splat.arrays import Float32
from spaceport_splat.kernels import kernel, parallel_kernel

SH_C0 = 0.28209479177387814
"""The constant basis function."""
MAX_BASIS = 16


def rgb_to_sh0(rgb: Float32) -> Float32:
    """The constant coefficient that gives a colour in 0..1 from every side."""
    return np.asarray((rgb - 0.5) / SH_C0, np.float32)


def colors(means: Float32, sh0: Float32, sh_rest: Float32, center: Float32) -> Float32:
    """Colours of Gaussians as seen from a point.

    Args:
        means: [N, 3] the Gaussians' centres.
        sh0: [N, 3] constant coefficients.
        sh_rest: [N, K, 3] the others; K is 0, 3, 8 or 15.
        center: [3] where the camera is.

    Returns:
        [N, 3], not below 0; may exceed 1.
    """
    result = np.empty((len(means), 3), np.float32)
    _colors(means, sh0, np.ascontiguousarray(sh_rest), np.asarray(center, np.float32), result)
    return result


def colors_backward(
    means: Float32, sh0: Float32, sh_rest: Float32, center: Float32, grad_colors: Float32
) -> tuple[Float32, Float32, Float32]:
    """Derivatives of a loss by the first three arguments of `colors`, from those by its result [N, 3]."""
    grad_means = np.zeros_like(means)
    grad_sh0 = np.zeros_like(sh0)
    grad_rest = np.zeros_like(sh_rest)
    center = np.asarray(center, np.float32)
    _colors_backward(means, sh0, sh_rest, center, grad_colors, grad_means, grad_sh0, grad_rest)
    return grad_means, grad_sh0, grad_rest


@kernel
def basis(x: float, y: float, z: float, count: int, values: Float32) -> None:
    """Writes the first `count` (1, 4, 9 or 16) basis functions in the unit direction x, y, z to `values`."""
    values[0] = 0.28209479177387814
    if count <= 1:
        return
    values[1] = -0.48860251190292 * y
    values[2] = 0.48860251190292 * z
    values[3] = -0.48860251190292 * x
    if count <= 4:  # noqa: PLR2004 - degree 1
        return
    cos2 = x * x - y * y
    sin2 = 2 * x * y
    values[4] = 0.5462742152960395 * sin2
    values[5] = -1.092548430592079 * z * y
    values[6] = 0.9461746957575601 * z * z - 0.3153915652525201
    values[7] = -1.092548430592079 * z * x
    values[8] = 0.5462742152960395 * cos2
    if count <= 9:  # noqa: PLR2004 - degree 2
        return
    inner = -2.285228997322329 * z * z + 0.4570457994644658
    values[9] = -0.5900435899266435 * (x * sin2 + y * cos2)
    values[10] = 1.445305721320277 * z * sin2
    values[11] = inner * y
    values[12] = z * (1.865881662950577 * z * z - 1.119528997770346)
    values[13] = inner * x
    values[14] = 1.445305721320277 * z * cos2
    values[15] = -0.5900435899266435 * (x * cos2 - y * sin2)


@kernel
def basis_slope(x: float, y: float, z: float, count: int, slopes: Float32) -> None:
    """Writes the derivatives of the first `count` basis functions by x, y and z to `slopes` [16, 3]."""
    slopes[:count] = 0
    if count <= 1:
        return
    slopes[1, 1] = -0.48860251190292
    slopes[2, 2] = 0.48860251190292
    slopes[3, 0] = -0.48860251190292
    if count <= 4:  # noqa: PLR2004 - degree 1
        return
    slopes[4, 0] = 1.092548430592079 * y
    slopes[4, 1] = 1.092548430592079 * x
    slopes[5, 1] = -1.092548430592079 * z
    slopes[5, 2] = -1.092548430592079 * y
    slopes[6, 2] = 1.8923493915151202 * z
    slopes[7, 0] = -1.092548430592079 * z
    slopes[7, 2] = -1.092548430592079 * x
    slopes[8, 0] = 1.092548430592079 * x
    slopes[8, 1] = -1.092548430592079 * y
    if count <= 9:  # noqa: PLR2004 - degree 2
        return
    cos2 = x * x - y * y
    inner = -2.285228997322329 * z * z + 0.4570457994644658
    slopes[9, 0] = -3.540261539559861 * x * y
    slopes[9, 1] = -1.7701307697799305 * cos2
    slopes[10, 0] = 2.890611442640554 * y * z
    slopes[10, 1] = 2.890611442640554 * x * z
    slopes[10, 2] = 2.890611442640554 * x * y
    slopes[11, 1] = inner
    slopes[11, 2] = -4.570457994644658 * z * y
    slopes[12, 2] = 5.597644988851731 * z * z - 1.119528997770346
    slopes[13, 0] = inner
    slopes[13, 2] = -4.570457994644658 * z * x
    slopes[14, 0] = 2.890611442640554 * x * z
    slopes[14, 1] = -2.890611442640554 * y * z
    slopes[14, 2] = 1.445305721320277 * cos2
    slopes[15, 0] = -1.7701307697799305 * cos2
    slopes[15, 1] = 3.540261539559861 * x * y


@parallel_kernel
def _colors(means: Float32, sh0: Float32, sh_rest: Float32, center: Float32, result: Float32) -> None:
    count = sh_rest.shape[1] + 1
    for i in numba.prange(len(means)):
        values = np.empty(MAX_BASIS, np.float32)
        x = means[i, 0] - center[0]
        y = means[i, 1] - center[1]
        z = means[i, 2] - center[2]
        scale = 1 / max(math.sqrt(x * x + y * y + z * z), 1e-12)
        basis(x * scale, y * scale, z * scale, count, values)
        for channel in range(3):
            color = values[0] * sh0[i, channel] + np.float32(0.5)
            for k in range(1, count):
                color += values[k] * sh_rest[i, k - 1, channel]
            result[i, channel] = max(color, np.float32(0))


@parallel_kernel
def _colors_backward(
    means: Float32,
    sh0: Float32,
    sh_rest: Float32,
    center: Float32,
    grad_colors: Float32,
    grad_means: Float32,
    grad_sh0: Float32,
    grad_rest: Float32,
) -> None:
    count = sh_rest.shape[1] + 1
    for i in numba.prange(len(means)):
        if grad_colors[i, 0] == 0 and grad_colors[i, 1] == 0 and grad_colors[i, 2] == 0:
            continue
        values = np.empty(MAX_BASIS, np.float32)
        slopes = np.empty((MAX_BASIS, 3), np.float32)
        x = means[i, 0] - center[0]
        y = means[i, 1] - center[1]
        z = means[i, 2] - center[2]
        scale = 1 / max(math.sqrt(x * x + y * y + z * z), 1e-12)
        x, y, z = x * scale, y * scale, z * scale
        basis(x, y, z, count, values)
        basis_slope(x, y, z, count, slopes)
        d_x, d_y, d_z = np.float32(0), np.float32(0), np.float32(0)
        for channel in range(3):
            color = values[0] * sh0[i, channel] + np.float32(0.5)
            for k in range(1, count):
                color += values[k] * sh_rest[i, k - 1, channel]
            if color <= 0:
                continue
            grad = grad_colors[i, channel]
            grad_sh0[i, channel] = values[0] * grad
            for k in range(1, count):
                grad_rest[i, k - 1, channel] = values[k] * grad
                weight = sh_rest[i, k - 1, channel] * grad
                d_x += weight * slopes[k, 0]
                d_y += weight * slopes[k, 1]
                d_z += weight * slopes[k, 2]
        along = x * d_x + y * d_y + z * d_z
        grad_means[i, 0] = scale * (d_x - x * along)
        grad_means[i, 1] = scale * (d_y - y * along)
        grad_means[i, 2] = scale * (d_z - z * along)
