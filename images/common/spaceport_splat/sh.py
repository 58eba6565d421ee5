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
