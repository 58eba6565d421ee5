"""Litchi's CSV: the full form of 46 columns, and the 16 that existing clients know, without actions."""

import csv
import io
import math
from collections.abc import Iterable, Iterator
from typing import Literal

from functions.drone_path.plan import BatteryPlan, Plan
from functions.drone_path.units import METRES_PER_FOOT

Form = Literal["short", "full"]
Unit = Literal["ft", "m"]
ACTIONS = 15
_NO_ACTION = ("-1", "0")
_OFF = "-1"
_RELATIVE_TO_TAKEOFF = "0"
_CLOCKWISE, _COUNTER_CLOCKWISE = "0", "1"
_FOCUS_POI, _INTERPOLATE = "1", "2"
_HALF_TURN = 180

SETTINGS = (
    "Heading Mode: Custom (WD); the file has a heading for every waypoint.",
    "Path Mode: Curved Turns; the file's curve sizes keep the flight within its clearance.",
    "Finish Action: RTH or Land; the last waypoint is above the take-off point.",
    "Cruising Speed: any; the file has a speed for every waypoint.",
    "Altitudes are relative to the take-off point: take off where the plan says, or the heights are wrong.",
)
"""What the file cannot carry."""


def columns(form: Form, unit: Unit) -> list[str]:
    """Name the columns."""
    actions = [f"action{part}{number}" for number in range(1, ACTIONS + 1) for part in ("type", "param")]
    return [
        "latitude",
        "longitude",
        f"altitude({unit})",
        "heading(deg)",
        f"curvesize({unit})",
        "rotationdir",
        "gimbalmode",
        "gimbalpitchangle",
        *(actions if form == "full" else []),
        "altitudemode",
        "speed(m/s)",
        "poi_latitude",
        "poi_longitude",
        f"poi_altitude({unit})",
        "poi_altitudemode",
        "photo_timeinterval",
        "photo_distinterval",
    ]


def write(plan: Plan, batteries: Iterable[BatteryPlan], *, form: Form = "short", unit: Unit = "ft") -> str:
    """Write flights one after the other; lines end in a line feed, the last one in nothing.

    Args:
        plan: The plan that they are of.
        batteries: The flights.
        form: The 16 columns that existing clients know, or all 46.
        unit: Of altitudes and curve sizes; speeds are in m/s in both.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns(form, unit))
    for battery in batteries:
        writer.writerows(_rows(plan, battery, form, METRES_PER_FOOT if unit == "ft" else 1.0))
    return text.getvalue().removesuffix("\n")


def _rows(plan: Plan, battery: BatteryPlan, form: Form, unit: float) -> Iterator[list[str]]:
    actions = list(_NO_ACTION * ACTIONS) if form == "full" else []
    for index in range(len(battery.heights)):
        interval = battery.intervals[index]
        yield [
            f"{battery.latitudes[index]:.7f}",
            f"{battery.longitudes[index]:.7f}",
            f"{battery.heights[index] / unit:.2f}",
            f"{battery.headings[index]}",
            # Down: rounded up, the reaches of two neighbours could be longer than their leg.
            f"{math.floor(battery.reaches[index] / unit * 10) / 10:.1f}",
            _rotation(battery, index),
            _FOCUS_POI if battery.at_centre[index] else _INTERPOLATE,
            f"{battery.pitches[index]}",
            *actions,
            _RELATIVE_TO_TAKEOFF,
            f"{math.floor(battery.speeds[index] * 100) / 100:.2f}",
            f"{plan.poi.latitude:.7f}",
            f"{plan.poi.longitude:.7f}",
            f"{plan.poi_height / unit:.2f}",
            _RELATIVE_TO_TAKEOFF,
            f"{interval:.1f}" if interval > 0 else _OFF,
            _OFF,
        ]


def _rotation(battery: BatteryPlan, index: int) -> str:
    """Give the shorter way round to the next heading."""
    following = battery.headings[min(index + 1, len(battery.headings) - 1)]
    turn = int(following - battery.headings[index]) % (2 * _HALF_TURN)
    return _COUNTER_CLOCKWISE if turn > _HALF_TURN else _CLOCKWISE
