"""Leaves out splats that cannot be drawn or would not be seen."""

from dataclasses import dataclass, replace

import numpy as np
from spaceport_splat.splats import Splats

from spaceport_compressor.sog_format import COEFFICIENTS

FARTHEST = 1e6
"""Units of the model frame, about metres, beyond which a splat is taken for one that training threw away."""


@dataclass(frozen=True)
class Cleaned:
    """The splats that stay and how many did not.

    Attributes:
        splats: All finite, all visible.
        broken: Number left out for a number that is not finite, a rotation of length zero or a place beyond
            `FARTHEST`.
        transparent: Number left out for too little opacity.
    """

    splats: Splats
    broken: int
    transparent: int


def clean(splats: Splats, *, min_opacity: float, sh_degree: int) -> Cleaned:
    """Drops broken and near-transparent splats and harmonics above `sh_degree`.

    Args:
        splats: As trained.
        min_opacity: 0..1; a splat with less is left out.
        sh_degree: 0..3; degrees above it are cut off, and so are those where every number is zero.
    """
    columns = (splats.means, splats.log_scales, splats.quats, splats.opacity_logits, splats.sh0, splats.shN)
    count = len(splats)
    whole = np.all([np.isfinite(column).reshape(count, -1).all(axis=1) for column in columns], axis=0)
    whole &= np.any(splats.quats, axis=1)
    with np.errstate(invalid="ignore"):
        whole &= (np.abs(splats.means) < FARTHEST).all(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        opacity = 1 / (1 + np.exp(-splats.opacity_logits.astype(np.float64)))
        visible = opacity >= min_opacity
    kept = splats[whole & visible]
    return Cleaned(
        splats=_keep_degrees(kept, sh_degree),
        broken=int(np.sum(~whole)),
        transparent=int(np.sum(whole & ~visible)),
    )


def _keep_degrees(splats: Splats, sh_degree: int) -> Splats:
    kept = splats.shN[:, : COEFFICIENTS[sh_degree]]
    used = next(
        number
        for number in sorted(COEFFICIENTS.values())
        if number >= kept.shape[1] or not np.any(kept[:, number:])
    )
    return replace(splats, shN=np.ascontiguousarray(kept[:, :used]))
