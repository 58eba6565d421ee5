"""gsplat's strategies for adding, moving and removing Gaussians."""

import math
from dataclasses import dataclass
from typing import Any

import gsplat.strategy.ops
import torch
from gsplat import DefaultStrategy, MCMCStrategy
from gsplat.cuda._torch_impl import _quat_scale_to_covar_preci
from torch import Tensor
from torch.nn import ParameterDict

from spaceport_3dgs.rasterizer import Rendered
from spaceport_3dgs.schedule import Schedule

Optimizers = dict[str, torch.optim.Optimizer]
OPACITY_WEIGHT = 0.01
SCALE_WEIGHT = 0.01


@dataclass
class LimitedDefaultStrategy(DefaultStrategy):  # type: ignore[misc]  # gsplat has no types
    """gsplat's strategy of the original 3DGS, which by itself knows no limit.

    Attributes:
        max_gaussians: Where more ask for a companion than may be added, the largest gradients win.
        lowest_gradient: The gradient from which on one asks for it.
    """

    max_gaussians: int = 1_000_000
    lowest_gradient: float = 2e-4

    def _grow_gs(
        self, params: ParameterDict, optimizers: Optimizers, state: dict[str, Any], step: int
    ) -> tuple[int, int]:
        room = max(self.max_gaussians - len(params["means"]), 0)
        gradients = state["grad2d"] / state["count"].clamp_min(1)
        # Each one that grows adds one Gaussian; those strictly above the next gradient fit in.
        next_one = float(gradients.topk(room + 1).values[-1]) if room < len(gradients) else 0.0
        self.grow_grad2d = max(self.lowest_gradient, next_one)
        grown: tuple[int, int] = super()._grow_gs(params, optimizers, state, step)
        return grown


class Densifier:
    """One of gsplat's strategies with its state, and the loss that goes with it.

    Args:
        name: "mcmc" (S. Kheradmand et al., "3D Gaussian Splatting as Markov Chain Monte Carlo", 2024) or
            "default" (the original 3DGS).
        schedule: When Gaussians are added and removed.
        max_gaussians: No more are added beyond this number.
        device: Where the training runs.
    """

    def __init__(self, name: str, schedule: Schedule, *, max_gaussians: int, device: torch.device) -> None:
        if device.type == "cpu":
            _install_cpu_versions()
        self.name = name
        self.strategy: Any
        self.state: dict[str, Any]
        if name == "mcmc":
            self.strategy = MCMCStrategy(
                cap_max=max_gaussians,
                refine_start_iter=schedule.refine_start,
                refine_stop_iter=schedule.refine_stop,
                refine_every=schedule.refine_every,
            )
            self.state = self.strategy.initialize_state()
        else:
            self.strategy = LimitedDefaultStrategy(
                max_gaussians=max_gaussians,
                refine_start_iter=schedule.refine_start,
                refine_stop_iter=schedule.refine_stop,
                refine_every=schedule.refine_every,
                reset_every=schedule.reset_every,
            )
            # Lengths are in units of the scene's extent.
            self.state = self.strategy.initialize_state(scene_scale=1.0)

    def penalty(self, params: ParameterDict) -> Tensor:
        """What the strategy adds to the loss: MCMC keeps Gaussians few and small."""
        if self.name != "mcmc":
            nothing: Tensor = params["means"].new_zeros(())
            return nothing
        opacity: Tensor = params["opacities"].sigmoid().mean()
        scale: Tensor = params["scales"].exp().mean()
        penalty: Tensor = OPACITY_WEIGHT * opacity + SCALE_WEIGHT * scale
        return penalty

    def before_backward(
        self, params: ParameterDict, optimizers: Optimizers, step: int, rendered: Rendered
    ) -> None:
        """To be called before the loss is differentiated."""
        self.strategy.step_pre_backward(params, optimizers, self.state, step, rendered.info)

    def after_step(
        self, params: ParameterDict, optimizers: Optimizers, step: int, rendered: Rendered, means_rate: float
    ) -> None:
        """Adds, moves and removes Gaussians; replaces the parameters and their optimizers' state in place."""
        if self.name == "mcmc":
            self.strategy.step_post_backward(
                params, optimizers, self.state, step, rendered.info, lr=means_rate
            )
            return
        self.strategy.step_post_backward(params, optimizers, self.state, step, rendered.info)


def _install_cpu_versions() -> None:
    """Gives gsplat's strategies CPU versions of the two CUDA functions that they call."""
    gsplat.strategy.ops.compute_relocation = compute_relocation
    gsplat.strategy.ops.quat_scale_to_covar_preci = _quat_scale_to_covar_preci


def compute_relocation(
    opacities: Tensor, scales: Tensor, ratios: Tensor, binoms: Tensor
) -> tuple[Tensor, Tensor]:
    """Opacity and size of `ratios` equal Gaussians that together look like the one they replace.

    Args:
        opacities: [N] of the ones replaced.
        scales: [N, 3] of the ones replaced.
        ratios: [N] by how many.
        binoms: [M, M] binomial coefficients; a ratio above M counts as M.

    Returns:
        Opacities [N] and scales [N, 3] of the new ones: equation 9 of the MCMC paper.
    """
    highest = len(binoms)
    counts = ratios.clamp(1, highest).long()
    new_opacities = 1 - (1 - opacities) ** (1 / counts)
    share = torch.zeros_like(opacities)
    for i in range(1, int(counts.max()) + 1 if len(counts) else 1):
        term = torch.zeros_like(opacities)
        for k in range(i):
            term += float(binoms[i - 1, k]) * (-1) ** k / math.sqrt(k + 1) * new_opacities ** (k + 1)
        share += torch.where(counts >= i, term, 0.0)
    return new_opacities, (opacities / share)[:, None] * scales
