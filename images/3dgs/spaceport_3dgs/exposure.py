"""Photos of one flight differ in exposure and white balance: each gets a colour transform of its own.

photo = A @ render + b, with A [3, 3] and b [3] per photo, held near the identity; their mean over the learned
photos is kept at the identity, for otherwise the model and all transforms could drift together.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter

from spaceport_3dgs.schedule import EXPOSURE_LEARNING_RATE

REGULARIZATION = 0.1


class Exposure:
    """The transforms [A | b] of the learned photos, with their optimizer.

    Attributes:
        transforms: [photos, 3, 4].
        optimizer: Of the transforms.
    """

    def __init__(self, photos: int, *, rate: float, device: torch.device) -> None:
        identity = torch.eye(3, 4, device=device).repeat(photos, 1, 1)
        self.transforms = Parameter(identity)
        self.optimizer = torch.optim.Adam([self.transforms], lr=EXPOSURE_LEARNING_RATE * rate)

    def apply(self, picture: Tensor, photo: int) -> Tensor:
        """A picture [H, W, 3] in the colours of a photo."""
        transform = self.transforms[photo]
        return picture @ transform[:, :3].T + transform[:, 3]

    def penalty(self, photo: int) -> Tensor:
        """How far a photo's transform is from the identity."""
        identity = torch.eye(3, 4, device=self.transforms.device)
        return REGULARIZATION * (self.transforms[photo] - identity).square().sum()

    def step(self) -> None:
        """Moves the transforms along their gradient, then brings their mean back to the identity."""
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            drift = self.transforms.mean(0) - torch.eye(3, 4, device=self.transforms.device)
            self.transforms.sub_(drift)


def fit(render: Tensor, photo: Tensor) -> Tensor:
    """The transform [3, 4] that brings a render [H, W, 3] nearest to a photo (least squares).

    Solved in float64 by the normal equations of the 4 x 4 colour moments. A render that has no colours to
    tell apart gets the least change from the identity.
    """
    source = render.reshape(-1, 3).double()
    source = torch.cat([source, torch.ones_like(source[:, :1])], 1)
    target = photo.reshape(-1, 3).double()
    weight = 1e-6 * len(source)
    identity = torch.eye(4, 3, dtype=torch.float64, device=source.device)
    moments = source.T @ source + weight * torch.eye(4, dtype=torch.float64, device=source.device)
    solution = torch.linalg.solve(moments, source.T @ target + weight * identity)
    fitted: Tensor = solution.T.float()
    return fitted


def to_rows(transform: Tensor) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """[3, 4] on the host."""
    return transform.detach().cpu().double().numpy()
