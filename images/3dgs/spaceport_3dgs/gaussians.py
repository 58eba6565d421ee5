"""The trained parameters: made from points, turned into splats.

They are kept in gsplat's names and in units of the scene's extent, so that learning rates, noise and
regularisation mean the same for a garden and a quarry.
"""

import numpy as np
import torch
from spaceport_splat.sh import rgb_to_sh0
from spaceport_splat.splats import SH_COEFFICIENTS, Splats
from torch import Tensor
from torch.nn import Parameter, ParameterDict

from spaceport_3dgs.frame import Array
from spaceport_3dgs.scene import Pixels

INITIAL_OPACITY = {"mcmc": 0.5, "default": 0.1}
NEIGHBORS = 3
CHUNK = 2048
MIN_SPACING = 1e-5


def initialize(
    points: Array,
    colors: Pixels,
    *,
    extent: float,
    sh_degree: int,
    count: int,
    strategy: str,
    seed: int,
) -> ParameterDict:
    """Gaussians at the points, as wide as the points are apart.

    Args:
        points: [N, 3] in the model frame.
        colors: [N, 3] in 0..255.
        extent: The unit of length, in units of the model frame.
        sh_degree: 0..3.
        count: Where there are more points, so many of them are chosen at random.
        strategy: "mcmc" or "default": the opacity they begin with.
        seed: Of the choice and of the rotations.
    """
    random = np.random.default_rng(seed)
    if len(points) > count:
        chosen = np.sort(random.choice(len(points), count, replace=False))
        points, colors = points[chosen], colors[chosen]
    number = len(points)
    means = torch.from_numpy((points / extent).astype(np.float32))
    spacing = _spacing(means)
    opacity = torch.full((number,), INITIAL_OPACITY[strategy])
    values = {
        "means": means,
        "scales": spacing.log()[:, None].repeat(1, 3),
        "quats": torch.from_numpy(random.normal(size=(number, 4)).astype(np.float32)),
        "opacities": torch.logit(opacity),
        "sh0": torch.from_numpy(rgb_to_sh0(colors.astype(np.float32) / np.float32(255)))[:, None],
        "shN": torch.zeros(number, SH_COEFFICIENTS[sh_degree], 3),
    }
    return ParameterDict({name: Parameter(value.contiguous()) for name, value in values.items()})


def _spacing(means: Tensor) -> Tensor:
    """[N] root mean square distance to the three nearest others, in chunks that bound the memory."""
    neighbors = min(NEIGHBORS + 1, len(means))
    parts = [
        torch.cdist(part, means).topk(neighbors, largest=False).values[:, 1:].square().mean(1).sqrt()
        for part in (means[start : start + CHUNK] for start in range(0, len(means), CHUNK))
    ]
    return torch.cat(parts).clamp_min(MIN_SPACING)


def to_splats(params: ParameterDict, extent: float) -> Splats:
    """The Gaussians in units of the model frame."""

    def array(name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.ascontiguousarray(params[name].detach().cpu().numpy(), np.float32)

    quats = array("quats")
    return Splats(
        means=array("means") * np.float32(extent),
        log_scales=array("scales") + np.float32(np.log(extent)),
        quats=quats / np.maximum(np.linalg.norm(quats, axis=1, keepdims=True), np.float32(1e-12)),
        opacity_logits=array("opacities"),
        sh0=array("sh0")[:, 0],
        shN=array("shN"),
    )
