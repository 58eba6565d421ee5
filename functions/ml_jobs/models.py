"""Requests of the jobs API."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator

from functions.ml_jobs.presets import Preset
from functions.shared.api import ApiModel
from functions.shared.job_names import OLD_STEP_WORDS, STEPS


class StartJob(ApiModel):
    """Start a job.

    Attributes:
        s3_url: The capture's folder, or any file in it.
        project_id: The project it belongs to.
        preset: How much time goes into it.
        pipeline_step: Where to start; only `sfm` so far.
        hyperparameters: Options beyond the preset.
    """

    s3_url: str = Field(min_length=1, max_length=2048)
    project_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    preset: Preset = "standard"
    pipeline_step: str = "sfm"
    hyperparameters: dict[str, Any] = Field(default_factory=dict, max_length=100)

    @field_validator("pipeline_step")
    @classmethod
    def known_step(cls, word: str) -> str:
        """Take older clients' words, too."""
        step = OLD_STEP_WORDS.get(word, word)
        if step not in STEPS:
            raise ValueError(f"must be one of {', '.join(STEPS)}")
        return step


class StopJob(ApiModel):
    """Stop a job. Older clients also send `executionArn`, which we know ourselves."""

    job_id: str = Field(min_length=1, max_length=128)
