"""Drawing without a GPU: numba's kernels for the whole way from the parameters to the picture and back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from spaceport_splat import projection, sh
from spaceport_splat import rasterize as drawing
from spaceport_splat.projection import Pinhole, Projected
from torch import Tensor
from torch.nn import ParameterDict

from spaceport_3dgs.rasterizer import NEAR_PLANE, Rendered, TrainingView

Array = NDArray[np.float32]
BACKGROUND = np.zeros(3, np.float32)


@dataclass(frozen=True)
class _Input:
    """The parameters as arrays, and the camera."""

    view: Pinhole
    gaussians: Array
    opacities: Array
    sh0: Array
    sh_rest: Array

    @property
    def center(self) -> Array:
        """[3] where the camera is."""
        return projection.camera_center(self.view)


class _Rasterize(torch.autograd.Function):
    """`screen` [1, N, 2] has no influence; its gradient is that by the Gaussians' places in the picture."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 - torch gives it no type
        view: Pinhole,
        projected: list[Projected],
        *tensors: Tensor,
    ) -> tuple[Tensor, Tensor]:
        _, means, scales, quats, opacities, sh0, sh_rest = (tensor.detach().numpy() for tensor in tensors)
        given = _Input(
            view=view,
            gaussians=projection.pack_gaussians(means, scales, quats),
            opacities=1 / (1 + np.exp(-opacities)),
            sh0=sh0[:, 0],
            sh_rest=np.ascontiguousarray(sh_rest),
        )
        found = projection.project_packed(given.gaussians, given.opacities, view, near_plane=NEAR_PLANE)
        colors = sh.colors(given.gaussians[:, :3], given.sh0, given.sh_rest, given.center)
        packed = drawing.pack(found.means2d, found.conics, given.opacities, colors)
        tiles = drawing.find_tiles(found.means2d, found.radii, found.depths, view.width, view.height)
        drawn = drawing.draw(packed, tiles, width=view.width, height=view.height, background=BACKGROUND)
        projected.append(found)
        ctx.kept = (given, found, packed, drawn)
        return torch.from_numpy(drawn.image), torch.from_numpy(drawn.alpha)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401 - torch gives it no type
        given, found, packed, drawn = ctx.kept
        grad_image, grad_alpha = (grad.contiguous().numpy() for grad in grads)
        grad = drawing.draw_backward(packed, drawn, grad_image, grad_alpha)
        by_gaussian = projection.project_backward(
            given.gaussians, found, given.view, grad[:, :2], grad[:, 2:5]
        )
        by_mean, by_sh0, by_rest = sh.colors_backward(
            given.gaussians[:, :3], given.sh0, given.sh_rest, given.center, grad[:, 6:]
        )
        arrays = (
            grad[None, :, :2],
            by_gaussian[:, :3] + by_mean,
            by_gaussian[:, 3:6],
            by_gaussian[:, 6:],
            grad[:, 5] * given.opacities * (1 - given.opacities),
            by_sh0[:, None],
            by_rest,
        )
        return (None, None, *(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))


def rasterize(params: ParameterDict, view: TrainingView, sh_degree: int) -> Rendered:
    """Draws a view over black; see `rasterizer.Rasterize`."""
    used = (sh_degree + 1) ** 2 - 1
    screen = torch.zeros(1, len(params["means"]), 2, requires_grad=True)
    projected: list[Projected] = []
    image, alpha = _Rasterize.apply(  # type: ignore[no-untyped-call]  # torch's
        _pinhole(view),
        projected,
        screen,
        params["means"],
        params["scales"],
        params["quats"],
        params["opacities"],
        params["sh0"],
        params["shN"][:, :used],
    )
    info = {
        "means2d": screen,
        "radii": torch.from_numpy(projected[0].radii)[None],
        "width": view.width,
        "height": view.height,
        "n_cameras": 1,
        "gaussian_ids": None,
    }
    return Rendered(image, alpha, info)


def _pinhole(view: TrainingView) -> Pinhole:
    (fx, _, cx), (_, fy, cy), _ = view.intrinsics.tolist()
    return Pinhole(view.width, view.height, fx, fy, cx, cy, view.viewmat.numpy())
