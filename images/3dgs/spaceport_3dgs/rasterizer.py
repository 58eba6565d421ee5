"""The one seam between the training and what draws: CUDA where there is a GPU, numba elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from spaceport_splat.projection import Pinhole
from torch import Tensor
from torch.nn import ParameterDict

NEAR_PLANE = 0.01
"""In units of the scene's extent."""


@dataclass(frozen=True)
class TrainingView:
    """A camera as tensors, lengths in units of the scene's extent.

    Attributes:
        width: In pixels.
        height: In pixels.
        viewmat: [4, 4] camera from model.
        intrinsics: [3, 3].
    """

    width: int
    height: int
    viewmat: Tensor
    intrinsics: Tensor

    @classmethod
    def of(cls, view: Pinhole, extent: float, device: torch.device) -> "TrainingView":
        """From a camera in units of the model frame."""
        viewmat = torch.tensor(view.cam_from_model, dtype=torch.float64)
        viewmat[:3, 3] /= extent
        intrinsics = torch.tensor([[view.fx, 0, view.cx], [0, view.fy, view.cy], [0, 0, 1]])
        return cls(view.width, view.height, viewmat.float().to(device), intrinsics.float().to(device))


@dataclass(frozen=True)
class Rendered:
    """A drawn view.

    Attributes:
        image: [H, W, 3] over black.
        alpha: [H, W].
        info: What gsplat's strategies read: means2d [1, N, 2] with its gradient, radii [1, N, 2], width,
            height, n_cameras, gaussian_ids.
    """

    image: Tensor
    alpha: Tensor
    info: dict[str, Any]


Rasterize = Callable[[ParameterDict, TrainingView, int], Rendered]
"""Parameters (gsplat's names, before activation), view, degree of the harmonics to use."""


def choose_device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def rasterizer_for(device: torch.device) -> Rasterize:
    """The rasterizer that draws on a device."""
    if device.type == "cuda":
        from spaceport_3dgs.cuda_rasterizer import rasterize as on_gpu  # noqa: PLC0415 - needs CUDA

        return on_gpu
    from spaceport_3dgs.cpu_rasterizer import rasterize as on_cpu  # noqa: PLC0415 - compiles kernels

    return on_cpu
