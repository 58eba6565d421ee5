"""The drones that are known: what they can do and what they see, from their makers' data sheets."""

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Camera:
    """A camera as it takes photos.

    Attributes:
        diagonal_view: Angle of view over the diagonal, radians.
        width: Pixels.
        height: Pixels.
        interval: Shortest time between two photos, seconds.
    """

    diagonal_view: float
    width: int
    height: int
    interval: float

    @property
    def horizontal_view(self) -> float:
        """Angle of view from left to right, radians."""
        return self._view(self.width)

    @property
    def vertical_view(self) -> float:
        """Angle of view from top to bottom, radians."""
        return self._view(self.height)

    def footprint(self, height: float) -> float:
        """Ground seen from top to bottom by a camera that looks straight down, metres."""
        return 2 * height * math.tan(self.vertical_view / 2)

    def height_for(self, ground_sample: float) -> float:
        """Height in metres at which a pixel of a camera that looks straight down covers so many metres."""
        return ground_sample * self.width / (2 * math.tan(self.horizontal_view / 2))

    def _view(self, pixels: int) -> float:
        share = pixels / math.hypot(self.width, self.height)
        return 2 * math.atan(math.tan(self.diagonal_view / 2) * share)


@dataclass(frozen=True)
class WpmlCodes:
    """What DJI's WPML calls a drone and its camera; None where its list has no camera for it."""

    drone: int
    drone_sub: int
    payload: int | None = None


FLY_CODES = WpmlCodes(68, 0)
"""What the files of DJI Fly carry for every consumer drone: a convention, not in DJI's list."""


@dataclass(frozen=True)
class Drone:
    """A drone.

    Attributes:
        label: Its name for people.
        endurance: Longest flight that its maker states, minutes; in no wind, to an empty battery.
        top_speed: Of waypoint flights, m/s.
        climb: Fastest climb in waypoint flights, m/s.
        descent: Fastest descent in waypoint flights, m/s.
        wind: Strongest wind that its maker allows, m/s.
        camera: Its camera.
        wpml: Its codes.
    """

    label: str
    endurance: float
    top_speed: float
    climb: float
    descent: float
    wind: float
    camera: Camera
    wpml: WpmlCodes = FLY_CODES


def _camera(diagonal_degrees: float, width: int, height: int, interval: float) -> Camera:
    return Camera(math.radians(diagonal_degrees), width, height, interval)


DRONES: Mapping[str, Drone] = {
    "generic": Drone("A camera drone", 60, 12, 4, 3, 10, _camera(82, 4000, 3000, 2)),
    "mini-4-pro": Drone("DJI Mini 4 Pro", 34, 15, 5, 5, 10.7, _camera(82.1, 4032, 3024, 2)),
    "air-2s": Drone("DJI Air 2S", 31, 15, 6, 6, 10.7, _camera(88, 5472, 3648, 2)),
    "air-3": Drone("DJI Air 3", 46, 15, 6, 6, 12, _camera(82, 4032, 3024, 2)),
    "mavic-2-pro": Drone("DJI Mavic 2 Pro", 31, 15, 4, 3, 10.5, _camera(77, 5472, 3648, 2)),
    "mavic-3": Drone("DJI Mavic 3", 46, 15, 6, 6, 12, _camera(84, 5280, 3956, 2)),
    "mavic-3e": Drone(
        "DJI Mavic 3 Enterprise", 45, 15, 6, 6, 12, _camera(84, 5280, 3956, 0.7), WpmlCodes(77, 0, 66)
    ),
    "m30t": Drone("DJI Matrice 30T", 41, 15, 6, 5, 12, _camera(84, 4000, 3000, 2), WpmlCodes(67, 1, 53)),
    "phantom-4-pro": Drone("DJI Phantom 4 Pro", 30, 14, 5, 3, 10, _camera(84, 5472, 3648, 2)),
}
DEFAULT_DRONE = "generic"
"""Nothing that a usual camera drone cannot do; its endurance is whatever the pilot says."""
