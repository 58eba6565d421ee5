"""Similarity transforms between point sets: least squares, and robust against outliers."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
SAMPLE_SIZE = 3
NUM_SAMPLES = 500
MAX_REFITS = 20
CUT = 3.0
"""Residuals above this many medians are outliers: 99.97 % of normally distributed 3D errors lie below."""
RELATIVE_FLOOR = 1e-6
"""Least outlier bound, as a share of the targets' spread: rounding is no outlier."""


@dataclass(frozen=True)
class SimilarityTransform:
    """x -> scale * rotation @ x + translation.

    Attributes:
        scale: Positive.
        rotation: [3, 3], proper.
        translation: [3].
    """

    scale: float
    rotation: Points
    translation: Points

    def apply(self, points: Points) -> Points:
        """Transforms points [N, 3]."""
        return self.scale * points @ self.rotation.T + self.translation

    def shifted(self, offset: Points) -> Self:
        """The transform followed by a translation [3]."""
        return type(self)(self.scale, self.rotation, self.translation + offset)


@dataclass(frozen=True)
class RobustFit:
    """A similarity and which of the points [N] it was fitted to."""

    transform: SimilarityTransform
    inliers: NDArray[np.bool_]


def fit_similarity(source: Points, target: Points) -> SimilarityTransform:
    """The similarity that brings `source` to `target` with least squares.

    Args:
        source: [N, 3], N >= 3, not on one line.
        target: [N, 3].

    Source: S. Umeyama, "Least-squares estimation of transformation parameters between two point patterns",
    PAMI 13(4), 1991, equations 34 to 43.
    """
    source_mean = source.mean(axis=0)
    target_mean = target.mean(axis=0)
    centred = source - source_mean
    covariance = (target - target_mean).T @ centred / len(source)
    u, singular, vt = np.linalg.svd(covariance)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(signs) @ vt
    variance = (centred**2).sum() / len(source)
    scale = float(singular @ signs / variance)
    return SimilarityTransform(scale, rotation, target_mean - scale * rotation @ source_mean)


def fit_similarity_robust(source: Points, target: Points, *, seed: int = 0) -> RobustFit | None:
    """Least median of squares over random triples, then least squares over what agrees.

    It holds as long as more than half of the points are good, and needs no threshold in metres.

    Args:
        source: [N, 3], N >= 3.
        target: [N, 3].
        seed: Of the random triples.

    Returns:
        The fit, or None where no triple spans a plane.

    Source: P. J. Rousseeuw, "Least median of squares regression", JASA 79, 1984.
    """
    random = np.random.default_rng(seed)
    spread = np.sqrt(((target - target.mean(axis=0)) ** 2).sum(axis=1).mean())
    best: SimilarityTransform | None = None
    best_median = np.inf
    for _ in range(NUM_SAMPLES):
        chosen = random.choice(len(source), SAMPLE_SIZE, replace=False)
        if not (_spans_plane(source[chosen]) and _spans_plane(target[chosen])):
            continue
        candidate = fit_similarity(source[chosen], target[chosen])
        median = float(np.median(residual_lengths(candidate, source, target)))
        if median < best_median:
            best, best_median = candidate, median
    if best is None:
        return None
    inliers = np.zeros(len(source), dtype=bool)
    for _ in range(MAX_REFITS):
        residuals = residual_lengths(best, source, target)
        agreeing = residuals <= max(CUT * float(np.median(residuals)), RELATIVE_FLOOR * spread)
        if (agreeing == inliers).all() or agreeing.sum() < SAMPLE_SIZE:
            break
        inliers = agreeing
        best = fit_similarity(source[inliers], target[inliers])
    return RobustFit(best, inliers)


def residual_lengths(transform: SimilarityTransform, source: Points, target: Points) -> Points:
    """Distance of each transformed source point from its target: [N]."""
    return np.asarray(np.linalg.norm(transform.apply(source) - target, axis=1))


def _spans_plane(points: Points) -> bool:
    singular = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(singular[1] > 1e-2 * singular[0] > 0)
