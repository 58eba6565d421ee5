"""The files: read back by parsers that share nothing with the writers, and held to the apps' rules."""

import csv
import io
import json
import zipfile
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from functions.drone_path.drones import DRONES
from functions.drone_path.formats import litchi, maps, wpml
from functions.drone_path.geodesy import distances
from functions.drone_path.sizing import plan_largest
from local.flight import read_litchi
from tests.functions.flight_kit import CENTRE, KML, WPML, Hills, mission, read_kmz, text

CREATED = 1_700_000_000_000
SHORT = (
    "latitude,longitude,altitude(ft),heading(deg),curvesize(ft),rotationdir,gimbalmode,gimbalpitchangle,altitudemode,"
    "speed(m/s),poi_latitude,poi_longitude,poi_altitude(ft),poi_altitudemode,photo_timeinterval,photo_distinterval"
)


@pytest.fixture(scope="module", params=["ahead", "center", "both"])
def plan(request):
    """Over hills, with corners, speeds and heights of all kinds."""
    return plan_largest(
        mission(20, look=request.param, drone=DRONES["mavic-3e"]), 3, Hills(CENTRE, 800, 40, 800)
    )


@pytest.fixture(params=[0, 2], ids=["first", "last"])
def battery(request, plan):
    return plan.batteries[request.param]


@pytest.mark.parametrize("form", ["short", "full"])
@pytest.mark.parametrize("unit", ["ft", "m"])
def test_litchi_reads_the_flight_back(plan, battery, form, unit):
    rows = read_litchi(litchi.write(plan, [battery], form=form, unit=unit)).waypoints
    for attribute, values, tolerance in (
        ("latitude", battery.latitudes, 1e-7),
        ("longitude", battery.longitudes, 1e-7),
        ("height", battery.heights, 0.01),
        ("heading", battery.headings, 0),
        ("pitch", battery.pitches, 0),
        ("reach", battery.reaches, 0.1),
        ("speed", battery.speeds, 0.01),
        ("interval", battery.intervals, 0),
    ):
        read = np.array([getattr(row, attribute) for row in rows])
        assert read == pytest.approx(values, abs=tolerance), attribute
    reaches = np.array([row.reach for row in rows])
    assert (reaches <= battery.reaches).all()
    legs = distances(np.array([row.latitude for row in rows]), np.array([row.longitude for row in rows]))
    assert (reaches[:-1] + reaches[1:] < legs).all()


def test_the_short_form_is_laid_out_as_existing_clients_know_it(plan, battery):
    content = litchi.write(plan, [battery])
    assert content.splitlines()[0] == SHORT
    assert "\r" not in content
    assert not content.endswith("\n")
    assert {line.count(",") for line in content.splitlines()} == {15}


def test_the_full_form_has_all_columns_and_no_action(plan, battery):
    content = litchi.write(plan, [battery], form="full", unit="m")
    rows = list(csv.DictReader(io.StringIO(content)))
    names = list(rows[0])
    assert len(names) == 46
    assert [name for name in names if not name.startswith("action")] == SHORT.replace("(ft)", "(m)").split(
        ","
    )
    for row in rows:
        assert {row[f"actiontype{number}"] for number in range(1, 16)} == {"-1"}
        assert row["altitudemode"] == row["poi_altitudemode"] == "0"


def test_the_drone_turns_the_shorter_way(plan, battery):
    rows = list(csv.DictReader(io.StringIO(litchi.write(plan, [battery]))))
    for row, following in pairwise(rows):
        turn = (int(following["heading(deg)"]) - int(row["heading(deg)"])) % 360
        assert turn == 0 or (row["rotationdir"] == "1") == (turn > 180)


def test_all_batteries_stand_one_after_the_other(plan):
    together = litchi.write(plan, plan.batteries).splitlines()
    apart = [litchi.write(plan, [battery]).splitlines() for battery in plan.batteries]
    assert together == [apart[0][0], *(line for lines in apart for line in lines[1:])]


@pytest.fixture(params=sorted(wpml.DIALECTS))
def dialect(request):
    return request.param


@pytest.fixture
def kmz(plan, battery, dialect):
    return wpml.write(plan, battery, dialect, created_ms=CREATED)


ENUMS = {
    "flyToWaylineMode": {"safely", "pointToPoint"},
    "finishAction": {"goHome", "noAction", "autoLand", "gotoFirstWaypoint"},
    "exitOnRCLost": {"goContinue", "executeLostAction"},
    "executeRCLostAction": {"goBack", "landing", "hover"},
    "executeHeightMode": {"WGS84", "relativeToStartPoint", "realTimeFollowSurface"},
    "waypointHeadingMode": {"followWayline", "manually", "fixed", "smoothTransition", "towardPOI"},
    "waypointHeadingPathMode": {"clockwise", "counterClockwise", "followBadArc"},
    "waypointTurnMode": {
        "coordinateTurn",
        "toPointAndStopWithDiscontinuityCurvature",
        "toPointAndStopWithContinuityCurvature",
        "toPointAndPassWithContinuityCurvature",
    },
    "actionTriggerType": {"reachPoint", "betweenAdjacentPoints", "multipleTiming", "multipleDistance"},
    "actionActuatorFunc": {
        *("takePhoto", "startRecord", "stopRecord", "gimbalRotate", "rotateYaw", "hover", "focus", "zoom"),
        *("customDirName", "gimbalEvenlyRotate"),
    },
    "useStraightLine": {"0", "1"},
    "templateType": {"waypoint"},
}
RANGES = {
    "takeOffSecurityHeight": (2, 1500),
    "globalTransitionalSpeed": (0.01, 15),
    "autoFlightSpeed": (0.01, 15),
    "waypointSpeed": (0.01, 15),
    "waypointHeadingAngle": (-180, 180),
    "actionTriggerParam": (0.01, 1000),
    "gimbalPitchRotateAngle": (-90, 0),
}
DRONE_CODES = {60: {0}, 67: {0, 1}, 77: {0, 1, 2}, 89: {0}, 91: {0, 1}, 68: {0}}


def test_a_kmz_has_djis_names_and_is_the_same_each_time(plan, battery, dialect, kmz):
    with zipfile.ZipFile(io.BytesIO(kmz)) as archive:
        assert set(archive.namelist()) == {"wpmz/res/", "wpmz/template.kml", "wpmz/waylines.wpml"}
    assert wpml.write(plan, battery, dialect, created_ms=CREATED) == kmz
    for name in ("wpmz/template.kml", "wpmz/waylines.wpml"):
        assert read_kmz(kmz, name).tag == f"{KML}kml"


@pytest.mark.parametrize("name", ["wpmz/template.kml", "wpmz/waylines.wpml"])
def test_every_value_is_one_that_dji_knows(kmz, name):
    seen = set()
    for element in read_kmz(kmz, name).iter():
        kind = element.tag.removeprefix(WPML)
        if kind in ENUMS:
            assert element.text in ENUMS[kind], kind
            seen.add(kind)
        if kind in RANGES:
            low, high = RANGES[kind]
            assert low <= float(element.text) <= high, kind
            seen.add(kind)
    assert {"flyToWaylineMode", "waypointTurnMode", "actionActuatorFunc", "waypointSpeed"} <= seen


def test_a_lost_signal_brings_the_drone_home_above_the_route(battery, kmz):
    config = read_kmz(kmz).find(f".//{WPML}missionConfig")
    assert text(config, "exitOnRCLost") == "executeLostAction"
    assert text(config, "executeRCLostAction") == "goBack"
    assert float(text(config, "globalRTHHeight")) >= battery.heights.max()
    drone, sub = (
        int(text(config, "droneInfo", "droneEnumValue")),
        int(text(config, "droneInfo", "droneSubEnumValue")),
    )
    assert sub in DRONE_CODES[drone]


def test_each_app_gets_its_dialect(plan, battery):
    fly = read_kmz(wpml.write(plan, battery, "fly", created_ms=CREATED))
    pilot = read_kmz(wpml.write(plan, battery, "pilot2", created_ms=CREATED))
    assert fly.find(f".//{WPML}payloadInfo") is None
    assert text(pilot.find(f".//{WPML}payloadInfo"), "payloadEnumValue") == "66"
    assert text(fly.find(f".//{WPML}droneInfo"), "droneEnumValue") == "68"
    assert text(pilot.find(f".//{WPML}droneInfo"), "droneEnumValue") == "77"
    modes = [{one.text for one in root.iter(f"{WPML}actionGroupMode")} for root in (fly, pilot)]
    assert modes == [{"parallel"}, {"sequence"}]


@pytest.mark.parametrize(
    ("name", "height"), [("wpmz/template.kml", "height"), ("wpmz/waylines.wpml", "executeHeight")]
)
def test_dji_reads_the_flight_back(battery, kmz, name, height):
    marks = read_kmz(kmz, name).findall(f".//{KML}Placemark")
    assert [int(text(mark, "index")) for mark in marks] == list(range(len(battery.heights)))
    places = [mark.find(f"{KML}Point/{KML}coordinates").text.split(",") for mark in marks]
    assert {len(place) for place in places} == {2}
    read = np.array(places, float)
    assert read[:, 0] == pytest.approx(battery.longitudes, abs=1e-7)
    assert read[:, 1] == pytest.approx(battery.latitudes, abs=1e-7)
    assert [float(text(mark, height)) for mark in marks] == pytest.approx(list(battery.heights), abs=0.01)
    assert [float(text(mark, "waypointSpeed")) for mark in marks] == pytest.approx(
        list(battery.speeds), abs=0.01
    )


def test_corners_are_cut_by_djis_rule(battery, kmz):
    legs = distances(battery.latitudes, battery.longitudes)
    marks = read_kmz(kmz).findall(f".//{KML}Placemark")
    reaches = np.array([float(text(mark, "waypointTurnParam", "waypointTurnDampingDist")) for mark in marks])
    assert (reaches[:-1] + reaches[1:] < legs).all()
    assert reaches == pytest.approx(battery.reaches, abs=0.11)
    for reach, mark in zip(reaches, marks, strict=True):
        mode = text(mark, "waypointTurnParam", "waypointTurnMode")
        passes = mode == "toPointAndPassWithContinuityCurvature"
        assert passes == (reach > 0)
        assert text(mark, "useStraightLine") == "1"


@pytest.mark.parametrize("name", ["wpmz/template.kml", "wpmz/waylines.wpml"])
def test_actions_are_numbered_without_gaps_and_lie_on_the_route(battery, kmz, name):
    groups = list(read_kmz(kmz, name).iter(f"{WPML}actionGroup"))
    assert [int(text(group, "actionGroupId")) for group in groups] == list(range(len(groups)))
    for group in groups:
        start, end = int(text(group, "actionGroupStartIndex")), int(text(group, "actionGroupEndIndex"))
        assert 0 <= start <= end < len(battery.heights)
        rotates = text(group, "action", "actionActuatorFunc") == "gimbalEvenlyRotate"
        between = text(group, "actionTrigger", "actionTriggerType") == "betweenAdjacentPoints"
        assert rotates == between


def test_photos_are_taken_on_the_legs_that_the_plan_says(battery, kmz):
    taken = np.zeros(len(battery.heights))
    for group in read_kmz(kmz).iter(f"{WPML}actionGroup"):
        if text(group, "actionTrigger", "actionTriggerType") == "multipleTiming":
            start, end = int(text(group, "actionGroupStartIndex")), int(text(group, "actionGroupEndIndex"))
            assert (taken[start:end] == 0).all()
            taken[start:end] = float(text(group, "actionTrigger", "actionTriggerParam"))
    assert taken == pytest.approx(battery.intervals)


def test_the_gimbal_is_turned_to_every_pitch(battery, kmz):
    pitch = {}
    for group in read_kmz(kmz).iter(f"{WPML}actionGroup"):
        turned = group.find(f".//{WPML}gimbalPitchRotateAngle")
        if turned is not None:
            pitch[int(text(group, "actionGroupEndIndex"))] = int(turned.text)
    current = None
    for index, wanted in enumerate(battery.pitches):
        current = pitch.get(index, current)
        assert current == wanted


def test_maps_show_every_battery(plan):
    collection = json.loads(json.dumps(maps.geojson(plan)))
    lines = [one for one in collection["features"] if one["geometry"]["type"] == "LineString"]
    assert len(lines) == len(plan.batteries)
    for line, battery in zip(lines, plan.batteries, strict=True):
        places = np.array(line["geometry"]["coordinates"])
        assert places[:, 0] == pytest.approx(battery.longitudes, abs=1e-7)
        assert places[:, 1] == pytest.approx(battery.latitudes, abs=1e-7)
        assert places[:, 2] == pytest.approx(battery.heights + plan.takeoff_ground, abs=0.01)
    points = [one for one in collection["features"] if one["geometry"]["type"] == "Point"]
    assert len(points) == sum(len(battery.heights) for battery in plan.batteries)


def test_kml_has_the_same_lines(plan):
    root = ET.fromstring(maps.kml(plan))  # noqa: S314 -- our own file
    for line, battery in zip(root.iter(f"{KML}LineString"), plan.batteries, strict=True):
        assert line.find(f"{KML}altitudeMode").text == "absolute"
        places = np.array([place.split(",") for place in line.find(f"{KML}coordinates").text.split()], float)
        assert places[:, 1] == pytest.approx(battery.latitudes, abs=1e-7)
        assert places[:, 2] == pytest.approx(battery.heights + plan.takeoff_ground, abs=0.01)


def test_what_a_file_cannot_carry_is_said():
    assert any("Heading Mode" in line for line in litchi.SETTINGS)
    assert any("Path Mode" in line for line in litchi.SETTINGS)
    assert any("by hand" in line for line in wpml.DIALECTS["fly"].settings)
