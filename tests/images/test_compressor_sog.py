"""Round trips of the SOG writer and reader, with bounds that follow from the format's steps."""

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from spaceport_compressor import sog_format
from spaceport_compressor.morton import morton_order
from spaceport_compressor.sog_reader import SogError, read_sog
from spaceport_compressor.sog_writer import SogSettings, visibility_weights, write_sog
from spaceport_splat.splats import Splats


def random_splats(count: int, *, degree: int = 3, seed: int = 0) -> Splats:
    random = np.random.default_rng(seed)
    coefficients = sog_format.COEFFICIENTS[degree]
    strength = random.gamma(0.7, 0.1, (count, 1, 1))
    return Splats(
        means=(random.standard_t(3, (count, 3)) * 20).astype(np.float32),
        log_scales=random.normal(-3, 1, (count, 3)).astype(np.float32),
        quats=(random.normal(size=(count, 4)) * random.gamma(2, 1, (count, 1))).astype(np.float32),
        opacity_logits=random.normal(2, 2, count).astype(np.float32),
        sh0=random.normal(0, 1, (count, 3)).astype(np.float32),
        shN=(random.normal(size=(count, coefficients, 3)) * strength).astype(np.float32),
    )


def in_file_order(splats: Splats) -> Splats:
    return splats[morton_order(splats.means)]


def round_trip(splats: Splats, path: Path, **settings: object) -> tuple[Splats, Splats]:
    """Returns the source in the file's order and what was read back."""
    write_sog(splats, path, SogSettings(**settings))
    return in_file_order(splats), read_sog(path)


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def opacities(splats: Splats) -> np.ndarray:
    return 1 / (1 + np.exp(-splats.opacity_logits.astype(np.float64)))


def aligned_quats(source: Splats, decoded: Splats) -> tuple[np.ndarray, np.ndarray]:
    """Unit quaternions with the sign under which they are nearest: q and -q are one rotation."""
    a, b = (
        splats.quats.astype(np.float64)
        / np.linalg.norm(splats.quats.astype(np.float64), axis=1, keepdims=True)
        for splats in (source, decoded)
    )
    return a, b * np.sign(np.sum(a * b, axis=1, keepdims=True))


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("count", [1, 5, 1_500])
def test_every_value_comes_back_within_its_step(count: int, degree: int, tmp_path: Path):
    source, decoded = round_trip(random_splats(count, degree=degree), tmp_path / "a.sog")
    logs, logs_back = sog_format.to_log_space(source.means), sog_format.to_log_space(decoded.means)
    half_step = np.ptp(logs, axis=0) / sog_format.MEANS_STEPS / 2
    assert (np.abs(logs - logs_back) <= half_step + 1e-6).all()
    assert np.abs(opacities(source) - opacities(decoded)).max() <= 0.5 / 255 + 1e-6
    a, b = aligned_quats(source, decoded)
    # Three components are off by half a step of sqrt(2)/255, the fourth by at most their sum.
    assert np.linalg.norm(a - b, axis=1).max() < 2 * np.sqrt(3) * (np.sqrt(2) / 255 / 2)
    for before, after in ((source.log_scales, decoded.log_scales), (source.sh0, decoded.sh0)):
        even_steps = np.ptp(before) / 256 / np.sqrt(12)
        assert rms(before - after) <= even_steps + 1e-7
    assert decoded.shN.shape == source.shN.shape


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_harmonics_of_few_splats_lose_only_the_codebook_step(degree: int, tmp_path: Path):
    source, decoded = round_trip(random_splats(700, degree=degree), tmp_path / "a.sog")
    assert rms(source.shN - decoded.shN) < np.ptp(source.shN) / 256 / np.sqrt(12)


def test_harmonics_keep_their_colours_and_order(tmp_path: Path):
    """One coefficient of one colour at a time: nothing is swapped on the way."""
    splats = random_splats(45)
    splats = replace(splats, shN=np.eye(45, dtype=np.float32).reshape(45, 15, 3))
    source, decoded = round_trip(splats, tmp_path / "a.sog")
    assert np.allclose(source.shN, decoded.shN, atol=1e-6)


def test_a_large_palette_keeps_more_than_a_small_one(tmp_path: Path):
    splats = random_splats(4_000)
    errors, sizes = [], []
    for palette in (256, 1_024, 4_000):
        source, decoded = round_trip(splats, tmp_path / f"{palette}.sog", palette_size=palette)
        errors.append(rms(source.shN - decoded.shN))
        sizes.append((tmp_path / f"{palette}.sog").stat().st_size)
    assert errors == sorted(errors, reverse=True)
    assert sizes == sorted(sizes)


def test_weighing_serves_the_splats_that_are_seen(tmp_path: Path):
    splats = random_splats(6_000)
    errors = {}
    for weigh in (False, True):
        source, decoded = round_trip(
            splats, tmp_path / f"{weigh}.sog", palette_size=512, weigh_by_visibility=weigh
        )
        weights = visibility_weights(source)
        errors[weigh] = np.sum(weights[:, None, None] * (source.shN - decoded.shN) ** 2)
    assert errors[True] < 0.9 * errors[False]


QUATERNIONS = {
    "identity": [1, 0, 0, 0],
    "half turn": [0, 0, 1, 0],
    "negative largest": [-0.9, 0.1, 0.3, -0.2],
    "two equal": [0.5**0.5, 0.5**0.5, 0, 0],
    "all equal": [0.5, 0.5, 0.5, 0.5],
    "all equal, signs mixed": [-0.5, 0.5, -0.5, 0.5],
    "long": [3e4, -2e4, 1e4, 5e3],
    "tiny": [1e-20, 2e-20, 0, -3e-20],
}


@pytest.mark.parametrize("quat", QUATERNIONS.values(), ids=QUATERNIONS)
def test_quaternions_of_every_kind_come_back(quat: list[float], tmp_path: Path):
    splats = replace(random_splats(4), quats=np.tile(np.array(quat, np.float32), (4, 1)))
    source, decoded = round_trip(splats, tmp_path / "a.sog")
    a, b = aligned_quats(source, decoded)
    assert np.allclose(np.linalg.norm(decoded.quats, axis=1), 1, atol=1e-6)
    assert np.degrees(2 * np.arccos(np.clip(np.sum(a * b, axis=1), -1, 1))).max() < 1.2


@pytest.mark.parametrize(("logit", "opacity"), [(-40.0, 0.0), (40.0, 1.0), (0.0, 0.5)])
def test_extreme_opacities_stay_finite(logit: float, opacity: float, tmp_path: Path):
    splats = replace(random_splats(3), opacity_logits=np.full(3, logit, np.float32))
    _, decoded = round_trip(splats, tmp_path / "a.sog")
    assert np.isfinite(decoded.opacity_logits).all()
    assert opacities(decoded) == pytest.approx(opacity, abs=0.5 / 255 + 1e-6)


def test_splats_in_one_place_come_back(tmp_path: Path):
    splats = replace(random_splats(9), means=np.tile(np.float32([4, -2, 0.5]), (9, 1)))
    _, decoded = round_trip(splats, tmp_path / "a.sog")
    assert np.allclose(decoded.means, [4, -2, 0.5], atol=1e-5)


def test_a_splat_far_away_costs_the_others_little(tmp_path: Path):
    """Positions are stored in log space: that is what keeps the near ones exact."""
    splats = random_splats(500)
    means = np.clip(splats.means, -50, 50)
    means[0] = 1e6
    source, decoded = round_trip(replace(splats, means=means), tmp_path / "a.sog")
    near = np.abs(source.means).max(axis=1) < 100
    assert np.abs(source.means - decoded.means)[near].max() < 0.02


@pytest.mark.parametrize("degree", [0, 3])
def test_the_same_splats_give_the_same_bytes_for_any_number_of_threads(degree: int, tmp_path: Path):
    splats = random_splats(3_000, degree=degree)
    contents = set()
    for threads in (1, 2, 4):
        write_sog(splats, tmp_path / "a.sog", SogSettings(threads=threads))
        contents.add((tmp_path / "a.sog").read_bytes())
    assert len(contents) == 1


def test_the_seed_matters(tmp_path: Path):
    splats = random_splats(3_000)
    for seed in (1, 2):
        write_sog(splats, tmp_path / f"{seed}.sog", SogSettings(seed=seed))
    assert (tmp_path / "1.sog").read_bytes() != (tmp_path / "2.sog").read_bytes()


def test_the_archive_is_what_the_format_asks_for(tmp_path: Path):
    splats = random_splats(2_000)
    write_sog(splats, tmp_path / "a.sog")
    with zipfile.ZipFile(tmp_path / "a.sog") as archive:
        meta = json.loads(archive.read("meta.json"))
        named = [name for part in meta.values() if isinstance(part, dict) for name in part.get("files", [])]
        assert sorted([*named, "meta.json"]) == sorted(archive.namelist())
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        sizes = {}
        for name in named:
            with archive.open(name) as file, Image.open(file) as image:
                assert image.format == "WEBP"
                sizes[name] = image.size
    assert meta["version"] == 2
    assert meta["count"] == 2_000
    assert len({size for name, size in sizes.items() if name != "shN_centroids.webp"}) == 1
    width, height = sizes["shN_centroids.webp"]
    assert width == 64 * 15
    assert height == -(-meta["shN"]["count"] // 64)
    assert all(len(meta[part]["codebook"]) == 256 for part in ("scales", "sh0", "shN"))


def break_rows(column: str, value: float) -> Callable[[Splats], Splats]:
    def change(splats: Splats) -> Splats:
        values = getattr(splats, column).copy()
        values[1] = value
        return replace(splats, **{column: values})

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (break_rows("means", np.nan), "not finite"),
        (break_rows("shN", np.inf), "not finite"),
        (break_rows("quats", 0.0), "zero quaternion"),
        (lambda splats: splats[np.arange(0)], "no splats"),
    ],
)
def test_what_cannot_be_encoded_is_refused(change: Callable[[Splats], Splats], words: str, tmp_path: Path):
    with pytest.raises(ValueError, match=words):
        write_sog(change(random_splats(4)), tmp_path / "a.sog")
    assert not (tmp_path / "a.sog").exists()


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut"])
def test_what_is_no_sog_file_is_refused(content: bytes, tmp_path: Path):
    (tmp_path / "a.sog").write_bytes(content)
    with pytest.raises(SogError, match=r"a\.sog"):
        read_sog(tmp_path / "a.sog")


def test_another_version_is_refused(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.sog", "w") as archive:
        archive.writestr("meta.json", '{"version": 1}')
    with pytest.raises(SogError, match="version 1"):
        read_sog(tmp_path / "a.sog")
