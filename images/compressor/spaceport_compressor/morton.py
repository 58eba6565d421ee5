"""Z-order of points: neighbours in space become neighbours in the images of a SOG file."""

import numpy as np
from numpy.typing import NDArray

BITS_PER_AXIS = 21
_SPREAD_STEPS = (
    (32, 0x1F00000000FFFF),
    (16, 0x1F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def _spread(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Puts two zero bits between every two of the lower 21 bits of each number."""
    for shift, mask in _SPREAD_STEPS:
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    return bits


def morton_order(points: NDArray[np.floating]) -> NDArray[np.int64]:
    """Returns the rows of `points` [N, 3] in Z-order; rows of one cell keep their order.

    21 bits per axis are enough to tell a millimetre in two kilometres, so crowded cells need no second pass.
    """
    extent = np.maximum(np.ptp(points, axis=0), 1e-12).astype(np.float64)
    unit = (points.astype(np.float64) - points.min(axis=0)) / extent
    cells = (unit * (2**BITS_PER_AXIS - 1)).astype(np.uint64)
    codes = _spread(cells[:, 0]) | _spread(cells[:, 1]) << np.uint64(1) | _spread(cells[:, 2]) << np.uint64(2)
    return np.argsort(codes, kind="stable")
