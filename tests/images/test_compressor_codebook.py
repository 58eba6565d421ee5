import numpy as np
import pytest
from spaceport_compressor.codebook import ENTRIES, build_codebook, nearest_entries
from spaceport_compressor.morton import morton_order


def rms_error(values: np.ndarray, codebook: np.ndarray) -> float:
    return float(np.sqrt(np.mean((codebook[nearest_entries(values, codebook)] - values) ** 2)))


@pytest.mark.parametrize("shape", ["normal", "two_humps", "long_tail"])
def test_a_codebook_beats_evenly_spaced_entries(shape: str):
    random = np.random.default_rng(1)
    values = {
        "normal": random.normal(size=20_000),
        "two_humps": np.concatenate([random.normal(-5, 0.3, 10_000), random.normal(4, 1, 10_000)]),
        "long_tail": random.standard_t(3, 20_000),
    }[shape]
    even = np.linspace(values.min(), values.max(), ENTRIES).astype(np.float32)
    assert rms_error(values, build_codebook(values)) < 0.75 * rms_error(values, even)


def test_entries_are_the_means_of_their_values():
    values = np.random.default_rng(2).gamma(2.0, size=5_000)
    codebook = build_codebook(values)
    labels = nearest_entries(values, codebook)
    means = [values[labels == entry].mean() for entry in np.unique(labels)]
    assert codebook[np.unique(labels)] == pytest.approx(means, rel=1e-5)


def test_few_different_values_are_kept_exactly():
    values = np.repeat(np.array([-3.0, 0.5, 0.5001, 900.0], np.float32), [1, 50, 7, 2])
    codebook = build_codebook(values)
    assert codebook[nearest_entries(values, codebook)] == pytest.approx(values, rel=1e-6)


def test_one_value_makes_a_codebook_of_it():
    assert set(build_codebook(np.full((4, 3), -2.5, np.float32))) == {np.float32(-2.5)}


def test_nearest_entries_are_nearest():
    random = np.random.default_rng(3)
    codebook = np.sort(random.normal(size=ENTRIES)).astype(np.float32)
    values = random.normal(size=(200, 3)) * 2
    closest = np.abs(values[..., None] - codebook).min(axis=-1)
    assert np.abs(values - codebook[nearest_entries(values, codebook)]) == pytest.approx(closest)


def test_morton_order_visits_octants_one_after_the_other():
    points = np.random.default_rng(4).uniform(-1, 1, (4_000, 3))
    corners = np.array([[-1.0, -1, -1], [1, 1, 1]])
    ordered = np.concatenate([corners, points])[morton_order(np.concatenate([corners, points]))]
    octants = (ordered > 0) @ [1, 2, 4]
    assert np.array_equal(octants, np.sort(octants))


def test_morton_order_is_a_permutation_and_keeps_equal_points_in_order():
    points = np.repeat(np.random.default_rng(5).normal(size=(50, 3)), 3, axis=0)
    order = morton_order(points)
    assert sorted(order) == list(range(150))
    assert all(order[index] < order[index + 1] for index in range(0, 150, 3))


def test_morton_order_of_one_point_and_of_a_plane():
    assert list(morton_order(np.zeros((1, 3)))) == [0]
    plane = np.column_stack([np.arange(8), np.zeros(8), np.zeros(8)])
    assert list(morton_order(plane[::-1])) == list(range(7, -1, -1))
