"""A drone on a route, step by step: how long it takes, where it goes, what it photographs.

Corners are Bezier curves, every step looks back at the one before and ahead at the next one. Nothing of the
flight planner's own model is used, so that the two can be held against each other.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from local.flight.route import Look, Route, Waypoint

Floats = NDArray[np.float64]
_SLOWEST = 0.1
"""m/s: a drone that has come to a stop leaves again."""


@dataclass(frozen=True)
class Airframe:
    """How a drone moves.

    Attributes:
        climb: Fastest climb, m/s.
        descent: Fastest descent, m/s.
        acceleration: Along its way, m/s^2.
        turning: Across its way, m/s^2.
    """

    climb: float
    descent: float
    acceleration: float = 2.0
    turning: float = 2.5


@dataclass(frozen=True)
class Photo:
    """A photo.

    Attributes:
        seconds: After the first waypoint was left.
        place: East, north of the first waypoint and above the ground at the take-off point (3), metres.
        heading: Degrees clockwise from north.
        pitch: Degrees, negative downward.
    """

    seconds: float
    place: Floats
    heading: float
    pitch: float


@dataclass(frozen=True)
class Flight:
    """What a drone did.

    Attributes:
        seconds: From the ground at the first waypoint to the ground at the last one; start and stop of the
            motors not counted.
        track: Where it was (n, 3): east, north of the first waypoint, metres above the ground at the
            take-off point.
        photos: In the order they were taken.
    """

    seconds: float
    track: Floats
    photos: tuple[Photo, ...]


@dataclass(frozen=True)
class _Step:
    place: tuple[float, float, float]
    leg: int
    share: float


def fly(route: Route, airframe: Airframe, *, step: float = 0.5) -> Flight:
    """Fly a route.

    Args:
        route: What to fly.
        airframe: What flies.
        step: Metres between two places that are looked at.
    """
    plane = _Plane(route.waypoints[0])
    corners = [(*plane.at(one.latitude, one.longitude), one.height) for one in route.waypoints]
    steps = _trace(corners, [one.reach for one in route.waypoints], step)
    places = [one.place for one in steps]
    lengths = [math.dist(a, b) for a, b in pairwise(places)]
    speeds = _speeds(steps, lengths, route, airframe)
    camera = _Camera(route, (*plane.at(*route.poi[:2]), route.poi[2]))
    seconds, due, photos = 0.0, 0.0, []
    for index, length in enumerate(lengths):
        seconds += 2 * length / max(speeds[index] + speeds[index + 1], 2 * _SLOWEST)
        interval = route.waypoints[steps[index].leg].interval
        if interval == 0:
            due = seconds
        elif seconds >= due:
            photos.append(camera.photo(seconds, steps[index], steps[index + 1]))
            due = seconds + interval
    vertical = corners[0][2] / airframe.climb + corners[-1][2] / airframe.descent
    return Flight(seconds + vertical, np.array(places), tuple(photos))


class _Plane:
    """Metres east and north of a place, on the ellipsoid."""

    def __init__(self, origin: Waypoint) -> None:
        definition = f"+proj=aeqd +lat_0={origin.latitude} +lon_0={origin.longitude} +ellps=WGS84"
        self._transformer = Transformer.from_crs("EPSG:4326", definition, always_xy=True)

    def at(self, latitude: float, longitude: float) -> tuple[float, float]:
        east, north = self._transformer.transform(longitude, latitude)
        return float(east), float(north)


def _trace(corners: list[tuple[float, float, float]], reaches: list[float], step: float) -> list[_Step]:
    """List the places along the way; a corner belongs half to the leg before it, half to the one after."""
    steps: list[_Step] = []

    def add(place: Floats, leg: int) -> None:
        point = (float(place[0]), float(place[1]), float(place[2]))
        if not steps or math.dist(point, steps[-1].place) > step / 10:
            a, b = corners[leg][:2], corners[leg + 1][:2]
            along = math.dist(point[:2], a) / max(math.dist(point[:2], a) + math.dist(point[:2], b), 1e-9)
            steps.append(_Step(point, leg, along))

    for leg in range(len(corners) - 1):
        a, b = np.array(corners[leg]), np.array(corners[leg + 1])
        length = max(math.dist(a[:2], b[:2]), 1e-9)
        start, end = reaches[leg] / length, 1 - reaches[leg + 1] / length
        for share in np.linspace(start, end, max(int(length * (end - start) / step), 1) + 1):
            add(a + share * (b - a), leg)
        reach = reaches[leg + 1]
        if reach > 0 and leg + 2 < len(corners):
            c = np.array(corners[leg + 2])
            entry = b + reach / length * (a - b)
            leave = b + reach / math.dist(b[:2], c[:2]) * (c - b)
            shares = np.linspace(0, 1, max(int(2 * reach / step), 2) + 1)
            for index, u in enumerate(shares):
                add(
                    (1 - u) ** 2 * entry + 2 * u * (1 - u) * b + u**2 * leave,
                    leg + (2 * index >= len(shares)),
                )
    return steps


def _speeds(steps: list[_Step], lengths: list[float], route: Route, airframe: Airframe) -> list[float]:
    """Give the speed at every place: as told, but no faster than it can climb, turn, and slow down again."""
    speeds = [route.waypoints[one.leg].speed for one in steps]
    places = [one.place for one in steps]
    for index, (length, (a, b)) in enumerate(zip(lengths, pairwise(places), strict=True)):
        rise = b[2] - a[2]
        if rise:
            rate = airframe.climb if rise > 0 else airframe.descent
            speeds[index] = min(speeds[index], rate * length / abs(rise))
    for index in range(1, len(places) - 1):
        bend = _curvature(places[index - 1], places[index], places[index + 1])
        if bend > 0:
            speeds[index] = min(speeds[index], math.sqrt(airframe.turning / bend))
    speeds[0] = speeds[-1] = 0.0
    gain = 2 * airframe.acceleration
    for index, length in enumerate(lengths):
        speeds[index + 1] = min(speeds[index + 1], math.sqrt(speeds[index] ** 2 + gain * length))
    for index in range(len(lengths) - 1, -1, -1):
        speeds[index] = min(speeds[index], math.sqrt(speeds[index + 1] ** 2 + gain * lengths[index]))
    return speeds


def _curvature(a: tuple[float, ...], b: tuple[float, ...], c: tuple[float, ...]) -> float:
    first, second = np.subtract(b[:2], a[:2]), np.subtract(c[:2], b[:2])
    turn = abs(math.atan2(first[0] * second[1] - first[1] * second[0], float(first @ second)))
    return 2 * turn / max(math.hypot(*first) + math.hypot(*second), 1e-9)


@dataclass(frozen=True)
class _Camera:
    """Where the camera looks."""

    route: Route
    poi: tuple[float, float, float]

    def photo(self, seconds: float, here: _Step, following: _Step) -> Photo:
        heading, pitch = self._heading(here, following), self._pitch(here)
        return Photo(seconds, np.array(here.place), heading % 360, pitch)

    def _heading(self, here: _Step, following: _Step) -> float:
        one, other = self.route.waypoints[here.leg : here.leg + 2]
        if one.heading_look is Look.ALONG:
            return _bearing(here.place, following.place)
        if one.heading_look is Look.AT_POI:
            return _bearing(here.place, self.poi)
        return one.heading + here.share * _turn(other.heading - one.heading, one.clockwise)

    def _pitch(self, here: _Step) -> float:
        one, other = self.route.waypoints[here.leg : here.leg + 2]
        if one.pitch_look is Look.AT_POI:
            away = math.dist(here.place[:2], self.poi[:2])
            return math.degrees(math.atan2(self.poi[2] - here.place[2], away))
        if one.pitch_look is Look.KEPT:
            return one.pitch
        return one.pitch + here.share * (other.pitch - one.pitch)


def _turn(difference: float, clockwise: bool | None) -> float:
    if clockwise is None:
        return (difference + 180) % 360 - 180
    return difference % 360 if clockwise else -(-difference % 360)


def _bearing(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    return math.degrees(math.atan2(b[0] - a[0], b[1] - a[1]))
