"""Builds the base layer from the functions' locked requirements, for a machine that need not be this one."""

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from functions.layers.archive import digest, read_comment, write_archive

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "functions" / "requirements.txt"
SOURCES = ROOT / "functions" / "requirements.in"
OUTPUT = ROOT / "build" / "layers"

PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
"""uv's names of Lambda's architectures; Amazon Linux 2023 has glibc 2.34."""
IN_THE_RUNTIME = ("boto3", "botocore", "python-dateutil", "s3transfer", "six", "urllib3")
"""Packages that every Lambda runtime of Python has: boto3 and what it needs."""
MAX_BYTES = 12 * 10**6
"""Of the archive: a cold start unpacks it."""
_DROPPED_FOLDERS = frozenset({"__pycache__", "bin", "tests"})
_DROPPED_FILES = frozenset({".lock", "INSTALLER", "RECORD", "REQUESTED", "direct_url.json"})
_RUNTIME = re.compile(r"^python(?P<version>3\.\d+)$")


class LayerError(Exception):
    """The layer cannot be built; the message says why."""


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


def build_layer(runtime: str, architecture: str, *, output: Path = OUTPUT) -> Layer:
    """Build the base layer.

    Args:
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
    path = output / f"base-{runtime}-{architecture}.zip"
    sources = digest(REQUIREMENTS.read_bytes(), Path(__file__).read_bytes(), runtime.encode())
    if read_comment(path) == sources:
        return Layer(path=path, size=path.stat().st_size, rebuilt=False)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "python"
        _install(folder, match["version"], PLATFORMS[architecture])
        _strip(folder)
        write_archive(path, folder, under="python", comment=sources)
    size = path.stat().st_size
    if size > MAX_BYTES:
        path.unlink()
        raise LayerError(f"the layer has {size / 1e6:.1f} MB, more than {MAX_BYTES / 1e6:.0f} MB")
    return Layer(path=path, size=size, rebuilt=True)


def lock() -> None:
    """Write the locked requirements again, with the newest versions that requirements.in allows.

    Raises:
        LayerError: They cannot be resolved.
    """
    left_out = [word for name in IN_THE_RUNTIME for word in ("--no-emit-package", name)]
    _run_uv(
        "pip",
        "compile",
        str(SOURCES.relative_to(ROOT)),
        "--output-file",
        str(REQUIREMENTS.relative_to(ROOT)),
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
        "--upgrade",
        "--no-annotate",
        "--custom-compile-command",
        "python -m functions.layers --lock",
        *left_out,
    )


def _install(folder: Path, python_version: str, platform: str) -> None:
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
        str(REQUIREMENTS),
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
