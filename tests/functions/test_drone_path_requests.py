"""Requests: what they leave open, and what is wrong with them, told with what would work."""

import re

import pytest
from pydantic import ValidationError

from functions.drone_path.drones import DRONES
from functions.drone_path.errors import PlanError
from functions.drone_path.geodesy import distance
from functions.drone_path.logic import FARTHEST_TAKEOFF, mission_of, plan_of
from functions.drone_path.models import CsvRequest, FlightRequest
from functions.drone_path.units import feet, metres
from functions.shared.api import refusal as refusal_of
from tests.functions.flight_kit import CENTRE, FLAT, Hills

CENTER = f"{CENTRE.latitude}, {CENTRE.longitude}"


def request(**fields: object) -> FlightRequest:
    return FlightRequest.model_validate({"center": CENTER, **fields})


@pytest.mark.parametrize(
    "text",
    [
        "41.7, -111.8",
        "41.7 -111.8",
        "41.7 N, 111.8 W",
        "41.7°N,111.8°W",
        "  41.7n ; 111.8w ",
        "+41.70,-111.80",
    ],
)
def test_a_place_is_read_in_every_form(text):
    assert FlightRequest(center=text).center == CENTRE


def test_southern_and_eastern_places_have_their_signs():
    center = FlightRequest(center="33.9 S, 18.4 E").center
    assert (center.latitude, center.longitude) == (-33.9, 18.4)


def refusal(fields) -> str:
    """Give what a request is told, by whichever check refuses it."""
    try:
        plan_of(request(**fields), FLAT)
    except ValidationError as error:
        return refusal_of([{**one, "loc": ("body", *one["loc"])} for one in error.errors()]).sentence
    except PlanError as error:
        return str(error)
    raise AssertionError(f"{fields} was not refused")


BAD = [
    ("center", "", None),
    ("center", "somewhere", None),
    ("center", "91, 0", "90, 0"),
    ("center", "0, 190", "0, -170"),
    ("center", "1000, 20", "90, 20"),
    ("center", "nan, nan", None),
    ("center", "-41.7 S, 111 W", None),
    ("center", None, None),
    ("batteryMinutes", 0, "3"),
    ("batteryMinutes", 24 * 60, "60"),
    ("batteryMinutes", "24 h", "60"),
    ("batteryMinutes", "24:00", "20"),
    ("batteryMinutes", "900 s", "15"),
    ("batteryMinutes", float("nan"), "20"),
    ("batteryMinutes", "NaN", "20"),
    ("batteryMinutes", float("inf"), "60"),
    ("batteryMinutes", float("-inf"), "3"),
    ("batteryMinutes", True, "20"),
    ("batteries", 0, "1"),
    ("batteries", 2.5, "2"),
    ("batteries", 100, "12"),
    ("batteries", float("inf"), "12"),
    ("batteries", "3 batteries", "3"),
    ("minHeight", "120 ft", "120"),
    ("minHeight", "120'", "120"),
    ("minHeight", "120 ft AGL", "120"),
    ("maxHeight", "1000 m", "1640"),
    ("speed", "36 km/h", "10"),
    ("speed", "8.5 m/s", "8.5"),
    ("windSpeed", "10 kn", "5.14444"),
    ("maxHeight", "100 m", "328.084"),
    ("minHeight", "high", "120"),
    ("minHeight", [120], "120"),
    ("maxHeight", 401, "400"),
    ("minHeight", 395, "393"),
    ("minClearance", 130, "120"),
    ("drone", "mini-4", "mini-4-pro"),
    ("drone", "Mavic 3", "mavic-3"),
    ("windSpeed", 15, "10"),
    ("takeoff", "41.75, -111.8", None),
    ("N", 60, "40"),
    ("reserve", 0, "5"),
    ("batteryOverlap", 60, "50"),
    ("batteryOverlap", -1, "0"),
    ("batteryOverlap", "10 %", "10"),
    ("groundSampleDistance", 0.5, None),
    ("look", "down", None),
    ("terrain", "guess", None),
    ("app", "other", None),
]


@pytest.mark.parametrize(
    ("field", "value", "nearest"), BAD, ids=[f"{field}={value}" for field, value, _ in BAD]
)
def test_what_is_wrong_is_named_with_what_would_work(field, value, nearest):
    told = refusal({"batteryMinutes": 20, field: value})
    assert told.startswith(f"{field}: "), told
    if nearest is not None:
        beside_the_range = re.sub(r"from [\d.]+ to [\d.]+", "", told)
        assert re.search(rf"(?<![\d.]){re.escape(nearest)}(?![\d.]*\d)", beside_the_range), told


@pytest.mark.parametrize(
    ("fields", "field", "pattern"),
    [
        ({"rHold": 100, "r0": 150}, "rHold", r"; (\d+) works"),
        ({"rHold": 1500, "N": 30}, "N", r"; (\d+) works"),
        ({"rHold": 9000, "N": 8, "r0": 150, "batteryMinutes": 20}, "rHold", r"; (\d+) works"),
        ({"minClearance": 200, "batteryMinutes": 20}, "minClearance", r"; (\d+) works"),
        ({"minHeight": 395, "batteryMinutes": 20}, "minHeight", r"; (\d+) works"),
        ({"groundSampleDistance": 0.5, "batteryMinutes": 20}, "groundSampleDistance", r"; ([\d.]+) works"),
        ({"batteryMinutes": 50, "drone": "mini-4-pro"}, "batteryMinutes", r"; ([\d.]+) works"),
        ({"batteryMinutes": 4, "batteries": 1}, "batteryMinutes", r"battery of ([\d.]+) minutes"),
        ({"takeoff": "41.75, -111.8", "batteryMinutes": 40}, "takeoff", r": (\S+, \S+) is the nearest"),
    ],
)
def test_the_nearest_value_that_is_told_does_work(fields, field, pattern):
    told = refusal(fields)
    assert told.startswith(f"{field}: "), told
    nearest = re.search(pattern, told)
    assert nearest, told
    value = nearest[1] if field == "takeoff" else float(nearest[1])
    plan_of(request(**{**fields, field: value}), FLAT)


NUMBERS = [
    field.alias
    for name, field in FlightRequest.model_fields.items()
    if "such as" in refusal({"batteryMinutes": 20, field.alias: "?"}) and name not in ("center", "takeoff")
]


@pytest.mark.parametrize("field", NUMBERS)
def test_the_example_that_is_told_does_work(field):
    told = refusal({"batteryMinutes": 20, field: "?"})
    example = re.search(r"such as ([\d.]+)$", told)
    assert example, told
    plan_of(request(**{"batteryMinutes": 20, field: float(example[1])}), FLAT)


def test_every_number_has_an_example():
    numbers = {"batteryMinutes", "batteries", "N", "r0", "rHold", "minHeight", "windSpeed", "batteryOverlap"}
    assert numbers < set(NUMBERS)


def test_a_blank_field_is_a_missing_one():
    blank = dict.fromkeys(("takeoff", "minHeight", "maxHeight", "batteryMinutes", "drone", "speed", "N"), "")
    assert request(**blank) == request()


def test_numbers_may_come_as_text():
    assert request(minHeight=" 150.5 ", batteries="4") == request(minHeight=150.5, batteries=4)


def test_a_plan_is_safe_by_default():
    mission = mission_of(request(batteryMinutes=20))
    assert mission.limits.cap <= 120
    assert mission.limits.clearance >= 20
    assert mission.battery is not None
    assert mission.battery.reserve >= 0.2
    assert mission.takeoff == mission.centre == CENTRE


def test_more_than_the_usual_limit_needs_a_confirmation():
    high = {"batteryMinutes": 20, "maxHeight": 500}
    assert "confirmAboveLimit" in refusal(high)
    mission = mission_of(request(**high, confirmAboveLimit=True))
    assert feet(mission.limits.cap) == pytest.approx(500)


def test_a_wanted_ground_sample_distance_lowers_the_cap():
    camera = DRONES["mavic-3e"].camera
    mission = mission_of(request(drone="mavic-3e", groundSampleDistance=2.0))
    assert camera.height_for(0.02) == pytest.approx(mission.limits.cap)
    assert mission.limits.cap < 120
    assert mission_of(request(drone="mavic-3e", groundSampleDistance=50)).limits.cap == pytest.approx(120)


def test_takeoff_may_be_elsewhere_but_not_too_far():
    mission = mission_of(request(takeoff="41.71, -111.8"))
    assert distance(mission.centre, mission.takeoff) > 1000
    told = refusal({"takeoff": "41.745, -111.8", "batteryMinutes": 30})
    assert "5.0 km" in told
    assert f"{FARTHEST_TAKEOFF / 1000:g} km" in told


def test_what_the_optimizer_answers_is_flown_by_the_csv():
    """Existing clients post the optimizer's parameters back, without the battery's minutes."""
    terrain = Hills(CENTRE, 900, 20, 1500)
    best = plan_of(request(batteryMinutes=20, batteries=3), terrain)
    spiral = best.shape.spiral
    posted = CsvRequest(
        center=CENTER,
        slices=spiral.slices,
        N=spiral.bounces,
        r0=feet(best.shape.start),
        rHold=feet(best.shape.hold),
        elevationFeet=2953,
        estimated_time_minutes=15.9,
    )
    again = plan_of(posted, terrain, shape_known=True)
    assert again.radius == pytest.approx(best.radius)
    assert again.longest_seconds == pytest.approx(best.longest_seconds)


def test_without_a_shape_the_csv_has_the_usual_one():
    plan = plan_of(CsvRequest(center=CENTER), FLAT, shape_known=True)
    assert (plan.shape.spiral.slices, plan.shape.spiral.bounces) == (3, 8)
    assert plan.shape.hold == pytest.approx(metres(1595))
    assert plan.shape.start == pytest.approx(metres(150))


def test_every_drone_is_described_in_full():
    for name, drone in DRONES.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert 20 < drone.endurance <= 60
        assert drone.wind < drone.top_speed <= 15
        assert (
            0 < drone.camera.vertical_view < drone.camera.horizontal_view < drone.camera.diagonal_view < 3.2
        )
