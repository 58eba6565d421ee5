"""Drawing on a GPU: gsplat's own kernels."""

import gsplat
import torch
from torch.nn import ParameterDict

from spaceport_3dgs.rasterizer import NEAR_PLANE, Rendered, TrainingView


def rasterize(params: ParameterDict, view: TrainingView, sh_degree: int) -> Rendered:
    """Draws a view over black; see `rasterizer.Rasterize`."""
    image, alpha, info = gsplat.rasterization(
        means=params["means"],
        quats=params["quats"],
        scales=params["scales"].exp(),
        opacities=params["opacities"].sigmoid(),
        colors=torch.cat([params["sh0"], params["shN"]], 1),
        viewmats=view.viewmat[None],
        Ks=view.intrinsics[None],
        width=view.width,
        height=view.height,
        near_plane=NEAR_PLANE,
        sh_degree=sh_degree,
        # The strategies are then told about every Gaussian, by its own index.
        packed=False,
    )
    return Rendered(image[0], alpha[0, ..., 0], info)
