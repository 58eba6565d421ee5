"""The route of one battery in the plane: from the take-off point through its slice of the spiral and back."""

import numpy as np

from functions.drone_path.geodesy import Array
from functions.drone_path.mission import Mission, Shape
from functions.drone_path.spiral import Spiral
from functions.drone_path.units import metres

ADDED_REACH = 5.0
"""Metres; of waypoints that only change the slope: they are flown through."""


def wanted_reaches(spiral: Spiral, radii: Array) -> Array:
    """Give the wanted reaches (..., n + 2) of a route's corners: wide on the way, tight where it bounces.

    Args:
        spiral: Its shape.
        radii: Distances of its n waypoints from the centre (..., n), metres.
    """
    on_the_way = np.minimum(metres(1500), metres(50) + 1.2 * radii)
    at_bounces = np.clip(metres(40) + 0.05 * radii, metres(30), metres(160))
    return _with_ends(np.where(spiral.between_bounces, on_the_way, at_bounces), 0.0)


def wanted_heights(mission: Mission, spiral: Spiral, radii: Array) -> Array:
    """Give the wanted heights (..., n + 2) of a route above ground, within the cap, metres."""
    heights = np.minimum(spiral.heights(radii, mission.lowest), mission.limits.cap)
    return _with_ends(heights, mission.lowest)


def route_points(spiral: Spiral, radii: Array, slice_index: int, takeoff: Array) -> Array:
    """Give the points (..., n + 2, 2) of one slice's route.

    Args:
        spiral: Its shape.
        radii: Distances of its n waypoints from the centre (..., n), metres.
        slice_index: Which slice.
        takeoff: The take-off point (2).
    """
    inner = spiral.points_at(radii, slice_index)
    ends = np.broadcast_to(takeoff, (*inner.shape[:-2], 1, 2))
    return np.concatenate([ends, inner, ends], axis=-2)


def leg_speeds(mission: Mission, leg_heights: Array) -> Array:
    """Give the speeds (..., legs), m/s, at which the camera gets its overlap; both end legs take no photos.

    Args:
        mission: Wanted speed and overlap.
        leg_heights: Least height above ground on each leg (..., legs), metres.
    """
    speeds = np.minimum(mission.cruise, mission.speed_per_height * leg_heights)
    speeds[..., 0] = speeds[..., -1] = mission.cruise
    return speeds


def radii_of(shape: Shape) -> Array:
    """Give the distances (n) of a shape's waypoints from the centre, metres."""
    return shape.spiral.radii(shape.start, np.asarray(shape.hold))


def _with_ends(inner: Array, value: float) -> Array:
    ends = np.full((*inner.shape[:-1], 1), value)
    return np.concatenate([ends, inner, ends], axis=-1)
