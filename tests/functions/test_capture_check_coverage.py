"""How much ground a capture sees: estimates that follow from how it was flown."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.capture_check.coverage import (
    MIN_CLIMB_M,
    UnknownCoverageError,
    estimate,
)
from functions.capture_check.metadata import FILM_DIAGONAL_MM, PhotoFacts, Place
from tests.functions.capture_kit import METRES_PER_DEGREE, START

FOCAL = 24
WIDTH, HEIGHT = 4000, 3000


def facts(east, north, height, *, index=0, yaw=0.0, pitch=-90.0, focal=FOCAL, place=(47.05, 8.3)):
    latitude = place[0] + north / METRES_PER_DEGREE
    longitude = place[1] + east / METRES_PER_DEGREE / math.cos(math.radians(place[0]))
    return PhotoFacts(
        width=WIDTH,
        height=HEIGHT,
        focal_35mm=focal,
        taken_at=START + timedelta(seconds=2 * index),
        place=Place(latitude, longitude, 450.0 + height),
        height_m=height,
        yaw=yaw,
        pitch=pitch,
    )


def line(photos, spacing, height=40.0, *, pitch=-90.0, place=(47.05, 8.3)):
    return [
        facts(0, index * spacing, height, index=index, pitch=pitch, place=place) for index in range(photos)
    ]


def footprint(height, focal=FOCAL):
    """Sides of what a photo straight down sees, metres: across and along."""
    across = FILM_DIAGONAL_MM / focal / math.hypot(WIDTH, HEIGHT)
    return height * across * WIDTH, height * across * HEIGHT


@settings(deadline=None, max_examples=25)
@given(st.floats(0.1, 0.9), st.floats(10, 120), st.floats(15, 60), st.floats(0, 360))
def test_overlap_and_area_of_a_straight_flight_are_those_of_its_geometry(overlap, height, focal, yaw):
    across, along = footprint(height, focal)
    spacing = (1 - overlap) * along
    flown = [
        facts(
            index * spacing * math.sin(math.radians(yaw)),
            index * spacing * math.cos(math.radians(yaw)),
            height,
            index=index,
            yaw=yaw,
            focal=focal,
        )
        for index in range(8)
    ]
    coverage = estimate(flown)
    assert coverage.forward_overlap == pytest.approx(overlap, abs=0.1)
    assert coverage.area_m2 == pytest.approx(across * (along + 7 * spacing), rel=0.1)
    assert coverage.mean_views == pytest.approx(8 * along / (along + 7 * spacing), rel=0.1)


@settings(deadline=None, max_examples=20)
@given(st.integers(4, 12), st.floats(8, 25), st.integers(2, 4))
def test_more_photos_of_the_same_flight_overlap_more_and_see_the_same_ground(photos, spacing, times):
    coarse = estimate(line(photos, spacing))
    fine = estimate(line((photos - 1) * times + 1, spacing / times))
    assert fine.forward_overlap > coarse.forward_overlap
    assert fine.mean_views > coarse.mean_views
    assert fine.share_seen_well >= coarse.share_seen_well
    assert fine.area_m2 == pytest.approx(coarse.area_m2, rel=0.1)


def test_a_photo_without_directions_is_taken_to_look_down_along_its_flight():
    told = estimate(line(8, 10))
    untold = estimate([replace(one, yaw=None, pitch=None) for one in line(8, 10)])
    assert untold.area_m2 == pytest.approx(told.area_m2, rel=0.02)
    assert (told.directions_told, untold.directions_told) == (True, False)


def test_an_orbit_sees_its_middle_from_everywhere():
    angles = [2 * math.pi * index / 16 for index in range(16)]
    orbit = [
        facts(
            30 * math.sin(angle),
            30 * math.cos(angle),
            20,
            index=index,
            yaw=math.degrees(angle) + 180,
            pitch=-34,
        )
        for index, angle in enumerate(angles)
    ]
    inward = estimate(orbit)
    outward = estimate([replace(one, yaw=one.yaw + 180) for one in orbit])
    assert inward.mean_views > 2 * outward.mean_views
    assert inward.area_m2 < outward.area_m2


def test_the_sky_is_no_ground():
    with pytest.raises(UnknownCoverageError, match="do not look at the ground"):
        estimate(line(5, 10, pitch=80.0))


def test_altitudes_serve_where_the_drone_tells_no_height_and_only_where_they_differ():
    climbing = [facts(0, 5 * index, 20 + 4 * index, index=index) for index in range(10)]
    silent = [replace(one, height_m=None) for one in climbing]
    assert estimate(climbing).heights_from == "drone"
    assert estimate(silent).heights_from == "lowest photo"
    level = [replace(one, height_m=None) for one in line(10, 5)]
    with pytest.raises(UnknownCoverageError, match="over the sea"):
        estimate(level)
    barely = [replace(one, place=replace(one.place, altitude_m=450 + index * MIN_CLIMB_M / 10))
              for index, one in enumerate(level)]  # fmt: skip
    with pytest.raises(UnknownCoverageError):
        estimate(barely)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: replace(one, place=None), "GPS"),
        (lambda one: replace(one, height_m=None, place=replace(one.place, altitude_m=None)), "how high"),
        (lambda one: replace(one, height_m=0.5), "above the ground"),
    ],
)
def test_what_is_missing_is_said(change, words):
    with pytest.raises(UnknownCoverageError, match=words):
        estimate([change(one) for one in line(6, 10)])


@pytest.mark.parametrize("place", [(47.05, 8.3), (-33.9, -70.5), (-17.0, 179.9999), (70.0, -179.9999)])
def test_it_is_the_same_anywhere_on_earth(place):
    here, there = estimate(line(8, 12)), estimate(line(8, 12, place=place))
    assert there.area_m2 == pytest.approx(here.area_m2, rel=0.05)
    assert there.forward_overlap == pytest.approx(here.forward_overlap, abs=0.05)
    assert len(there.sites) == 1


def test_a_flight_over_the_date_line_is_one_place():
    row = [facts(index * 10 - 50, 0, 40, index=index, yaw=90, place=(-17.0, 180.0)) for index in range(10)]
    wrapped = [
        replace(one, place=replace(one.place, longitude=(one.place.longitude + 180) % 360 - 180))
        for one in row
    ]
    assert len({one.place.longitude > 0 for one in wrapped}) == 2
    assert estimate(wrapped).area_m2 == pytest.approx(estimate(row).area_m2, rel=0.02)
    assert len(estimate(wrapped).sites) == 1


def test_two_places_are_told_apart_and_how_far():
    far = [facts(0, 5000 + 10 * index, 40, index=100 + index) for index in range(6)]
    coverage = estimate([*line(10, 10), *far])
    assert coverage.sites == (10, 6)
    assert coverage.site_distance_m == pytest.approx(5000, rel=0.02)


def test_one_wrong_position_leaves_the_estimate_as_it_was():
    good = estimate(line(12, 10))
    lost = estimate([*line(12, 10), facts(900_000, 0, 40, index=50)])
    assert lost.forward_overlap == pytest.approx(good.forward_overlap, abs=0.01)
    assert lost.area_m2 == pytest.approx(good.area_m2 * (1 + 1 / 3.5), rel=0.3)


def test_a_photo_from_far_above_takes_no_time():
    assert estimate([*line(10, 10), facts(0, 0, 15_000, index=20)]).photos == 11
