"""What photos see, and the page that shows it."""

import io
import math
import re

import numpy as np
import pytest
from PIL import Image

from functions.drone_path.coverage import SIDES, Photos, coverage, photos_of, seen_by
from functions.drone_path.drones import DRONES
from functions.drone_path.png import png
from functions.drone_path.preview import preview
from functions.drone_path.sizing import plan_largest
from tests.functions.flight_kit import CENTRE, FLAT, Hills, mission

CAMERA = DRONES["generic"].camera


def photo(heading, pitch, height=50.0):
    return Photos(np.array([[0.0, 0.0, height]]), np.radians([float(heading)]), np.radians([float(pitch)]))


def seen(taken, *points: tuple[float, float, float]):
    return seen_by(taken, CAMERA, np.array(points, float)).astype(bool).tolist()


def test_a_photo_sees_what_is_before_it():
    north, east, south = (0, 60, 0), (60, 0, 0), (0, -60, 0)
    assert seen(photo(0, -40), north, east, south) == [True, False, False]
    assert seen(photo(90, -40), north, east, south) == [False, True, False]
    assert seen(photo(180, -40), north, east, south) == [False, False, True]


def test_a_photo_straight_down_sees_its_footprint():
    half_height, height = CAMERA.footprint(50.0) / 2, 50.0
    half_width = height * math.tan(CAMERA.horizontal_view / 2)
    down = photo(0, -90)
    for inside, scale in ((True, 0.99), (False, 1.01)):
        assert seen(down, (0, scale * half_height, 0), (scale * half_width, 0, 0)) == [inside, inside]


def test_what_is_too_far_is_not_seen():
    level = photo(0, 0, height=2.0)
    assert seen(level, (0, 300, 0), (0, 500, 0)) == [True, False]


@pytest.fixture(scope="module")
def plans():
    """The same flight with the camera in each way."""
    terrain = Hills(CENTRE, 1200, 20, 1200)
    return {
        look: (plan, coverage(plan, terrain))
        for look in ("ahead", "center", "both")
        for plan in [plan_largest(mission(20, look=look), 3, terrain)]
    }


def test_photos_are_as_many_as_planned_and_on_the_way(plans):
    plan, _ = plans["both"]
    for battery in plan.batteries:
        photos = photos_of(plan, battery)
        assert len(photos.points) == pytest.approx(battery.photos, rel=0.1)
        assert np.hypot(*photos.points[:, :2].T).max() <= plan.radius
        heights = photos.points[:, 2] - plan.takeoff_ground
        assert battery.heights.min() - 1 <= heights.min()
        assert heights.max() <= battery.heights.max() + 1


def test_looking_at_the_centre_sees_every_side_of_the_subject(plans):
    assert len(plans["center"][1].sides) == SIDES
    assert plans["center"][1].sides.min() >= 20
    assert plans["ahead"][1].sides.min() < 3


def test_looking_ahead_sees_all_the_ground(plans):
    assert plans["ahead"][1].well_seen > 0.97
    assert plans["center"][1].well_seen < 0.8


def test_the_default_sees_both(plans):
    assert mission(20).look == "both"
    assert plans["both"][1].sides.min() >= 20
    assert plans["both"][1].well_seen > 0.97


@pytest.mark.parametrize("largest", [40.0, 1500.0])
def test_the_drawing_in_3d_shows_all_of_a_small_and_of_a_large_plan(largest):
    plan = plan_largest(mission(20, largest=largest), 1, FLAT)
    drawing = re.findall(r"<svg.*?</svg>", preview(plan, coverage(plan, FLAT)), re.DOTALL)[-1]
    left, top, wide, tall = map(float, re.search(r'viewBox="([^"]+)"', drawing)[1].split())
    lines = re.findall(r'points="([^"]+)"', drawing)
    places = np.array([place.split(",") for line in lines for place in line.split()], float)
    assert ((places >= (left, top)) & (places <= (left + wide, top + tall))).all()
    # A flown curve is no polygon: neighbours on it are close.
    flown = np.array([place.split(",") for place in lines[-1].split()], float)
    assert np.linalg.norm(np.diff(flown, axis=0), axis=1).max() < wide / 20


@pytest.fixture(scope="module")
def large():
    """Plans whose slices are wide, by how much they overlap."""
    found = {}
    for overlap in (0.0, 0.3):
        plan = plan_largest(mission(28, slice_overlap=overlap), 4, FLAT)
        found[overlap] = plan, coverage(plan, FLAT)
    return found


def test_wider_slices_share_more_ground_at_their_borders_for_a_smaller_radius(large):
    (plain, seen), (wide, seen_wider) = large[0.0], large[0.3]
    assert seen_wider.shared > seen.shared + 0.05
    assert wide.radius < plain.radius
    assert wide.mission.battery is not None
    assert wide.longest_seconds <= wide.mission.battery.usable_seconds


def test_ground_at_a_border_is_shared_where_both_batteries_see_it(large):
    """Counted once more, photo by photo, right on the border between the first slice and the second."""
    plan, seen = large[0.3]
    along = np.linspace(0, plan.radius, 200)
    border = np.pi / 2 + plan.shape.spiral.slice_angle
    points = np.column_stack([along * np.cos(border), along * np.sin(border), np.zeros(200)])
    counts = [seen_by(photos_of(plan, plan.batteries[k]), CAMERA, points) for k in (0, 1)]
    assert (np.minimum(*counts) >= 3).mean() == pytest.approx(seen.shared, abs=0.08)


def test_a_page_says_how_much_the_slices_overlap(large):
    plan, seen = large[0.3]
    page = preview(plan, seen)
    assert "overlap by 30%" in page
    assert f"{seen.shared:.0%} of the ground along their borders" in page
    alone = plan_largest(mission(20), 1, FLAT)
    assert coverage(alone, FLAT).shared is None
    assert "along their borders" not in preview(alone, coverage(alone, FLAT))


def test_a_page_has_every_battery_and_leg(plans):
    plan, found = plans["both"]
    page = preview(plan, found)
    assert len(re.findall(r"<details>", page)) == len(plan.batteries)
    legs = sum(len(battery.leg_seconds) for battery in plan.batteries)
    rows = len(re.findall(r"<tr><td>", page))
    assert rows == legs + len(plan.batteries) + 1
    for battery in plan.batteries:
        assert f"<td>{battery.seconds / 60:.1f}</td>" in page
    assert f"{found.well_seen:.0%} of the circle" in page


def test_a_page_says_that_ground_was_not_looked_up():
    plan = plan_largest(mission(20), 2, FLAT)
    assert "no elevation data" in preview(plan, coverage(plan, FLAT))


def test_a_png_is_read_back_by_others():
    pixels = np.random.default_rng(1).integers(0, 256, (13, 7, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(png(pixels))) as picture:
        picture.load()
        assert picture.mode == "RGB"
        assert (np.asarray(picture) == pixels).all()
