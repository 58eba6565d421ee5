"""The bounded exponential spiral: each battery flies out in its slice, bouncing between its edges, and back.

The phase of a flight runs in equal steps over its waypoints; one sweep across the slice is one unit. The
radius grows exponentially over `bounces` sweeps, is held for one, and shrinks again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.drone_path.geodesy import Array

EARLY_SHARE = 0.4
"""Of the way out; from there the spiral grows at its late rate."""
OUTWARD_RISE = 0.20
"""Metres up per metre outward, on the way out."""
INWARD_RISE = 0.10
"""Metres up per metre inward, on the way back."""
_MIDPOINTS = {1: 5, 2: 2}
_MANY_SLICES_MIDPOINTS = 1


@dataclass(frozen=True)
class Spiral:
    """The shape of a flight in one slice, but for its size.

    Attributes:
        slices: Parts of the circle, one per battery.
        bounces: Sweeps across the slice on the way out, and again on the way back.
        overlap: Share of the slice's angle by which it is widened, half at either edge; a single slice, which
            is the whole circle, is not.
    """

    slices: int
    bounces: int
    overlap: float = 0.0

    @property
    def midpoints(self) -> int:
        """Waypoints between two bounces: the wider the slice, the more it takes to follow the circle."""
        return _MIDPOINTS.get(self.slices, _MANY_SLICES_MIDPOINTS)

    @property
    def points(self) -> int:
        """Waypoints of one slice."""
        return (2 * self.bounces + 1) * (self.midpoints + 1) + 1

    @property
    def slice_angle(self) -> float:
        """Angle of one slice, radians."""
        return 2 * np.pi / self.slices

    @property
    def phases(self) -> Array:
        """Phase of each waypoint, in sweeps."""
        return np.arange(self.points) / (self.midpoints + 1)

    @property
    def between_bounces(self) -> NDArray[np.bool_]:
        """Whether each waypoint is a midpoint, not a bounce."""
        return np.asarray(np.arange(self.points) % (self.midpoints + 1) != 0, np.bool_)

    @property
    def outward(self) -> NDArray[np.bool_]:
        """Whether each waypoint belongs to the way out or the hold."""
        return self.phases <= self.bounces + 1

    def radii(self, start: float, hold: Array) -> Array:
        """Give the distance of each waypoint from the centre.

        Args:
            start: Distance of the first one, metres.
            hold: What the radius grows towards (...), metres; it is not quite reached.

        Returns:
            Distances (..., points), metres.
        """
        ratio = np.asarray(hold, float)[..., None] / start
        early = np.where(ratio > 20, 1.02, np.where(ratio > 10, 1.05, 1.0))  # noqa: PLR2004 -- the shape itself
        late = np.where(ratio > 20, 0.80, np.where(ratio > 10, 0.85, 0.90))  # noqa: PLR2004 -- the shape itself
        growth = np.log(ratio) / self.bounces
        phases = self.phases
        turn = EARLY_SHARE * self.bounces
        out = np.minimum(phases, self.bounces)
        back = np.maximum(phases - self.bounces - 1, 0)
        exponent = early * np.minimum(out, turn) + late * (np.maximum(out - turn, 0) - back)
        return np.asarray(start * np.exp(growth * exponent), float)

    def points_at(self, radii: Array, slice_index: int) -> Array:
        """Give the waypoints (..., points, 2) of one slice at some radii (..., points)."""
        wave = np.mod(self.phases, 2)
        overlap = self.overlap if self.slices > 1 else 0.0
        swept = self.slice_angle * ((1 + overlap) * np.where(wave > 1, 2 - wave, wave) - overlap / 2)
        angles = np.pi / 2 + slice_index * self.slice_angle + swept
        return np.asarray(radii[..., None] * np.stack([np.cos(angles), np.sin(angles)], axis=-1), float)

    def heights(self, radii: Array, lowest: float) -> Array:
        """Give the wanted heights above ground (..., points) at some radii (..., points), before any cap."""
        top = self.outward.nonzero()[0][-1]
        out = lowest + np.maximum(OUTWARD_RISE * (radii - radii[..., :1]), 0)
        back = out[..., top, None] + np.maximum(INWARD_RISE * (radii[..., top, None] - radii), 0)
        return np.where(self.outward, out, back)


def most_bounces(slices: int, points: int) -> int:
    """Give the most bounces whose waypoints number at most `points`."""
    midpoints = Spiral(slices, 1).midpoints
    return ((points - 1) // (midpoints + 1) - 1) // 2
