"""From requests to plans: defaults filled in, rules beyond single fields checked, nearest values named."""

import difflib
import math

import numpy as np

from functions.drone_path.drones import DEFAULT_DRONE, DRONES, Drone
from functions.drone_path.errors import PlanError
from functions.drone_path.geodesy import LocalPlane, Position, distance
from functions.drone_path.heights import Limits
from functions.drone_path.mission import Battery, Mission, Shape
from functions.drone_path.models import FlightRequest
from functions.drone_path.optimizer import SMALLEST_GROWTH
from functions.drone_path.plan import Plan
from functions.drone_path.sizing import plan_largest, plan_within
from functions.drone_path.spiral import most_bounces
from functions.drone_path.terrain.provider import Terrain
from functions.drone_path.units import feet, metres

DEFAULT_MINUTES = 20.0
DEFAULT_BATTERIES = 3
DEFAULT_CAP = 120.0
"""Metres above ground: the lower of the usual rules, 120 m and 400 ft."""
UNCONFIRMED_CAP_FEET = 400.0
DEFAULT_CLEARANCE = 20.0
DEFAULT_MIN_HEIGHT_FEET = 120.0
DEFAULT_RADIUS = 1500.0
FARTHEST_TAKEOFF = 2000.0
SHAPE_BOUNCES, SHAPE_START_FEET, SHAPE_HOLD_FEET = 8, 150.0, 1595.0
"""What existing clients get where they name no shape."""
WAYPOINT_LIMITS = {"litchi": 99, "fly": 99, "pilot2": 99}
"""DJI Fly crashes above 99, Litchi takes 99; DJI states no limit for Pilot 2, and DJI's SDK takes 99."""


def mission_of(request: FlightRequest) -> Mission:
    """Fill in what the request leaves open.

    Raises:
        PlanError: Fields contradict each other; names one, the rule and what would work.
    """
    drone = _drone(request.drone)
    takeoff = request.takeoff or request.center
    _check_takeoff(request.center, takeoff)
    wind = request.wind_speed or 0.0
    if wind > drone.wind:
        raise PlanError(
            "windSpeed", f"{drone.label} flies in wind of up to {drone.wind:g} m/s; wait for that"
        )
    return Mission(
        centre=request.center,
        takeoff=takeoff,
        drone=drone,
        battery=_battery(request, drone, wind),
        limits=_limits(request, drone),
        lowest=metres(_or(request.min_height, DEFAULT_MIN_HEIGHT_FEET)),
        speed=_or(request.speed, Mission.speed),
        wind=wind,
        overlap=_or(request.overlap, Mission.overlap * 100) / 100,
        look=request.look,
        slice_overlap=_or(request.battery_overlap, Mission.slice_overlap * 100) / 100,
        most_points=WAYPOINT_LIMITS[request.app],
        largest=metres(request.max_radius) if request.max_radius is not None else DEFAULT_RADIUS,
    )


def plan_of(request: FlightRequest, terrain: Terrain, *, shape_known: bool = False) -> Plan:
    """Plan what a request asks: the shape that it gives, or the largest that fits.

    Args:
        request: The request.
        terrain: The ground.
        shape_known: Whether a request that gives neither a shape nor a battery means the usual shape.

    Raises:
        PlanError: It cannot be flown; says what would.
        TerrainError: The ground's height cannot be had.
    """
    mission = mission_of(request)
    slices = request.slices or request.batteries or DEFAULT_BATTERIES
    if request.r_hold is None and not (shape_known and request.battery_minutes is None):
        if mission.battery is None:
            raise PlanError("batteryMinutes", f"must be a number of minutes; {DEFAULT_MINUTES:g} is usual")
        return plan_largest(mission, slices, terrain)
    return plan_within(mission, _shape(request, mission, slices), terrain)


def with_minutes(request: FlightRequest) -> FlightRequest:
    """Give the request a usual battery where it names none."""
    if request.battery_minutes is not None:
        return request
    return request.model_copy(update={"battery_minutes": DEFAULT_MINUTES})


def _drone(name: str | None) -> Drone:
    if name is None:
        return DRONES[DEFAULT_DRONE]
    if name not in DRONES:
        near = difflib.get_close_matches(name.lower(), DRONES, n=1, cutoff=0.0)
        raise PlanError("drone", f"must be one of {', '.join(DRONES)}; {near[0]} is the nearest")
    return DRONES[name]


def _check_takeoff(center: Position, takeoff: Position) -> None:
    away = distance(center, takeoff)
    if away <= FARTHEST_TAKEOFF:
        return
    plane = LocalPlane(center)
    point = plane.to_plane(np.array(takeoff.latitude), np.array(takeoff.longitude))
    latitude, longitude = plane.to_world(point * (FARTHEST_TAKEOFF - 1) / away)
    raise PlanError(
        "takeoff",
        f"is {away / 1000:.1f} km from the center, and at most {FARTHEST_TAKEOFF / 1000:g} km work: "
        f"{latitude:.5f}, {longitude:.5f} is the nearest on the way",
    )


def _battery(request: FlightRequest, drone: Drone, wind: float) -> Battery | None:
    if request.battery_minutes is None:
        return None
    if request.battery_minutes > drone.endurance:
        raise PlanError(
            "batteryMinutes",
            f"{drone.label} flies for at most {drone.endurance:g} minutes; {drone.endurance:g} works",
        )
    return Battery(
        minutes=request.battery_minutes,
        reserve=_or(request.reserve, Battery.reserve * 100) / 100,
        health=_or(request.battery_health, 100.0) / 100,
        wind=wind,
    )


def _limits(request: FlightRequest, drone: Drone) -> Limits:
    cap = metres(request.max_height) if request.max_height is not None else DEFAULT_CAP
    if (request.max_height or 0) > UNCONFIRMED_CAP_FEET and not request.confirm_above_limit:
        raise PlanError(
            "maxHeight",
            f"more than {UNCONFIRMED_CAP_FEET:g} feet above ground needs a permission: confirm with "
            f"confirmAboveLimit that you have it, or write {UNCONFIRMED_CAP_FEET:g}",
        )
    lowest = metres(_or(request.min_height, DEFAULT_MIN_HEIGHT_FEET))
    if request.ground_sample_distance is not None:
        cap = min(cap, drone.camera.height_for(request.ground_sample_distance / 100))
        if cap < lowest:
            needed = request.ground_sample_distance * lowest / cap
            raise PlanError(
                "groundSampleDistance",
                f"needs photos from at most {feet(cap):.0f} feet, below minHeight; "
                f"{math.ceil(needed * 100) / 100:g} works at that height",
            )
    if lowest > cap:
        raise PlanError("minHeight", f"must not be above maxHeight; {math.floor(feet(cap))} works")
    clearance = metres(request.min_clearance) if request.min_clearance is not None else DEFAULT_CLEARANCE
    if clearance > lowest:
        raise PlanError(
            "minClearance",
            f"must not be above minHeight ({feet(clearance):.0f} feet is above {feet(lowest):.0f}); "
            f"{math.floor(feet(lowest))} works, or a higher minHeight",
        )
    return Limits(cap=cap, clearance=clearance)


def _shape(request: FlightRequest, mission: Mission, slices: int) -> Shape:
    bounces = request.n or SHAPE_BOUNCES
    start = _or(request.r0, SHAPE_START_FEET)
    hold = _or(request.r_hold, SHAPE_HOLD_FEET)
    # The take-off point comes before and after.
    most = most_bounces(slices, mission.most_points - 2)
    if bounces > most:
        raise PlanError(
            "N", f"gives more than the {mission.most_points} waypoints that the app takes; {most} works"
        )
    if hold < SMALLEST_GROWTH * start:
        raise PlanError("rHold", f"must be larger than r0; {math.ceil(SMALLEST_GROWTH * start)} works")
    return Shape(mission.spiral(slices, bounces), metres(start), metres(hold))


def _or(value: float | None, default: float) -> float:
    return default if value is None else value
