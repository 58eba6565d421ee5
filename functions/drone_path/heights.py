"""Heights of the waypoints: as wanted where that is safe, within cap and clearance along the whole curve."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.drone_path.curve import Samples
from functions.drone_path.geodesy import Array

TOLERANCE = 0.05
"""Metres kept within cap and clearance: for the curve between samples, and for rounding in files."""
ROUNDS = 40
_NEIGHBOURS = 3


@dataclass(frozen=True)
class Limits:
    """How high the drone may and must be.

    Attributes:
        cap: Most above ground, metres.
        clearance: Least above ground and above water, metres.
    """

    cap: float
    clearance: float


@dataclass(frozen=True)
class Envelope:
    """Between which heights the curve must stay, at each of its samples (s), metres above sea level."""

    lowest: Array
    highest: Array

    def then(self, other: "Envelope") -> "Envelope":
        """Give the limits of two paths, one after the other."""
        return Envelope(
            np.concatenate([self.lowest, other.lowest]), np.concatenate([self.highest, other.highest])
        )


def envelope(ground: Array, water: float, limits: Limits) -> Envelope:
    """Say between which heights a curve must stay.

    Between two samples the ground may be higher than at either: it is taken as high (and, for the cap, as
    low) as the neighbours and half of the larger step to them allow. So the limits hold everywhere on terrain
    whose slopes are those of its cells, as long as these are not narrower than two samples.

    Args:
        ground: Height of the ground under each sample (s), metres above sea level.
        water: Level below which the ground may be under water.
        limits: Cap and clearance.
    """
    steps = np.abs(np.diff(ground))
    larger = np.maximum(np.append(steps, 0), np.append(0, steps)) / 2
    padded = np.pad(ground, 1, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, _NEIGHBOURS)
    highest_ground, lowest_ground = around.max(axis=1) + larger, around.min(axis=1) - larger
    return Envelope(
        lowest=np.maximum(highest_ground, water) + limits.clearance + TOLERANCE,
        highest=lowest_ground + limits.cap - TOLERANCE,
    )


def fit(wanted: Array, samples: Samples, within: Envelope) -> tuple[Array, NDArray[np.intp]]:
    """Move the waypoints up or down until the curve between them is clear of the ground and under the cap.

    Args:
        wanted: Wanted heights of the waypoints (n), metres above sea level.
        samples: The curve.
        within: Its limits.

    Returns:
        The heights (n), at which the curve is never below its lower limit; and the legs on which it is above
        its upper limit all the same: these need a waypoint more.
    """
    heights = wanted.copy()
    power = (samples.weights**2).sum(axis=1)
    for _ in range(ROUNDS):
        high = np.maximum(samples.heights(heights) - within.highest, 0)
        heights -= _spread(high / power, samples, heights.size)
        low = np.maximum(within.lowest - samples.heights(heights), 0)
        if not (high.any() or low.any()):
            break
        heights += _spread(low / power, samples, heights.size)
    low = np.maximum(within.lowest - samples.heights(heights), 0)
    # Weights of a sample sum to 1: its waypoints, all raised by what it lacks, raise it by that.
    heights += _most(np.where(samples.weights > 0, low[:, None], 0), samples, heights.size)
    above = samples.heights(heights) > within.highest
    return heights, np.unique(samples.legs[above])


def _spread(moves: Array, samples: Samples, count: int) -> Array:
    return _most(moves[:, None] * samples.weights, samples, count)


def _most(moves: Array, samples: Samples, count: int) -> Array:
    """Give the largest move that any sample asks of each waypoint."""
    largest = np.zeros(count)
    np.maximum.at(largest, samples.waypoints.ravel(), moves.ravel())
    return largest
