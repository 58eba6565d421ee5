"""The options of the 3DGS step."""

from typing import Literal

from pydantic import Field
from spaceport_job import JobOptions


class TrainingOptions(JobOptions):
    """What can be chosen for a training; the defaults suit a GPU with 24 GB and 20 to 500 photos."""

    max_steps: int = Field(
        7000, ge=1, le=100_000, description="Training steps, one photo each; every schedule follows it"
    )
    image_size: int = Field(
        1600, ge=64, le=8192, description="Longest side at which photos are learned, in pixels"
    )
    sh_degree: int = Field(
        3, ge=0, le=3, description="Degree of the view-dependent colour: 0 has none, 3 reflects best"
    )
    strategy: Literal["mcmc", "default"] = Field(
        "mcmc",
        description="How Gaussians are added: mcmc moves and adds them up to the limit, default splits",
    )
    max_gaussians: int = Field(
        1_000_000, ge=100, le=10_000_000, description="Most Gaussians that the model may have"
    )
    initial_gaussians: int = Field(
        200_000, ge=100, le=10_000_000, description="Most SfM points with which the training begins"
    )
    heldout_every: int = Field(
        8, ge=0, le=1000, description="Every so many photos one is kept to measure with; 0 keeps none"
    )
    exposure: bool = Field(
        default=True, description="Whether each photo's exposure and white balance are compensated"
    )
    ssim_weight: float = Field(
        0.2, ge=0, le=1, description="Share of structural similarity in the loss; the rest is L1"
    )
    learning_rate_scale: float = Field(
        0,
        ge=0,
        le=10,
        description="Factor on the learning rates; 0 chooses by the steps: larger for short trainings",
    )
    max_seconds: float = Field(
        0,
        ge=0,
        le=5 * 86_400,
        description="Training ends after this time with what it has; 0 is no limit, and repeatable",
    )
    checkpoint_every_seconds: float = Field(
        300, ge=0, le=86_400, description="Time between checkpoints; 0 saves only when asked to stop"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Seed of every random choice")
