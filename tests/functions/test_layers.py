"""The functions' layers."""

import dataclasses
import platform
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from functions.layers import build
from functions.layers.archive import read_comment, write_archive
from functions.layers.build import (
    BASE,
    GEOMETRY,
    IMAGING,
    LAYERS,
    RASTER,
    LayerError,
    build_layer,
    build_layers,
    locked_names,
)

LAMBDA_UNPACKED_BYTES = 250 * 2**20
"""A function with all its layers."""
TOGETHER = {"capture check": (BASE, GEOMETRY, IMAGING), "flight planner": (BASE, GEOMETRY, RASTER)}
LEFT_FOR_CODE = 0.92
"""Of what a function with its layers may have; code of our own is about 1 MB."""
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
ARCHITECTURE = {"aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "x86_64")


def fill(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"content of {name}")


def test_an_archive_depends_on_names_and_contents_alone(tmp_path):
    fill(tmp_path / "one", ["b/c.py", "a.py"])
    fill(tmp_path / "two", ["a.py", "b/c.py"])
    (tmp_path / "two" / "a.py").chmod(0o600)
    archives = [tmp_path / "1.zip", tmp_path / "2.zip"]
    for archive, folder in zip(archives, ("one", "two"), strict=True):
        write_archive(archive, tmp_path / folder, under="python", comment="x")
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with zipfile.ZipFile(archives[0]) as archive:
        assert archive.namelist() == ["python/a.py", "python/b/c.py"]
    (tmp_path / "two" / "a.py").write_text("other")
    write_archive(archives[1], tmp_path / "two", under="python", comment="x")
    assert archives[0].read_bytes() != archives[1].read_bytes()


@pytest.mark.parametrize("spec", LAYERS, ids=lambda spec: spec.name)
def test_the_lock_has_what_is_asked_for_with_hashes(spec):
    asked = {
        re.split(r"[\[<>=~ ]", line)[0]
        for line in spec.asked.read_text().splitlines()
        if line and not line.startswith("#")
    }
    locked = dict(
        re.findall(r"^([a-z0-9-]+)==(\S+)[^\n]*\\\n +--hash=", spec.requirements.read_text(), re.MULTILINE)
    )
    assert asked <= locked.keys()
    assert not set(build.IN_THE_RUNTIME) & locked.keys()


def test_no_package_is_in_two_layers():
    names = [name for spec in LAYERS for name in locked_names(spec.requirements)]
    assert len(names) == len(set(names))


IMPORTS = {
    BASE: "import pydantic, aws_lambda_powertools, cryptography.hazmat.bindings._rust, jmespath",
    IMAGING: "from PIL import Image; Image.new('L', (8, 8)).tobytes('jpeg', 'L')",
    GEOMETRY: "import numpy, pyproj; assert pyproj.Geod(ellps='WGS84').inv(0, 0, 1, 0)[2] > 111000",
    RASTER: "import rasterio; assert rasterio.drivers.raster_driver_extensions()['tif'] == 'GTiff'",
}


def unpacked_bytes(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(info.file_size for info in archive.infolist())


@pytest.mark.slow
@pytest.mark.parametrize("spec", LAYERS, ids=lambda spec: spec.name)
def test_a_layer_works_without_any_other_package(tmp_path, spec):
    layer = build_layer(spec, RUNTIME, ARCHITECTURE, output=tmp_path)
    assert layer.rebuilt
    assert layer.size <= spec.max_bytes
    content = layer.path.read_bytes()
    assert not build_layer(spec, RUNTIME, ARCHITECTURE, output=tmp_path).rebuilt
    layer.path.unlink()
    assert build_layer(spec, RUNTIME, ARCHITECTURE, output=tmp_path).path.read_bytes() == content
    with zipfile.ZipFile(layer.path) as archive:
        archive.extractall(tmp_path / "opt")
    for other in spec.beside:
        with zipfile.ZipFile(build_layer(other, RUNTIME, ARCHITECTURE, output=tmp_path).path) as archive:
            archive.extractall(tmp_path / "opt")
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'opt' / 'python')!r}); {IMPORTS[spec]}"
    subprocess.run([sys.executable, "-S", "-c", code], check=True, timeout=60)


@pytest.mark.slow
@pytest.mark.parametrize(("runtime", "architecture"), [("python3.13", "arm64"), ("python3.13", "x86_64")])
def test_the_layers_of_a_function_fit_into_lambda(tmp_path, runtime, architecture):
    """Of the usual settings: wheels are there for another machine than this one."""
    build_layers(runtime, architecture, output=tmp_path)
    for name, specs in TOGETHER.items():
        paths = [tmp_path / f"{spec.name}-{runtime}-{architecture}.zip" for spec in specs]
        assert sum(map(unpacked_bytes, paths)) < LEFT_FOR_CODE * LAMBDA_UNPACKED_BYTES, name


@pytest.mark.slow
def test_a_damaged_layer_is_built_again(tmp_path):
    path = tmp_path / f"base-{RUNTIME}-{ARCHITECTURE}.zip"
    path.write_bytes(b"PK half")
    assert read_comment(path) is None
    assert build_layer(BASE, RUNTIME, ARCHITECTURE, output=tmp_path).rebuilt


@pytest.mark.slow
def test_a_layer_too_large_is_an_error(tmp_path):
    with pytest.raises(LayerError, match=r"base layer has .* MB"):
        build_layer(dataclasses.replace(BASE, max_bytes=1000), RUNTIME, ARCHITECTURE, output=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("runtime", "architecture"), [("nodejs22.x", "arm64"), (RUNTIME, "riscv")])
def test_an_unknown_machine_is_named(tmp_path, runtime, architecture):
    with pytest.raises(LayerError, match=f"{runtime} on {architecture}"):
        build_layer(BASE, runtime, architecture, output=tmp_path)
