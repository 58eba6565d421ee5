"""The flown curve and how long it takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.drone_path.curve import LONGEST_REACH, SHORTEST_REACH, round_corners, sample
from functions.drone_path.timing import ACCELERATION, TURNING, Motion, leg_seconds

MOTION = Motion(climb=4, descent=3)
coordinates = st.floats(-3000, 3000).map(lambda value: round(value, 1))
routes = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=30, unique=True).map(np.array)


@given(routes, st.floats(0, 5000))
def test_neighbours_reaches_sum_to_less_than_their_leg(points, wanted):
    corners = round_corners(points, np.full(len(points), wanted))
    assert (corners.reaches[:-1] + corners.reaches[1:] < corners.lengths).all()
    assert (corners.reaches <= min(wanted, LONGEST_REACH)).all()
    assert corners.reaches[0] == corners.reaches[-1] == 0
    inner = corners.reaches[1:-1]
    assert ((inner == 0) | (inner >= SHORTEST_REACH)).all()


@given(routes, st.floats(1, 400))
def test_the_curve_is_one_line_as_long_as_it_says(points, wanted):
    corners = round_corners(points, np.full(len(points), wanted))
    samples = sample(corners, 2.0)
    steps = np.hypot(*np.diff(samples.points, axis=0).T)
    assert steps.max() <= 2.0 + 1e-6
    along = np.diff(samples.distances)
    # An arc of a full turn back has a radius of next to nothing, not of nothing.
    assert (steps <= along + 1e-3).all()
    assert samples.points[0] == pytest.approx(points[0])
    assert samples.points[-1] == pytest.approx(points[-1])
    assert samples.distances[-1] == pytest.approx(corners.straights.sum() + corners.arcs.sum())
    assert samples.distances[-1] <= corners.lengths.sum() + 1e-6


def test_an_arc_touches_both_legs_and_lies_on_its_circle():
    points = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 80.0]])
    corners = round_corners(points, np.full(3, 30.0))
    samples = sample(corners, 1.0)
    centre = np.array([70.0, 30.0])
    on_arc = samples.weights[:, 2] > 0
    assert corners.radii == pytest.approx([30.0])
    assert np.hypot(*(samples.points[on_arc] - centre).T) == pytest.approx(30.0)
    assert corners.arcs == pytest.approx([15 * np.pi])


def test_heights_are_straight_on_legs_and_smooth_on_arcs():
    points = np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 100.0]])
    samples = sample(round_corners(points, np.full(3, 40.0)), 0.5)
    heights = samples.heights(np.array([0.0, 50.0, 20.0]))
    slopes = np.diff(heights) / np.diff(samples.distances)
    assert slopes[10] == pytest.approx(0.5)
    assert slopes[-10] == pytest.approx(-0.3)
    assert heights.max() < 50
    assert np.abs(np.diff(slopes)).max() < 0.15
    assert samples.weights.sum(axis=1) == pytest.approx(1)


def straight(length, speed, rise=0.0):
    corners = round_corners(np.array([[0.0, 0.0], [0.0, length / 2], [0.0, length]]), np.zeros(3))
    heights = np.array([0.0, rise / 2, rise])
    return float(leg_seconds(corners, heights, np.full(2, speed), MOTION).sum())


def test_a_straight_flight_speeds_up_cruises_and_slows_down():
    speed, length = 8.0, 400.0
    assert straight(length, speed) == pytest.approx(length / speed + speed / ACCELERATION)
    short = 10.0
    assert straight(short, speed) == pytest.approx(2 * np.sqrt(short / ACCELERATION))


def test_a_steep_climb_takes_as_long_as_the_drone_climbs():
    rise = 200.0
    assert straight(100.0, 10.0, rise) > rise / MOTION.climb
    assert straight(100.0, 10.0, -rise) > rise / MOTION.descent
    assert straight(100.0, 10.0, -rise) > straight(100.0, 10.0, rise)


def turn_seconds(reach):
    points = np.array([[0.0, 0.0], [300.0, 0.0], [300.0, 300.0]])
    corners = round_corners(points, np.full(3, reach))
    return float(leg_seconds(corners, np.zeros(3), np.full(2, 10.0), MOTION).sum())


def test_a_wide_corner_is_faster_than_a_tight_one():
    times = [turn_seconds(reach) for reach in (0.0, 5.0, 20.0, 40.0)]
    assert times == sorted(times, reverse=True)
    # Wide enough for full speed: only the way counts.
    radius = 10.0**2 / TURNING
    wide = turn_seconds(radius * 1.01)
    assert wide == pytest.approx((600 - (2 - np.pi / 2) * radius * 1.01) / 10 + 10 / ACCELERATION, rel=1e-6)


@given(routes, st.floats(0, 200), st.floats(1, 15))
def test_no_flight_is_faster_than_its_speed_and_a_batch_is_the_same(points, wanted, speed):
    corners = round_corners(points, np.full(len(points), wanted))
    speeds = np.full(len(points) - 1, speed)
    heights = np.linspace(0, 50, len(points))
    seconds = leg_seconds(corners, heights, speeds, MOTION)
    length = corners.straights.sum() + corners.arcs.sum()
    assert seconds.sum() >= length / speed * (1 - 1e-9)
    batch = round_corners(np.stack([points, points]), np.full((2, len(points)), wanted))
    assert leg_seconds(batch, heights, speeds, MOTION)[1] == pytest.approx(seconds, rel=1e-6, abs=1e-6)
