"""The flight planner's API over real S3 and DynamoDB calls, and an elevation source on this machine."""

import base64
import re
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from functions.drone_path import handler as module
from functions.drone_path.handler import handler
from functions.projects.handler import handler as projects
from functions.shared.settings import load_settings
from local.flight import read_litchi
from tests.functions.flight_kit import KML, hgt, read_kmz

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud", "elevations")]

CENTER = "41.7, -111.8"
SIDE = 1201
FLIGHT_ROUTES = (
    "/api/optimize-spiral",
    "/api/csv",
    "/api/csv/battery/1",
    "/api/kmz",
    "/api/plan",
    "/api/preview",
)


class Source:
    """What the elevation source has and was asked for."""

    def __init__(self) -> None:
        self.tiles: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.status = 200

    def slope(self, name: str) -> None:
        """Serve ground that rises by 100 m per degree to the north, from 1500 m."""
        rows = 1600 - 100 * np.arange(SIDE)[:, None] / (SIDE - 1)
        self.tiles[f"/{name[:3]}/{name}.hgt.gz"] = hgt(np.rint(np.broadcast_to(rows, (SIDE, SIDE))))


@pytest.fixture
def source() -> Iterator[Source]:
    """Serve tiles over HTTP."""
    state = Source()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.asked.append(self.path)
            found = state.tiles.get(self.path)
            self.send_response(state.status if found or state.status != 200 else 404)
            content = found if found and state.status == 200 else b""
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    state.slope("N41W112")
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def elevations(source, cloud, monkeypatch):
    """A function that starts anew, with an empty store of tiles."""
    monkeypatch.setenv("TERRAIN_URL", source.url)
    _forget()
    s3 = cloud.client("s3")
    for entry in s3.list_objects_v2(Bucket="test-ml", Prefix="terrain/").get("Contents", []):
        s3.delete_object(Bucket="test-ml", Key=entry["Key"])
    yield
    _forget()


def _forget():
    load_settings.cache_clear()
    module._elevation.cache_clear()


@pytest.fixture
def ask(call, user):
    """Give a function that posts to the planner."""

    def post(path, **fields: object):
        return call(handler, "POST", path, {"center": CENTER, **fields}, user=user)

    return post


def test_the_optimizer_answers_what_clients_know(ask):
    answer = ask("/api/optimize-spiral", batteryMinutes=20, batteries=3)
    assert answer.status == 200, answer.body
    params = answer.body["optimized_params"]
    assert set(params) == {"slices", "N", "r0", "rHold", "estimated_time_minutes", "battery_utilization"}
    assert params["slices"] == 3
    assert params["r0"] < params["rHold"]
    assert params["battery_utilization"] == pytest.approx(
        params["estimated_time_minutes"] / 20 * 100, abs=0.1
    )
    info = answer.body["optimization_info"]
    assert {"algorithm", "pattern_type", "bounce_scaling_reason", "safety_margin"} <= set(info)
    assert info["limited_by"] == ["battery"]
    assert params["estimated_time_minutes"] <= info["usable_minutes"] < 20


def test_a_usual_battery_is_assumed(ask):
    assert (
        ask("/api/optimize-spiral").body
        == ask("/api/optimize-spiral", batteryMinutes="20", batteries="").body
    )


def test_elevation_is_that_of_the_source(ask, source):
    answer = ask("/api/elevation")
    assert answer.body["elevation_meters"] == pytest.approx(1570, abs=0.1)
    assert answer.body["elevation_feet"] == pytest.approx(1570 / 0.3048, abs=0.5)
    assert answer.body["coordinates"] == {"lat": 41.7, "lon": -111.8}
    assert source.asked == ["/N41/N41W112.hgt.gz"]


def test_a_tile_is_fetched_once_and_kept(ask, source, cloud):
    for path in FLIGHT_ROUTES:
        assert ask(path).status == 200
    _forget()
    assert ask("/api/elevation").status == 200
    assert source.asked == ["/N41/N41W112.hgt.gz"]
    kept = cloud.client("s3").get_object(Bucket="test-ml", Key="terrain/skadi/N41W112.hgt.gz")
    assert kept["Body"].read() == source.tiles["/N41/N41W112.hgt.gz"]


@pytest.mark.parametrize("status", [403, 500, 503])
def test_a_failing_source_is_an_error_and_never_a_guess(ask, source, status):
    source.status = status
    for path in (*FLIGHT_ROUTES, "/api/elevation"):
        answer = ask(path)
        assert (answer.status, answer.body["code"]) == (503, "TERRAIN_UNAVAILABLE"), path
        assert "flat" in answer.body["error"]
    source.status = 200
    assert ask("/api/plan").status == 200


def test_a_source_that_is_away_is_an_error_too(ask, monkeypatch):
    monkeypatch.setenv("TERRAIN_URL", "http://127.0.0.1:9")
    _forget()
    assert ask("/api/plan").body["code"] == "TERRAIN_UNAVAILABLE"


def test_open_sea_is_named(ask):
    answer = ask("/api/plan", center="10, -30")
    assert (answer.status, answer.body["code"]) == (400, "NO_TERRAIN")
    assert "sea" in answer.body["error"]


def test_flat_ground_is_planned_on_request_and_said_so(ask, source):
    source.status = 500
    answer = ask("/api/plan", terrain="flat")
    assert answer.status == 200
    assert "no elevation data" in answer.body["terrain"]
    assert source.asked == []


def test_heights_follow_the_ground(ask):
    answer = ask("/api/plan", takeoff="41.695, -111.8", batteryMinutes=25)
    home = answer.body["takeoff"]["groundMeters"]
    assert home == pytest.approx(1569.5, abs=0.6)
    for battery in answer.body["batteries"]:
        for waypoint in battery["waypoints"]:
            ground = 1500 + 100 * (waypoint["lat"] - 41) - home
            assert waypoint["heightMeters"] - waypoint["aboveGroundMeters"] == pytest.approx(ground, abs=0.7)
        assert battery["lowestAboveGroundMeters"] >= answer.body["minClearanceMeters"]
        assert battery["highestAboveGroundMeters"] <= answer.body["maxHeightMeters"]


def test_csv_is_a_file_to_save(ask):
    optimized = ask("/api/optimize-spiral").body["optimized_params"]
    whole = ask("/api/csv", **optimized, minHeight="", maxHeight="", elevationFeet=5150)
    assert whole.status == 200
    assert whole.header("Content-Type") == "text/csv"
    assert whole.header("Content-Disposition") == 'attachment; filename="flight-plan.csv"'
    parts = [ask(f"/api/csv/battery/{number}", **optimized) for number in (1, 2, 3)]
    assert [part.header("Content-Disposition") for part in parts] == [
        f'attachment; filename="battery-{number}.csv"' for number in (1, 2, 3)
    ]
    rows = [line for part in parts for line in part.body.splitlines()[1:]]
    assert whole.body.splitlines()[1:] == rows


def test_the_full_csv_has_more_columns_of_the_same_flight(ask):
    short, full = ask("/api/csv/battery/2"), ask("/api/csv/battery/2", form="full", unit="m")
    assert len(full.body.splitlines()[0].split(",")) == 46
    for one, other in zip(read_litchi(short.body).waypoints, read_litchi(full.body).waypoints, strict=True):
        assert one.height == pytest.approx(other.height, abs=0.01)


@pytest.mark.parametrize("number", ["0", "4", "-1", "x", "1.5", "99999999999"])
def test_a_battery_that_is_not_there_is_named(ask, number):
    answer = ask(f"/api/csv/battery/{number}")
    assert answer.status == 400
    assert "from 1 to 3" in answer.body["error"]


def test_kmz_comes_with_what_it_cannot_carry(ask):
    answer = ask("/api/kmz")
    assert answer.status == 200
    assert [file["battery"] for file in answer.body["files"]] == [1, 2, 3]
    csv = read_litchi(ask("/api/csv/battery/2").body).waypoints
    root = read_kmz(base64.b64decode(answer.body["files"][1]["base64"]))
    assert len(root.findall(f".//{KML}Placemark")) == len(csv)
    assert any("by hand" in line for line in answer.body["settings"])
    (one,) = ask("/api/kmz", battery=2, app="pilot2", drone="mavic-3e").body["files"]
    assert one["fileName"] == "battery-2.kmz"


def test_pilot_2_flies_its_own_drones_only(ask):
    answer = ask("/api/kmz", app="pilot2", drone="mini-4-pro")
    assert (answer.status, answer.body["code"]) == (400, "INVALID_PLAN")
    assert "mavic-3e" in answer.body["error"]


def test_a_plan_has_maps_files_settings_and_times(ask):
    body = ask("/api/plan").body
    assert body["id"] is None
    assert len(body["batteries"]) == 3
    assert body["geojson"]["type"] == "FeatureCollection"
    assert body["kml"].startswith("<?xml")
    assert set(body["settings"]) == {"litchi", "fly", "pilot2"}
    for battery in body["batteries"]:
        assert len(battery["legSeconds"]) == len(battery["waypoints"]) - 1
        assert sum(battery["legSeconds"]) / 60 < battery["minutes"]


def test_the_preview_is_a_page_that_holds_all_it_shows(ask):
    answer = ask("/api/preview")
    assert answer.header("Content-Type") == "text/html"
    assert answer.body.count("<svg") == 3
    loaded = re.findall(r"(?:href|src)=\"([^\"]*)\"", answer.body)
    assert loaded
    assert all(address.startswith("data:") for address in loaded)
    assert "<script" not in answer.body


def test_a_saved_plan_is_read_as_it_was_made(ask, call, user):
    made = ask("/api/plan", save=True, title="Barn").body
    found = call(handler, "GET", f"/api/plans/{made['id']}", user=user)
    assert found.status == 200
    assert found.body["plan"] == {
        name: value for name, value in made.items() if name not in ("id", "geojson", "kml")
    }
    assert found.body["title"] == "Barn"
    assert found.body["request"]["center"] == {"latitude": 41.7, "longitude": -111.8}
    listed = call(handler, "GET", "/api/plans", user=user).body
    assert [plan["id"] for plan in listed["plans"]] == [made["id"]]
    assert not {"plan", "document"} & set(listed["plans"][0])


def test_plans_are_listed_newest_first_in_pages(ask, call, user):
    ids = [ask("/api/plan", save=True).body["id"] for _ in range(3)]
    first = call(handler, "GET", "/api/plans", user=user, query={"limit": "2"}).body
    rest = call(handler, "GET", "/api/plans", user=user, query={"cursor": first["nextCursor"]}).body
    assert [plan["id"] for plan in first["plans"] + rest["plans"]] == ids[::-1]


def test_a_plan_is_linked_to_its_project(ask, call, user):
    project = call(projects, "POST", "/projects", {"title": "Barn"}, user=user).body["project"]
    made = ask("/api/plan", projectId=project["projectId"]).body
    after = call(projects, "GET", f"/projects/{project['projectId']}", user=user).body["project"]
    assert after["flightPlanId"] == made["id"]
    assert after["version"] == project["version"] + 1
    found = call(handler, "GET", f"/api/plans/{made['id']}", user=user).body
    assert found["projectId"] == project["projectId"]


def test_a_plan_for_nobodys_project_is_not_saved(ask, call, user):
    others = call(projects, "POST", "/projects", {"title": "x"}, user=str(uuid.uuid4())).body["project"]
    for project in (others["projectId"], str(uuid.uuid4())):
        assert ask("/api/plan", projectId=project).status == 404
    assert call(handler, "GET", "/api/plans", user=user).body["plans"] == []


def test_every_route_hides_another_persons_plan(ask, call):
    made = ask("/api/plan", save=True).body
    other = str(uuid.uuid4())
    assert call(handler, "GET", f"/api/plans/{made['id']}", user=other).status == 404
    assert call(handler, "GET", "/api/plans", user=other).body["plans"] == []


@pytest.mark.parametrize("path", FLIGHT_ROUTES)
def test_what_is_wrong_is_named(ask, path):
    for fields, field in (
        ({"center": ""}, "center"),
        ({"minHeight": "120 ft"}, "minHeight"),
        ({"maxHeight": 500}, "maxHeight"),
    ):
        answer = ask(path, **fields)
        assert answer.status == 400
        assert answer.body["error"].startswith(f"{field}: ")


def test_not_a_number_is_refused(call, user):
    answer = call(handler, "POST", "/api/plan", f'{{"center": "{CENTER}", "batteryMinutes": NaN}}', user=user)
    assert (answer.status, answer.body["code"]) == (400, "INVALID_JSON")
