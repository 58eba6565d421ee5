"""Requests of the flight planner, with the field names that existing clients know; lengths are in feet."""

import math
import re
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from functions.drone_path.formats.litchi import Form, Unit
from functions.drone_path.geodesy import Position
from functions.drone_path.mission import Look, Mission
from functions.drone_path.units import feet
from functions.shared.api import ApiModel
from functions.shared.fields import BlankIsNone

_NUMBER_AS_TEXT = r"^\s*([+-]?[0-9._]+([eE][+-]?[0-9]+)?)?\s*$"
_NUMBER_AND_UNIT = re.compile(r"(?P<number>[+-]?\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z'%/]+)(\s.*)?")
_OF_UNITS = {
    "feet": {"m": feet(1), "metres": feet(1), "meters": feet(1), "km": feet(1000), "yd": 3.0, "yards": 3.0},
    "minutes": {"h": 60.0, "hours": 60.0, "hour": 60.0, "s": 1 / 60, "sec": 1 / 60, "seconds": 1 / 60},
    "metres per second": {
        "km/h": 1 / 3.6,
        "kmh": 1 / 3.6,
        "mph": 0.44704,
        "kn": 1852 / 3600,
        "knots": 1852 / 3600,
    },
}
"""How many of a field's unit are in others that people write."""
_DEGREES = r"(?P<{0}>[+-]?\d{{1,9}}(?:\.\d+)?)\s*°?\s*(?P<{0}_side>[{1}])?"
_PLACE = re.compile(
    _DEGREES.format("latitude", "NSns") + r"\s*[,;\s]\s*" + _DEGREES.format("longitude", "EWew")
)
_DEGREES_IN_DOCUMENTS = r"[+-]?\d{{1,9}}(\.\d+)?\s*°?\s*[{0}]?"
_PLACE_IN_DOCUMENTS = (
    rf"^\s*{_DEGREES_IN_DOCUMENTS.format('NSns')}\s*[,;\s]\s*{_DEGREES_IN_DOCUMENTS.format('EWew')}\s*$"
)
"""The same for JSON Schema, whose regular expressions have no named groups."""
MOST_BATTERIES = 12
_MOST_LATITUDE, _MOST_LONGITUDE = 90.0, 180.0
_PLACE_RULE = 'must be a latitude and a longitude in degrees, such as "41.7, -111.8" or "41.7 N, 111.8 W"'


class _Between:
    """Checks a number, given as one or as text; a blank text is no value."""

    def __init__(self, low: float, high: float, unit: str, *, usual: float, whole: bool = False) -> None:
        """Make a check.

        Args:
            low: The least that works.
            high: The most that works.
            unit: What is counted.
            usual: What works for most people, told to whoever gives no number at all.
            whole: Whether only whole numbers work.
        """
        self._low, self._high, self._unit, self._usual, self._whole = low, high, unit, usual, whole

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 -- a type
        """Check first, then make it what the field is."""
        return core_schema.no_info_before_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Say in an API's document what is taken: a number in range, the same as text, or nothing."""
        number = {"type": "integer" if self._whole else "number", "minimum": self._low, "maximum": self._high}
        return {
            "anyOf": [
                number,
                {"type": "string", "description": "The number as text.", "pattern": _NUMBER_AS_TEXT},
                {"type": "null"},
            ],
            "description": self._rule.removeprefix("must be "),
        }

    def _check(self, value: object) -> float | None:
        number = self._read(value)
        if number is None:
            return None
        nearest = self._nearest(number)
        if number != nearest:
            raise ValueError(f"{self._rule}; {nearest:g} is the nearest that works")
        return int(number) if self._whole else number

    def _nearest(self, number: float) -> float:
        within = min(max(number, self._low), self._high)
        return float(round(within)) if self._whole else within

    @property
    def _rule(self) -> str:
        kind = "a whole number" if self._whole else "a number"
        return f"must be {kind} of {self._unit} from {self._low:g} to {self._high:g}"

    def _read(self, value: object) -> float | None:
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError(f"{self._rule}, {self._example}")  # noqa: TRY004 -- pydantic takes ValueError
        try:
            number = float(value)
        except (ValueError, OverflowError) as error:
            raise ValueError(f"{self._rule}, {self._hint(str(value))}") from error
        if math.isnan(number):
            raise ValueError(f"{self._rule}, {self._example}")
        return number

    @property
    def _example(self) -> str:
        return f"such as {self._usual:g}"

    def _hint(self, text: str) -> str:
        match = _NUMBER_AND_UNIT.fullmatch(text.strip())
        if match is None:
            return self._example
        number = float(match["number"]) * _OF_UNITS.get(self._unit, {}).get(match["unit"].lower(), 1.0)
        return f"without a unit; write {self._nearest(number):.6g}"


def _place(value: object) -> Position:
    match = _PLACE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(_PLACE_RULE)
    latitude = _degrees(match["latitude"], match["latitude_side"], "S")
    longitude = _degrees(match["longitude"], match["longitude_side"], "W")
    if abs(latitude) > _MOST_LATITUDE or abs(longitude) > _MOST_LONGITUDE:
        nearest = f"{min(max(latitude, -90), 90):g}, {(longitude + 180) % 360 - 180:g}"
        raise ValueError(
            f"lies outside the world: latitudes go from -90 to 90 and longitudes from -180 to 180; {nearest} "
            "would work"
        )
    return Position(latitude, longitude)


def _degrees(number: str, side: str | None, negative_side: str) -> float:
    if side and number[0] in "+-":
        raise ValueError(_PLACE_RULE + ", with a sign or a side, not both")
    return -float(number) if side and side.upper() == negative_side else float(number)


Place = Annotated[
    Position,
    BeforeValidator(_place),
    WithJsonSchema(
        {
            "type": "string",
            "description": _PLACE_RULE.removeprefix("must be "),
            "pattern": _PLACE_IN_DOCUMENTS,
            "examples": ["41.7, -111.8", "41.7 N, 111.8 W"],
        }
    ),
]
Feet = Annotated[float | None, _Between(15, 1640, "feet", usual=120)]
Radius = Annotated[float | None, _Between(50, 16_400, "feet", usual=500)]
Minutes = Annotated[float | None, _Between(3, 60, "minutes", usual=20)]
Batteries = Annotated[int | None, _Between(1, MOST_BATTERIES, "batteries", usual=3, whole=True)]
Bounces = Annotated[int | None, _Between(2, 40, "bounces", usual=8, whole=True)]
MetresPerSecond = Annotated[float | None, _Between(0, 20, "metres per second", usual=0)]
App = Literal["litchi", "fly", "pilot2"]
TerrainChoice = Literal["elevation", "flat"]
ProjectId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class ElevationRequest(ApiModel):
    """A place whose height is asked."""

    center: Place


class FlightRequest(ApiModel):
    """What is to be flown.

    Attributes:
        center: Middle of the spiral.
        takeoff: Where every battery starts and lands; the centre where nobody says.
        battery_minutes: Flight to an empty battery, in no wind, when new.
        batteries: How many.
        slices: The same, as existing clients name it beside N, r0 and rHold.
        n: Bounces.
        r0: Distance of the first waypoint from the centre, feet.
        r_hold: What the radius grows towards, feet; found where it is not given.
        min_height: Height above ground of the first waypoint, feet.
        max_height: Cap above ground, feet.
        confirm_above_limit: Whether the caller has the permission that heights above 400 feet need.
        min_clearance: Least height above ground anywhere, feet.
        max_radius: Largest radius, feet.
        drone: Which drone, by our name.
        speed: Wanted, m/s.
        wind_speed: m/s.
        battery_health: Share of the first capacity that the batteries still have, percent.
        reserve: Share of a battery that must be left on landing, percent.
        overlap: Share of a photo that the next one shows again, percent.
        battery_overlap: Of its angle, by how much each battery's slice is widened, so that its photos show
            more of its neighbours' ground, percent.
        ground_sample_distance: Of a camera that looks straight down, centimetres a pixel; lowers the cap.
        look: Ahead along the path, at the centre, or both.
        terrain: Real elevation, or flat ground on request.
        app: What the pilot flies with; its waypoint limit counts.
    """

    center: Place
    takeoff: Annotated[Place | None, BlankIsNone()] = None
    battery_minutes: Minutes = None
    batteries: Batteries = None
    slices: Batteries = None
    n: Annotated[Bounces, Field(alias="N")] = None
    r0: Radius = None
    r_hold: Radius = None
    min_height: Feet = None
    max_height: Feet = None
    confirm_above_limit: bool = False
    min_clearance: Feet = None
    max_radius: Radius = None
    drone: Annotated[str | None, BlankIsNone()] = None
    speed: Annotated[float | None, _Between(1, 15, "metres per second", usual=8)] = None
    wind_speed: MetresPerSecond = None
    battery_health: Annotated[float | None, _Between(50, 100, "percent", usual=100)] = None
    reserve: Annotated[float | None, _Between(5, 60, "percent", usual=20)] = None
    overlap: Annotated[float | None, _Between(0, 95, "percent", usual=70)] = None
    battery_overlap: Annotated[float | None, _Between(0, 50, "percent", usual=0)] = None
    ground_sample_distance: Annotated[float | None, _Between(0.2, 50, "centimetres a pixel", usual=3)] = None
    look: Look = Mission.look
    terrain: TerrainChoice = "elevation"
    app: App = "litchi"


class CsvRequest(FlightRequest):
    """A flight as Litchi's CSV."""

    form: Form = "short"
    unit: Unit = "ft"


class KmzRequest(FlightRequest):
    """A flight as DJI's KMZ; all batteries where none is named."""

    app: App = "fly"
    battery: Batteries = None


class PlanRequest(FlightRequest):
    """A whole plan; it is saved where a project is named or saving is asked for."""

    project_id: ProjectId | None = None
    save: bool = False
    title: Annotated[str, Field(max_length=200)] = ""
