"""How long a flight takes: along the flown curve, slower in corners, with climbs, take-off and landing.

The drone keeps a leg's speed unless it cannot climb or sink as steeply at it. A corner's arc is flown no
faster than the drone can turn on it; before and after, it slows down and speeds up evenly. Leading axes are a
batch.
"""

from dataclasses import dataclass

import numpy as np

from functions.drone_path.curve import Corners
from functions.drone_path.geodesy import Array

ACCELERATION = 2.0
"""m/s^2 along the way: what camera drones do in waypoint flights, gently."""
TURNING = 2.5
"""m/s^2 across the way: a tilt of about 14 degrees."""
GROUND_SECONDS = 25.0
"""Spin up, hover for a check of the home point, settle down and stop the motors."""


@dataclass(frozen=True)
class Motion:
    """How a drone moves up and down.

    Attributes:
        climb: Fastest climb, m/s.
        descent: Fastest descent, m/s.
    """

    climb: float
    descent: float


def leg_seconds(corners: Corners, heights: Array, speeds: Array, motion: Motion) -> Array:
    """Say how long each leg takes, between the middles of the arcs at its ends.

    Args:
        corners: The route (n waypoints).
        heights: Of its waypoints (..., n), metres.
        speeds: Wanted on its legs (..., n - 1), m/s.
        motion: How the drone moves.

    Returns:
        Seconds (..., n - 1); the drone stands still at both ends.
    """
    lengths, limits = _parts(corners, heights, speeds, motion)
    squares = _speeds_at_ends(lengths, limits)
    times = _seconds(lengths, limits, squares)
    halves = times[..., 1::2] / 2
    legs = times[..., 0::2].copy()
    legs[..., :-1] += halves
    legs[..., 1:] += halves
    return legs


def vertical_seconds(first: Array, last: Array, motion: Motion) -> Array:
    """Say how long it takes to climb from the ground to the first height and to land from the last one."""
    return np.asarray(
        np.maximum(first, 0) / motion.climb + np.maximum(last, 0) / motion.descent + GROUND_SECONDS, float
    )


def _parts(corners: Corners, heights: Array, speeds: Array, motion: Motion) -> tuple[Array, Array]:
    """Give lengths and highest speeds of the straight parts and arcs in turn (..., 2 n - 3)."""
    slopes = np.diff(heights, axis=-1) / corners.lengths
    flat, arcs, reaches = corners.straights, corners.arcs, corners.reaches[..., 1:-1]
    rises = reaches * (slopes[..., :-1] + slopes[..., 1:])
    steepness = slopes / np.hypot(1, slopes)
    vertical = np.where(slopes > 0, motion.climb, motion.descent)
    with np.errstate(divide="ignore"):
        on_legs = np.minimum(speeds, vertical / np.abs(steepness))
    on_arcs = np.minimum(np.sqrt(TURNING * corners.radii), np.minimum(on_legs[..., :-1], on_legs[..., 1:]))
    shape = (*np.broadcast_shapes(flat.shape[:-1], slopes.shape[:-1]), 2 * flat.shape[-1] - 1)
    lengths, limits = np.empty(shape), np.empty(shape)
    lengths[..., 0::2] = flat * np.hypot(1, slopes)
    lengths[..., 1::2] = np.hypot(arcs, rises)
    limits[..., 0::2], limits[..., 1::2] = on_legs, on_arcs
    return lengths, limits


def _speeds_at_ends(lengths: Array, limits: Array) -> Array:
    """Give the square of the highest speed at the ends of the parts (..., parts + 1) that can be reached.

    The square of the speed changes by at most twice the acceleration per metre, in either direction.
    """
    squares = np.zeros((*limits.shape[:-1], limits.shape[-1] + 1))
    squares[..., 1:-1] = np.minimum(limits[..., :-1], limits[..., 1:]) ** 2
    gain = np.zeros_like(squares)
    np.cumsum(2 * ACCELERATION * lengths, axis=-1, out=gain[..., 1:])
    forward = np.minimum.accumulate(squares - gain, axis=-1) + gain
    mirrored = (squares + gain)[..., ::-1]
    backward = np.minimum.accumulate(mirrored, axis=-1)[..., ::-1] - gain
    return np.asarray(np.maximum(np.minimum(forward, backward), 0), float)


def _seconds(lengths: Array, limits: Array, squares: Array) -> Array:
    enter, leave = squares[..., :-1], squares[..., 1:]
    top = np.minimum(limits**2, ACCELERATION * lengths + (enter + leave) / 2)
    changing = (2 * top - enter - leave) / (2 * ACCELERATION)
    peak = np.sqrt(top)
    speeding = (2 * peak - np.sqrt(enter) - np.sqrt(leave)) / ACCELERATION
    cruising = np.maximum(lengths - changing, 0)
    return np.asarray(
        np.maximum(speeding, 0) + np.divide(cruising, peak, out=np.zeros_like(cruising), where=peak > 0),
        float,
    )
