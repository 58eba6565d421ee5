"""Heights: clear of the ground and under the cap, between the samples too."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.drone_path import heights
from functions.drone_path.curve import round_corners, sample
from functions.drone_path.heights import Limits, envelope, fit

SPACING = 5.0
LIMITS = Limits(cap=120.0, clearance=20.0)
slopes = st.lists(st.floats(-1, 1), min_size=4, max_size=12)
cells = st.floats(2 * SPACING, 40)


@given(slopes, cells, st.floats(0, 1))
def test_ground_between_samples_is_within_the_envelope(rises, cell, shift):
    """Ridges and valleys lie between samples; a curve at the envelope's heights clears them all the same."""
    knots = np.arange(len(rises) + 1) * cell - shift * SPACING
    ground = 500 + np.concatenate([[0], np.cumsum(rises)]) * cell
    at = np.arange(0, knots[-1], SPACING)
    within = envelope(np.interp(at, knots, ground), 0.0, LIMITS)
    everywhere = np.linspace(0, at[-1], 2000)
    real = np.interp(everywhere, knots, ground)
    assert (np.interp(everywhere, at, within.lowest) - real).min() >= LIMITS.clearance
    assert (np.interp(everywhere, at, within.highest) - real).max() <= LIMITS.cap


def test_water_is_cleared_and_not_its_bed():
    bed = np.full(5, -30.0)
    assert envelope(bed, 0.0, LIMITS).lowest == pytest.approx(20.0, abs=0.1)
    assert envelope(bed, -30.0, LIMITS).lowest == pytest.approx(-10.0, abs=0.1)
    assert envelope(bed, 0.0, LIMITS).highest == pytest.approx(90.0, abs=0.1)


@pytest.fixture
def samples():
    points = np.array([[0.0, 0.0], [150.0, 0.0], [150.0, 150.0], [0.0, 150.0]])
    return sample(round_corners(points, np.full(4, 30.0)), SPACING)


def test_what_is_safe_stays_as_wanted(samples):
    within = envelope(np.zeros(len(samples.distances)), 0.0, LIMITS)
    wanted = np.array([30.0, 60.0, 90.0, 40.0])
    found, legs = fit(wanted, samples, within)
    assert found == pytest.approx(wanted)
    assert len(legs) == 0


@pytest.mark.parametrize("rounds", [0, 1, 40])
def test_the_curve_is_clear_however_little_was_tried(samples, rounds, monkeypatch):
    monkeypatch.setattr(heights, "ROUNDS", rounds)
    ground = 60 * np.exp(-(((samples.distances - 200) / 40) ** 2))
    within = envelope(ground, 0.0, LIMITS)
    found, _ = fit(np.full(4, 30.0), samples, within)
    assert (samples.heights(found) >= within.lowest - 1e-9).all()


def test_legs_that_no_height_suits_are_named(samples):
    """Two hills with a deep valley between them, all on one leg."""
    ground = np.zeros(len(samples.distances))
    on_second = samples.legs == 1
    along = samples.distances[on_second] - samples.distances[on_second].min()
    ground[on_second] = 150 * np.cos(along / along.max() * 4 * np.pi)
    found, legs = fit(np.full(4, 60.0), samples, envelope(ground, -1000.0, LIMITS))
    assert 1 in legs
    assert (samples.heights(found) >= ground + LIMITS.clearance).all()
