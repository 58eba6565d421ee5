"""How long a flight plan takes: `python -m benchmarks.flight_planner`.

The search for the largest spiral is timed beside a plain Python version of it: one size at a time, 30 rounds
of bisection, every slice walked along 1,200 samples in loops. Both must find the same size.
"""

import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np

from functions.drone_path import answers
from functions.drone_path.curve import FILLED_SHARE
from functions.drone_path.drones import DRONES
from functions.drone_path.formats import litchi, maps, wpml
from functions.drone_path.geodesy import Array, LocalPlane, Position
from functions.drone_path.heights import TOLERANCE, Limits
from functions.drone_path.mission import Battery, Mission
from functions.drone_path.optimizer import FLAT_SHARE, SMALLEST_GROWTH, optimize, takeoff_point
from functions.drone_path.plan import Plan
from functions.drone_path.sizing import plan_largest
from functions.drone_path.spiral import EARLY_SHARE, INWARD_RISE, OUTWARD_RISE
from functions.drone_path.terrain.tile import Tile
from functions.drone_path.terrain.tiles import TileTerrain
from functions.drone_path.timing import ACCELERATION, GROUND_SECONDS, TURNING
from functions.drone_path.units import metres

SAMPLES = 1200
ROUNDS = 30
REPEATS = 7
AGREEMENT = 0.01
"""Of the radii that the two searches find."""
CENTRE = Position(41.7, -111.8)
TAKEOFF = Position(41.702, -111.801)
CASES = ((15.0, 2), (20.0, 3), (28.0, 4), (40.0, 6))

Point = tuple[float, float, float]


def mission(minutes: float) -> Mission:
    """Give a usual mission with a take-off point of its own, so that every slice is another flight."""
    return Mission(
        centre=CENTRE,
        takeoff=TAKEOFF,
        drone=DRONES["generic"],
        battery=Battery(minutes),
        limits=Limits(cap=120.0, clearance=20.0),
    )


def plain_radius(asked: Mission, slices: int, bounces: int, start: float) -> float:
    """Find the largest radius as one would write it first."""
    usable = FLAT_SHARE * asked.battery.usable_seconds if asked.battery else math.inf
    takeoff = takeoff_point(asked)
    low, high = SMALLEST_GROWTH * start, 2 * asked.largest
    best = 0.0
    for _ in range(ROUNDS):
        hold = (low + high) / 2
        routes = [_route(asked, slices, bounces, start, hold, index, takeoff) for index in range(slices)]
        radius = max(math.hypot(x, y) for x, y, _ in routes[0][0][1:-1])
        if radius <= asked.largest and max(_seconds(asked, *route) for route in routes) <= usable:
            best, low = radius, hold
        else:
            high = hold
    return best


def _route(
    asked: Mission, slices: int, bounces: int, start: float, hold: float, index: int, takeoff: Array
) -> tuple[list[Point], list[float]]:
    """Give the waypoints of one slice and their wanted reaches."""
    midpoints = {1: 5, 2: 2}.get(slices, 1)
    angle = 2 * math.pi / slices
    home = (float(takeoff[0]), float(takeoff[1]), asked.lowest)
    points, reaches = [home], [0.0]
    first = top = radius_at_top = 0.0
    cap = asked.limits.cap - TOLERANCE
    for number in range((2 * bounces + 1) * (midpoints + 1) + 1):
        phase = number / (midpoints + 1)
        radius = _radius(phase, bounces, start, hold)
        wave = phase % 2
        direction = math.pi / 2 + angle * (index + (2 - wave if wave > 1 else wave))
        if number == 0:
            first = radius
        if phase <= bounces + 1:
            height = asked.lowest + max(OUTWARD_RISE * (radius - first), 0)
            top, radius_at_top = height, radius
        else:
            height = top + max(INWARD_RISE * (radius_at_top - radius), 0)
        points.append((radius * math.cos(direction), radius * math.sin(direction), min(height, cap)))
        if number % (midpoints + 1):
            reaches.append(min(metres(1500), metres(50) + 1.2 * radius))
        else:
            reaches.append(min(max(metres(40) + 0.05 * radius, metres(30)), metres(160)))
    return [*points, home], [*reaches, 0.0]


def _radius(phase: float, bounces: int, start: float, hold: float) -> float:
    ratio = hold / start
    early, late = (1.02, 0.80) if ratio > 20 else (1.05, 0.85) if ratio > 10 else (1.0, 0.90)  # noqa: PLR2004
    out, turn = min(phase, bounces), EARLY_SHARE * bounces
    back = max(phase - bounces - 1, 0)
    exponent = early * min(out, turn) + late * (max(out - turn, 0) - back)
    return start * math.exp(math.log(ratio) / bounces * exponent)


def _seconds(asked: Mission, points: list[Point], wanted: list[float]) -> float:
    """Walk a route along its curve."""
    legs = [math.dist(a[:2], b[:2]) for a, b in pairwise(points)]
    fits = [min(1.0, FILLED_SHARE * legs[i] / max(wanted[i] + wanted[i + 1], 0.2)) for i in range(len(legs))]
    reaches = [0.0, *(wanted[i] * min(fits[i - 1], fits[i]) for i in range(1, len(legs))), 0.0]
    samples, limits = _walk(asked, points, legs, reaches)
    speeds = [min(a, b) for a, b in pairwise(limits)]
    speeds = [0.0, *speeds, 0.0]
    lengths = [math.dist(a, b) for a, b in pairwise(samples)]
    for i, length in enumerate(lengths):
        speeds[i + 1] = min(speeds[i + 1], math.sqrt(speeds[i] ** 2 + 2 * ACCELERATION * length))
    for i in range(len(lengths) - 1, -1, -1):
        speeds[i] = min(speeds[i], math.sqrt(speeds[i + 1] ** 2 + 2 * ACCELERATION * lengths[i]))
    flown = sum(2 * lengths[i] / max(speeds[i] + speeds[i + 1], 1e-3) for i in range(len(lengths)))
    vertical = points[0][2] / asked.drone.climb + points[-1][2] / asked.drone.descent
    return flown + vertical + GROUND_SECONDS


def _walk(
    asked: Mission, points: list[Point], legs: list[float], reaches: list[float]
) -> tuple[list[Point], list[float]]:
    """Give the samples of a curve, and the speed allowed on each step."""
    total = sum(legs)
    samples: list[Point] = [points[0]]
    limits: list[float] = []
    for i, length in enumerate(legs):
        lowest = min(points[i][2], points[i + 1][2])
        ends = i in (0, len(legs) - 1)
        limit = asked.cruise if ends else min(asked.cruise, asked.speed_per_height * lowest)
        rise = points[i + 1][2] - points[i][2]
        if rise:
            rate = asked.drone.climb if rise > 0 else asked.drone.descent
            limit = min(limit, rate * math.hypot(length, rise) / abs(rise))
        steps = max(int(SAMPLES * length / total), 2)
        for step in range(1, steps + 1):
            along = reaches[i] + (length - reaches[i] - reaches[i + 1]) * step / steps
            samples.append(_between(points[i], points[i + 1], along / length))
            limits.append(limit)
        if i + 1 < len(legs):
            _walk_corner(points[i : i + 3], legs[i : i + 2], reaches[i + 1], limit, samples, limits)
    return samples, limits


def _walk_corner(
    corner: list[Point],
    legs: list[float],
    reach: float,
    limit: float,
    samples: list[Point],
    limits: list[float],
) -> None:
    entry = _between(corner[1], corner[0], reach / legs[0])
    leave = _between(corner[1], corner[2], reach / legs[1])
    inward = math.atan2(corner[1][1] - corner[0][1], corner[1][0] - corner[0][0])
    outward = math.atan2(corner[2][1] - corner[1][1], corner[2][0] - corner[1][0])
    turn = (outward - inward + math.pi) % (2 * math.pi) - math.pi
    tangent = math.tan(min(abs(turn), math.pi - 1e-6) / 2)
    radius = max(reach, 0.1) / tangent if tangent > 1e-6 else math.inf  # noqa: PLR2004
    allowed = min(limit, math.sqrt(TURNING * radius))
    steps = 8
    for step in range(1, steps + 1):
        share = step / steps
        bent = radius * abs(turn) if math.isfinite(radius) else 2 * reach
        turned = share * turn
        forward = radius * math.sin(abs(turned)) if turn and math.isfinite(radius) else share * bent
        aside = radius * (1 - math.cos(turned)) * math.copysign(1, turn) if math.isfinite(radius) else 0.0
        x = entry[0] + forward * math.cos(inward) - aside * math.sin(inward)
        y = entry[1] + forward * math.sin(inward) + aside * math.cos(inward)
        z = (1 - share) ** 2 * entry[2] + 2 * share * (1 - share) * corner[1][2] + share**2 * leave[2]
        samples.append((x, y, z))
        limits.append(allowed)


def _between(one: Point, other: Point, share: float) -> Point:
    return (
        one[0] + share * (other[0] - one[0]),
        one[1] + share * (other[1] - one[1]),
        one[2] + share * (other[2] - one[2]),
    )


def real_ground() -> TileTerrain:
    """Give hills in the shape of real tiles, of one arc second, as after the first fetch."""
    posts = 3600
    axis = np.arange(posts) * 30.0
    heights = 1500 + 40 * np.sin(axis[:, None] / 190) * np.cos(axis / 230) + 25 * np.sin(axis / 610)

    def tile(south: int, west: int) -> Tile:
        return Tile(south, west, heights.astype(np.float32), rows=posts, columns=posts)

    terrain = TileTerrain(tile, source="hills of a formula")
    terrain.heights(*LocalPlane(CENTRE).to_world(np.zeros((1, 2))))
    return terrain


def whole_plan(minutes: float, slices: int, terrain: TileTerrain) -> Plan:
    """Plan over real ground and write every file."""
    plan = plan_largest(mission(minutes), slices, terrain)
    json.dumps(answers.document(plan))
    json.dumps(maps.geojson(plan))
    maps.kml(plan)
    litchi.write(plan, plan.batteries)
    litchi.write(plan, plan.batteries, form="full")
    for battery in plan.batteries:
        for dialect in wpml.DIALECTS:
            wpml.write(plan, battery, dialect, created_ms=0)
    return plan


def milliseconds(work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Give the median time of the processor that some work takes, whatever else runs on the machine."""
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return 1000 * statistics.median(times)


def main() -> int:
    """Print the table. Returns the exit code: 1 when the two searches disagree."""
    terrain = real_ground()
    sys.stdout.write("| minutes x batteries | plain search ms | search ms | ratio | plan and files ms |\n")
    sys.stdout.write("|---|---|---|---|---|\n")
    disagree = False
    for minutes, slices in CASES:
        asked = mission(minutes)
        found = optimize(asked, slices)
        bounces, start = found.shape.spiral.bounces, found.shape.start
        plain = plain_radius(asked, slices, bounces, start)
        disagree |= abs(plain / found.radius - 1) > AGREEMENT
        slow = milliseconds(partial(plain_radius, asked, slices, bounces, start), 1)
        fast = milliseconds(partial(optimize, asked, slices))
        whole = milliseconds(partial(whole_plan, minutes, slices, terrain))
        sys.stdout.write(
            f"| {minutes:g} x {slices} | {slow:.0f} | {fast:.1f} | {slow / fast:.0f} | {whole:.0f} |\n"
        )
        sys.stdout.flush()
    if disagree:
        sys.stderr.write("the two searches disagree\n")
    return int(disagree)


if __name__ == "__main__":
    sys.exit(main())
