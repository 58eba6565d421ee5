"""Incremental mapping: camera poses and points from the matches, with a second, more patient attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pycolmap
from spaceport_job import CaptureError

from spaceport_sfm.intake import name_list
from spaceport_sfm.options import SfmOptions
from spaceport_sfm.photos import Photo
from spaceport_sfm.sink import ProgressSink

MIN_MODEL_SIZE = 3
NEVER = 2**31 - 1
"""Residuals from which Ceres sums on several cores, in no fixed order."""
FLY_AGAIN = "Fly again with at least 70 % overlap between neighbouring photos, in good light."
SATISFIED_SHARE = 0.95
"""Share of photos in the largest model from which no second attempt is made."""
OTHER_PLACE_SHARE = 0.1
"""Share of photos from which a second model counts as a place of its own."""


@dataclass(frozen=True)
class Attempt:
    """Settings of one mapping attempt, in COLMAP's terms; angles in degrees."""

    name: str
    init_min_num_inliers: int
    init_min_tri_angle: float
    abs_pose_min_num_inliers: int
    abs_pose_min_inlier_ratio: float
    min_num_matches: int


ATTEMPTS = (
    Attempt("normal", 100, 16.0, 30, 0.25, 15),
    Attempt("patient", 40, 4.0, 15, 0.12, 10),
)
"""COLMAP's defaults first; then settings that accept flatter angles and fewer common points."""


@dataclass(frozen=True)
class Mapping:
    """The result of mapping.

    Attributes:
        reconstruction: The largest model.
        attempt: Name of the attempt that made it.
        warnings: Photos that are not in it, for people.
    """

    reconstruction: pycolmap.Reconstruction
    attempt: str
    warnings: tuple[str, ...]


def map_photos(
    database: Path,
    folder: Path,
    work: Path,
    photos: Sequence[Photo],
    options: SfmOptions,
    progress: ProgressSink,
) -> Mapping:
    """Reconstructs the capture and keeps its largest model.

    Args:
        database: With verified matches.
        folder: The photos.
        work: A folder of the job's own for COLMAP's models.
        photos: The usable photos.
        options: Share that must be in one model; seed; threads.
        progress: Told after every registered photo.

    Raises:
        CaptureError: no two photos overlap enough, or one model does not hold the least share of the photos.
    """
    best: list[pycolmap.Reconstruction] = []
    best_attempt = ATTEMPTS[0]
    for attempt in ATTEMPTS:
        models = _attempt(attempt, database, folder, work / attempt.name, len(photos), options, progress)
        if models and (not best or models[0].num_reg_images() > best[0].num_reg_images()):
            best, best_attempt = models, attempt
        if best and best[0].num_reg_images() >= SATISFIED_SHARE * len(photos):
            break
    if not best:
        raise CaptureError(
            f"None of the {len(photos)} photos could be joined: they overlap too little or show too little "
            f"detail. {FLY_AGAIN}"
        )
    warnings = _judge(best, photos, options.min_registered_share)
    return Mapping(best[0], best_attempt.name, warnings)


def _attempt(
    attempt: Attempt,
    database: Path,
    folder: Path,
    work: Path,
    photos: int,
    options: SfmOptions,
    progress: ProgressSink,
) -> list[pycolmap.Reconstruction]:
    """Runs COLMAP's incremental pipeline; the models come largest first."""
    pipeline = pycolmap.IncrementalPipelineOptions()
    pipeline.min_model_size = MIN_MODEL_SIZE
    pipeline.random_seed = options.seed
    pipeline.num_threads = options.num_threads
    if not options.parallel_adjustment:
        # What several threads register or triangulate first depends on how busy the machine is.
        pipeline.num_threads = 1
        pipeline.ba_min_num_residuals_for_cpu_multi_threading = NEVER
    pipeline.min_num_matches = attempt.min_num_matches
    pipeline.mapper.init_min_num_inliers = attempt.init_min_num_inliers
    pipeline.mapper.init_min_tri_angle = attempt.init_min_tri_angle
    pipeline.mapper.abs_pose_min_num_inliers = attempt.abs_pose_min_num_inliers
    pipeline.mapper.abs_pose_min_inlier_ratio = attempt.abs_pose_min_inlier_ratio
    registered = 0

    def first_pair() -> None:
        nonlocal registered
        registered = 2

    def next_photo() -> None:
        nonlocal registered
        registered = min(registered + 1, photos)
        progress.update(
            registered / photos, f"Placing photos: {registered} of {photos}", registered=registered
        )

    work.mkdir(parents=True)
    models = pycolmap.incremental_mapping(
        database,
        folder,
        work,
        pipeline,
        initial_image_pair_callback=first_pair,
        next_image_callback=next_photo,
    )
    return sorted(models.values(), key=lambda model: (-model.num_reg_images(), -model.num_points3D()))


def _judge(
    models: Sequence[pycolmap.Reconstruction], photos: Sequence[Photo], least_share: float
) -> tuple[str, ...]:
    """Warnings about photos outside the largest model, or an error when they are too many."""
    names = [set(registered_names(model)) for model in models]
    missing = [photo.source for photo in photos if photo.name not in names[0]]
    if not missing:
        return ()
    share = len(names[0]) / len(photos)
    others = [group - names[0] for group in names[1:]]
    places = 1 + sum(len(group) >= max(MIN_MODEL_SIZE, OTHER_PLACE_SHARE * len(photos)) for group in others)
    if share >= least_share:
        note = f" ({places - 1} other group(s) of photos seem to show another place)" if places > 1 else ""
        return (f"Left out, could not be joined with the others{note}: {name_list(missing)}.",)
    if places > 1:
        raise CaptureError(
            f"The photos seem to show {places} places that do not overlap: the largest group has "
            f"{len(names[0])} of {len(photos)} photos. Upload each place as a capture of its own, or add "
            f"photos that connect them. Not in the largest group: {name_list(missing)}."
        )
    raise CaptureError(
        f"Only {len(names[0])} of {len(photos)} photos could be joined: the others overlap too little or "
        f"show too little detail. {FLY_AGAIN} Not joined: {name_list(missing)}."
    )


def registered_names(reconstruction: pycolmap.Reconstruction) -> list[str]:
    """Names of the photos that have a pose, sorted."""
    return sorted(image.name for image in reconstruction.images.values() if image.has_pose)
