from dataclasses import replace

import numpy as np
import pytest
from spaceport_compressor.cleaning import clean
from spaceport_splat.splats import Splats

from tests.images.compressor_scene import landmark_scene


def with_value(splats: Splats, column: str, row: int, value: float) -> Splats:
    values = getattr(splats, column).copy()
    values[row] = value
    return replace(splats, **{column: values})


def test_whole_visible_splats_stay_as_they_are():
    splats = landmark_scene(400)
    cleaned = clean(splats, min_opacity=1 / 255, sh_degree=3)
    assert (cleaned.broken, cleaned.transparent) == (0, 0)
    assert np.array_equal(cleaned.splats.means, splats.means)
    assert np.array_equal(cleaned.splats.shN, splats.shN)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", ["means", "log_scales", "quats", "opacity_logits", "sh0", "shN"])
def test_a_splat_with_a_number_that_is_not_finite_goes(column: str, value: float):
    splats = landmark_scene(400)
    cleaned = clean(with_value(splats, column, 17, value), min_opacity=1 / 255, sh_degree=3)
    assert (cleaned.broken, cleaned.transparent) == (1, 0)
    assert np.array_equal(cleaned.splats.means, np.delete(splats.means, 17, axis=0))


def test_a_splat_without_a_rotation_goes():
    cleaned = clean(with_value(landmark_scene(400), "quats", 3, 0.0), min_opacity=0, sh_degree=3)
    assert cleaned.broken == 1


def test_a_splat_thrown_out_of_the_scene_goes():
    cleaned = clean(with_value(landmark_scene(400), "means", 3, -3e7), min_opacity=0, sh_degree=3)
    assert cleaned.broken == 1
    assert np.abs(cleaned.splats.means).max() < 100


def test_transparent_splats_go_and_are_counted():
    splats = landmark_scene(400)
    logits = splats.opacity_logits.copy()
    logits[:7] = -8
    cleaned = clean(replace(splats, opacity_logits=logits), min_opacity=1 / 255, sh_degree=3)
    assert (cleaned.broken, cleaned.transparent) == (0, 7)
    assert clean(replace(splats, opacity_logits=logits), min_opacity=0, sh_degree=3).transparent == 0


@pytest.mark.parametrize(("degree", "coefficients"), [(0, 0), (1, 3), (2, 8), (3, 15)])
def test_degrees_above_the_wanted_one_are_cut_off(degree: int, coefficients: int):
    splats = landmark_scene(200, coefficients=15)
    kept = clean(splats, min_opacity=0, sh_degree=degree).splats.shN
    assert np.array_equal(kept, splats.shN[:, :coefficients])


def test_degrees_of_nothing_but_zeros_are_cut_off():
    splats = landmark_scene(200, coefficients=15)
    flat = splats.shN.copy()
    flat[:, 3:] = 0
    assert clean(replace(splats, shN=flat), min_opacity=0, sh_degree=3).splats.shN.shape[1] == 3
    assert clean(replace(splats, shN=flat * 0), min_opacity=0, sh_degree=3).splats.shN.shape[1] == 0


def test_fewer_degrees_than_wanted_are_no_fault():
    splats = landmark_scene(200, coefficients=3)
    assert clean(splats, min_opacity=0, sh_degree=3).splats.shN.shape[1] == 3
