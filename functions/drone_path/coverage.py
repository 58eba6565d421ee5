"""What the photos of a plan see: each cell of the ground, and each side of the subject in the middle.

What stands or lies between a camera and the ground is not considered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.drone_path.curve import Corners, round_corners, sample
from functions.drone_path.drones import Camera
from functions.drone_path.geodesy import Array, LocalPlane
from functions.drone_path.plan import BatteryPlan, Plan
from functions.drone_path.terrain.provider import Terrain

ENOUGH = 3
"""Photos that see a place: what a model needs."""
SIDES = 8
CELLS = 72
REACH = 400.0
"""Metres; what is farther away is too small in a photo to help a model."""
SUBJECT_HEIGHT = 5.0
"""Metres above the ground at the centre: the middle of a house."""
_MARGIN = 1.15
_SPACING = 5.0
_AT_ONCE = 200


@dataclass(frozen=True)
class Photos:
    """Photos of a flight.

    Attributes:
        points: Where they are taken (p, 3), in the plane around the centre and above sea level, metres.
        headings: Directions (p), radians from north, clockwise.
        pitches: Angles (p), radians, negative downward.
    """

    points: Array
    headings: Array
    pitches: Array


@dataclass(frozen=True)
class Coverage:
    """How many photos see what.

    Attributes:
        half_width: Half the width of the square that the cells fill, metres.
        ground: Heights above sea level of the cells (rows from south to north, columns from west to east).
        counts: Photos that see each cell.
        shared: Share of the ground along the borders between slices that at least three photos of either of
            the two batteries see; None where there is no border.
        sides: Photos that see the subject, by the direction (from north, clockwise) that they are taken from.
        radius: Of the circle around the centre that the plan covers, metres.
    """

    half_width: float
    ground: Array
    counts: Array
    shared: float | None
    sides: Array
    radius: float

    @property
    def well_seen(self) -> float:
        """Share of the covered circle that at least three photos see: what a model needs."""
        axis = _axis(self.half_width)
        inside = np.hypot(axis[:, None], axis) <= self.radius
        return float((self.counts[inside] >= ENOUGH).mean())


def photos_of(plan: Plan, battery: BatteryPlan) -> Photos:
    """Say where one battery's photos are taken."""
    plane = LocalPlane(plan.mission.centre)
    corners = round_corners(plane.to_plane(battery.latitudes, battery.longitudes), battery.reaches)
    samples = sample(corners, _SPACING)
    heights = samples.heights(battery.heights) + plan.takeoff_ground
    at_waypoints = _distances_at_waypoints(corners)
    distances = _photo_distances(battery, at_waypoints)

    def along(values: Array, where: Array) -> Array:
        return np.interp(where, samples.distances, values)

    x, y = along(samples.points[:, 0], distances), along(samples.points[:, 1], distances)
    points = np.stack([x, y, along(heights, distances)], axis=1)
    ahead = [
        along(samples.points[:, axis], distances + 1) - along(samples.points[:, axis], distances - 1)
        for axis in (0, 1)
    ]
    legs = np.clip(np.searchsorted(at_waypoints, distances, side="right") - 1, 0, len(at_waypoints) - 1)
    pitches = np.radians(np.interp(distances, at_waypoints, battery.pitches.astype(float)))
    return Photos(points, _headings(battery.at_centre[legs], points, ahead), pitches)


def seen_by(photos: Photos, camera: Camera, points: Array) -> Array:
    """Count the photos that see each of some points (n, 3)."""
    counts = np.zeros(len(points))
    half = np.tan(camera.horizontal_view / 2), np.tan(camera.vertical_view / 2)
    for first in range(0, len(photos.points), _AT_ONCE):
        chosen = slice(first, first + _AT_ONCE)
        away = points[None] - photos.points[chosen, None]
        heading, pitch = photos.headings[chosen, None], photos.pitches[chosen, None]
        ahead = away[..., 0] * np.sin(heading) + away[..., 1] * np.cos(heading)
        right = away[..., 0] * np.cos(heading) - away[..., 1] * np.sin(heading)
        depth = ahead * np.cos(pitch) + away[..., 2] * np.sin(pitch)
        up = away[..., 2] * np.cos(pitch) - ahead * np.sin(pitch)
        near = (away**2).sum(axis=-1) <= REACH**2
        inside = (np.abs(right) <= half[0] * depth) & (np.abs(up) <= half[1] * depth)
        counts += ((depth > 0) & near & inside).sum(axis=0)
    return counts


def coverage(plan: Plan, terrain: Terrain) -> Coverage:
    """Say what all photos of a plan see.

    Raises:
        TerrainError: The ground's height cannot be had.
    """
    half_width = _MARGIN * plan.radius
    axis = _axis(half_width)
    flat = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    ground = terrain.heights(*LocalPlane(plan.mission.centre).to_world(flat))
    cells = np.column_stack([flat, ground])
    subject = np.array([[0.0, 0.0, plan.takeoff_ground + plan.poi_height + SUBJECT_HEIGHT]])
    camera = plan.mission.drone.camera
    flights = [photos_of(plan, battery) for battery in plan.batteries]
    counts = np.stack([seen_by(photos, camera, cells) for photos in flights])
    shape = (CELLS, CELLS)
    return Coverage(
        half_width,
        ground.reshape(shape),
        counts.sum(axis=0).reshape(shape),
        _shared_at_borders(plan, flat, counts),
        np.sum([_sides(photos, camera, subject) for photos in flights], axis=0),
        plan.radius,
    )


def _shared_at_borders(plan: Plan, cells: Array, counts: Array) -> float | None:
    """Say how much of the ground less than one cell from a border both of its batteries see well.

    Args:
        plan: The plan.
        cells: Their middles (n, 2).
        counts: Photos of each battery that see each cell (slices, n).
    """
    spiral = plan.shape.spiral
    if spiral.slices == 1:
        return None
    distances = np.hypot(*cells.T)
    turned = (np.arctan2(cells[:, 1], cells[:, 0]) - np.pi / 2) / spiral.slice_angle
    borders = np.rint(turned)
    beside = distances * np.abs(np.sin((turned - borders) * spiral.slice_angle))
    near = (beside < _MARGIN * 2 * plan.radius / CELLS) & (distances <= plan.radius)
    after = borders[near].astype(np.intp) % spiral.slices
    both = np.minimum(counts[after, near.nonzero()], counts[after - 1, near.nonzero()])
    return float((both >= ENOUGH).mean())


def _axis(half_width: float) -> Array:
    return (np.arange(CELLS) + 0.5) / CELLS * 2 * half_width - half_width


def _distances_at_waypoints(corners: Corners) -> Array:
    halves = np.concatenate([[0.0], corners.arcs / 2, [0.0]])
    return np.concatenate([[0.0], np.cumsum(corners.straights + halves[:-1] + halves[1:])])


def _photo_distances(battery: BatteryPlan, at_waypoints: Array) -> Array:
    """Give the distances along the curve at which photos are taken; every leg starts its own interval."""
    found = [
        np.interp(
            np.arange(0, battery.leg_seconds[leg], battery.intervals[leg]),
            [0, battery.leg_seconds[leg]],
            at_waypoints[leg : leg + 2],
        )
        for leg in np.flatnonzero(battery.intervals[:-1] > 0)
    ]
    return np.concatenate(found) if found else np.zeros(0)


def _headings(at_centre: NDArray[np.bool_], points: Array, ahead: Sequence[Array]) -> Array:
    east = np.where(at_centre, -points[:, 0], ahead[0])
    north = np.where(at_centre, -points[:, 1], ahead[1])
    return np.asarray(np.arctan2(east, north), float)


def _sides(photos: Photos, camera: Camera, subject: Array) -> Array:
    sides = np.zeros(SIDES)
    directions = np.arctan2(photos.points[:, 0], photos.points[:, 1])
    sectors = np.floor(directions / (2 * np.pi / SIDES) + 0.5).astype(int) % SIDES
    for side in range(SIDES):
        mine = sectors == side
        chosen = Photos(photos.points[mine], photos.headings[mine], photos.pitches[mine])
        sides[side] = seen_by(chosen, camera, subject)[0]
    return sides
