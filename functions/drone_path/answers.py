"""Plans as clients read them: the fields that they know, and the whole plan."""

import math
from typing import Any

from functions.drone_path.formats import litchi, wpml
from functions.drone_path.mission import LOST_PER_WIND
from functions.drone_path.plan import BatteryPlan, Plan
from functions.drone_path.units import feet


def optimized(plan: Plan) -> dict[str, Any]:
    """Give the answer of the optimizer."""
    battery = plan.mission.battery
    minutes = plan.longest_seconds / 60
    return {
        "optimized_params": {
            "slices": plan.shape.spiral.slices,
            "N": plan.shape.spiral.bounces,
            "r0": round(feet(plan.shape.start), 1),
            # Down: rounded up it could be too long for the battery.
            "rHold": math.floor(feet(plan.shape.hold) * 10) / 10,
            "estimated_time_minutes": round(minutes, 2),
            "battery_utilization": round(100 * minutes / battery.minutes, 1) if battery else None,
        },
        "optimization_info": {
            "algorithm": "Sizes are timed along the flown curve; the largest radius that fits is taken.",
            "pattern_type": "bounded exponential spiral",
            "bounce_scaling_reason": plan.bounces_because,
            "safety_margin": _margin(plan),
            "limited_by": list(plan.limited_by),
            "radius_feet": round(feet(plan.radius), 1),
            "usable_minutes": round(battery.usable_seconds / 60, 2) if battery else None,
            "terrain": plan.terrain,
        },
    }


def document(plan: Plan) -> dict[str, Any]:
    """Give the whole plan: metres, degrees and seconds, unless a name says else."""
    mission = plan.mission
    return {
        **optimized(plan),
        "center": _place(mission.centre.latitude, mission.centre.longitude),
        "takeoff": {
            **_place(mission.takeoff.latitude, mission.takeoff.longitude),
            "groundMeters": round(plan.takeoff_ground, 2),
        },
        "drone": mission.drone.label,
        "maxHeightMeters": round(mission.limits.cap, 2),
        "minClearanceMeters": round(mission.limits.clearance, 2),
        "terrain": plan.terrain,
        "heightsAbove": "the ground at the take-off point",
        "batteries": [_battery(battery) for battery in plan.batteries],
        "settings": {
            "litchi": list(litchi.SETTINGS),
            **{name: list(dialect.settings) for name, dialect in wpml.DIALECTS.items()},
        },
    }


def _battery(battery: BatteryPlan) -> dict[str, Any]:
    return {
        "number": battery.number,
        "minutes": round(battery.seconds / 60, 2),
        "lengthMeters": round(battery.length, 1),
        "photos": battery.photos,
        "lowestAboveGroundMeters": round(battery.lowest, 2),
        "highestAboveGroundMeters": round(battery.highest, 2),
        "returnHeightMeters": battery.return_height,
        "legSeconds": [round(float(seconds), 1) for seconds in battery.leg_seconds],
        "waypoints": [_waypoint(battery, index) for index in range(len(battery.heights))],
    }


def _waypoint(battery: BatteryPlan, index: int) -> dict[str, Any]:
    return {
        **_place(battery.latitudes[index], battery.longitudes[index]),
        "heightMeters": round(float(battery.heights[index]), 2),
        "aboveGroundMeters": round(float(battery.above_ground[index]), 2),
        "cornerMeters": round(float(battery.reaches[index]), 2),
        "heading": int(battery.headings[index]),
        "gimbalPitch": int(battery.pitches[index]),
        "speed": round(float(battery.speeds[index]), 2),
        "photoInterval": float(battery.intervals[index]) or None,
    }


def _place(latitude: float, longitude: float) -> dict[str, float]:
    return {"lat": round(float(latitude), 7), "lon": round(float(longitude), 7)}


def _margin(plan: Plan) -> str:
    battery = plan.mission.battery
    if battery is None:
        return "none: nobody said how long a battery lasts"
    return (
        f"{battery.reserve:.0%} of the battery is left on landing; {1 - battery.health:.0%} is taken off for "
        f"its age and {LOST_PER_WIND * battery.wind:.0%} for wind"
    )
