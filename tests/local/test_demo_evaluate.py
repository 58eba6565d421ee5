"""The comparison with the truth: what it must and must not forgive."""

import numpy as np

from local.demo.evaluate import align_similarity, rmse, to_enu

ORIGIN = {"latitude": 47.05, "longitude": 8.3, "altitude_m": 450.0}


def some_points(seed: int = 0, count: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=30.0, size=(count, 3))


def some_rotation(seed: int = 2) -> np.ndarray:
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return rotation * np.sign(np.linalg.det(rotation))


def test_alignment_undoes_any_similarity():
    true = some_points()
    turned = 0.37 * true @ some_rotation().T + [5, -9, 2]
    assert rmse(align_similarity(turned, true) - true) < 1e-9


def test_alignment_does_not_undo_a_mirror_image():
    true = some_points()
    assert rmse(align_similarity(true * [1, 1, -1], true) - true) > 1.0


def test_alignment_is_the_best_one():
    true = some_points()
    bent = true + np.random.default_rng(1).normal(scale=0.5, size=true.shape)
    best = rmse(align_similarity(bent, true) - true)
    assert best <= rmse(bent - true)
    assert best <= rmse(1.001 * align_similarity(bent, true) - true)


def georeference(origin: dict[str, float] | None, translation: list[float]) -> dict[str, object]:
    return {
        "origin": origin,
        "model_to_enu": {"scale": 2.0, "rotation": np.eye(3).tolist(), "translation": translation},
    }


def test_georeference_moves_between_origins():
    points = some_points()
    placed = to_enu(points, georeference(ORIGIN, [1.0, 2.0, 3.0]), ORIGIN)
    assert placed is not None
    np.testing.assert_allclose(placed, 2.0 * points + [1.0, 2.0, 3.0], atol=1e-6)
    higher = to_enu(points, georeference({**ORIGIN, "altitude_m": 460.0}, [1.0, 2.0, 3.0]), ORIGIN)
    assert higher is not None
    np.testing.assert_allclose(higher - placed, np.tile([0, 0, 10.0], (len(points), 1)), atol=1e-3)


def test_a_model_without_a_place_stays_unplaced():
    assert to_enu(some_points(), georeference(None, [0.0, 0.0, 0.0]), ORIGIN) is None
