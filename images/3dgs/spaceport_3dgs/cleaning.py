"""Leaves out what a viewer should not load: broken, invisible and stray Gaussians."""

import numpy as np
from numpy.typing import NDArray
from spaceport_splat.splats import Splats

from spaceport_3dgs.frame import Array

MIN_OPACITY = 1 / 255
"""What is fainter is not drawn at all."""
BOUNDS = 1.0
"""How far Gaussians may lie outside the box of points and cameras, in sizes of that box."""
MAX_SCALE = 1.0
"""Largest standard deviation, in diagonals of the box of points and cameras."""


def keep(splats: Splats, surroundings: Array) -> NDArray[np.bool_]:
    """Mask [N] of the Gaussians to keep, given the points and camera centres [M, 3] of the scene."""
    low, high = surroundings.min(axis=0), surroundings.max(axis=0)
    size = high - low
    diagonal = float(np.linalg.norm(size))
    finite = np.ones(len(splats), np.bool_)
    for array in (
        splats.means,
        splats.log_scales,
        splats.quats,
        splats.opacity_logits,
        splats.sh0,
        splats.shN,
    ):
        finite &= np.isfinite(array).reshape(len(splats), -1).all(axis=1)
    inside = ((splats.means >= low - BOUNDS * size) & (splats.means <= high + BOUNDS * size)).all(axis=1)
    small = splats.log_scales.max(axis=1) <= np.log(MAX_SCALE * diagonal)
    visible = splats.opacities >= MIN_OPACITY
    return np.asarray(finite & inside & small & visible, np.bool_)
