"""Requests of the jobs API."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from functions.ml_jobs.presets import Preset
from functions.shared.api import ApiModel
from functions.shared.job_names import OLD_STEP_WORDS, STEPS

MOST_PHOTOS = 5000
MOST_MEGAPIXELS = 200


def _known_step(word: str) -> str:
    """Take older clients' words, too."""
    step = OLD_STEP_WORDS.get(word, word)
    if step not in STEPS:
        raise ValueError(f"must be one of {', '.join(STEPS)}")
    return step


Step = Annotated[str, AfterValidator(_known_step)]


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
    pipeline_step: Step = STEPS[0]
    hyperparameters: dict[str, Any] = Field(default_factory=dict, max_length=100)


class EstimateJob(ApiModel):
    """Estimate a job that is not started.

    Attributes:
        s3_url: The capture's folder, or any file in it; its photos are counted.
        photos: How many photos there will be, where there is no capture yet.
        megapixels: Of a photo, where that is known.
        preset: How much time goes into it.
        pipeline_step: Where it would start.
        hyperparameters: Options beyond the preset.
    """

    s3_url: str | None = Field(default=None, min_length=1, max_length=2048)
    photos: int | None = Field(default=None, ge=1, le=MOST_PHOTOS)
    megapixels: float | None = Field(default=None, gt=0, le=MOST_MEGAPIXELS)
    preset: Preset = "standard"
    pipeline_step: Step = STEPS[0]
    hyperparameters: dict[str, Any] = Field(default_factory=dict, max_length=100)

    @model_validator(mode="after")
    def one_source(self) -> "EstimateJob":
        """Take a capture or a number, not both and not neither."""
        if (self.s3_url is None) == (self.photos is None):
            raise ValueError("give either s3Url or photos")
        return self


class StopJob(ApiModel):
    """Stop a job. Older clients also send `executionArn`, which we know ourselves."""

    job_id: str = Field(min_length=1, max_length=128)
