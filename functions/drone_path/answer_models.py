"""Answers of the flight planner, with the field names that existing clients know.

Lengths are in the unit that a name says; times are in seconds or minutes, angles in degrees.
"""

from typing import Any

from pydantic import ConfigDict, Field

from functions.shared.api import AnswerModel


class OldNames(AnswerModel):
    """Base of answers whose fields older clients know by names with underscores."""

    model_config = ConfigDict(alias_generator=None)


class OptimizedParams(OldNames):
    """The spiral: what the CSV routes take back."""

    slices: int
    bounces: int = Field(alias="N")
    r0: float
    r_hold: float = Field(alias="rHold")
    estimated_time_minutes: float
    battery_utilization: float | None


class OptimizationInfo(OldNames):
    """How the spiral was found, in words, and what limits it."""

    algorithm: str
    pattern_type: str
    bounce_scaling_reason: str
    safety_margin: str
    limited_by: list[str]
    radius_feet: float
    usable_minutes: float | None
    terrain: str


class Optimized(OldNames):
    """The largest spiral that fits."""

    optimized_params: OptimizedParams
    optimization_info: OptimizationInfo


class Coordinates(AnswerModel):
    """A place in WGS 84, degrees."""

    lat: float
    lon: float


class Elevation(OldNames):
    """How high the ground is, above sea level."""

    elevation_feet: float
    elevation_meters: float
    coordinates: Coordinates
    source: str


class Takeoff(Coordinates):
    """Where every battery starts and lands."""

    ground_meters: float


class PlannedWaypoint(Coordinates):
    """A waypoint; its height counts from the take-off point."""

    height_meters: float
    above_ground_meters: float
    corner_meters: float
    heading: int
    gimbal_pitch: int
    speed: float
    photo_interval: float | None


class PlannedBattery(AnswerModel):
    """The flight of one battery."""

    number: int
    minutes: float
    length_meters: float
    photos: int
    lowest_above_ground_meters: float
    highest_above_ground_meters: float
    return_height_meters: float
    leg_seconds: list[float]
    waypoints: list[PlannedWaypoint]


class PlanDocument(Optimized):
    """A whole plan: metres, degrees and seconds, unless a name says else."""

    center: Coordinates
    takeoff: Takeoff
    drone: str
    max_height_meters: float = Field(alias="maxHeightMeters")
    min_clearance_meters: float = Field(alias="minClearanceMeters")
    terrain: str
    heights_above: str = Field(alias="heightsAbove")
    batteries: list[PlannedBattery]
    settings: dict[str, list[str]]


class MadePlan(PlanDocument):
    """A plan and how it looks on a map; `id` where it was saved."""

    id: str | None = None
    geojson: dict[str, Any]
    kml: str


class KmzFile(AnswerModel):
    """One battery's file."""

    battery: int
    file_name: str
    content_type: str
    base64: str
    minutes: float


class KmzFiles(AnswerModel):
    """Files, and in words what they cannot carry."""

    files: list[KmzFile]
    settings: list[str]


class PlanSummary(AnswerModel):
    """A saved plan by what it was made of.

    Attributes:
        created_at: Epoch milliseconds.
        request: What was asked.
    """

    id: str
    owner: str
    created_at: int
    project_id: str | None = None
    title: str | None = None
    request: dict[str, Any]


class SavedPlan(PlanSummary):
    """A saved plan, whole."""

    plan: PlanDocument


class PlanPage(AnswerModel):
    """Some of the caller's saved plans."""

    plans: list[PlanSummary]
    next_cursor: str | None
