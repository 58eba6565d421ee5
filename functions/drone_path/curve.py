"""The flown curve: straight legs, and arcs where the drone cuts its corners.

A corner has a reach: the distance before and after the waypoint at which the drone leaves and joins the legs.
This is what Litchi calls curve size and DJI corner radius or damping distance; the reaches of neighbours must
sum to less than the leg between them. The arc between is the circle that touches both legs there; on it, the
height follows the parabola that touches both legs' slopes. Leading axes of arrays are a batch.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.drone_path.geodesy import Array

FILLED_SHARE = 0.9
"""Of a leg, at most, that the reaches of its two ends take."""
SHORTEST_REACH = 0.2
LONGEST_REACH = 1000.0
"""Metres; what DJI's waypoint missions take as a corner radius."""
ARC_STEPS = 8
"""Between samples of an arc, at least: on short ones heights bend within a few metres."""
_STRAIGHT = 1e-6
_SHORTEST_LEG = 1e-3


@dataclass(frozen=True)
class Corners:
    """Legs and corners of a route.

    Attributes:
        points: Waypoints (..., n, 2), metres.
        lengths: Of the legs (..., n - 1), metres.
        directions: Unit vectors of the legs (..., n - 1, 2).
        turns: Change of direction at the inner waypoints (..., n - 2), radians, positive to the left.
        reaches: Of every waypoint (..., n), metres; 0 at both ends, and where a corner is flown to the point.
    """

    points: Array
    lengths: Array
    directions: Array
    turns: Array
    reaches: Array

    @property
    def radii(self) -> Array:
        """Radii of the arcs (..., n - 2), metres; infinite on a straight line."""
        tangents = np.tan(np.minimum(np.abs(self.turns), np.pi - _STRAIGHT) / 2)
        reaches = np.maximum(self.reaches[..., 1:-1], SHORTEST_REACH / 2)
        return np.divide(reaches, tangents, out=np.full_like(reaches, np.inf), where=tangents > _STRAIGHT)

    @property
    def arcs(self) -> Array:
        """Lengths of the arcs (..., n - 2), metres."""
        turns = np.abs(self.turns)
        half = np.tan(np.minimum(turns, np.pi - _STRAIGHT) / 2)
        share = np.divide(turns, half, out=np.full_like(half, 2.0), where=half > _STRAIGHT)
        return self.reaches[..., 1:-1] * share

    @property
    def straights(self) -> Array:
        """Lengths of the legs' straight parts (..., n - 1), metres."""
        return self.lengths - self.reaches[..., :-1] - self.reaches[..., 1:]


def round_corners(points: Array, wanted: Array) -> Corners:
    """Round the corners of a route as far as its legs allow.

    Args:
        points: Waypoints (..., n, 2), metres.
        wanted: Wanted reaches (..., n), metres.

    Returns:
        The route; each reach at most as wanted, those of two neighbours together within `FILLED_SHARE` of
        their leg.
    """
    legs = np.diff(points, axis=-2)
    lengths = np.maximum(np.hypot(legs[..., 0], legs[..., 1]), _SHORTEST_LEG)
    directions = legs / lengths[..., None]
    before, after = directions[..., :-1, :], directions[..., 1:, :]
    turns = np.arctan2(
        before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0],
        before[..., 0] * after[..., 0] + before[..., 1] * after[..., 1],
    )
    reaches = np.broadcast_to(np.minimum(wanted, LONGEST_REACH), points.shape[:-1]).copy()
    reaches[..., 0] = reaches[..., -1] = 0
    sums = reaches[..., :-1] + reaches[..., 1:]
    fits = np.minimum(FILLED_SHARE * lengths / np.maximum(sums, SHORTEST_REACH), 1)
    reaches[..., 1:-1] *= np.minimum(fits[..., :-1], fits[..., 1:])
    reaches[reaches < SHORTEST_REACH] = 0
    return Corners(points, lengths, directions, turns, reaches)


@dataclass(frozen=True)
class Samples:
    """A route's curve, sampled; its height anywhere is a weighted mean of the heights of three waypoints.

    Attributes:
        points: Samples (s, 2), metres.
        distances: Along the curve (s), metres.
        waypoints: The three waypoints (s, 3) by index.
        weights: Their weights (s, 3), which sum to 1.
        legs: The leg (s) that a sample lies on, or the one before it on an arc.
    """

    points: Array
    distances: Array
    waypoints: NDArray[np.intp]
    weights: Array
    legs: NDArray[np.intp]

    def heights(self, heights: Array) -> Array:
        """Give the heights (s) of the curve at the samples, for heights (n) of the waypoints."""
        return np.asarray((heights[self.waypoints] * self.weights).sum(axis=1), float)


def together(*paths: Samples) -> Samples:
    """Put the samples of several paths over the same waypoints one after the other."""
    return Samples(
        np.concatenate([path.points for path in paths]),
        np.concatenate([path.distances for path in paths]),
        np.concatenate([path.waypoints for path in paths]),
        np.concatenate([path.weights for path in paths]),
        np.concatenate([path.legs for path in paths]),
    )


def sample(corners: Corners, spacing: float) -> Samples:
    """Sample the curve of one route.

    Args:
        corners: The route, no batch.
        spacing: Longest distance between two samples, metres.
    """
    count = len(corners.points)
    lengths = np.empty(2 * count - 3)
    lengths[0::2], lengths[1::2] = corners.straights, corners.arcs
    steps = np.maximum(np.ceil(lengths / spacing).astype(np.intp), 1)
    # A corner that is not cut has no arc: two samples in one place would hide the slopes from each other.
    steps[1::2] = np.where(lengths[1::2] > 0, np.maximum(steps[1::2], ARC_STEPS), 0)
    # Every part has its own start; the whole has one more sample, its end.
    part = np.append(np.repeat(np.arange(len(lengths)), steps), len(lengths) - 1)
    first = np.concatenate([[0], np.cumsum(steps)])
    share = (np.arange(len(part)) - first[part]) / steps[part]
    on_arc, index = part % 2 == 1, part // 2
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    points, waypoints, weights = _on_legs(corners, index, share)
    _put_arcs(corners, on_arc, index, share, (points, waypoints, weights))
    return Samples(points, starts[part] + share * lengths[part], waypoints, weights, index)


def _on_legs(corners: Corners, leg: NDArray[np.intp], share: Array) -> tuple[Array, NDArray[np.intp], Array]:
    along = corners.reaches[leg] + share * corners.straights[leg]
    points = corners.points[leg] + along[:, None] * corners.directions[leg]
    fraction = along / corners.lengths[leg]
    last = len(corners.points) - 1
    waypoints = np.stack([leg, leg + 1, np.minimum(leg + 2, last)], axis=1)
    weights = np.stack([1 - fraction, fraction, np.zeros_like(fraction)], axis=1)
    return points, waypoints, weights


def _put_arcs(
    corners: Corners,
    on_arc: NDArray[np.bool_],
    index: NDArray[np.intp],
    share: Array,
    into: tuple[Array, NDArray[np.intp], Array],
) -> None:
    """Replace the samples that lie on arcs; arc k is the corner at waypoint k + 1, between legs k, k + 1."""
    points, waypoints, weights = into
    k, u = index[on_arc], share[on_arc]
    reach, turn = corners.reaches[k + 1], corners.turns[k]
    direction = corners.directions[k]
    left = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    # Arc length over the turn: the radius, but finite on a straight line.
    arc = corners.arcs[k]
    angle = u * turn
    forward = u * arc * np.sinc(angle / np.pi)
    sideways = u * arc * np.sinc(angle / (2 * np.pi)) * np.sin(angle / 2)
    entry = corners.points[k + 1] - reach[:, None] * direction
    points[on_arc] = entry + forward[:, None] * direction + sideways[:, None] * left
    come, middle, go = (1 - u) ** 2, 2 * u * (1 - u), u**2
    back, ahead = reach / corners.lengths[k], reach / corners.lengths[k + 1]
    waypoints[on_arc] = np.stack([k, k + 1, k + 2], axis=1)
    weights[on_arc] = np.stack(
        [come * back, come * (1 - back) + middle + go * (1 - ahead), go * ahead], axis=1
    )
