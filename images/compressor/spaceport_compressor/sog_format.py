"""What the writer and the reader of SOG version 2 share (developer.playcanvas.com, "The SOG format").

A .sog file is a zip of lossless WebP images and `meta.json`. One pixel is one splat, row by row:

- `means_l`, `means_u`: low and high byte per axis of the position in log space, 16 bits over [mins, maxs];
- `quats`: the three smaller components of the unit quaternion, and in alpha which one was left out;
- `scales`, `sh0`: one byte per axis or colour into a codebook of 256; `sh0`'s alpha is the opacity;
- `shN_labels`: 16 bits, which row of the palette; `shN_centroids`: that palette, 64 rows of it per line, one
  pixel per coefficient, each colour one byte into a codebook.
"""

import numpy as np
from numpy.typing import NDArray

VERSION = 2
META = "meta.json"
MEANS_LOW = "means_l.webp"
MEANS_HIGH = "means_u.webp"
QUATS = "quats.webp"
SCALES = "scales.webp"
SH0 = "sh0.webp"
SHN_CENTROIDS = "shN_centroids.webp"
SHN_LABELS = "shN_labels.webp"

MEANS_STEPS = 65535
QUAT_LARGEST_BASE = 252
MAX_PALETTE = 65536
PALETTE_ENTRIES_PER_LINE = 64
# Degree of the spherical harmonics -> coefficients per colour above degree 0.
COEFFICIENTS = {0: 0, 1: 3, 2: 8, 3: 15}

# Row m: the components that stay when component m of (w, x, y, z) is left out.
REMAINING_COMPONENTS = np.array([[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]])


def to_log_space(means: NDArray[np.floating]) -> NDArray[np.float64]:
    """Returns sign(x) log(1 + |x|): fine steps near the middle of the scene, coarse ones far away."""
    wide = means.astype(np.float64)
    return np.asarray(np.sign(wide) * np.log1p(np.abs(wide)))


def from_log_space(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of `to_log_space`."""
    return np.asarray(np.sign(logs) * np.expm1(np.abs(logs)))


def automatic_palette_size(count: int) -> int:
    """Returns the usual number of palette rows: 1024 to 65 536, about half to one per splat."""
    return int(min(64, 2 ** np.floor(np.log2(max(count, 1024) / 1024)))) * 1024
