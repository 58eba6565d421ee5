"""How well views that were not learned are met.

Photos differ in exposure and white balance, and a held-out photo's transform cannot be learned without
looking at it. The figure that counts (`psnr_db`) is therefore taken after the 12 numbers of an affine colour
transform were fitted to each photo, as is usual for such captures ("color corrected PSNR" in gsplat's
trainer); `raw_db` is taken without, and says how much the photos' colours differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from spaceport_splat.metrics import psnr
from torch import Tensor
from torch.nn import ParameterDict

from spaceport_3dgs import exposure
from spaceport_3dgs.losses import ssim
from spaceport_3dgs.rasterizer import Rasterize, TrainingView


@dataclass(frozen=True)
class Quality:
    """One view's figures.

    Attributes:
        psnr_db: After the colour fit.
        raw_db: Without it.
        ssim: After the colour fit.
        transform: [3, 4] the colour fit.
        render: [H, W, 3] in 0..1, without the colour fit.
    """

    psnr_db: float
    raw_db: float
    ssim: float
    transform: Tensor
    render: Tensor


@torch.no_grad()
def measure(
    rasterize: Rasterize, params: ParameterDict, view: TrainingView, photo: Tensor, sh_degree: int
) -> Quality:
    """Renders a view and compares it with its photo [H, W, 3] in 0..1."""
    render = rasterize(params, view, sh_degree).image
    transform = exposure.fit(render.clamp(0, 1), photo)
    fitted = (render.clamp(0, 1) @ transform[:, :3].T + transform[:, 3]).clamp(0, 1)
    return Quality(
        psnr_db=psnr(_array(fitted), _array(photo)),
        raw_db=psnr(_array(render.clamp(0, 1)), _array(photo)),
        ssim=float(ssim(fitted, photo)),
        transform=transform,
        render=render.clamp(0, 1),
    )


def mean(values: Sequence[float]) -> float | None:
    """None of nothing."""
    return float(np.mean(values)) if values else None


def _array(picture: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(picture.cpu().numpy(), np.float32)
