import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from spaceport_compressor.spz import SpzError, read_spz, turned, write_spz
from spaceport_splat import sh
from spaceport_splat.splats import Splats

from tests.images.test_compressor_sog import QUATERNIONS, aligned_quats, opacities, random_splats


def tame_splats(count: int, degree: int = 3) -> Splats:
    """Within what the format's bytes can say."""
    splats = random_splats(count, degree=degree)
    return replace(
        splats,
        means=np.clip(splats.means, -100, 100),
        sh0=np.clip(splats.sh0, -3, 3),
        log_scales=np.clip(splats.log_scales, -9, 5),
        shN=np.clip(splats.shN, -0.9, 0.8),
    )


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("count", [1, 5, 1_500])
def test_every_value_comes_back_within_its_step(count: int, degree: int, tmp_path: Path):
    splats = tame_splats(count, degree)
    write_spz(splats, tmp_path / "a.spz")
    decoded = read_spz(tmp_path / "a.spz")
    assert np.abs(decoded.means - splats.means).max() <= 0.5 / 2**16 + 1e-5
    assert np.abs(decoded.log_scales - splats.log_scales).max() <= 0.5 / 16 + 1e-5
    assert np.abs(opacities(decoded) - opacities(splats)).max() <= 0.5 / 255 + 1e-6
    assert np.abs(decoded.sh0 - splats.sh0).max() <= 0.5 / (255 * 0.15) + 1e-5
    a, b = aligned_quats(splats, decoded)
    assert np.linalg.norm(a - b, axis=1).max() < 2 * np.sqrt(3) * (np.sqrt(0.5) / 511 / 2)
    assert decoded.shN.shape == splats.shN.shape
    if degree:
        # Buckets of 8 and 16 of the 256 steps of 1/128, plus the first rounding.
        error = np.abs(decoded.shN - splats.shN)
        assert error[:, :3].max() <= 4.5 / 128
        assert error.max() <= 8.5 / 128


@pytest.mark.parametrize("quat", QUATERNIONS.values(), ids=QUATERNIONS)
def test_quaternions_of_every_kind_come_back(quat: list[float], tmp_path: Path):
    splats = replace(tame_splats(2), quats=np.tile(np.array(quat, np.float32), (2, 1)))
    write_spz(splats, tmp_path / "a.spz")
    a, b = aligned_quats(splats, read_spz(tmp_path / "a.spz"))
    assert np.degrees(2 * np.arccos(np.clip(np.sum(a * b, axis=1), -1, 1))).max() < 0.4


def test_turning_keeps_the_look_of_the_model():
    """Seen from the turned place, it has the same colours: the flips of the harmonics are right."""
    splats = tame_splats(200)
    turn = np.diag([1.0, -1.0, -1.0]).astype(np.float32)
    place = np.array([3.0, -7.0, 11.0], np.float32)
    other = turned(splats)
    here = sh.colors(splats.means, splats.sh0, splats.shN, place)
    there = sh.colors(other.means, other.sh0, other.shN, turn @ place)
    assert np.allclose(here, there, atol=1e-4)
    assert np.allclose(axes(other.quats), turn @ axes(splats.quats) @ turn, atol=1e-5)
    assert np.array_equal(other.means, splats.means @ turn)
    twice = turned(other)
    assert np.array_equal(twice.shN, splats.shN)


def axes(quats: np.ndarray) -> np.ndarray:
    w, x, y, z = (quats / np.linalg.norm(quats, axis=1, keepdims=True)).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.array(rows).transpose(2, 0, 1)


def test_a_wide_scene_gets_coarser_steps_instead_of_wrapping_around(tmp_path: Path):
    splats = replace(tame_splats(2), means=np.array([[5_000, -5_000, 1], [0.5, 0.25, -0.125]], np.float32))
    write_spz(splats, tmp_path / "a.spz")
    assert np.allclose(read_spz(tmp_path / "a.spz").means, splats.means, atol=1e-3)


def test_a_splat_too_far_away_is_refused(tmp_path: Path):
    with pytest.raises(SpzError, match="too far"):
        write_spz(replace(tame_splats(1), means=np.full((1, 3), 1e9, np.float32)), tmp_path / "a.spz")


def test_the_same_splats_give_the_same_bytes(tmp_path: Path):
    for name in ("a", "b"):
        write_spz(tame_splats(100), tmp_path / f"{name}.spz")
    assert (tmp_path / "a.spz").read_bytes() == (tmp_path / "b.spz").read_bytes()


@pytest.mark.parametrize("damage", ["cut stream", "missing splats", "other version", "not gzip"])
def test_what_is_no_spz_file_is_refused(damage: str, tmp_path: Path):
    write_spz(tame_splats(50), tmp_path / "a.spz")
    content = (tmp_path / "a.spz").read_bytes()
    plain = gzip.decompress(content)
    damaged = {
        "cut stream": content[:200],
        "missing splats": gzip.compress(plain[:-1]),
        "other version": gzip.compress(plain[:4] + b"\x09" + plain[5:]),
        "not gzip": plain,
    }
    (tmp_path / "a.spz").write_bytes(damaged[damage])
    with pytest.raises(SpzError, match=r"a\.spz"):
        read_spz(tmp_path / "a.spz")
