"""When what happens in a training of `max_steps`: gsplat's schedule for 30,000 steps, stretched.

Learning rates are those of B. Kerbl et al., "3D Gaussian Splatting for Real-Time Radiance Field Rendering",
2023.
"""

from dataclasses import dataclass

MEANS_DECAY = 0.01
"""The means' learning rate at the end, as a share of that at the beginning."""
BASE_LEARNING_RATES = {
    "means": 1.6e-4,
    "scales": 5e-3,
    "quats": 1e-3,
    "opacities": 5e-2,
    "sh0": 2.5e-3,
    "shN": 2.5e-3 / 20,
}
EXPOSURE_LEARNING_RATE = 3e-3
FULL_STEPS = 2800
"""Steps from which on the learning rates are as published; a shorter training takes longer strides."""
MAX_SPEED_UP = 4.0


@dataclass(frozen=True)
class Schedule:
    """The steps and rates of one training.

    Attributes:
        max_steps: Of the whole training.
        rate: Factor on the learning rates.
        refine_start: First step at which Gaussians may be added or removed.
        refine_stop: Step from which on they may not.
        refine_every: Steps between two such times.
        reset_every: Steps between two resets of the opacities (strategy default).
        sh_every: Steps after which one more degree of the harmonics is learned.
    """

    max_steps: int
    rate: float
    refine_start: int
    refine_stop: int
    refine_every: int
    reset_every: int
    sh_every: int

    @classmethod
    def of(cls, max_steps: int, *, strategy: str, rate: float = 0.0) -> "Schedule":
        """Stretches the schedule over `max_steps`.

        Args:
            max_steps: Of the whole training.
            strategy: "mcmc", which may add Gaussians until late, or "default".
            rate: Factor on the learning rates; 0 chooses up to four for short trainings, one from 2,800
                steps on.
        """
        return cls(
            max_steps=max_steps,
            rate=rate or max(1.0, min(MAX_SPEED_UP, FULL_STEPS / max_steps)),
            refine_start=max_steps // 60,
            refine_stop=int(max_steps * (25 / 30 if strategy == "mcmc" else 0.5)),
            refine_every=max(10, round(max_steps / 300)),
            reset_every=max(100, max_steps // 10),
            sh_every=max(1, max_steps // 30),
        )

    def learning_rate(self, name: str) -> float:
        """At the beginning, of one parameter; the rotations' is not sped up."""
        return BASE_LEARNING_RATES[name] * (1.0 if name == "quats" else self.rate)

    def means_learning_rate(self, step: int) -> float:
        """Of the means at a step, in units of the scene's extent."""
        return float(self.learning_rate("means") * MEANS_DECAY ** (step / self.max_steps))

    def sh_degree(self, step: int, highest: int) -> int:
        """How many degrees of the harmonics are used at a step."""
        return min(highest, step // self.sh_every)
