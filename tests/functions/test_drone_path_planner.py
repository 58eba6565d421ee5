"""Plans: safe everywhere along the curve, in the battery's time, over any ground; and flown, step by step."""

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from benchmarks import flight_planner as plain
from functions.drone_path.curve import FILLED_SHARE
from functions.drone_path.drones import DRONES
from functions.drone_path.errors import PlanError, TerrainError
from functions.drone_path.geodesy import LocalPlane, Position, distance, distances
from functions.drone_path.heights import Limits
from functions.drone_path.logic import WAYPOINT_LIMITS, plan_of
from functions.drone_path.mission import Battery
from functions.drone_path.models import FlightRequest
from functions.drone_path.optimizer import optimize
from functions.drone_path.planner import plan_shape
from functions.drone_path.sizing import plan_largest
from functions.drone_path.units import metres
from tests.functions.flight_kit import CENTRE, FLAT, Hills, flown, mission

ROUNDING = 0.01


@st.composite
def requests(draw):
    """Requests as clients may send them, and ground under them."""
    centre = Position(draw(st.floats(-84, 84)), draw(st.floats(-180, 180)))
    away, angle = draw(st.sampled_from([0.0, 5.0, 70.0, 900.0])), draw(st.floats(0, 6.28))
    takeoff = LocalPlane(centre).to_world(away * np.array([np.cos(angle), np.sin(angle)]))
    drone = draw(st.sampled_from(sorted(DRONES)))
    lowest = draw(st.floats(66, 300))
    request = FlightRequest.model_validate(
        {
            "center": f"{centre.latitude:.7f}, {centre.longitude:.7f}",
            "takeoff": f"{float(takeoff[0]):.7f}, {float(takeoff[1]):.7f}",
            "batteryMinutes": draw(st.floats(8, DRONES[drone].endurance)),
            "batteries": draw(st.integers(1, 8)),
            "minHeight": lowest,
            "maxHeight": draw(st.none() | st.floats(max(lowest, 150), 400)),
            "drone": drone,
            "speed": draw(st.floats(2, 15)),
            "windSpeed": draw(st.floats(0, 9)),
            "batteryHealth": draw(st.floats(60, 100)),
            "reserve": draw(st.floats(10, 40)),
            "overlap": draw(st.floats(0, 90)),
            "batteryOverlap": draw(st.none() | st.floats(0, 50)),
            "look": draw(st.sampled_from(["ahead", "center", "both"])),
            "app": draw(st.sampled_from(sorted(WAYPOINT_LIMITS))),
        }
    )
    # Water too: below sea level, and around it.
    base = draw(st.sampled_from([1500.0, 0.0, -60.0]))
    hills = Hills(centre, base, draw(st.floats(0, 60)), draw(st.floats(500, 3000)))
    return request, draw(st.sampled_from([FLAT, hills]))


def check_safe(plan, terrain):
    """Assert all that a plan promises, on samples five times as dense as its own."""
    asked = plan.mission
    level = min(0.0, plan.takeoff_ground)
    for battery in plan.batteries:
        samples, clear = flown(plan, battery, terrain, 1.0)
        assert clear.max() <= asked.limits.cap
        assert clear.min() >= asked.limits.clearance
        # And where an app flies from point to point.
        straight, clear_of_legs = flown(plan, battery, terrain, 2.0, cut=False)
        assert clear_of_legs.max() <= asked.limits.cap
        assert clear_of_legs.min() >= asked.limits.clearance
        for path in (samples, straight):
            height = path.heights(battery.heights) + plan.takeoff_ground
            assert (height - level).min() >= asked.limits.clearance
        assert asked.limits.clearance <= battery.lowest <= clear.min()
        assert asked.limits.cap >= battery.highest >= clear.max()
        legs = distances(battery.latitudes, battery.longitudes)
        sums = battery.reaches[:-1] + battery.reaches[1:]
        assert (sums <= FILLED_SHARE * legs + ROUNDING).all()
        assert len(battery.heights) <= asked.most_points
        for end in (0, -1):
            place = Position(battery.latitudes[end], battery.longitudes[end])
            assert distance(place, asked.takeoff) < ROUNDING
        assert asked.battery is not None
        assert battery.seconds <= asked.battery.usable_seconds
        assert battery.speeds.max() <= asked.cruise + 1e-9
        assert battery.intervals[0] == battery.intervals[-1] == battery.intervals[-2] == 0
        assert (battery.intervals[1:-2] >= asked.drone.camera.interval).all()


def check_request(drawn):
    request, terrain = drawn
    try:
        plan = plan_of(request, terrain)
    except PlanError as error:
        # Nothing else is wrong with these requests.
        if error.field not in ("batteryMinutes", "maxHeight"):
            raise
        event(f"refused: {error.field}")
    else:
        event("planned")
        check_safe(plan, terrain)


QUICK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "database": None}


@settings(max_examples=100, **QUICK)
@given(requests())
def test_every_plan_is_safe(drawn):
    check_request(drawn)


@pytest.mark.slow
@pytest.mark.timeout(900)
@settings(max_examples=2000, **QUICK)
@given(requests())
def test_thousands_of_plans_are_safe(drawn):
    check_request(drawn)


@pytest.mark.parametrize("minutes", [10, 15, 20, 28, 40])
@pytest.mark.parametrize("slices", [1, 2, 3, 6])
def test_the_largest_that_fits_is_found_and_used(minutes, slices):
    wanted = mission(minutes)
    plan = plan_largest(wanted, slices, FLAT)
    check_safe(plan, FLAT)
    assert wanted.battery is not None
    if plan.limited_by[0] == "battery":
        assert plan.longest_seconds > 0.97 * wanted.battery.usable_seconds
        larger = dataclasses.replace(plan.shape, hold=plan.shape.hold * 1.05)
        assert plan_shape(wanted, larger, FLAT).longest_seconds > wanted.battery.usable_seconds


@pytest.mark.parametrize(("minutes", "slices"), [(20.0, 3), (28.0, 4)])
def test_the_search_finds_what_a_plain_one_finds(minutes, slices):
    asked = plain.mission(minutes)
    found = optimize(asked, slices)
    spiral = found.shape.spiral
    assert plain.plain_radius(asked, slices, spiral.bounces, found.shape.start) == pytest.approx(
        found.radius, rel=plain.AGREEMENT
    )


def radius(minutes=20.0, slices=3, **changes: object):
    return optimize(mission(minutes, **changes), slices).radius


def test_what_costs_time_costs_coverage():
    usual = radius()
    assert radius(24.0) > usual
    assert radius(slices=4) > usual
    assert radius(battery=Battery(20, wind=8)) < usual
    assert radius(wind=8.0) < usual
    assert radius(battery=Battery(20, health=0.8)) < usual
    assert radius(battery=Battery(20, reserve=0.4)) < usual
    assert radius(overlap=0.9) < usual
    assert radius(takeoff=Position(CENTRE.latitude + 0.005, CENTRE.longitude)) < usual


def test_limits_are_named():
    assert optimize(mission(20), 3).limited_by == ("battery",)
    assert optimize(mission(60, largest=300.0), 3).limited_by[0] == "radius"
    assert "waypoints" in optimize(mission(60), 1).limited_by
    assert "waypoints" in optimize(mission(60), 1).bounces_because


def test_a_radius_that_cannot_grow_gets_more_bounces():
    free, bound = optimize(mission(20), 3), optimize(mission(20, largest=250.0), 3)
    assert bound.radius <= 250
    assert bound.shape.spiral.bounces > free.shape.spiral.bounces


def test_too_short_a_battery_is_told_what_would_do():
    with pytest.raises(PlanError) as refused:
        optimize(mission(4), 1)
    needed = float(str(refused.value).split("battery of ")[1].split(" ")[0])
    assert needed > 4
    optimize(mission(needed), 1)
    with pytest.raises(PlanError):
        optimize(mission(needed - 0.2), 1)


def test_hills_between_waypoints_are_seen():
    """A hill narrower than any leg: waypoints alone would fly into it."""

    class Spike:
        source = "a spike"

        def heights(self, latitudes, longitudes):
            x, y = LocalPlane(CENTRE).to_plane(latitudes, longitudes).T
            return 1000 + 90 * np.exp(-((x - 150) ** 2 + (y - 130) ** 2) / (2 * 40.0**2))

    wanted = mission(20, takeoff=Position(CENTRE.latitude - 0.003, CENTRE.longitude))
    plan = plan_largest(wanted, 3, Spike())
    check_safe(plan, Spike())
    level = plan_shape(wanted, plan.shape, FLAT)
    lowest = min(flown(level, battery, Spike(), 1.0)[1].min() - 1000 for battery in level.batteries)
    assert lowest < wanted.limits.clearance


def test_steep_ground_gets_more_waypoints():
    steep = Hills(CENTRE, 1500, 60, 700)
    wanted = mission(20, limits=Limits(cap=70, clearance=30), lowest=40)
    plan = plan_largest(wanted, 3, steep)
    check_safe(plan, steep)
    plain = plan_shape(wanted, plan.shape, FLAT)
    most = max(len(battery.heights) for battery in plan.batteries)
    assert most > len(plain.batteries[0].heights)
    with pytest.raises(PlanError, match="too steep"):
        plan_shape(dataclasses.replace(wanted, most_points=most - 1), plan.shape, steep)


@dataclasses.dataclass(frozen=True)
class Cliff:
    """Ground that jumps by 400 m so far east of the centre."""

    east: float
    source = "a cliff"

    def heights(self, latitudes, longitudes):
        return np.where(LocalPlane(CENTRE).to_plane(latitudes, longitudes)[..., 0] > self.east, 400.0, 0.0)


def test_a_spiral_stays_before_a_cliff_and_says_so():
    plan = plan_largest(mission(20), 3, Cliff(250))
    check_safe(plan, Cliff(250))
    assert plan.limited_by[0] == "terrain"
    assert 200 < plan.radius < radius()
    with pytest.raises(PlanError, match="too steep"):
        plan_largest(mission(20), 3, Cliff(20))


def test_hills_that_cost_too_much_time_are_told_what_would_do():
    steep = Hills(CENTRE, 1500, 60, 400)
    with pytest.raises(PlanError) as refused:
        plan_largest(mission(6.0), 1, steep)
    needed = float(str(refused.value).split("battery of ")[1].split(" ")[0])
    check_safe(plan_largest(mission(needed), 1, steep), steep)


def test_the_sea_bed_is_no_ground_to_fly_low_over():
    class Coast:
        source = "a coast"

        def heights(self, latitudes, longitudes):
            x = LocalPlane(CENTRE).to_plane(latitudes, longitudes)[..., 0]
            return np.clip(-x / 2, -60, 5.0)

    plan = plan_largest(mission(20, limits=Limits(cap=120, clearance=30)), 3, Coast())
    check_safe(plan, Coast())
    assert min(float((b.heights + plan.takeoff_ground).min()) for b in plan.batteries) >= 30


def test_ground_that_cannot_be_had_is_no_plan():
    class Broken:
        source = "nothing"

        def heights(self, _, __):
            raise TerrainError("away")

    with pytest.raises(TerrainError):
        plan_largest(mission(20), 3, Broken())


@pytest.mark.parametrize(
    "centre", [Position(0, 180), Position(-17.5, -179.9999), Position(78.2, 15.6), Position(-84, 0)], ids=str
)
def test_a_plan_is_the_same_size_anywhere(centre):
    usual = plan_largest(mission(20), 3, FLAT)
    there = plan_largest(mission(20, centre=centre), 3, FLAT)
    check_safe(there, FLAT)
    assert there.radius == pytest.approx(usual.radius, rel=1e-6)
    for one, other in zip(there.batteries, usual.batteries, strict=True):
        assert distances(one.latitudes, one.longitudes) == pytest.approx(
            distances(other.latitudes, other.longitudes), rel=1e-5
        )


def test_the_camera_looks_where_it_is_told():
    centre_plan = plan_largest(mission(20, look="center"), 3, FLAT)
    battery = centre_plan.batteries[0]
    x, y = LocalPlane(CENTRE).to_plane(battery.latitudes, battery.longitudes)[1:-1].T
    towards = np.degrees(np.arctan2(-x, -y)) % 360
    assert np.cos(np.radians(towards - battery.headings[1:-1])) == pytest.approx(1, abs=1e-3)
    slope = np.degrees(np.arctan2(battery.heights[1:-1], np.hypot(x, y)))
    assert np.abs(battery.pitches[1:-1] + slope).max() <= 1.0 or battery.pitches.max() == -5
    ahead = plan_largest(mission(20, look="ahead"), 3, FLAT)
    assert not ahead.batteries[0].at_centre.any()
    both = plan_largest(mission(20), 3, FLAT).batteries[0]
    assert both.at_centre[1]
    assert not both.at_centre[-2]
    for at_centre, alike in ((True, battery), (False, ahead.batteries[0])):
        assert (both.headings == alike.headings)[both.at_centre == at_centre][1:-1].all()
    half_view = np.degrees(ahead.mission.drone.camera.vertical_view) / 2
    assert (ahead.batteries[0].pitches + half_view < 0).all()


def test_photos_are_fast_enough_for_the_overlap():
    plan = plan_largest(mission(20, overlap=0.8), 3, FLAT)
    camera = plan.mission.drone.camera
    for battery in plan.batteries:
        for leg in range(1, len(battery.heights) - 2):
            lowest = min(battery.above_ground[leg], battery.above_ground[leg + 1])
            moved = battery.speeds[leg] * battery.intervals[leg]
            assert moved <= 0.2 * camera.footprint(lowest) * 1.01


def test_metres_are_what_feet_say():
    assert metres(400) == pytest.approx(121.92)
