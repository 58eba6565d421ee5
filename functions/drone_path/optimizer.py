"""Finds the largest spiral that a battery can fly over flat ground; many sizes are judged at once."""

from dataclasses import dataclass

import numpy as np

from functions.drone_path.curve import round_corners
from functions.drone_path.errors import PlanError
from functions.drone_path.geodesy import Array, LocalPlane
from functions.drone_path.heights import TOLERANCE
from functions.drone_path.mission import SPARE_POINTS, Battery, Mission, Shape
from functions.drone_path.route import leg_speeds, route_points, wanted_heights, wanted_reaches
from functions.drone_path.spiral import Spiral, most_bounces
from functions.drone_path.timing import leg_seconds, vertical_seconds
from functions.drone_path.units import metres

BOUNCES_BY_MINUTES = ((12, 7), (18, 8), (25, 9), (35, 10), (45, 12))
MOST_BOUNCES = 15
FEWEST_BOUNCES = 3
STARTS = (metres(200), metres(100))
"""Distances of the first waypoint from the centre: the usual one, and one for short batteries."""
SMALLEST_GROWTH = 1.05
"""Least ratio of the hold radius to the start."""
WELL_USED = 0.85
"""Share of a battery; below it a spiral that cannot grow gets another bounce."""
FLAT_SHARE = 0.995
"""Of the usable time: rounding and the waypoints' speeds take a little more than is counted here."""
_CANDIDATES = (20, 16, 16)
"""Sizes that are judged at once, round by round: each round lies between two of the one before."""
_SLOWEST_GROWTH = 0.88
"""Of the exponents by which the radius falls short of the hold radius, the smallest."""
_AT_CENTRE = 1.0


@dataclass(frozen=True)
class Optimum:
    """The largest spiral that fits.

    Attributes:
        shape: The spiral.
        radius: Its largest radius, metres.
        seconds: Of its longest battery.
        limited_by: What keeps it from being larger: battery, radius; waypoints where these keep it sparser.
        bounces_because: Why it has so many bounces, in words.
    """

    shape: Shape
    radius: float
    seconds: float
    limited_by: tuple[str, ...]
    bounces_because: str


def flight_seconds(mission: Mission, spiral: Spiral, start: float, holds: Array) -> Array:
    """Say how long the longest battery takes over flat ground, for many sizes (c) at once.

    Args:
        mission: What is to be flown.
        spiral: The shape.
        start: Distance of the first waypoint from the centre, metres.
        holds: What the radius grows towards (c), metres.

    Returns:
        Seconds (c).
    """
    takeoff = takeoff_point(mission)
    radii = spiral.radii(start, holds)
    # Around its own centre every slice is the same flight.
    slices = 1 if np.hypot(*takeoff) < _AT_CENTRE else spiral.slices
    points = np.stack([route_points(spiral, radii, index, takeoff) for index in range(slices)], axis=1)
    heights = np.minimum(wanted_heights(mission, spiral, radii), mission.limits.cap - TOLERANCE)[:, None]
    corners = round_corners(points, wanted_reaches(spiral, radii)[:, None])
    speeds = leg_speeds(mission, np.minimum(heights[..., :-1], heights[..., 1:]))
    flown = leg_seconds(corners, heights, speeds, mission.motion).sum(axis=-1)
    seconds = flown + vertical_seconds(heights[..., 0], heights[..., -1], mission.motion)
    return np.asarray(seconds.max(axis=1), float)


def takeoff_point(mission: Mission) -> Array:
    """Give the take-off point in the plane around the centre."""
    takeoff = mission.takeoff
    return LocalPlane(mission.centre).to_plane(np.array(takeoff.latitude), np.array(takeoff.longitude))


def optimize(mission: Mission, slices: int) -> Optimum:
    """Find the largest spiral whose every slice fits its battery.

    Args:
        mission: What is to be flown; with a battery.
        slices: Batteries.

    Raises:
        PlanError: Not even the smallest one fits; says how many minutes it takes.
    """
    battery = _battery(mission)
    most = min(MOST_BOUNCES, most_bounces(slices, mission.most_points - SPARE_POINTS))
    by_minutes = _bounces_for(battery.minutes)
    preferred = max(min(by_minutes, most), FEWEST_BOUNCES)
    tries = [(bounces, STARTS[0]) for bounces in range(preferred, FEWEST_BOUNCES - 1, -1)]
    for bounces, start in [*tries, (FEWEST_BOUNCES, STARTS[1])]:
        found = _largest(mission, mission.spiral(slices, bounces), start)
        if found is not None:
            break
    else:
        raise _too_short(mission, slices)
    because = f"{bounces} bounces suit {battery.minutes:g} minutes"
    if bounces == most < by_minutes:
        because = f"{bounces} bounces are what {mission.most_points} waypoints allow"
    elif bounces < preferred:
        because = f"no more than {bounces} bounces fit the battery"
    while found.seconds < WELL_USED * battery.usable_seconds and bounces < most:
        denser = _largest(mission, mission.spiral(slices, bounces + 1), start)
        if denser is None or denser.radius < found.radius * 0.99:
            break
        found, bounces = denser, bounces + 1
        because = f"{bounces} bounces use the time that the largest radius leaves"
    limits = ["radius" if found.seconds < WELL_USED * battery.usable_seconds else found.limited_by]
    if bounces == most < by_minutes:
        limits.append("waypoints")
    return Optimum(found.shape, found.radius, found.seconds, tuple(limits), because)


@dataclass(frozen=True)
class _Found:
    shape: Shape
    radius: float
    seconds: float
    limited_by: str


def _largest(mission: Mission, spiral: Spiral, start: float) -> _Found | None:
    usable = FLAT_SHARE * _battery(mission).usable_seconds
    low = SMALLEST_GROWTH * start
    high = max(start * (mission.largest / start) ** (1 / _SLOWEST_GROWTH), 2 * low)
    holds = np.geomspace(low, high, _CANDIDATES[0])
    best: _Found | None = None
    for following_count in (*_CANDIDATES[1:], 0):
        radii = spiral.radii(start, holds).max(axis=1)
        seconds = flight_seconds(mission, spiral, start, holds)
        fits = (seconds <= usable) & (radii <= mission.largest)
        if not fits.any():
            break
        # The ratio changes the shape in steps: what fits is not always one interval.
        index = int(np.argmax(np.where(fits, radii, 0)))
        following = min(index + 1, len(holds) - 1)
        limit = "radius" if radii[following] > mission.largest else "battery"
        if best is None or radii[index] > best.radius:
            best = _Found(
                Shape(spiral, start, float(holds[index])), float(radii[index]), float(seconds[index]), limit
            )
        holds = np.linspace(holds[index], holds[following], following_count)
    return best


def _bounces_for(minutes: float) -> int:
    return next((bounces for most, bounces in BOUNCES_BY_MINUTES if minutes <= most), MOST_BOUNCES)


def _battery(mission: Mission) -> Battery:
    if mission.battery is None:
        raise PlanError("batteryMinutes", "say how long a battery lasts")
    return mission.battery


def _too_short(mission: Mission, slices: int) -> PlanError:
    start = STARTS[-1]
    smallest = np.array([SMALLEST_GROWTH * start])
    seconds = float(flight_seconds(mission, mission.spiral(slices, FEWEST_BOUNCES), start, smallest)[0])
    minutes = seconds / 60 / (FLAT_SHARE * _battery(mission).usable_share)
    return PlanError(
        "batteryMinutes",
        f"the smallest flight with its way from and to the take-off point takes {seconds / 60:.1f} minutes, "
        f"which needs a battery of {np.ceil(minutes * 10) / 10:.1f} minutes with the reserve",
    )
