"""Drawing without a GPU: gsplat's formulas for projection and colour, numba's kernels for the rest."""

from typing import Any

import numpy as np
import torch
from gsplat.cuda._torch_impl import (
    _fully_fused_projection,
    _quat_scale_to_covar_preci,
    _spherical_harmonics,
)
from spaceport_splat import rasterize as kernels
from spaceport_splat.projection import find_radii
from torch import Tensor
from torch.nn import ParameterDict

from spaceport_3dgs.rasterizer import NEAR_PLANE, Rendered, TrainingView

BACKGROUND = np.zeros(3, np.float32)


class _Draw(torch.autograd.Function):
    """`spaceport_splat.rasterize.draw` with its gradient."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch gives it no type
        packed: Tensor,
        tiles: kernels.Tiles,
        width: int,
        height: int,
    ) -> tuple[Tensor, Tensor]:
        array = packed.detach().contiguous().numpy()
        drawing = kernels.draw(array, tiles, width=width, height=height, background=BACKGROUND)
        ctx.packed = array
        ctx.drawing = drawing
        return torch.from_numpy(drawing.image), torch.from_numpy(drawing.alpha)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None, None]:  # noqa: ANN401 - torch's
        grad_image, grad_alpha = (grad.contiguous().numpy() for grad in grads)
        grad_packed = kernels.draw_backward(ctx.packed, ctx.drawing, grad_image, grad_alpha)
        return torch.from_numpy(grad_packed), None, None, None


def rasterize(params: ParameterDict, view: TrainingView, sh_degree: int) -> Rendered:
    """Draws a view over black; see `rasterizer.Rasterize`."""
    means = params["means"]
    opacities = params["opacities"].sigmoid()
    covariances, _ = _quat_scale_to_covar_preci(params["quats"], params["scales"].exp(), compute_preci=False)
    radii, means2d, depths, conics, _ = _fully_fused_projection(
        means,
        covariances,
        view.viewmat[None],
        view.intrinsics[None],
        view.width,
        view.height,
        near_plane=NEAR_PLANE,
    )
    center = -view.viewmat[:3, :3].T @ view.viewmat[:3, 3]
    coefficients = torch.cat([params["sh0"], params["shN"]], 1)
    used = (sh_degree + 1) ** 2
    colors = (_spherical_harmonics(sh_degree, means - center, coefficients[:, :used]) + 0.5).clamp_min(0)
    packed = torch.cat([means2d[0], conics[0], opacities[:, None], colors], 1)
    with torch.no_grad():
        tight = _tight_radii(means2d[0], conics[0], opacities, radii[0], view)
        tiles = kernels.find_tiles(
            means2d[0].detach().numpy(), tight, depths[0].detach().numpy(), view.width, view.height
        )
    image, alpha = _Draw.apply(packed, tiles, view.width, view.height)  # type: ignore[no-untyped-call]  # torch's
    info = {
        "means2d": means2d,
        "radii": torch.from_numpy(tight)[None],
        "width": view.width,
        "height": view.height,
        "n_cameras": 1,
        "gaussian_ids": None,
    }
    return Rendered(image, alpha, info)


def _tight_radii(
    means2d: Tensor, conics: Tensor, opacities: Tensor, radii: Tensor, view: TrainingView
) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """Boxes as tight as those of gsplat's CUDA kernel; its torch version takes 3.33 sigma for all."""
    xx, xy, yy = conics.unbind(1)
    determinant = (xx * yy - xy * xy).clamp_min(1e-20)
    variances = torch.stack([yy, xx], 1) / determinant[:, None]
    variances = variances * (radii > 0).all(1, keepdim=True)
    return find_radii(means2d.numpy(), variances.numpy(), opacities.detach().numpy(), view.width, view.height)
