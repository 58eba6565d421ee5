"""The splat PLY file: what is written is read back, from foreign writers too."""

from pathlib import Path

import gsplat
import numpy as np
import pytest
import torch
from spaceport_splat.splats import SH_COEFFICIENTS, Splats, read_ply, write_ply


def some_splats(count: int, degree: int) -> Splats:
    rng = np.random.default_rng(count + degree)

    def normal(*shape: int):
        return rng.normal(size=shape).astype(np.float32)

    return Splats(
        normal(count, 3),
        normal(count, 3),
        normal(count, 4),
        normal(count),
        normal(count, 3),
        normal(count, SH_COEFFICIENTS[degree], 3),
    )


FIELDS = ("means", "log_scales", "quats", "opacity_logits", "sh0", "shN")


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_round_trip(tmp_path: Path, degree: int):
    splats = some_splats(7, degree)
    write_ply(tmp_path / "splat.ply", splats)
    again = read_ply(tmp_path / "splat.ply")
    assert again.sh_degree == degree
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(again, field), getattr(splats, field))


def test_reads_the_file_that_gsplat_writes(tmp_path: Path):
    splats = some_splats(5, 3)
    arrays = (
        splats.means,
        splats.log_scales,
        splats.quats,
        splats.opacity_logits,
        splats.sh0[:, None],
        splats.shN,
    )
    gsplat.export_splats(*map(torch.from_numpy, arrays), format="ply", save_to=str(tmp_path / "theirs.ply"))
    theirs = read_ply(tmp_path / "theirs.ply")
    for field in FIELDS:
        np.testing.assert_allclose(getattr(theirs, field), getattr(splats, field), rtol=1e-6)


def test_properties_may_come_in_any_order_and_type(tmp_path: Path):
    splats = some_splats(4, 0)
    write_ply(tmp_path / "splat.ply", splats)
    lines, body = (tmp_path / "splat.ply").read_bytes().split(b"end_header\n")
    names = [line.split()[2].decode() for line in lines.splitlines() if line.startswith(b"property")]
    table = np.frombuffer(body, [(name, "<f4") for name in names])
    turned = np.empty(4, [("flag", "u1")] + [(name, "<f8") for name in reversed(names)])
    for name in names:
        turned[name] = table[name]
    header = "ply\nformat binary_little_endian 1.0\ncomment made elsewhere\nelement vertex 4\n"
    header += "property uchar flag\n" + "".join(f"property double {name}\n" for name in reversed(names))
    (tmp_path / "turned.ply").write_bytes(header.encode() + b"end_header\n" + turned.tobytes())
    again = read_ply(tmp_path / "turned.ply")
    for field in FIELDS:
        np.testing.assert_array_equal(getattr(again, field), getattr(splats, field))


def test_coefficients_are_stored_channel_by_channel(tmp_path: Path):
    splats = some_splats(3, 1)
    write_ply(tmp_path / "splat.ply", splats)
    header, body = (tmp_path / "splat.ply").read_bytes().split(b"end_header\n")
    names = [line.split()[2] for line in header.splitlines() if line.startswith(b"property")]
    first_rest = names.index(b"f_rest_0")
    row = np.frombuffer(body, "<f4").reshape(3, -1)[0]
    np.testing.assert_array_equal(row[first_rest : first_rest + 3], splats.shN[0, :, 0])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: data[:-1], "cut short"),
        (lambda data: b"PK" + data, "not a PLY file"),
        (lambda data: data.replace(b"binary_little_endian", b"ascii"), "ascii"),
        (lambda data: data.replace(b"rot_3", b"rot_x"), "rot_3"),
        (lambda data: data.replace(b"f_rest_0", b"nothing0"), "f_rest"),
        (lambda data: data.replace(b"float opacity", b"half  opacity"), "half"),
        (lambda data: data.replace(b"element vertex", b"element face  "), "vertices"),
        (lambda data: data.split(b"end_header")[0], "header"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, damage, said: str):
    write_ply(tmp_path / "splat.ply", some_splats(3, 1))
    (tmp_path / "bad.ply").write_bytes(damage((tmp_path / "splat.ply").read_bytes()))
    with pytest.raises(ValueError, match=said) as raised:
        read_ply(tmp_path / "bad.ply")
    assert "bad.ply" in str(raised.value)


def test_arrays_that_do_not_fit_are_refused():
    good = some_splats(3, 2)
    with pytest.raises(ValueError, match="quats"):
        Splats(good.means, good.log_scales, good.quats[:2], good.opacity_logits, good.sh0, good.shN)
    with pytest.raises(ValueError, match="0, 3, 8 or 15"):
        Splats(good.means, good.log_scales, good.quats, good.opacity_logits, good.sh0, good.shN[:, :5])
