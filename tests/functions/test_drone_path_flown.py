"""The planner's files, flown by a simulated drone that shares no code with it: time, clearance, overlap."""

import math

import numpy as np
import pytest

from functions.drone_path.drones import DRONES
from functions.drone_path.formats import litchi, wpml
from functions.drone_path.geodesy import LocalPlane, Position
from functions.drone_path.sizing import plan_largest
from functions.drone_path.timing import GROUND_SECONDS
from local.flight import Airframe, fly, read_kmz, read_litchi
from tests.functions.flight_kit import CENTRE, Hills, mission

TERRAIN = Hills(CENTRE, 1200, 30, 1200)
DRONE = DRONES["mavic-3e"]
BESIDE = 1.0
"""Metres; its corners are other curves than the planner's, on slopes of some percent."""
LOOKS = [("both", 1), ("both", 3), ("ahead", 1), ("center", 3)]


@pytest.fixture(scope="module", params=LOOKS, ids=lambda value: f"{value[0]}-{value[1]}")
def plan(request):
    look, slices = request.param
    return plan_largest(
        mission(20, look=look, drone=DRONE, takeoff=Position(41.701, -111.801)), slices, TERRAIN
    )


@pytest.fixture(scope="module", params=["litchi", *sorted(wpml.DIALECTS)])
def flights(request, plan):
    """What a drone made of every battery's file."""

    def route(battery):
        if request.param == "litchi":
            return read_litchi(litchi.write(plan, [battery]))
        return read_kmz(wpml.write(plan, battery, request.param, created_ms=0))

    airframe = Airframe(DRONE.climb, DRONE.descent)
    return [(battery, fly(route(battery), airframe)) for battery in plan.batteries]


def above_ground(plan, places):
    """Give heights above the ground (n) of places (n, 3) that count from the take-off point."""
    latitudes, longitudes = LocalPlane(plan.mission.takeoff).to_world(places[:, :2])
    return places[:, 2] + plan.takeoff_ground - TERRAIN.heights(latitudes, longitudes)


def test_it_takes_the_time_that_the_plan_says(flights):
    for battery, flight in flights:
        assert flight.seconds + GROUND_SECONDS == pytest.approx(battery.seconds, rel=0.04)


def test_it_comes_home(flights):
    for _, flight in flights:
        assert math.dist(flight.track[0][:2], flight.track[-1][:2]) < 0.1


def test_it_stays_within_clearance_and_cap(plan, flights):
    for _, flight in flights:
        clear = above_ground(plan, flight.track)
        assert clear.min() >= plan.mission.limits.clearance - BESIDE
        assert clear.max() <= plan.mission.limits.cap + BESIDE


def test_its_photos_overlap_as_wanted(plan, flights):
    for battery, flight in flights:
        assert len(flight.photos) == pytest.approx(battery.photos, rel=0.05)
        places = np.array([photo.place for photo in flight.photos])
        above = above_ground(plan, places)
        apart = np.hypot(*np.diff(places[:, :2], axis=0).T)
        overlap = 1 - apart / (np.minimum(above[1:], above[:-1]) * DRONE.camera.footprint(1.0))
        assert overlap.min() >= plan.mission.overlap - 0.05


def test_its_photos_show_the_centre_on_the_way_out_and_no_sky_on_the_way_back(plan, flights):
    middle = LocalPlane(plan.mission.takeoff).to_plane(
        np.array(plan.mission.centre.latitude), np.array(plan.mission.centre.longitude)
    )
    half_width, half_height = (
        math.degrees(view) / 2 for view in (DRONE.camera.horizontal_view, DRONE.camera.vertical_view)
    )
    for battery, flight in flights:
        ends = np.append(0, np.cumsum(battery.leg_seconds))
        for photo in flight.photos:
            leg = int(np.searchsorted(ends, photo.seconds)) - 1
            # Where the look changes, and a second before and after, it is between the two.
            if len(set(battery.at_centre[max(leg - 1, 0) : leg + 2])) > 1:
                continue
            away = middle - photo.place[:2]
            aside = (math.degrees(math.atan2(away[0], away[1])) - photo.heading + 180) % 360 - 180
            down = math.degrees(math.atan2(plan.poi_height - photo.place[2], math.hypot(*away)))
            if battery.at_centre[leg]:
                assert abs(aside) < half_width
                assert abs(photo.pitch - down) < half_height
            else:
                assert photo.pitch + half_height < 0
