"""The flight planner's API over real S3 and DynamoDB calls, and an elevation source on this machine."""

import base64
import re
import threading
import uuid
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from pyproj import Transformer
from rasterio import Affine

from functions.drone_path import handler as module
from functions.drone_path.handler import handler
from functions.projects.handler import handler as projects
from functions.shared.settings import load_settings
from local.flight import read_litchi
from tests.functions.flight_kit import KML, hgt, read_kmz
from tests.functions.terrain_kit import copernicus, geotiff

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


def slope(latitudes, _longitudes):
    """Ground that rises by 100 m per degree to the north."""
    return 1500 + 100 * (latitudes - 41)


COPERNICUS = "/{0}/{0}.tif".format("Copernicus_DSM_COG_10_N41_00_W112_00_DEM")
SKADI = "/N41/N41W112.hgt.gz"


class Source:
    """What the elevation source has and was asked for."""

    def __init__(self) -> None:
        rows = np.rint(slope(np.linspace(42, 41, SIDE), None))
        self.tiles = {
            COPERNICUS: copernicus(41, -112, slope),
            SKADI: hgt(np.broadcast_to(rows[:, None], (SIDE, SIDE))),
        }
        self.asked: list[str] = []
        self.status = 200


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
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def elevations(source, cloud, monkeypatch):
    """A function that starts anew, with an empty store of tiles."""
    monkeypatch.setenv("TERRAIN_URL", source.url)
    _forget()
    empty(cloud, "terrain/")
    yield
    _forget()


def empty(cloud, prefix):
    """Take away what is kept."""
    s3 = cloud.client("s3")
    for entry in s3.list_objects_v2(Bucket="test-ml", Prefix=prefix).get("Contents", []):
        s3.delete_object(Bucket="test-ml", Key=entry["Key"])


def _forget():
    load_settings.cache_clear()
    module._grounds.cache_clear()


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
    assert source.asked == [COPERNICUS]


@pytest.mark.parametrize(
    ("name", "path", "key"),
    [
        ("copernicus", COPERNICUS, "terrain/copernicus/N41W112.tif"),
        ("skadi", SKADI, "terrain/skadi/N41W112.hgt.gz"),
    ],
)
def test_a_tile_is_fetched_once_and_kept(ask, source, cloud, monkeypatch, name, path, key):
    monkeypatch.setenv("TERRAIN_SOURCE", name)
    _forget()
    for route in FLIGHT_ROUTES:
        assert ask(route).status == 200
    _forget()
    answer = ask("/api/plan").body
    assert answer["takeoff"]["groundMeters"] == pytest.approx(1570, abs=0.5)
    assert name.title() in answer["terrain"] or "AWS" in answer["terrain"]
    assert source.asked == [path]
    kept = cloud.client("s3").get_object(Bucket="test-ml", Key=key)
    assert kept["Body"].read() == source.tiles[path]


def test_what_is_no_tile_is_not_kept(ask, source, cloud):
    source.tiles[COPERNICUS] = b"<html>maintenance</html>"
    assert ask("/api/plan").body["code"] == "TERRAIN_UNAVAILABLE"
    assert "Contents" not in cloud.client("s3").list_objects_v2(Bucket="test-ml", Prefix="terrain/")


@pytest.fixture
def survey(cloud, monkeypatch):
    """A file of the installation's own: a ridge of 30 m, 2 km around the centre, in metres."""

    def put(half_width: float, name: str = "barn.tif", **profile: object) -> None:
        to_map = Transformer.from_crs("EPSG:4326", "EPSG:32612", always_xy=True)
        east, north = to_map.transform(-111.8, 41.7)
        side = int(2 * half_width / 10)
        ridge = 1600 + 30 * np.exp(-(((np.arange(side) + 0.5) * 10 - half_width) ** 2) / 1e5)
        corner = Affine(10, 0, east - half_width, 0, -10, north + half_width)
        content = geotiff(np.broadcast_to(ridge, (side, side)), corner, crs="EPSG:32612", **profile)
        cloud.client("s3").put_object(Bucket="test-ml", Key=f"terrain/own/{name}", Body=content)
        monkeypatch.setenv("TERRAIN_FILE", name)
        _forget()

    return put


def test_a_file_of_the_installations_own_is_used_where_it_covers_the_plan(ask, source, survey):
    survey(2000.0)
    answer = ask("/api/plan").body
    assert "barn.tif" in answer["terrain"]
    assert answer["takeoff"]["groundMeters"] == pytest.approx(1630, abs=0.5)
    for battery in answer["batteries"]:
        assert battery["lowestAboveGroundMeters"] >= answer["minClearanceMeters"]
    for route in FLIGHT_ROUTES:
        assert ask(route).status == 200
    assert ask("/api/elevation").body["elevation_meters"] == pytest.approx(1630, abs=0.5)
    assert source.asked == []


def test_where_it_does_not_the_whole_plan_is_of_the_usual_source(ask, survey):
    survey(300.0)
    answer = ask("/api/plan").body
    assert "Copernicus" in answer["terrain"]
    assert answer["takeoff"]["groundMeters"] == pytest.approx(1570, abs=0.5)
    small = ask("/api/plan", maxRadius=800).body
    assert "barn.tif" in small["terrain"]
    assert "Copernicus" in ask("/api/elevation", center="41.8, -111.8").body["source"]


def test_a_file_that_is_missing_or_damaged_is_an_error(ask, survey, cloud):
    survey(300.0, nodata=1600.0)
    cloud.client("s3").put_object(Bucket="test-ml", Key="terrain/own/barn.tif", Body=b"MM")
    assert ask("/api/plan").body["code"] == "TERRAIN_UNAVAILABLE"
    empty(cloud, "terrain/own/")
    assert ask("/api/plan").body["code"] == "TERRAIN_UNAVAILABLE"
    assert ask("/api/plan", terrain="flat").status == 200


@pytest.mark.parametrize("status", [401, 429, 500, 503])
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


@pytest.mark.parametrize("status", [200, 403], ids=["not found", "forbidden, as without a right to list"])
def test_open_sea_is_named(ask, source, status):
    source.status = status
    for path in (*FLIGHT_ROUTES, "/api/elevation"):
        answer = ask(path, center="10, -30")
        assert (answer.status, answer.body["code"]) == (400, "NO_TERRAIN")
        assert answer.body["error"].startswith("center: ")
        assert "sea" in answer.body["error"]
        assert '"flat"' in answer.body["error"]


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
    assert not {"plan", "document", "record"} & set(listed["plans"][0])


FLIGHT = {
    "minHeight": 140,
    "look": "both",
    "takeoff": "41.701, -111.8",
    "batteryMinutes": 18,
    "drone": "mavic-3e",
}


@pytest.fixture
def kept(ask, call, user, source, monkeypatch):
    """A saved plan, the files of its shape at that time, and how to ask for the saved one's."""
    monkeypatch.setattr(module, "now_ms", lambda: 1_800_000_000_000)
    made = ask("/api/plan", save=True, **FLIGHT).body
    shape = {name: made["optimized_params"][name] for name in ("slices", "N")}
    exact = {"r0": made["optimized_params"]["r0"], "rHold": made["optimized_params"]["rHold"]}
    again = ask("/api/plan", save=True, **FLIGHT, **shape, **exact).body
    flown = {**FLIGHT, **shape, **exact}
    files = {
        "csv": ask("/api/csv", **flown),
        "csv?form=full&unit=m": ask("/api/csv", **flown, form="full", unit="m"),
        "csv/battery/2": ask("/api/csv/battery/2", **flown),
        "csv/battery/3?form=full": ask("/api/csv/battery/3", **flown, form="full"),
        "kmz": ask("/api/kmz", **flown),
        "kmz?app=pilot2&battery=2": ask("/api/kmz", **flown, app="pilot2", battery=2),
    }
    assert {answer.status for answer in files.values()} == {200}

    def get(path, *, of=again["id"], by=user):
        place, _, query = path.partition("?")
        fields = dict(pair.split("=") for pair in query.split("&")) if query else None
        return call(handler, "GET", f"/api/plans/{of}/{place}", user=by, query=fields)

    return again, files, get


def test_files_of_a_saved_plan_are_those_of_its_day_to_the_last_byte(kept, source):
    _, files, get = kept
    # Another ground than then, and none to be had.
    source.status = 500
    _forget()
    for path, then in files.items():
        now = get(path)
        assert now.status == 200, now.body
        assert now.body == then.body, path
        for header in ("Content-Type", "Content-Disposition"):
            assert now.header(header) == then.header(header)


def test_wrong_words_for_a_saved_plans_files_are_named(kept, ask):
    _, _, get = kept
    for path, word in (
        ("csv?form=long", "form"),
        ("csv?unit=miles", "unit"),
        ("csv/battery/4", "battery"),
        ("csv/battery/x", "battery"),
        ("kmz?app=litchi", "app"),
        ("kmz?battery=0", "battery"),
        ("kmz?battery=4", "battery"),
    ):
        answer = get(path)
        assert answer.status == 400, path
        assert answer.body["error"].startswith(f"{word}: "), answer.body
    generic = ask("/api/plan", save=True).body["id"]
    assert get("kmz?app=pilot2", of=generic).body["error"].startswith("drone: ")


def test_files_of_a_plan_that_an_older_planner_saved_are_refused_with_what_to_do(kept, cloud):
    plan, _, get = kept
    table = cloud.client("dynamodb")
    key = {"id": {"S": plan["id"]}}
    for change in ("REMOVE #record", "SET #record = :older"):
        table.update_item(
            TableName="flight-paths",
            Key=key,
            UpdateExpression=change,
            ExpressionAttributeNames={"#record": "record"},
            **(
                {"ExpressionAttributeValues": {":older": {"B": zlib.compress(b'{"batteries": []}')}}}
                if "SET" in change
                else {}
            ),
        )
        for path in ("csv", "csv/battery/1", "kmz"):
            answer = get(path)
            assert (answer.status, answer.body["code"]) == (409, "PLAN_TOO_OLD")
            assert "POST /api/plan" in answer.body["error"]


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
    for file in ("", "/csv", "/csv/battery/1", "/kmz"):
        assert call(handler, "GET", f"/api/plans/{made['id']}{file}", user=other).status == 404
    assert call(handler, "GET", "/api/plans", user=other).body["plans"] == []


@pytest.mark.parametrize("path", FLIGHT_ROUTES)
def test_what_is_wrong_is_named(ask, path):
    for field, value, works in (
        ("center", "", "41.7, -111.8"),
        ("center", "91, 0", "90, 0"),
        ("batteries", 0, "1"),
        ("batteryMinutes", 24 * 60, "60"),
        ("minHeight", "120 ft", "120"),
        ("minHeight", 395, "393"),
        ("maxHeight", 500, "400"),
        ("takeoff", "41.745, -111.8", "41.71800, -111.80000"),
        ("drone", "mini-4", "mini-4-pro"),
    ):
        answer = ask(path, **{field: value})
        assert answer.status == 400
        assert answer.body["error"].startswith(f"{field}: ")
        assert works in answer.body["error"]


def test_not_a_number_is_refused(call, user):
    answer = call(handler, "POST", "/api/plan", f'{{"center": "{CENTER}", "batteryMinutes": NaN}}', user=user)
    assert (answer.status, answer.body["code"]) == (400, "INVALID_JSON")
    assert answer.body["error"].startswith("batteryMinutes: ")
    assert "NaN" in answer.body["error"]
