"""A flight plan: what every battery flies, waypoint by waypoint, and how long and how high that is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.drone_path.geodesy import Array, Position
from functions.drone_path.mission import Mission, Shape


@dataclass(frozen=True)
class BatteryPlan:
    """The flight of one battery; it starts above the take-off point and ends there.

    Attributes:
        number: From 1.
        latitudes: Of the waypoints (n), degrees.
        longitudes: Of the waypoints (n), degrees.
        heights: Of the waypoints (n) above the ground at the take-off point, metres.
        above_ground: Of the waypoints (n) above the ground there, metres.
        reaches: Distance (n) before and after a waypoint that its corner is cut by, metres; 0 at both ends.
        at_centre: Whether the camera looks at the centre from each waypoint (n) on, or ahead.
        headings: Where the camera looks at the waypoints (n), whole degrees clockwise from north.
        pitches: The camera's at the waypoints (n), whole degrees, negative downward.
        speeds: From each waypoint on (n), m/s; of the last one that of its approach.
        intervals: Between photos from each waypoint on (n), seconds; 0 where none are taken.
        leg_seconds: Time of each leg (n - 1).
        seconds: From the motors' start to their stop.
        length: Of the flown curve, metres, on the map.
        lowest: What the curve stays above ground and water at least, anywhere, metres.
        highest: What it is above ground at most, anywhere, metres.
    """

    number: int
    latitudes: Array
    longitudes: Array
    heights: Array
    above_ground: Array
    reaches: Array
    at_centre: NDArray[np.bool_]
    headings: NDArray[np.int64]
    pitches: NDArray[np.int64]
    speeds: Array
    intervals: Array
    leg_seconds: Array
    seconds: float
    length: float
    lowest: float
    highest: float

    @property
    def return_height(self) -> float:
        """Height of the highest waypoint, whole metres: the way home is clear of whatever the route is."""
        return float(np.ceil(self.heights.max()))

    @property
    def photos(self) -> int:
        """Photos that its intervals give, about."""
        taking = self.intervals[:-1] > 0
        return int((self.leg_seconds[taking] / self.intervals[:-1][taking]).sum())


@dataclass(frozen=True)
class Plan:
    """A whole plan.

    Attributes:
        mission: What was asked.
        shape: The spiral.
        batteries: The flights.
        poi: What a camera that looks at the centre sees: the centre.
        poi_height: The ground there above the ground at the take-off point, metres.
        takeoff_ground: The ground at the take-off point above sea level, metres.
        terrain: Where the heights of the ground come from, in words.
        limited_by: What keeps it from being larger; empty where its size was asked for.
        bounces_because: Why it has so many bounces; empty where they were asked for.
    """

    mission: Mission
    shape: Shape
    batteries: tuple[BatteryPlan, ...]
    poi: Position
    poi_height: float
    takeoff_ground: float
    terrain: str
    limited_by: tuple[str, ...] = ()
    bounces_because: str = ""

    @property
    def longest_seconds(self) -> float:
        """Of its longest battery."""
        return max(battery.seconds for battery in self.batteries)

    @property
    def radius(self) -> float:
        """Of the circle that it covers, metres."""
        return float(self.shape.spiral.radii(self.shape.start, np.asarray(self.shape.hold)).max())
