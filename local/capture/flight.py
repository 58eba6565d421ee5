"""The flight: a plan of the flight planner, flown by a simulated drone, and where it takes its photos."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from functions.drone_path.formats import litchi
from functions.drone_path.logic import plan_of
from functions.drone_path.models import FlightRequest
from functions.drone_path.terrain.provider import FlatTerrain
from local.capture.arrays import Floats
from local.capture.camera import Pose, looking_at
from local.capture.metadata import Position
from local.capture.relief import ground_height
from local.capture.settings import CaptureSettings
from local.capture.world import to_enu
from local.flight import Airframe, Flight, fly, read_litchi

# Degrees north and east of the scene's origin: the gravel path, some 25 m away.
TAKEOFF_FROM_ORIGIN = (-0.0002, -0.0002)
AIRFRAME = Airframe(climb=4.0, descent=3.0)
PLACE_SIGMA_M = 0.3
ANGLE_SIGMA_DEGREES = 0.5
# Azimuth in radians, radius and height in metres of the held-out views.
HELDOUT = ((0.6, 28.0, 19.0), (2.2, 31.0, 22.0), (4.0, 27.0, 17.0), (5.3, 30.0, 21.0))


@dataclass(frozen=True)
class Shot:
    """One view: its file's name without suffix, its kind (photo or heldout), its pose."""

    name: str
    kind: str
    pose: Pose


def flight_request(settings: CaptureSettings) -> dict[str, Any]:
    """Give the body of the request for a plan: a small spiral around the house, over stated flat ground."""
    north, east = TAKEOFF_FROM_ORIGIN
    return {
        "center": f"{settings.latitude:.7f}, {settings.longitude:.7f}",
        "takeoff": f"{settings.latitude + north:.7f}, {settings.longitude + east:.7f}",
        "slices": 1,
        "N": 2,
        "r0": 82,
        "rHold": 125,
        "minHeight": 66,
        "minClearance": 50,
        "overlap": 0,
        "look": "center",
        "terrain": "flat",
    }


def make_plan(settings: CaptureSettings) -> str:
    """Ask the flight planner, without a cloud, for the Litchi CSV that its API answers."""
    plan = plan_of(FlightRequest.model_validate(flight_request(settings)), FlatTerrain(), shape_known=True)
    return litchi.write(plan, plan.batteries)


def fly_plan(settings: CaptureSettings, flight_plan: str) -> list[Shot]:
    """Returns all photos in the order they are taken, then the held-out views.

    Args:
        settings: How many photos of the flight are kept, spread evenly around the origin.
        flight_plan: What is flown: a Litchi CSV.

    Raises:
        ValueError: The flight takes fewer photos than the settings want.
    """
    route = read_litchi(flight_plan)
    flight = fly(route, AIRFRAME)
    if len(flight.photos) < settings.photos:
        raise ValueError(f"the flight takes {len(flight.photos)} photos, and {settings.photos} are wanted")
    start = route.waypoints[0]
    (place,) = to_enu([Position(start.latitude, start.longitude, settings.altitude_m)], settings)
    # The ground at the take-off point, which the flight's heights are above.
    foot = np.array([place[0], place[1], ground_height(place[0], place[1], settings.seed)])
    photos = _photos(settings, flight, foot)
    shots = [Shot(f"DJI_{number:04d}", "photo", pose) for number, pose in enumerate(photos, 1)]
    heldout = _heldout(settings.heldout_views, np.random.default_rng([settings.seed, 21]))
    return shots + [Shot(f"view_{number:02d}", "heldout", pose) for number, pose in enumerate(heldout, 1)]


def _photos(settings: CaptureSettings, flight: Flight, foot: Floats) -> list[Pose]:
    """A real drone is a little beside its plan, and its gimbal a little off."""
    rng = np.random.default_rng([settings.seed, 20])
    places = foot + [photo.place for photo in flight.photos]
    poses = []
    for index in _spread_around(places, settings.photos):
        photo = flight.photos[index]
        x, y, z = (places[index] + PLACE_SIGMA_M * rng.normal(size=3)).tolist()
        yaw, pitch, roll = ANGLE_SIGMA_DEGREES * rng.normal(size=3)
        poses.append(Pose((x, y, z), photo.heading + yaw, photo.pitch + pitch, roll))
    return poses


def _spread_around(places: Floats, count: int) -> list[int]:
    """Picks photos, evenly by the direction from the origin that they are taken from, in their own order."""
    azimuths = np.arctan2(places[:, 1], places[:, 0])
    picked: list[int] = []
    for wanted in 2 * np.pi * np.arange(count) / count:
        off = np.abs(np.mod(azimuths - wanted + np.pi, 2 * np.pi) - np.pi)
        off[picked] = np.inf
        picked.append(int(off.argmin()))
    return sorted(picked)


def _heldout(count: int, rng: np.random.Generator) -> list[Pose]:
    poses = []
    for index in range(count):
        angle, radius, height = HELDOUT[index % len(HELDOUT)]
        angle += 0.7 * (index // len(HELDOUT)) + 0.02 * rng.normal()
        centre = np.array([radius * np.cos(angle), radius * np.sin(angle), height])
        poses.append(looking_at(centre, np.array([0.3, -0.2, 1.0])))
    return poses
