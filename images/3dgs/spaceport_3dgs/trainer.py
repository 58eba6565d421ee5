"""The training loop.

Without a GPU the same input, options and seed give the same model, bit by bit, stopped in between or not.
With one, gsplat sums gradients in an order that varies, and models differ within the noise of training.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import Parameter, ParameterDict

from spaceport_3dgs import checkpoint, evaluation
from spaceport_3dgs.densify import Densifier, Optimizers
from spaceport_3dgs.exposure import Exposure
from spaceport_3dgs.gaussians import initialize
from spaceport_3dgs.losses import ssim
from spaceport_3dgs.options import TrainingOptions
from spaceport_3dgs.rasterizer import TrainingView, choose_device, rasterizer_for
from spaceport_3dgs.scene import Photo, Scene
from spaceport_3dgs.schedule import Schedule

HISTORY_POINTS = 8
HISTORY_PHOTOS = 4
NOTE_EVERY_S = 0.5


@dataclass(frozen=True)
class Note:
    """How far a training is.

    Attributes:
        step: Steps done.
        fraction: Of the training, by steps or by time, whichever ends it first.
        gaussians: Their number.
        loss: Running mean.
        psnr_db: Last one measured, of held-out photos.
    """

    step: int
    fraction: float
    gaussians: int
    loss: float
    psnr_db: float | None


@dataclass
class Picture:
    """A photo as the training uses it; pixels stay bytes on the host until they are needed."""

    photo: Photo
    view: TrainingView
    device: torch.device

    def pixels(self) -> Tensor:
        """[H, W, 3] in 0..1 on the device."""
        return torch.from_numpy(self.photo.pixels).to(self.device, non_blocking=True).float() / 255


@dataclass
class Trainer:
    """A training: its state can be saved after any step and goes on from there.

    Attributes:
        scene: What it learns.
        options: How.
        folder: Where checkpoints are.
        step: Steps done.
        seconds: Time spent on them, earlier runs included.
        history: [steps, seconds, PSNR in dB] of some held-out photos.
    """

    scene: Scene
    options: TrainingOptions
    folder: Path
    device: torch.device = field(default_factory=choose_device)
    step: int = 0
    seconds: float = 0.0
    history: list[tuple[int, float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        options = self.options
        torch.manual_seed(options.seed)
        self.rasterize = rasterizer_for(self.device)
        self.schedule = Schedule.of(
            options.max_steps, strategy=options.strategy, rate=options.learning_rate_scale
        )
        self.train = [self._picture(photo) for photo in self.scene.split("train")]
        self.heldout = [self._picture(photo) for photo in self.scene.split("heldout")]
        self.params = initialize(
            self.scene.points,
            self.scene.colors,
            extent=self.scene.extent,
            sh_degree=options.sh_degree,
            count=min(options.initial_gaussians, options.max_gaussians),
            strategy=options.strategy,
            seed=options.seed,
        ).to(self.device)
        self.optimizers = self._optimizers()
        self.exposure = Exposure(len(self.train), rate=self.schedule.rate, device=self.device)
        self.densifier = Densifier(
            options.strategy, self.schedule, max_gaussians=options.max_gaussians, device=self.device
        )
        self.loss = float("nan")

    @property
    def done(self) -> bool:
        """Whether all steps are done or the time is up."""
        limit = self.options.max_seconds
        return self.step >= self.options.max_steps or (0 < limit <= self.seconds)

    @property
    def note(self) -> Note:
        """How far it is."""
        limit = self.options.max_seconds
        fraction = self.step / self.options.max_steps
        return Note(
            step=self.step,
            fraction=min(1.0, max(fraction, self.seconds / limit if limit else 0.0)),
            gaussians=len(self.params["means"]),
            loss=round(self.loss, 4),
            psnr_db=self.history[-1][2] if self.history else None,
        )

    def run(self, *, on_note: Callable[[Note], None], should_stop: Callable[[], bool]) -> None:
        """Trains until it is done or asked to stop; in the latter case it saves a checkpoint first.

        A training that was long enough for timed checkpoints leaves a last one: being stopped while the model
        is measured and written then costs little.

        Args:
            on_note: Called about twice a second.
            should_stop: Asked before every step.
        """
        noted = saved = time.monotonic()
        while not self.done:
            if should_stop():
                self.save()
                return
            began = time.monotonic()
            self._train_step()
            now = time.monotonic()
            self.seconds += now - began
            if self._history_is_due():
                self._add_to_history()
            if now - noted >= NOTE_EVERY_S:
                on_note(self.note)
                noted = now
            if 0 < self.options.checkpoint_every_seconds <= now - saved:
                self.save()
                saved = time.monotonic()
        if 0 < self.options.checkpoint_every_seconds <= self.seconds:
            self.save()

    def measure(self, picture: Picture) -> evaluation.Quality:
        """Compares the model with a photo."""
        return evaluation.measure(
            self.rasterize, self.params, picture.view, picture.pixels(), self._sh_degree()
        )

    def save(self) -> None:
        """Writes a checkpoint."""
        state = {
            "fingerprint": self._fingerprint(),
            "step": self.step,
            "seconds": self.seconds,
            "history": [list(entry) for entry in self.history],
            "loss": self.loss,
            "params": {name: value.detach() for name, value in self.params.items()},
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "exposure": self.exposure.transforms.detach(),
            "exposure_optimizer": self.exposure.optimizer.state_dict(),
            "densifier": self.densifier.state,
            "random": torch.get_rng_state(),
            "random_gpu": torch.cuda.get_rng_state_all() if self.device.type == "cuda" else [],
        }
        checkpoint.save(self.folder, state)

    def resume(self) -> bool:
        """Goes on from the checkpoint in the folder, if there is one of this very training."""
        state = checkpoint.load(self.folder, self._fingerprint(), self.device)
        if state is None:
            return False
        self.step = state["step"]
        self.seconds = state["seconds"]
        self.history = [(int(step), float(second), float(db)) for step, second, db in state["history"]]
        self.loss = state["loss"]
        self.params = ParameterDict({name: Parameter(value) for name, value in state["params"].items()})
        self.optimizers = self._optimizers()
        for name, optimizer in self.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        with torch.no_grad():
            self.exposure.transforms.copy_(state["exposure"])
        self.exposure.optimizer.load_state_dict(state["exposure_optimizer"])
        self.densifier.state = state["densifier"]
        torch.set_rng_state(state["random"].cpu())
        if self.device.type == "cuda":
            torch.cuda.set_rng_state_all([value.cpu() for value in state["random_gpu"]])
        return True

    def _train_step(self) -> None:
        step = self.step
        index = self._photo_of(step)
        picture = self.train[index]
        photo = picture.pixels()
        rendered = self.rasterize(self.params, picture.view, self._sh_degree())
        image = self.exposure.apply(rendered.image, index) if self.options.exposure else rendered.image
        share = self.options.ssim_weight
        loss = (1 - share) * (image - photo).abs().mean() + self.densifier.penalty(self.params)
        if share:
            loss = loss + share * (1 - ssim(image, photo))
        if self.options.exposure:
            loss = loss + self.exposure.penalty(index)
        self.densifier.before_backward(self.params, self.optimizers, step, rendered)
        torch.autograd.backward(loss)
        means_rate = self.schedule.means_learning_rate(step)
        self.optimizers["means"].param_groups[0]["lr"] = means_rate
        for optimizer in self.optimizers.values():
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        if self.options.exposure:
            self.exposure.step()
        self.densifier.after_step(self.params, self.optimizers, step, rendered, means_rate)
        value = float(loss.detach())
        self.loss = value if not np.isfinite(self.loss) else 0.95 * self.loss + 0.05 * value
        self.step += 1

    def _photo_of(self, step: int) -> int:
        """Every photo once per round, in an order that follows from seed and round alone."""
        number, place = divmod(step, len(self.train))
        order = np.random.default_rng([self.options.seed, number]).permutation(len(self.train))
        return int(order[place])

    def _sh_degree(self) -> int:
        return self.schedule.sh_degree(self.step, self.options.sh_degree)

    def _history_is_due(self) -> bool:
        before, now = (HISTORY_POINTS * step // self.options.max_steps for step in (self.step - 1, self.step))
        return bool(self.heldout) and now > before

    def _add_to_history(self) -> None:
        some = self.heldout[:: max(1, len(self.heldout) // HISTORY_PHOTOS)][:HISTORY_PHOTOS]
        value = evaluation.mean([self.measure(picture).psnr_db for picture in some])
        if value is not None:
            self.history.append((self.step, round(self.seconds, 2), round(value, 3)))

    def _picture(self, photo: Photo) -> Picture:
        return Picture(photo, TrainingView.of(photo.view, self.scene.extent, self.device), self.device)

    def _optimizers(self) -> Optimizers:
        return {
            name: torch.optim.Adam(
                [{"params": value, "lr": self.schedule.learning_rate(name), "name": name}],
                eps=1e-15,
                fused=True,
            )
            for name, value in self.params.items()
        }

    def _fingerprint(self) -> str:
        scene: dict[str, Any] = {
            "photos": [
                [p.name, p.split, int(np.int64(p.pixels.sum(dtype=np.int64)))] for p in self.scene.photos
            ],
            "cameras": [float(value) for value in self.scene.centers.ravel()],
            "points": [len(self.scene.points), float(self.scene.points.sum())],
        }
        return checkpoint.fingerprint(self.options.model_dump(mode="json"), scene, self.device.type)
