"""Lambda handler of the flight planner."""

import base64
import uuid
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import Annotated, TypeVar

import numpy as np
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path

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
from functions.drone_path.logic import plan_of, with_minutes
from functions.drone_path.models import (
    CsvRequest,
    ElevationRequest,
    FlightRequest,
    KmzRequest,
    PlanRequest,
    TerrainChoice,
)
from functions.drone_path.plan import BatteryPlan, Plan
from functions.drone_path.preview import preview
from functions.drone_path.settings import Settings
from functions.drone_path.store import FlightPathStore
from functions.drone_path.terrain.provider import FlatTerrain, Terrain
from functions.drone_path.terrain.tiles import TileTerrain
from functions.drone_path.units import feet
from functions.shared.answers import as_text
from functions.shared.api import MAX_PAGE, PageCursor, PageLimit, PathId, SignedIn, api_handler, new_router
from functions.shared.clock import now_ms, now_seconds
from functions.shared.errors import ApiError, bad_request, not_found
from functions.shared.observability import logger
from functions.shared.settings import load_settings
from functions.shared.stores import Table

KMZ = "application/vnd.google-earth.kmz"
router = new_router()
Made = TypeVar("Made")
BatteryId = Annotated[str, Path(description="Number of the battery, from 1.")]


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
        f"center: {error}; choose a place on land, or a smaller maxRadius where the flight leaves it.",
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
    return _csv(request, plan, plan.batteries, "flight-plan.csv")


@router.post(
    "/api/csv/battery/<battery_id>", responses=as_text("text/csv", "One battery's flight as Litchi's CSV.")
)
def csv_of_battery(
    battery_id: BatteryId, request: Annotated[CsvRequest, Body()], _caller: SignedIn
) -> Response[str]:
    """Give one battery as CSV; they count from 1."""
    plan = _plan(request)
    battery = _battery(plan, battery_id)
    return _csv(request, plan, (battery,), f"battery-{battery.number}.csv")


@router.post("/api/kmz")
def kmz(request: Annotated[KmzRequest, Body()], _caller: SignedIn) -> KmzFiles:
    """Give one battery or all as KMZ, packed in JSON with what the file cannot carry."""
    plan = _plan(request)
    dialect: wpml.DialectName = "pilot2" if request.app == "pilot2" else "fly"
    if dialect == "pilot2" and plan.mission.drone.wpml.payload is None:
        raise PlanError("drone", "DJI Pilot 2 flies mavic-3e and m30t; mavic-3e works")
    chosen = plan.batteries if request.battery is None else (_battery(plan, str(request.battery)),)
    created = now_ms()
    return KmzFiles(
        files=[
            KmzFile(
                battery=battery.number,
                file_name=f"battery-{battery.number}.kmz",
                content_type=KMZ,
                base64=base64.b64encode(wpml.write(plan, battery, dialect, created_ms=created)).decode(),
                minutes=round(battery.seconds / 60, 2),
            )
            for battery in chosen
        ],
        settings=list(wpml.DIALECTS[dialect].settings),
    )


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
    if not _flight_paths().add(item, document, now_seconds=now_seconds()):
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
    found = _flight_paths().get(plan_id, caller.sub)
    if found is None:
        raise not_found("plan")
    return SavedPlan.model_validate(found)


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


def _csv(
    request: CsvRequest, made: Plan, batteries: tuple[BatteryPlan, ...], file_name: str
) -> Response[str]:
    return Response(
        status_code=HTTPStatus.OK,
        content_type="text/csv",
        body=litchi.write(made, batteries, form=request.form, unit=request.unit),
        headers={"Content-Disposition": f'attachment; filename="{file_name}"'},
    )
