"""Builds the functions' layers from their locked requirements, for a machine that need not be this one."""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from functions.layers.archive import digest, read_comment, write_archive

ROOT = Path(__file__).resolve().parents[2]
OUTPUT = ROOT / "build" / "layers"

PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
"""uv's names of Lambda's architectures; Amazon Linux 2023 has glibc 2.34."""
IN_THE_RUNTIME = ("boto3", "botocore", "python-dateutil", "s3transfer", "six", "urllib3")
"""Packages that every Lambda runtime of Python has: boto3 and what it needs."""
_DROPPED_FOLDERS = frozenset({"__pycache__", "bin", "tests"})
_DROPPED_FILES = frozenset({".lock", "INSTALLER", "RECORD", "REQUESTED", "direct_url.json"})
_LOCKED = re.compile(r"^([a-z0-9-]+)==", re.MULTILINE)
_RUNTIME = re.compile(r"^python(?P<version>3\.\d+)$")


class LayerError(Exception):
    """The layer cannot be built; the message says why."""


@dataclass(frozen=True)
class LayerSpec:
    """What a layer is made of.

    Attributes:
        name: Its name.
        asked: What is asked for.
        requirements: The lock of it, with hashes.
        max_bytes: Of the archive: a cold start unpacks it.
        beside: Layers that whoever has this one has, too; what they bring is not in it.
    """

    name: str
    asked: Path
    requirements: Path
    max_bytes: int
    beside: "tuple[LayerSpec, ...]" = ()


BASE = LayerSpec(
    "base",
    asked=ROOT / "functions" / "requirements.in",
    requirements=ROOT / "functions" / "requirements.txt",
    max_bytes=12 * 10**6,
)
"""What every function has."""
GEOMETRY = LayerSpec(
    "geometry",
    asked=ROOT / "functions" / "requirements-geometry.in",
    requirements=ROOT / "functions" / "requirements-geometry.txt",
    max_bytes=30 * 10**6,
)
"""What the flight planner and the capture check have besides."""
IMAGING = LayerSpec(
    "imaging",
    asked=ROOT / "functions" / "requirements-imaging.in",
    requirements=ROOT / "functions" / "requirements-imaging.txt",
    max_bytes=12 * 10**6,
)
"""What the capture check has besides, with numpy of the geometry layer."""
RASTER = LayerSpec(
    "raster",
    asked=ROOT / "functions" / "requirements-raster.in",
    requirements=ROOT / "functions" / "requirements-raster.txt",
    max_bytes=48 * 10**6,
    beside=(GEOMETRY,),
)
"""What the flight planner has besides."""
LAYERS = (BASE, GEOMETRY, IMAGING, RASTER)


@dataclass(frozen=True)
class Layer:
    """A built layer.

    Attributes:
        path: Its archive.
        size: Its bytes.
        rebuilt: False when an archive of the same sources was there.
    """

    path: Path
    size: int
    rebuilt: bool


def locked_names(requirements: Path) -> set[str]:
    """Give the packages that a lock has."""
    return set(_LOCKED.findall(requirements.read_text()))


def build_layers(runtime: str, architecture: str, *, output: Path = OUTPUT) -> list[Layer]:
    """Build every layer, as `build_layer` does."""
    return [build_layer(spec, runtime, architecture, output=output) for spec in LAYERS]


def build_layer(spec: LayerSpec, runtime: str, architecture: str, *, output: Path = OUTPUT) -> Layer:
    """Build one layer.

    Args:
        spec: What it is made of.
        runtime: Lambda runtime, for example `python3.13`.
        architecture: `arm64` or `x86_64`.
        output: Folder of the archive.

    Returns:
        The layer; the same sources give the same bytes.

    Raises:
        LayerError: The runtime or architecture is unknown, a package cannot be had, or the archive is too
            large.
    """
    match = _RUNTIME.match(runtime)
    if not match or architecture not in PLATFORMS:
        raise LayerError(
            f"no layer for {runtime} on {architecture}: give python3.x and one of {', '.join(PLATFORMS)}"
        )
    path = output / f"{spec.name}-{runtime}-{architecture}.zip"
    sources = digest(spec.requirements.read_bytes(), Path(__file__).read_bytes(), runtime.encode())
    if read_comment(path) == sources:
        return Layer(path=path, size=path.stat().st_size, rebuilt=False)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "python"
        _install(spec.requirements, folder, match["version"], PLATFORMS[architecture])
        _strip(folder)
        write_archive(path, folder, under="python", comment=sources)
    size = path.stat().st_size
    if size > spec.max_bytes:
        path.unlink()
        raise LayerError(
            f"the {spec.name} layer has {size / 1e6:.1f} MB, more than {spec.max_bytes / 1e6:.0f} MB"
        )
    return Layer(path=path, size=size, rebuilt=True)


def _install(requirements: Path, folder: Path, python_version: str, platform: str) -> None:
    _run_uv(
        "pip",
        "install",
        "--target",
        str(folder),
        "--python-version",
        python_version,
        "--python-platform",
        platform,
        "--only-binary",
        ":all:",
        "--no-deps",
        "--require-hashes",
        "--requirement",
        str(requirements),
    )


def _strip(folder: Path) -> None:
    for item in sorted(folder.rglob("*"), reverse=True):
        if item.is_dir() and item.name in _DROPPED_FOLDERS:
            shutil.rmtree(item)
        elif item.is_file() and item.name in _DROPPED_FILES:
            item.unlink()


def _run_uv(*arguments: str) -> None:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise LayerError("uv is missing: run `make setup` first")
    result = subprocess.run(
        [uv, *arguments, "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise LayerError(f"uv {arguments[1]} failed: {result.stderr.strip()}")
