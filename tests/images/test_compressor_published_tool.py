"""A second judge: PlayCanvas' own tool reads our files as our readers do."""

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from spaceport_compressor.sog_reader import read_sog
from spaceport_compressor.sog_writer import write_sog
from spaceport_compressor.spz import read_spz, turned, write_spz
from spaceport_splat.splats import Splats, read_ply

from tests.images.test_compressor_sog import opacities, random_splats

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "build" / "tools" / "splat-transform" / "node_modules" / ".bin" / "splat-transform"
INSTALL = "npm install --prefix build/tools/splat-transform @playcanvas/splat-transform@3.7.0"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not TOOL.exists(), reason=f"215 MB that only this test needs: `{INSTALL}`"),
]


SIZES = [(1, 3), (700, 0), (3_000, 1), (3_000, 2), (3_000, 3)]


def published_decoder(path: Path) -> Splats:
    environment = {**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    target = path.with_suffix(".ply")
    command = [TOOL, "-g", "cpu", "-w", path, target]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return read_ply(target)


def assert_same(ours: Splats, theirs: Splats) -> None:
    for column in ("means", "log_scales", "quats", "sh0", "shN"):
        assert np.allclose(getattr(ours, column), getattr(theirs, column), rtol=1e-6, atol=1e-6), column
    assert np.allclose(opacities(ours), opacities(theirs), atol=1e-6)


@pytest.mark.parametrize(("count", "degree"), SIZES)
def test_the_published_tool_decodes_the_same_sog(count: int, degree: int, tmp_path: Path):
    write_sog(random_splats(count, degree=degree), tmp_path / "a.sog")
    assert_same(read_sog(tmp_path / "a.sog"), published_decoder(tmp_path / "a.sog"))


@pytest.mark.parametrize(("count", "degree"), SIZES)
def test_the_published_tool_decodes_the_same_spz(count: int, degree: int, tmp_path: Path):
    """It leaves the axes as they are stored, where our reader turns them back."""
    write_spz(random_splats(count, degree=degree), tmp_path / "a.spz")
    assert_same(turned(read_spz(tmp_path / "a.spz")), published_decoder(tmp_path / "a.spz"))
