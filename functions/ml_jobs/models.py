"""Requests of the jobs API."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from functions.ml_jobs.presets import Preset
from functions.shared.api import ApiModel, OneLine
from functions.shared.job_names import OLD_STEP_WORDS


def _known_step(word: object) -> object:
    """Take older clients' words, too."""
    return OLD_STEP_WORDS.get(word, word) if isinstance(word, str) else word


Step = Annotated[Literal["sfm", "3dgs", "compressor"], BeforeValidator(_known_step)]
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]

MOST_PHOTOS = 5000
MOST_MEGAPIXELS = 200


class StartJob(ApiModel):
    """Start a job.

    Attributes:
        s3_url: The capture's folder, or any file in it; a job that starts at a later step needs none.
        project_id: The project it belongs to.
        preset: How much time goes into it.
        pipeline_step: Where to start: at a later step the job goes on with what an earlier one has left.
        source_job_id: The earlier job.
        existing_colmap_uri: Folder of its reconstruction, as older clients name it.
        hyperparameters: Options beyond the preset.
    """

    s3_url: str | None = Field(default=None, min_length=1, max_length=2048)
    project_id: Id | None = None
    preset: Preset = "standard"
    pipeline_step: Step = "sfm"
    source_job_id: Id | None = None
    existing_colmap_uri: str | None = Field(default=None, max_length=2048)
    hyperparameters: dict[str, Any] = Field(default_factory=dict, max_length=100)


class RetryJob(ApiModel):
    """Start a job's next attempt.

    Attributes:
        pipeline_step: Where to go on; where the last attempt failed when missing.
    """

    pipeline_step: Step | None = None


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
    pipeline_step: Step = "sfm"
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


class ShareModel(ApiModel):
    """Make a link to a model.

    Attributes:
        label: What its owner calls it.
        expires_in_seconds: How long it opens, 5 minutes to 5 years; until it is withdrawn when missing.
    """

    label: Annotated[OneLine, Field(max_length=100)] = ""
    expires_in_seconds: int | None = Field(default=None, ge=300, le=5 * 366 * 86_400)
