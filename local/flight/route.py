"""What a drone is told to fly, whatever file it comes from."""

from dataclasses import dataclass
from enum import Enum, auto


class FileError(Exception):
    """A file cannot be flown; the message names what is wrong in it."""


class Look(Enum):
    """Where the camera looks from a waypoint on."""

    INTERPOLATED = auto()
    """Evenly on to where it looks at the next waypoint."""
    ALONG = auto()
    """Along the path."""
    KEPT = auto()
    """As at the waypoint."""
    AT_POI = auto()
    """At the point of interest."""


@dataclass(frozen=True)
class Waypoint:
    """A waypoint.

    Attributes:
        latitude: Degrees.
        longitude: Degrees.
        height: Above the ground at the take-off point, metres.
        reach: Distance before and after it by which its corner is cut, metres; 0 is flown to the point.
        speed: From it on, m/s.
        interval: Seconds between photos from it on; 0 where none are taken.
        heading: Of the camera at it, degrees clockwise from north.
        pitch: Of the camera at it, degrees, negative downward.
        clockwise: Which way the camera turns to the next heading; None is the shorter one.
        heading_look: What the heading follows from it on.
        pitch_look: What the pitch follows from it on.
    """

    latitude: float
    longitude: float
    height: float
    reach: float
    speed: float
    interval: float
    heading: float
    pitch: float
    clockwise: bool | None
    heading_look: Look
    pitch_look: Look


@dataclass(frozen=True)
class Route:
    """A flight of one battery.

    Attributes:
        waypoints: At least two.
        poi: The point of interest: latitude and longitude in degrees, height in metres above the ground at
            the take-off point.
    """

    waypoints: tuple[Waypoint, ...]
    poi: tuple[float, float, float]

    def __post_init__(self) -> None:
        if len(self.waypoints) < 2:  # noqa: PLR2004 -- a leg has two ends
            raise FileError(f"a flight has two waypoints or more, and this one has {len(self.waypoints)}")
        for index, waypoint in enumerate(self.waypoints):
            if waypoint.speed <= 0:
                raise FileError(f"waypoint {index} has no speed of its own")
