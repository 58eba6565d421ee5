"""Lambda handler of the flight planner."""

import base64
import uuid
from collections.abc import Callable
from functools import cache, wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

import numpy as np
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.drone_path import answers
from functions.drone_path.coverage import coverage
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
from functions.drone_path.tile_store import SOURCE, TileStore
from functions.drone_path.units import feet
from functions.shared.api import build_api, caller_of, new_router, page_of, parse_body, path_id
from functions.shared.clock import now_ms, now_seconds
from functions.shared.errors import ApiError, bad_request, not_found
from functions.shared.observability import logger, tracer
from functions.shared.settings import load_settings
from functions.shared.stores import Table

Answer = dict[str, Any]
KMZ = "application/vnd.google-earth.kmz"
router = new_router()
_P = ParamSpec("_P")
_T = TypeVar("_T")


@cache
def _api() -> APIGatewayRestResolver:
    return build_api(router, load_settings(Settings).allowed_origins)


@cache
def _flight_paths() -> FlightPathStore:
    settings = load_settings(Settings)
    return FlightPathStore(Table(settings.flight_paths_table), Table(settings.projects_table))


@cache
def _elevation() -> Terrain:
    settings = load_settings(Settings)
    store = TileStore(bucket=settings.ml_bucket, url=settings.terrain_url.rstrip("/"))
    return TileTerrain(store.fetch, source=SOURCE)


def _told(route: Callable[_P, _T]) -> Callable[_P, _T]:
    """Tell a caller what the planner refuses."""

    @wraps(route)
    def telling(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return route(*args, **kwargs)
        except PlanError as error:
            raise bad_request("INVALID_PLAN", str(error)) from error
        except NoTerrainError as error:
            raise bad_request(
                "NO_TERRAIN", "center: there is no elevation data there (open sea); choose a place on land."
            ) from error
        except TerrainError as error:
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "TERRAIN_UNAVAILABLE",
                "The elevation of the ground cannot be had now. Try again later, or ask for a plan over flat "
                'ground with terrain "flat".',
                headers={"Retry-After": "60"},
            ) from error

    return telling


@router.post("/api/optimize-spiral")
@_told
def optimize_spiral() -> Answer:
    """Find the largest spiral for some batteries."""
    request = with_minutes(_request(FlightRequest)).model_copy(update={"r_hold": None})
    return answers.optimized(plan_of(request, _terrain(request.terrain)))


@router.post("/api/elevation")
@_told
def elevation() -> Answer:
    """Say how high a place is."""
    place = _request(ElevationRequest).center
    (height,) = _elevation().heights(np.array([place.latitude]), np.array([place.longitude]))
    return {
        "elevation_feet": round(feet(float(height)), 1),
        "elevation_meters": round(float(height), 1),
        "coordinates": {"lat": place.latitude, "lon": place.longitude},
        "source": _elevation().source,
    }


@router.post("/api/csv")
@_told
def csv() -> Response[str]:
    """Give all batteries as one CSV."""
    request = _request(CsvRequest)
    plan = _plan(request)
    return _csv(request, plan, plan.batteries, "flight-plan.csv")


@router.post("/api/csv/battery/<battery_id>")
@_told
def csv_of_battery(battery_id: str) -> Response[str]:
    """Give one battery as CSV; they count from 1."""
    request = _request(CsvRequest)
    plan = _plan(request)
    battery = _battery(plan, battery_id)
    return _csv(request, plan, (battery,), f"battery-{battery.number}.csv")


@router.post("/api/kmz")
@_told
def kmz() -> Answer:
    """Give one battery or all as KMZ, packed in JSON with what the file cannot carry."""
    request = _request(KmzRequest)
    plan = _plan(request)
    dialect: wpml.DialectName = "pilot2" if request.app == "pilot2" else "fly"
    if dialect == "pilot2" and plan.mission.drone.wpml.payload is None:
        raise PlanError("drone", "DJI Pilot 2 flies mavic-3e and m30t; mavic-3e works")
    chosen = plan.batteries if request.battery is None else (_battery(plan, str(request.battery)),)
    created = now_ms()
    return {
        "files": [
            {
                "battery": battery.number,
                "fileName": f"battery-{battery.number}.kmz",
                "contentType": KMZ,
                "base64": base64.b64encode(wpml.write(plan, battery, dialect, created_ms=created)).decode(),
                "minutes": round(battery.seconds / 60, 2),
            }
            for battery in chosen
        ],
        "settings": list(wpml.DIALECTS[dialect].settings),
    }


@router.post("/api/plan")
@_told
def plan() -> Answer:
    """Make a whole plan; save it where that is asked for."""
    request = _request(PlanRequest)
    made = plan_of(with_minutes(request) if request.r_hold is None else request, _terrain(request.terrain))
    document = answers.document(made)
    answer = {**document, "geojson": maps.geojson(made), "kml": maps.kml(made).decode()}
    if not (request.save or request.project_id):
        return answer
    item = {
        "id": str(uuid.uuid4()),
        "owner": caller_of(router.current_event).sub,
        "createdAt": now_ms(),
        "projectId": request.project_id,
        "title": request.title or None,
        "request": request.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    if not _flight_paths().add(item, document, now_seconds=now_seconds()):
        raise not_found("project")
    logger.info("plan saved", extra={"planId": item["id"]})
    return {"id": item["id"], **answer}


@router.post("/api/preview")
@_told
def show() -> Response[str]:
    """Show a plan as a page."""
    request = with_minutes(_request(FlightRequest))
    terrain = _terrain(request.terrain)
    made = plan_of(request, terrain)
    return Response(
        status_code=HTTPStatus.OK, content_type="text/html", body=preview(made, coverage(made, terrain))
    )


@router.get("/api/plans")
def list_plans() -> Answer:
    """List the caller's saved plans, the newest first."""
    limit, cursor = page_of(router.current_event)
    page = _flight_paths().page(caller_of(router.current_event).sub, limit, cursor)
    return {"plans": page.items, "nextCursor": page.cursor}


@router.get("/api/plans/<plan_id>")
def get_plan(plan_id: str) -> Answer:
    """Show a saved plan."""
    found = _flight_paths().get(path_id(plan_id, "plan"), caller_of(router.current_event).sub)
    if found is None:
        raise not_found("plan")
    return found


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of the flight planner."""
    return _api().resolve(event, context)


_RequestT = TypeVar("_RequestT", FlightRequest, CsvRequest, KmzRequest, PlanRequest, ElevationRequest)


def _request(model: type[_RequestT]) -> _RequestT:
    caller_of(router.current_event)
    return parse_body(router.current_event, model)


def _terrain(choice: TerrainChoice) -> Terrain:
    return FlatTerrain() if choice == "flat" else _elevation()


def _plan(request: FlightRequest) -> Plan:
    return plan_of(request, _terrain(request.terrain), shape_known=True)


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
