"""From the model's own frame to east-north-up metres, by the photos' GPS or by the cameras alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pycolmap
from numpy.typing import NDArray
from spaceport_job.records import Georeference, Matrix3, Origin, Residuals, Similarity

from spaceport_sfm.intake import name_list
from spaceport_sfm.matching import enu_positions
from spaceport_sfm.photos import GpsPosition, Photo
from spaceport_sfm.similarity import (
    Points,
    SimilarityTransform,
    fit_similarity,
    fit_similarity_robust,
    residual_lengths,
)
from spaceport_sfm.uprightness import upright_transform

MIN_POSITIONS = 4
MIN_INLIER_SHARE = 0.5
MIN_SPREAD_M = 1.0
"""Least spread of the positions across their main direction: on a line, the tilt about it is unknown."""
MIN_SPREAD_PER_RESIDUAL = 2.0
OUTLIER_WARNING_M = 5.0
ON_A_LINE = (
    "The photos were taken along one line, so their GPS positions do not tell how the model is tilted."
)
ORIGIN_DECIMALS = 7
"""Decimals of the origin's degrees: about a centimetre."""

Source = Literal["exif_gps", "none"]


@dataclass(frozen=True)
class Placement:
    """Where the model is in the world.

    Attributes:
        transform: From the reconstruction's frame to ENU metres.
        source: How it is known.
        origin: The WGS84 origin of ENU; its height is that of the ground. None without GPS.
        residuals: East, north, up in metres of model minus GPS, by photo name; empty without GPS.
        inliers: Names of the photos whose GPS the fit rests on.
        warnings: What is uncertain, for people.
    """

    transform: SimilarityTransform
    source: Source
    origin: GpsPosition | None
    residuals: Mapping[str, Points]
    inliers: frozenset[str]
    warnings: tuple[str, ...]

    def record(self) -> Georeference:
        """The content of georeference.json for a model that `transform` was applied to."""
        identity: Matrix3 = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        return Georeference(
            source=self.source,
            origin=None
            if self.origin is None
            else Origin(
                latitude=self.origin.latitude,
                longitude=self.origin.longitude,
                altitude_m=self.origin.altitude_m,
            ),
            model_to_enu=Similarity(scale=1.0, rotation=identity, translation=(0.0, 0.0, 0.0)),
            residuals=self._residual_record(),
        )

    def _residual_record(self) -> Residuals | None:
        if not self.residuals:
            return None
        used = np.array([self.residuals[name] for name in sorted(self.inliers)])
        squares = (used**2).mean(axis=0)
        return Residuals(
            rmse_m=float(np.sqrt(squares.sum())),
            horizontal_rmse_m=float(np.sqrt(squares[:2].sum())),
            vertical_rmse_m=float(np.sqrt(squares[2])),
            per_photo={
                name: (float(east), float(north), float(up))
                for name, (east, north, up) in sorted(self.residuals.items())
            },
        )


def georeference(
    reconstruction: pycolmap.Reconstruction, photos: Sequence[Photo], *, seed: int = 0
) -> Placement:
    """Finds the similarity from the reconstruction to the world.

    The fit is a plain similarity between camera centres and GPS. GPS positions as priors of the bundle
    adjustment gave the same accuracy where it was measured, and would let a wrong position bend the model.

    Args:
        reconstruction: In any frame.
        photos: With the GPS their EXIF tells.
        seed: Of the random choices of the robust fit.
    """
    centres = {
        image.name: np.asarray(image.projection_center(), dtype=np.float64)
        for image in reconstruction.images.values()
        if image.has_pose
    }
    ground = np.array([point.xyz for point in reconstruction.points3D.values()], dtype=np.float64)
    positions = {
        photo.name: photo.metadata.gps for photo in photos if photo.metadata.gps and photo.name in centres
    }
    placed = place_by_gps(centres, positions, ground, seed=seed)
    if isinstance(placed, Placement):
        return placed
    transform, scale_note = upright_transform(reconstruction, photos, ground)
    warning = f"{placed} The model has no place in the world: {scale_note}."
    return Placement(transform, "none", None, {}, frozenset(), (warning,))


def place_by_gps(
    centres: Mapping[str, Points], positions: Mapping[str, GpsPosition], ground: Points, *, seed: int = 0
) -> Placement | str:
    """Fits camera centres to their GPS positions.

    Args:
        centres: Camera centre [3] by photo name, in the reconstruction's frame.
        positions: GPS by photo name, for any of them.
        ground: Points of the scene [M, 3], in the reconstruction's frame.
        seed: Of the random choices of the robust fit.

    Returns:
        The placement, or the reason in words why GPS cannot give one.
    """
    names = sorted(name for name in positions if name in centres)
    if len(names) < MIN_POSITIONS:
        have = "None" if not names else f"Only {len(names)}"
        return f"{have} of the {len(centres)} photos carry a GPS position."
    given = [positions[name] for name in names]
    source = np.array([centres[name] for name in names])
    rough = _centre(given)
    target = enu_positions(given, rough)
    fit = fit_similarity_robust(source, target, seed=seed)
    if fit is None:
        return ON_A_LINE
    residuals = residual_lengths(fit.transform, source, target)[fit.inliers]
    rmse = float(np.sqrt((residuals**2).mean()))
    spread = _spread(target[fit.inliers])
    if fit.inliers.sum() < max(MIN_POSITIONS, MIN_INLIER_SHARE * len(names)) or rmse > spread[0]:
        return "The GPS positions in the photos contradict the photos."
    if spread[1] < max(MIN_SPREAD_M, MIN_SPREAD_PER_RESIDUAL * rmse):
        return ON_A_LINE
    ground_height = float(np.median(fit.transform.apply(ground)[:, 2])) if len(ground) else 0.0
    inliers = [name for name, good in zip(names, fit.inliers, strict=True) if good]
    origin = _origin([positions[name] for name in inliers], rough, ground_height)
    target = enu_positions(given, origin)
    transform = fit_similarity(source[fit.inliers], target[fit.inliers])
    differences = transform.apply(source) - target
    return Placement(
        transform=transform,
        source="exif_gps",
        origin=origin,
        residuals=dict(zip(names, differences, strict=True)),
        inliers=frozenset(inliers),
        warnings=tuple(_gps_warnings(names, differences, fit.inliers, len(centres))),
    )


def _centre(positions: Sequence[GpsPosition]) -> GpsPosition:
    """The median position, which no single wrong one moves far."""
    return GpsPosition(
        float(np.median([position.latitude for position in positions])),
        float(np.median([position.longitude for position in positions])),
        float(np.median([position.altitude_m for position in positions])),
    )


def _origin(positions: Sequence[GpsPosition], rough: GpsPosition, ground_height: float) -> GpsPosition:
    """The middle of the positions on the ground, rounded so that it can be read and typed."""
    centre = _centre(positions)
    return GpsPosition(
        round(centre.latitude, ORIGIN_DECIMALS),
        round(centre.longitude, ORIGIN_DECIMALS),
        round(rough.altitude_m + ground_height, 2),
    )


def _spread(points: Points) -> Points:
    """Standard deviations of points [N, 3] along their main directions, largest first."""
    return np.asarray(np.linalg.svd(points - points.mean(axis=0), compute_uv=False) / np.sqrt(len(points)))


def _gps_warnings(
    names: Sequence[str], differences: Points, inliers: NDArray[np.bool_], photos: int
) -> list[str]:
    warnings = []
    far = np.linalg.norm(differences, axis=1) > OUTLIER_WARNING_M
    wrong = [name for name, bad in zip(names, far & ~inliers, strict=True) if bad]
    if wrong:
        warnings.append(f"GPS positions that do not fit were not used: {name_list(wrong)}.")
    if len(names) < photos:
        warnings.append(
            f"{photos - len(names)} of {photos} photos carry no GPS position; the others placed them."
        )
    return warnings
