"""The options of the SfM step."""

from typing import Literal

from pydantic import Field
from spaceport_job import JobOptions


class SfmOptions(JobOptions):
    """What can be chosen for a reconstruction; the defaults suit 20 to 500 drone photos."""

    max_image_size: int = Field(
        default=1600, ge=160, le=8192, description="Longest side of the undistorted images, in pixels"
    )
    feature_image_size: int = Field(
        default=1600, ge=160, le=8192, description="Longest side at which features are looked for, in pixels"
    )
    max_num_features: int = Field(
        default=6144, ge=256, le=32768, description="Most SIFT features kept per photo"
    )
    matching: Literal["auto", "exhaustive", "neighbors"] = Field(
        default="auto",
        description="Which photos are compared: all pairs, or those that were taken near each other",
    )
    exhaustive_limit: int = Field(
        default=80, ge=3, le=2000, description="Most photos for which 'auto' compares all pairs"
    )
    num_neighbors: int = Field(
        default=24, ge=4, le=200, description="Neighbors per photo where not all are compared"
    )
    min_registered_share: float = Field(
        default=0.6, ge=0.1, le=1.0, description="Least share of the usable photos that one model must hold"
    )
    jpeg_quality: int = Field(default=95, ge=50, le=100, description="Quality of the undistorted JPEG images")
    num_threads: int = Field(default=-1, ge=-1, le=256, description="Threads; -1 takes every core")
    parallel_adjustment: bool = Field(
        default=False,
        description="Adjust on every core: quicker for hundreds of photos, but no two runs are quite alike",
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Seed of every random choice")
