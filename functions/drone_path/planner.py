"""Makes plans of a given size: routes over real ground, at heights that are safe along the whole curve."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.drone_path.curve import Corners, Samples, round_corners, sample, together
from functions.drone_path.errors import PlanError
from functions.drone_path.geodesy import Array, LocalPlane, bearings, bearings_to
from functions.drone_path.heights import Envelope, Limits, envelope, fit
from functions.drone_path.mission import SKY_MARGIN_DEGREES, Mission, Shape
from functions.drone_path.optimizer import takeoff_point
from functions.drone_path.plan import BatteryPlan, Plan
from functions.drone_path.route import (
    ADDED_REACH,
    leg_speeds,
    radii_of,
    route_points,
    wanted_heights,
    wanted_reaches,
)
from functions.drone_path.terrain.provider import Terrain
from functions.drone_path.timing import leg_seconds, vertical_seconds

SAMPLE_SPACING = 5.0
"""Metres along the curve; cells of the terrain are 30 m wide (and never less than 10 m up to 70 degrees)."""
SAME_PLACE = 2.0
"""Metres; a waypoint so close to the take-off point is left out."""
_SHALLOWEST_PITCH = -5
_INTERVAL_STEP = 0.1


def plan_shape(mission: Mission, shape: Shape, terrain: Terrain) -> Plan:
    """Plan a spiral of a given size; its batteries' times are told, not limited.

    Args:
        mission: What is to be flown.
        shape: The spiral.
        terrain: The ground.

    Raises:
        PlanError: The ground is too steep for the limits or the waypoints.
        TerrainError: The ground's height cannot be had.
    """
    plane = LocalPlane(mission.centre)
    takeoff = takeoff_point(mission)
    ground = _Ground(plane, terrain)
    home, centre = ground.under(np.stack([takeoff, np.zeros(2)]))
    flights = [_Flight.begin(mission, shape, index, takeoff) for index in range(shape.spiral.slices)]
    batteries = tuple(
        _battery_plan(mission, flight.fitted(mission, ground, home), plane, home, centre, number)
        for number, flight in enumerate(flights, 1)
    )
    return Plan(
        mission=mission,
        shape=shape,
        batteries=batteries,
        poi=mission.centre,
        poi_height=float(centre - home),
        takeoff_ground=float(home),
        terrain=terrain.source,
    )


@dataclass(frozen=True)
class _Ground:
    """The ground in the plane."""

    plane: LocalPlane
    terrain: Terrain

    def under(self, points: Array) -> Array:
        """Give the heights (n) above sea level of the ground under points (n, 2)."""
        return self.terrain.heights(*self.plane.to_world(points))


@dataclass(frozen=True)
class _Fitted:
    """A route with its heights, and the ground under it."""

    corners: Corners
    outward: NDArray[np.bool_]
    heights: Array
    ground: Array
    samples: Samples
    sample_heights: Array
    sample_ground: Array
    within: Envelope


@dataclass(frozen=True)
class _Flight:
    """A route before its heights: its waypoints, which of them lead outward, what is wanted of them."""

    points: Array
    outward: NDArray[np.bool_]
    reaches: Array
    above_ground: Array

    @classmethod
    def begin(cls, mission: Mission, shape: Shape, index: int, takeoff: Array) -> "_Flight":
        radii = radii_of(shape)
        points = route_points(shape.spiral, radii, index, takeoff)
        kept = np.hypot(*(points - takeoff).T) > SAME_PLACE
        kept[0] = kept[-1] = True
        return cls(
            points[kept],
            np.concatenate([[False], shape.spiral.outward, [False]])[kept],
            wanted_reaches(shape.spiral, radii)[kept],
            wanted_heights(mission, shape.spiral, radii)[kept],
        )

    def fitted(self, mission: Mission, ground: _Ground, home: float) -> _Fitted:
        """Find safe heights, with more waypoints where the ground is steep.

        They are safe on the curve and on the straight legs as well: an app that is not told to cut corners
        flies from point to point.
        """
        flight = self
        water = min(0.0, float(home))
        while True:
            corners = round_corners(flight.points, flight.reaches)
            samples = sample(corners, SAMPLE_SPACING)
            legs_alone = sample(round_corners(flight.points, np.zeros(len(flight.points))), SAMPLE_SPACING)
            parts = np.cumsum([len(flight.points), len(samples.points)])
            places = [flight.points, samples.points, legs_alone.points]
            under, along, straight = np.split(ground.under(np.concatenate(places)), parts)
            within = envelope(along, water, mission.limits)
            everywhere = within.then(envelope(straight, water, mission.limits))
            if (everywhere.lowest > everywhere.highest).any():
                raise _too_steep(mission.limits)
            heights, legs = fit(under + flight.above_ground, together(samples, legs_alone), everywhere)
            if not len(legs):
                return _Fitted(
                    corners, flight.outward, heights, under, samples, samples.heights(heights), along, within
                )
            flight = flight.with_waypoints_on(legs)
            if len(flight.points) > mission.most_points:
                raise _too_steep(mission.limits)

    def with_waypoints_on(self, legs: NDArray[np.intp]) -> "_Flight":
        """Add a waypoint in the middle of some legs."""
        points = (self.points[legs] + self.points[legs + 1]) / 2
        heights = (self.above_ground[legs] + self.above_ground[legs + 1]) / 2
        return _Flight(
            np.insert(self.points, legs + 1, points, axis=0),
            np.insert(self.outward, legs + 1, self.outward[legs]),
            np.insert(self.reaches, legs + 1, ADDED_REACH),
            np.insert(self.above_ground, legs + 1, heights),
        )


def _too_steep(limits: Limits) -> PlanError:
    return PlanError(
        "maxHeight",
        f"the ground is too steep to stay within {limits.cap:.0f} m above it and {limits.clearance:.0f} m "
        "clear of it everywhere: choose a smaller radius, another centre, a lower minClearance or a higher "
        "maxHeight",
    )


def _battery_plan(
    mission: Mission, fitted: _Fitted, plane: LocalPlane, home: float, centre: float, number: int
) -> BatteryPlan:
    latitudes, longitudes = plane.to_world(fitted.corners.points)
    clear = fitted.sample_heights - fitted.sample_ground
    speeds = leg_speeds(mission, _least_on_legs(clear, fitted))
    heights = fitted.heights - home
    legs = leg_seconds(fitted.corners, fitted.heights, speeds, mission.motion)
    at_centre = _at_centre(mission, fitted.outward)
    headings, pitches = _look(mission, at_centre, latitudes, longitudes, fitted.heights - centre)
    return BatteryPlan(
        number=number,
        latitudes=latitudes,
        longitudes=longitudes,
        heights=heights,
        above_ground=fitted.heights - fitted.ground,
        reaches=fitted.corners.reaches,
        at_centre=at_centre,
        headings=headings,
        pitches=pitches,
        speeds=np.append(speeds, speeds[-1]),
        intervals=_intervals(mission, speeds, _least_on_legs(clear, fitted)),
        leg_seconds=legs,
        seconds=float(legs.sum() + vertical_seconds(heights[0], heights[-1], mission.motion)),
        length=float(fitted.samples.distances[-1]),
        lowest=mission.limits.clearance + float((fitted.sample_heights - fitted.within.lowest).min()),
        highest=mission.limits.cap - float((fitted.within.highest - fitted.sample_heights).min()),
    )


def _least_on_legs(values: Array, fitted: _Fitted) -> Array:
    least = np.full(len(fitted.corners.lengths), np.inf)
    np.minimum.at(least, fitted.samples.legs, values)
    on_arc = fitted.samples.weights[:, 2] > 0
    # An arc counts for both legs that it joins; its samples carry the one before.
    np.minimum.at(least, fitted.samples.legs[on_arc] + 1, values[on_arc])
    return least


def _intervals(mission: Mission, speeds: Array, leg_heights: Array) -> Array:
    """Give the time between photos from each waypoint on, rounded down: overlap is at least as wanted."""
    seconds = mission.spacing_per_height * leg_heights / speeds
    intervals = np.maximum(np.floor(seconds / _INTERVAL_STEP) * _INTERVAL_STEP, mission.drone.camera.interval)
    intervals[0] = intervals[-1] = 0
    return np.round(np.append(intervals, 0), 1)


def _at_centre(mission: Mission, outward: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say from which waypoints on the camera looks at the centre; never on the way from and to take-off."""
    chosen = {"both": outward, "center": np.ones_like(outward), "ahead": np.zeros_like(outward)}[mission.look]
    at_centre = chosen.copy()
    at_centre[0] = at_centre[-1] = False
    return at_centre


def _look(
    mission: Mission, at_centre: NDArray[np.bool_], latitudes: Array, longitudes: Array, above_centre: Array
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give headings and pitches (n) in whole degrees."""
    ahead = bearings(latitudes, longitudes)
    headings = np.where(
        at_centre, bearings_to(latitudes, longitudes, mission.centre), np.append(ahead, ahead[-1])
    )
    away = np.hypot(*LocalPlane(mission.centre).to_plane(latitudes, longitudes).T)
    down = np.clip(-np.degrees(np.arctan2(above_centre, away)), -90, _SHALLOWEST_PITCH)
    half_view = math.degrees(mission.drone.camera.vertical_view) / 2
    pitches = np.where(at_centre, down, -(half_view + SKY_MARGIN_DEGREES))
    return np.rint(headings).astype(np.int64) % 360, np.floor(pitches).astype(np.int64)
