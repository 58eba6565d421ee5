"""What is to be flown: the place, the drone, its batteries, the limits, and the size of the spiral."""

from dataclasses import dataclass
from typing import Literal

from functions.drone_path.drones import Drone
from functions.drone_path.geodesy import Position
from functions.drone_path.heights import Limits
from functions.drone_path.spiral import Spiral
from functions.drone_path.timing import Motion
from functions.drone_path.units import metres

Look = Literal["both", "ahead", "center"]
"""Ahead along the path: sees all the ground that is flown over, and the subject hardly. At the centre: sees
the subject from every side, and only the ground around it. Both: at the centre on the way out, ahead on the
way back.
"""
LOST_PER_WIND = 0.02
"""Share of a battery's endurance that each m/s of wind costs: an assumption, to be on the safe side."""
SPARE_POINTS = 12
"""Of an app's waypoints, kept for the take-off point and for what steep ground needs."""
SKY_MARGIN_DEGREES = 8.0
"""Between the horizon and a picture's upper edge, for a camera that looks ahead."""


@dataclass(frozen=True)
class Battery:
    """One battery, as it really is.

    Attributes:
        minutes: Flight to an empty battery, in no wind, when new.
        reserve: Share that must be left on landing.
        health: Share of its first capacity that it still has.
        wind: Wind in m/s.
    """

    minutes: float
    reserve: float = 0.2
    health: float = 1.0
    wind: float = 0.0

    @property
    def usable_share(self) -> float:
        """Share of the stated minutes that may be flown."""
        return self.health * (1 - LOST_PER_WIND * self.wind) * (1 - self.reserve)

    @property
    def usable_seconds(self) -> float:
        """Longest flight from the motors' start to their stop."""
        return self.minutes * 60 * self.usable_share


@dataclass(frozen=True)
class Shape:
    """A spiral with its size.

    Attributes:
        spiral: Its shape.
        start: Distance of the first waypoint from the centre, metres.
        hold: What the radius grows towards, metres.
    """

    spiral: Spiral
    start: float
    hold: float


@dataclass(frozen=True)
class Mission:
    """Everything but the spiral's size.

    Attributes:
        centre: Middle of the spiral; what a camera that looks at the centre sees.
        takeoff: Where every battery starts and lands.
        drone: What flies.
        battery: What it flies on; None where nobody said, then no time is promised.
        limits: Cap and clearance.
        lowest: Wanted height above ground at the first waypoint, metres.
        speed: Wanted speed, m/s.
        wind: m/s.
        overlap: Wanted share of a photo that the next one shows again, at least.
        look: Where the camera looks.
        slice_overlap: Share of its angle by which each battery's slice is widened.
        most_points: Waypoints of one battery that the pilot's app takes.
        largest: Largest radius, metres.
    """

    centre: Position
    takeoff: Position
    drone: Drone
    battery: Battery | None
    limits: Limits
    lowest: float = metres(120)
    speed: float = 8.85
    wind: float = 0.0
    overlap: float = 0.7
    look: Look = "both"
    slice_overlap: float = 0.0
    most_points: int = 99
    largest: float = 1500.0

    def spiral(self, slices: int, bounces: int) -> Spiral:
        """Give a spiral of this mission's overlap between slices."""
        return Spiral(slices, bounces, self.slice_overlap)

    @property
    def motion(self) -> Motion:
        """How the drone moves up and down."""
        return Motion(self.drone.climb, self.drone.descent)

    @property
    def cruise(self) -> float:
        """Speed over ground, m/s: in a headwind the drone must still make it."""
        return min(self.speed, self.drone.top_speed - self.wind)

    @property
    def spacing_per_height(self) -> float:
        """Distance between two photos per metre of height above ground, for the wanted overlap."""
        return (1 - self.overlap) * self.drone.camera.footprint(1.0)

    @property
    def speed_per_height(self) -> float:
        """Highest speed in m/s per metre of height above ground at which the camera keeps up."""
        return self.spacing_per_height / self.drone.camera.interval
