"""The Earth, and the plane around a place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.drone_path.geodesy import LocalPlane, Position, bearings, bearings_to, distance, distances

centres = st.builds(Position, st.floats(-89, 89), st.floats(-180, 180))
offsets = st.floats(-5000, 5000)


def test_the_earth_is_the_ellipsoid_of_wgs84():
    assert distance(Position(0, 0), Position(0, 1)) == pytest.approx(111_319.491, abs=0.001)
    assert distance(Position(0, 0), Position(1, 0)) == pytest.approx(110_574.389, abs=0.001)
    assert distance(Position(89, 0), Position(90, 0)) == pytest.approx(111_693.865, abs=0.001)


@given(centres, offsets, offsets)
def test_a_place_comes_back_from_the_plane(centre, x, y):
    plane = LocalPlane(centre)
    latitudes, longitudes = plane.to_world(np.array([[x, y]]))
    assert plane.to_plane(latitudes, longitudes)[0] == pytest.approx([x, y], abs=1e-4)
    assert distance(centre, Position(float(latitudes[0]), float(longitudes[0]))) == pytest.approx(
        np.hypot(x, y), abs=1e-4
    )


@given(centres, offsets, offsets, offsets, offsets)
def test_distances_in_the_plane_are_those_on_the_earth(centre, x, y, east, north):
    points = np.array([[x, y], [x + east / 10, y + north / 10]])
    there = distances(*LocalPlane(centre).to_world(points))
    assert there[0] == pytest.approx(np.hypot(*(points[1] - points[0])), rel=1e-6, abs=1e-4)


def test_east_is_right_and_north_is_up():
    for longitude in (0.0, 179.9999, -180.0):
        plane = LocalPlane(Position(40.0, longitude))
        latitudes, longitudes = plane.to_world(np.array([[0.0, 0.0], [0.0, 100.0], [100.0, 100.0]]))
        assert bearings(latitudes, longitudes) == pytest.approx([0, 90], abs=0.01)
        assert bearings_to(latitudes[1:], longitudes[1:], plane.centre) == pytest.approx([180, 225], abs=0.01)
