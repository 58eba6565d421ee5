import numpy as np
import pytest
from spaceport_compressor.palette import (
    Palette,
    build_palette,
    centroids_of,
    nearest_centroids,
    palette_error,
)


def harmonics_like(count: int = 6_000, *, seed: int = 0) -> np.ndarray:
    """Most rows near zero, a few long ones, as trained harmonics are."""
    random = np.random.default_rng(seed)
    lobes = random.normal(size=(40, 24))
    strength = random.gamma(0.5, 0.2, (count, 1))
    rows = lobes[random.integers(0, 40, count)] * strength + random.normal(0, 0.005, (count, 24))
    return rows.astype(np.float32)


def lloyd_from_uniform_seeds(rows: np.ndarray, size: int, rounds: int) -> Palette:
    centroids = rows[np.random.default_rng(0).choice(len(rows), size, replace=False)]
    for _ in range(rounds):
        labels = nearest_centroids(rows, centroids)
        means, sizes = centroids_of(rows, labels, size)
        centroids = np.where((sizes > 0)[:, None], means, centroids)
    return Palette(centroids, labels)


def test_the_error_is_well_below_that_of_uniform_seeds():
    rows = harmonics_like()
    ours = palette_error(rows, build_palette(rows, 2_048))
    uniform = palette_error(rows, lloyd_from_uniform_seeds(rows, 2_048, 10))
    assert ours < 0.8 * uniform


def test_more_rounds_and_more_entries_mean_less_error():
    rows = harmonics_like()
    by_rounds = [palette_error(rows, build_palette(rows, 512, iterations=rounds)) for rounds in (3, 6, 12)]
    by_size = [palette_error(rows, build_palette(rows, size)) for size in (128, 512, 2_048)]
    assert by_rounds == sorted(by_rounds, reverse=True)
    assert by_size == sorted(by_size, reverse=True)


def test_labels_point_nearly_to_the_nearest_centroid():
    rows = harmonics_like()
    palette = build_palette(rows, 512)
    exhaustive = Palette(palette.centroids, nearest_centroids(rows, palette.centroids))
    assert palette_error(rows, palette) < 1.02 * palette_error(rows, exhaustive)


def test_weights_move_the_error_to_where_it_counts_less():
    rows = harmonics_like()
    weights = np.where(np.arange(len(rows)) % 4 == 0, 20.0, 0.2).astype(np.float32)
    important = weights > 1

    def error_of_important(palette: Palette) -> float:
        return palette_error(rows[important], Palette(palette.centroids, palette.labels[important]))

    weighted = build_palette(rows, 512, weights=weights)
    assert error_of_important(weighted) < 0.8 * error_of_important(build_palette(rows, 512))


@pytest.mark.parametrize("weighted", [False, True])
def test_the_same_rows_give_the_same_palette_for_any_number_of_threads(weighted: bool):
    rows = harmonics_like(3_000)
    weights = np.linspace(0.1, 3, len(rows)).astype(np.float32) if weighted else None
    one, three = (build_palette(rows, 256, weights=weights, threads=threads) for threads in (1, 3))
    assert np.array_equal(one.labels, three.labels)
    assert np.array_equal(one.centroids, three.centroids)


def test_another_seed_gives_another_palette():
    rows = harmonics_like(3_000)
    assert not np.array_equal(
        build_palette(rows, 256, seed=1).centroids, build_palette(rows, 256, seed=2).centroids
    )


def test_no_more_rows_than_entries_are_kept_as_they_are():
    rows = harmonics_like(300)
    palette = build_palette(rows, 300)
    assert palette_error(rows, palette) == 0


def test_equal_rows_do_not_break_the_clustering():
    rows = np.zeros((2_000, 9), np.float32)
    rows[:5] = np.eye(9, dtype=np.float32)[:5]
    palette = build_palette(rows, 1_024)
    assert np.isfinite(palette.centroids).all()
    assert palette_error(rows, palette) < 1e-6


def test_every_round_is_told():
    told: list[int] = []
    build_palette(harmonics_like(2_000), 256, iterations=5, on_round=told.append)
    assert told == list(range(1, len(told) + 1))
    assert 3 <= len(told) <= 5
