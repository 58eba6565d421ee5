"""The simulated drone, and the readers of its files."""

import io
import math
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from functions.drone_path.formats import wpml
from functions.drone_path.sizing import plan_largest
from local.flight import Airframe, FileError, Route, Waypoint, fly, read_kmz, read_litchi
from local.flight.route import Look
from tests.functions.flight_kit import FLAT, mission

AIRFRAME = Airframe(climb=4.0, descent=3.0)
METRES_PER_DEGREE = 111_320.0


def waypoint(east: float, north: float = 0.0, height: float = 50.0, **changes: object) -> Waypoint:
    """A waypoint near the equator, where a degree is as long in both directions, within some percent."""
    usual = Waypoint(
        latitude=north / 110_574.0,
        longitude=east / METRES_PER_DEGREE,
        height=height,
        reach=0.0,
        speed=5.0,
        interval=0.0,
        heading=0.0,
        pitch=-30.0,
        clockwise=None,
        heading_look=Look.INTERPOLATED,
        pitch_look=Look.KEPT,
    )
    return replace(usual, **changes)


def flown(*waypoints: Waypoint, poi=(0.0, 0.0, 0.0)):
    return fly(Route(waypoints, poi), AIRFRAME)


def test_a_straight_flight_takes_what_physics_says():
    flight = flown(waypoint(0), waypoint(200))
    # Speeding up and slowing down evenly cost one cruise's worth of speed over acceleration.
    along = 200 / 5.0 + 5.0 / AIRFRAME.acceleration
    assert flight.seconds == pytest.approx(along + 50 / AIRFRAME.climb + 50 / AIRFRAME.descent, rel=0.02)


def test_a_steep_climb_is_as_fast_as_the_drone_climbs():
    def on_the_way(flight, last):
        return flight.seconds - 50 / AIRFRAME.climb - last / AIRFRAME.descent

    level, climbing = flown(waypoint(0), waypoint(60)), flown(waypoint(0), waypoint(60, height=170))
    assert on_the_way(climbing, 170) == pytest.approx(120 / AIRFRAME.climb, rel=0.1)
    assert on_the_way(level, 50) < on_the_way(climbing, 170) / 1.8


def test_a_corner_is_cut_within_its_reach_and_slowly():
    sharp = flown(waypoint(0), waypoint(100), waypoint(100, 100))
    cut = flown(waypoint(0), waypoint(100, reach=20.0), waypoint(100, 100))
    corner = np.array([100.0, 0.0, 50.0])
    assert np.linalg.norm(sharp.track - corner, axis=1).min() < 0.6
    nearest = np.linalg.norm(cut.track - corner, axis=1).min()
    assert 5 < nearest < 20
    beside = cut.track[(cut.track[:, 0] < 79) | (cut.track[:, 1] > 21)]
    on_first, on_second = np.abs(beside[:, 1]) < 0.5, np.abs(beside[:, 0] - 100) < 0.5
    assert (on_first | on_second).all()
    # The way is shorter, and nobody stops.
    assert cut.seconds < sharp.seconds - 1


def test_photos_are_taken_on_time_and_only_where_told():
    flight = flown(waypoint(0), waypoint(100, interval=2.0), waypoint(200), waypoint(300))
    places = np.array([photo.place for photo in flight.photos])
    assert ((places[:, 0] >= 99) & (places[:, 0] <= 201)).all()
    assert np.diff(places[:, 0]) == pytest.approx(2.0 * 5.0, abs=0.6)
    assert len(places) == pytest.approx(100 / 10, abs=1)


@pytest.mark.parametrize(("clockwise", "halfway"), [(None, 350.0), (True, 170.0), (False, 350.0)])
def test_the_camera_turns_the_way_that_the_file_says(clockwise, halfway):
    one = waypoint(0, heading=20.0, clockwise=clockwise, interval=1.0)
    flight = flown(one, waypoint(100, heading=320.0))
    middle = min(flight.photos, key=lambda photo: abs(photo.place[0] - 50))
    assert (middle.heading - halfway + 180) % 360 - 180 == pytest.approx(0, abs=8)


def test_the_camera_looks_along_the_path_or_at_the_point_of_interest():
    poi = (100 / 110_574.0, 50 / METRES_PER_DEGREE, 0.0)
    at_poi = {"heading_look": Look.AT_POI, "pitch_look": Look.AT_POI, "interval": 1.0}
    flight = flown(waypoint(0, **at_poi), waypoint(100), poi=poi)
    for photo in flight.photos:
        away = np.array([50.0, 100.0, 0.0]) - photo.place
        assert photo.heading == pytest.approx(math.degrees(math.atan2(away[0], away[1])) % 360, abs=0.5)
        assert photo.pitch == pytest.approx(-math.degrees(math.atan2(50, math.hypot(*away[:2]))), abs=0.5)
    along = flown(waypoint(0, heading_look=Look.ALONG, interval=1.0), waypoint(100, 100))
    assert [photo.heading for photo in along.photos] == pytest.approx([45.0] * len(along.photos), abs=0.5)


LITCHI = """latitude,longitude,altitude(m),heading(deg),curvesize(m),rotationdir,gimbalmode,gimbalpitchangle,\
altitudemode,speed(m/s),poi_latitude,poi_longitude,poi_altitude(m),poi_altitudemode,photo_timeinterval,\
photo_distinterval
1,2,30,90,0,0,1,-30,0,5,1,2,0,0,2.0,-1
1,2.001,30,90,0,1,2,-30,0,5,1,2,0,0,-1,-1"""


def test_litchi_columns_become_what_they_mean():
    route = read_litchi(LITCHI)
    first, last = route.waypoints
    assert (first.interval, last.interval) == (2.0, 0.0)
    assert (first.clockwise, last.clockwise) == (True, False)
    assert (first.pitch_look, last.pitch_look) == (Look.AT_POI, Look.INTERPOLATED)
    feet = read_litchi(LITCHI.replace("(m)", "(ft)")).waypoints[0]
    assert feet.height == pytest.approx(0.3048 * first.height)


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda text: "", "no waypoints"),
        (lambda text: text.replace("altitude(m)", "altitude"), "no column of altitudes"),
        (lambda text: text.replace("speed(m/s)", "pace"), "no column 'speed"),
        (lambda text: text.replace("2.001", "east"), "no number"),
        (lambda text: text.rsplit("\n", 1)[0], "two waypoints"),
        (lambda text: text.replace("-30,0,5", "-30,1,5"), "above the ground below"),
        (lambda text: text.replace("-30,0,5", "-30,0,0"), "no speed"),
    ],
)
def test_a_csv_that_no_app_flies_is_refused(break_it, words):
    with pytest.raises(FileError, match=words):
        read_litchi(break_it(LITCHI))


def kmz(waylines: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("wpmz/waylines.wpml", waylines)
    return content.getvalue()


@pytest.fixture(scope="module")
def waylines() -> str:
    """The planner's own."""
    plan = plan_largest(mission(10), 1, FLAT)
    content = wpml.write(plan, plan.batteries[0], "fly", created_ms=0)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("wpmz/waylines.wpml").decode()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("<wpml:index>3<", "<wpml:index>4<", "without gaps"),
        ("relativeToStartPoint", "WGS84", "relative to the take-off point"),
        ("<wpml:useStraightLine>1<", "<wpml:useStraightLine>0<", "straight legs"),
        ("followWayline", "manually", "heading mode manually"),
        (">multipleTiming<", ">multipleDistance<", "takePhoto at multipleDistance"),
        ("<wpml:actionGroupEndIndex>", "<wpml:actionGroupEndIndex>9", "an action group goes"),
        ("wpml:executeHeight>", "wpml:height>", "executeHeight is missing"),
    ],
)
def test_a_kmz_that_asks_for_more_than_is_known_is_refused(waylines, old, new, words):
    assert read_kmz(kmz(waylines)).waypoints
    assert old in waylines
    with pytest.raises(FileError, match=words):
        read_kmz(kmz(waylines.replace(old, new)))


def test_what_is_no_kmz_is_refused():
    with pytest.raises(FileError, match="no KMZ"):
        read_kmz(b"hello")
    with pytest.raises(FileError, match="no KMZ"):
        read_kmz(kmz("<not closed"))
    with pytest.raises(FileError, match="no Folder"):
        read_kmz(kmz("<kml/>"))
