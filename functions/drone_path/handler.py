"""Lambda handler of the flight planner."""

import base64
import uuid
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Annotated, TypeVar

import numpy as np
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from functions.drone_path import answers
from functions.drone_path.answer_models import (
    Coordinates,
    Elevation,
    KmzFile,
    KmzFiles,
    MadePlan,
    Optimized,
    PlanPage,
    PlanSummary,
    SavedPlan,
)
from functions.drone_path.coverage import coverage
from functions.drone_path.elevation import TileStore, read_survey
from functions.drone_path.errors import NoTerrainError, PlanError, TerrainError
from functions.drone_path.formats import litchi, maps, wpml
from functions.drone_path.formats.litchi import Form, Unit
from functions.drone_path.logic import plan_of, with_minutes
from functions.drone_path.models import (
    MOST_BATTERIES,
    CsvRequest,
    ElevationRequest,
    FlightRequest,
    KmzRequest,
    PlanRequest,
    TerrainChoice,
)
from functions.drone_path.plan import BatteryPlan, Plan
from functions.drone_path.preview import preview
from functions.drone_path.record import RecordError, from_record, to_record
from functions.drone_path.settings import Settings
from functions.drone_path.store import FlightPathStore
from functions.drone_path.terrain.provider import FlatTerrain, Terrain
from functions.drone_path.terrain.tiles import TileTerrain
from functions.drone_path.units import feet
from functions.shared.answers import as_text
from functions.shared.api import MAX_PAGE, PageCursor, PageLimit, PathId, SignedIn, api_handler, new_router
from functions.shared.claims import Caller
from functions.shared.clock import now_ms, now_seconds
from functions.shared.errors import ApiError, bad_request, conflict, not_found
from functions.shared.observability import logger
from functions.shared.settings import load_settings
from functions.shared.stores import Item, Table

KMZ = "application/vnd.google-earth.kmz"
router = new_router()
Made = TypeVar("Made")
BatteryId = Annotated[str, Path(description="Number of the battery, from 1.")]
CsvForm = Annotated[Form, Query(description="The 16 columns that existing clients know, or all 46.")]
CsvUnit = Annotated[Unit, Query(description="Of altitudes and curve sizes.")]
KmzApp = Annotated[wpml.DialectName, Query(description="What the pilot flies with.")]
KmzBattery = Annotated[
    int | None, Query(ge=1, le=MOST_BATTERIES, description="Its number; all when missing.")
]


@cache
def _flight_paths() -> FlightPathStore:
    settings = load_settings(Settings)
    return FlightPathStore(Table(settings.flight_paths_table), Table(settings.projects_table))


@cache
def _grounds() -> tuple[Terrain, ...]:
    """Give what there is of the ground: the file of this installation, if it has one, and the whole world."""
    settings = load_settings(Settings)
    store = TileStore(settings.ml_bucket, settings.terrain_url, settings.terrain_source)
    world = TileTerrain(store.fetch, source=store.source.label)
    if settings.terrain_file is None:
        return (world,)
    return read_survey(settings.ml_bucket, settings.terrain_file), world


def _refused(error: PlanError) -> ApiError:
    return bad_request("INVALID_PLAN", str(error))


def _no_terrain(error: NoTerrainError) -> ApiError:
    return bad_request(
        "NO_TERRAIN",
        f"center: {error}; choose a place on land, or a smaller maxRadius where the flight leaves it, or "
        'ask for a plan over flat ground with terrain "flat".',
    )


def _terrain_unavailable(_error: TerrainError) -> ApiError:
    return ApiError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "TERRAIN_UNAVAILABLE",
        "The elevation of the ground cannot be had now. Try again later, or ask for a plan over flat "
        'ground with terrain "flat".',
        headers={"Retry-After": "60"},
    )


@router.post("/api/optimize-spiral")
def optimize_spiral(request: Annotated[FlightRequest, Body()], _caller: SignedIn) -> Optimized:
    """Find the largest spiral for some batteries."""
    wanted = with_minutes(request).model_copy(update={"r_hold": None})
    made = _over(wanted.terrain, lambda ground: plan_of(wanted, ground))
    return Optimized.model_validate(answers.optimized(made))


@router.post("/api/elevation")
def elevation(request: Annotated[ElevationRequest, Body()], _caller: SignedIn) -> Elevation:
    """Say how high a place is."""
    place = request.center

    def measure(ground: Terrain) -> Elevation:
        (height,) = ground.heights(np.array([place.latitude]), np.array([place.longitude]))
        return Elevation(
            elevation_feet=round(feet(float(height)), 1),
            elevation_meters=round(float(height), 1),
            coordinates=Coordinates(lat=place.latitude, lon=place.longitude),
            source=ground.source,
        )

    return _over("elevation", measure)


@router.post("/api/csv", responses=as_text("text/csv", "The plan as Litchi's CSV."))
def csv(request: Annotated[CsvRequest, Body()], _caller: SignedIn) -> Response[str]:
    """Give all batteries as one CSV."""
    plan = _plan(request)
    return _csv(plan, None, request.form, request.unit)


@router.post(
    "/api/csv/battery/<battery_id>", responses=as_text("text/csv", "One battery's flight as Litchi's CSV.")
)
def csv_of_battery(
    battery_id: BatteryId, request: Annotated[CsvRequest, Body()], _caller: SignedIn
) -> Response[str]:
    """Give one battery as CSV; they count from 1."""
    return _csv(_plan(request), battery_id, request.form, request.unit)


@router.post("/api/kmz")
def kmz(request: Annotated[KmzRequest, Body()], _caller: SignedIn) -> KmzFiles:
    """Give one battery or all as KMZ, packed in JSON with what the file cannot carry."""
    dialect: wpml.DialectName = "pilot2" if request.app == "pilot2" else "fly"
    return _kmz(_plan(request), request.battery, dialect, now_ms())


@router.post("/api/plan")
def plan(request: Annotated[PlanRequest, Body()], caller: SignedIn) -> MadePlan:
    """Make a whole plan; save it where that is asked for."""
    wanted = with_minutes(request) if request.r_hold is None else request
    made = _over(request.terrain, lambda ground: plan_of(wanted, ground))
    document = answers.document(made)
    answer = {**document, "geojson": maps.geojson(made), "kml": maps.kml(made).decode()}
    if not (request.save or request.project_id):
        return MadePlan.model_validate(answer)
    item = {
        "id": str(uuid.uuid4()),
        "owner": caller.sub,
        "createdAt": now_ms(),
        "projectId": request.project_id,
        "title": request.title or None,
        "request": request.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    if not _flight_paths().add(item, document, to_record(made), now_seconds=now_seconds()):
        raise not_found("project")
    logger.info("plan saved", extra={"planId": item["id"]})
    return MadePlan.model_validate({"id": item["id"], **answer})


@router.post("/api/preview", responses=as_text("text/html", "A page that shows the plan."))
def show(request: Annotated[FlightRequest, Body()], _caller: SignedIn) -> Response[str]:
    """Show a plan as a page."""

    def page(ground: Terrain) -> str:
        made = plan_of(with_minutes(request), ground)
        return preview(made, coverage(made, ground))

    return Response(status_code=HTTPStatus.OK, content_type="text/html", body=_over(request.terrain, page))


@router.get("/api/plans")
def list_plans(caller: SignedIn, limit: PageLimit = MAX_PAGE, cursor: PageCursor = None) -> PlanPage:
    """List the caller's saved plans, the newest first."""
    page = _flight_paths().page(caller.sub, limit, cursor)
    return PlanPage(plans=[PlanSummary.model_validate(item) for item in page.items], next_cursor=page.cursor)


@router.get("/api/plans/<plan_id>")
def get_plan(plan_id: PathId, caller: SignedIn) -> SavedPlan:
    """Show a saved plan."""
    found = _saved(plan_id, caller)
    del found["record"]
    return SavedPlan.model_validate(found)


@router.get("/api/plans/<plan_id>/csv", responses=as_text("text/csv", "The saved plan as Litchi's CSV."))
def csv_of_saved(
    plan_id: PathId, caller: SignedIn, form: CsvForm = "short", unit: CsvUnit = "ft"
) -> Response[str]:
    """Give all batteries of a saved plan as one CSV, as it was planned then."""
    made, _ = _saved_plan(plan_id, caller)
    return _csv(made, None, form, unit)


@router.get(
    "/api/plans/<plan_id>/csv/battery/<battery_id>",
    responses=as_text("text/csv", "One battery's flight of the saved plan as Litchi's CSV."),
)
def csv_of_saved_battery(
    plan_id: PathId,
    battery_id: BatteryId,
    caller: SignedIn,
    form: CsvForm = "short",
    unit: CsvUnit = "ft",
) -> Response[str]:
    """Give one battery of a saved plan as CSV; they count from 1."""
    made, _ = _saved_plan(plan_id, caller)
    return _csv(made, battery_id, form, unit)


@router.get("/api/plans/<plan_id>/kmz")
def kmz_of_saved(
    plan_id: PathId, caller: SignedIn, app: KmzApp = "fly", battery: KmzBattery = None
) -> KmzFiles:
    """Give one battery of a saved plan or all as KMZ, packed in JSON with what the file cannot carry."""
    made, created = _saved_plan(plan_id, caller)
    return _kmz(made, battery, app, created)


handler = api_handler(
    router,
    Settings,
    refusals={PlanError: _refused, NoTerrainError: _no_terrain, TerrainError: _terrain_unavailable},
)


def _over(choice: TerrainChoice, make: Callable[[Terrain], Made]) -> Made:
    """Make something over the first ground that has all of it: two sources' heights do not fit together."""
    *narrower, widest = [FlatTerrain()] if choice == "flat" else _grounds()
    for ground in narrower:
        try:
            return make(ground)
        except NoTerrainError as error:
            logger.info("planned over another ground", extra={"reason": str(error)})
    return make(widest)


def _plan(request: FlightRequest) -> Plan:
    return _over(request.terrain, lambda ground: plan_of(request, ground, shape_known=True))


def _battery(made: Plan, number: str) -> BatteryPlan:
    count = len(made.batteries)
    if not (number.isascii() and number.isdigit() and 1 <= int(number[:4]) <= count):
        raise PlanError("battery", f"must be a whole number from 1 to {count}")
    return made.batteries[int(number) - 1]


def _saved(plan_id: str, caller: Caller) -> Item:
    found = _flight_paths().get(plan_id, caller.sub)
    if found is None:
        raise not_found("plan")
    return found


def _saved_plan(plan_id: str, caller: Caller) -> tuple[Plan, int]:
    """Give a saved plan as it was made, and when that was, epoch milliseconds."""
    found = _saved(plan_id, caller)
    try:
        return from_record(found["record"]), int(found["createdAt"])
    except RecordError as error:
        raise conflict(
            "PLAN_TOO_OLD",
            "No files can be made of this plan any more: it was saved by an older version of the planner. "
            "Make it again with POST /api/plan, from the request that is saved with it.",
        ) from error


def _csv(made: Plan, battery_id: str | None, form: Form, unit: Unit) -> Response[str]:
    batteries, name = made.batteries, "flight-plan"
    if battery_id is not None:
        battery = _battery(made, battery_id)
        batteries, name = (battery,), f"battery-{battery.number}"
    return Response(
        status_code=HTTPStatus.OK,
        content_type="text/csv",
        body=litchi.write(made, batteries, form=form, unit=unit),
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _kmz(made: Plan, number: int | None, dialect: wpml.DialectName, created_ms: int) -> KmzFiles:
    if dialect == "pilot2" and made.mission.drone.wpml.payload is None:
        raise PlanError("drone", "DJI Pilot 2 flies mavic-3e and m30t; mavic-3e works")
    chosen = made.batteries if number is None else (_battery(made, str(number)),)
    return KmzFiles(
        files=[
            KmzFile(
                battery=battery.number,
                file_name=f"battery-{battery.number}.kmz",
                content_type=KMZ,
                base64=base64.b64encode(wpml.write(made, battery, dialect, created_ms=created_ms)).decode(),
                minutes=round(battery.seconds / 60, 2),
            )
            for battery in chosen
        ],
        settings=list(wpml.DIALECTS[dialect].settings),
    )
