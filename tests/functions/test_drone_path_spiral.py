"""The spiral: where the original's geometry was right, ours is the same."""

import numpy as np
import pytest

from functions.drone_path.route import wanted_reaches
from functions.drone_path.spiral import Spiral, most_bounces
from functions.drone_path.units import METRES_PER_FOOT

ORIGINAL_SAMPLES = 1200


def radii_feet(spiral, start, hold):
    return spiral.radii(start, np.array(float(hold)))


@pytest.mark.parametrize(
    ("slices", "bounces", "points"), [(1, 4, 55), (2, 8, 52), (3, 9, 39), (4, 10, 43), (3, 6, 27)]
)
def test_a_slice_has_as_many_points_as_the_originals(slices, bounces, points):
    spiral = Spiral(slices, bounces)
    assert spiral.points == points
    assert len(radii_feet(spiral, 200, 2000)) == points
    assert most_bounces(slices, points) == bounces
    assert most_bounces(slices, points - 1) == bounces - 1


def test_points_are_the_originals_within_its_sampling():
    """The original took the nearest of 1,200 samples; ours are exact."""
    spiral = Spiral(3, 6)
    radii = radii_feet(spiral, 200, 2000)
    points = spiral.points_at(radii, 0)
    turn_per_sample = (2 * spiral.bounces + 1) * spiral.slice_angle / (ORIGINAL_SAMPLES - 1)
    for index, expected in ((0, (0, 200)), (1, (-209.42, 121.64)), (2, (-254.75, -145.31))):
        assert np.hypot(*(points[index] - expected)) <= turn_per_sample / 2 * radii[index] * 1.05
    growth = np.log(10) / spiral.bounces * 0.9
    late_per_sample = growth * (2 * spiral.bounces + 1) / (ORIGINAL_SAMPLES - 1)
    assert 1739.42 <= radii.max() <= 1739.42 * np.exp(late_per_sample)


def test_wanted_curves_are_the_originals():
    spiral = Spiral(3, 6)
    radii = spiral.radii(200 * METRES_PER_FOOT, np.array(2000 * METRES_PER_FOOT))
    reaches = wanted_reaches(spiral, radii)[1:-1] / METRES_PER_FOOT
    assert reaches[:3] == pytest.approx([50, 340.6, 54.7], abs=0.3)


@pytest.mark.parametrize("slices", [1, 2, 3, 5])
def test_slices_share_their_edges_and_tile_the_circle(slices):
    spiral = Spiral(slices, 5)
    radii = radii_feet(spiral, 60, 400)
    angles = np.stack([np.angle(spiral.points_at(radii, k) @ [1, 1j]) for k in range(slices)])
    swept = np.unwrap(angles, axis=1)
    assert np.ptp(swept, axis=1) == pytest.approx(np.full(slices, 2 * np.pi / slices))
    for one, other in zip(swept, np.roll(swept, -1, axis=0), strict=True):
        assert np.cos(other.min() - one.max()) == pytest.approx(1)


@pytest.mark.parametrize("slices", [2, 3, 5])
@pytest.mark.parametrize("overlap", [0.1, 0.5])
def test_wider_slices_reach_into_both_neighbours_alike(slices, overlap):
    plain, wide = Spiral(slices, 5), Spiral(slices, 5, overlap)
    radii = radii_feet(plain, 60, 400)
    assert (radii_feet(wide, 60, 400) == radii).all()
    for k in range(slices):
        swept, wider = (np.unwrap(np.angle(spiral.points_at(radii, k) @ [1, 1j])) for spiral in (plain, wide))
        middle = (swept.min() + swept.max()) / 2
        off = wider - middle - (1 + overlap) * (swept - middle)
        assert np.cos(off) == pytest.approx(np.ones(len(off)))


def test_a_single_slice_is_the_circle_and_no_wider():
    radii = radii_feet(Spiral(1, 5), 60, 400)
    assert (Spiral(1, 5, 0.5).points_at(radii, 0) == Spiral(1, 5).points_at(radii, 0)).all()


def test_the_radius_grows_is_held_and_shrinks():
    spiral = Spiral(3, 6)
    radii = radii_feet(spiral, 200, 2000)
    held = (spiral.phases >= spiral.bounces) & (spiral.phases <= spiral.bounces + 1)
    assert np.ptp(radii[held]) < 1e-6
    assert (np.diff(radii[spiral.phases <= spiral.bounces]) > 0).all()
    assert (np.diff(radii[spiral.phases >= spiral.bounces + 1]) < 0).all()
    assert radii.max() < 2000


def test_heights_rise_outward_and_go_on_rising_inward():
    spiral = Spiral(3, 6)
    radii = radii_feet(spiral, 200, 2000)
    heights = spiral.heights(radii, 120)
    assert heights[0] == 120
    assert (np.diff(heights) >= 0).all()
    top = int(np.flatnonzero(spiral.outward)[-1])
    assert heights[top] - heights[0] == pytest.approx(0.2 * (radii[top] - radii[0]))
    assert heights[-1] - heights[top] == pytest.approx(0.1 * (radii[top] - radii[-1]))


def test_many_sizes_at_once_are_the_same_as_one_by_one():
    spiral = Spiral(3, 7)
    holds = np.geomspace(70, 3000, 9)
    together = spiral.radii(60, holds)
    assert together == pytest.approx(np.stack([spiral.radii(60, hold) for hold in holds]))
