"""What can be known of the images without building them: paths, locks, entry points, imports."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTEXT = ROOT / "images"
IMAGES = ("sfm", "3dgs", "compressor")
UV = ROOT / ".venv" / "bin" / "uv"


def instructions(image: str) -> list[tuple[str, str]]:
    text = (CONTEXT / image / "Dockerfile").read_text()
    joined = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE))
    return [
        (line.split(None, 1)[0].upper(), line.split(None, 1)[1])
        for line in joined.splitlines()
        if line.strip()
    ]


def copies(image: str) -> list[tuple[list[str], str]]:
    """Sources in the build context and targets of every COPY that does not come from another stage."""
    found = []
    for word, rest in instructions(image):
        if word == "COPY" and "--from=" not in rest:
            *sources, target = [part for part in rest.split() if not part.startswith("--")]
            found.append((sources, target))
    return found


def entry_module(image: str) -> str:
    command = json.loads(next(rest for word, rest in instructions(image) if word == "ENTRYPOINT"))
    assert command[:2] == ["python", "-m"]
    return command[2]


@pytest.mark.parametrize("image", IMAGES)
def test_every_copied_path_is_in_the_build_context(image: str):
    assert copies(image)
    for sources, _ in copies(image):
        for source in sources:
            assert (CONTEXT / source).exists(), (
                f"{image}/Dockerfile copies images/{source}, which is not there"
            )


@pytest.mark.parametrize("image", IMAGES)
def test_the_entry_point_is_a_copied_package(image: str):
    module = entry_module(image)
    packages = [source for sources, _ in copies(image) for source in sources]
    assert f"{image}/{module}" in packages
    assert (CONTEXT / image / module / "__main__.py").exists()


@pytest.mark.parametrize("image", IMAGES)
def test_base_images_are_pinned(image: str):
    for word, rest in instructions(image):
        if word == "FROM":
            name = rest.split()[0]
            assert re.search(r":[\w.-]*\d", name) or "@sha256:" in name, f"{name} names no version"
            assert not name.endswith(":latest")


@pytest.mark.parametrize("image", IMAGES)
def test_the_lock_is_copied_and_pins_every_package_by_hash(image: str):
    lock = f"{image}/requirements.txt"
    assert any(lock in sources for sources, _ in copies(image))
    runs = " ".join(rest for word, rest in instructions(image) if word == "RUN")
    assert "--require-hashes" in runs
    entries = re.split(
        r"\n(?=\S)", re.sub(r"^\s*#.*\n", "", (CONTEXT / lock).read_text(), flags=re.MULTILINE).strip()
    )
    for entry in entries:
        assert re.match(r"[\w.\[\]-]+==", entry), f"{entry.splitlines()[0]} is not pinned"
        assert "--hash=sha256:" in entry


@pytest.mark.parametrize("image", IMAGES)
def test_nothing_pulls_cuda_or_torchvision(image: str):
    names = re.findall(
        r"^([\w.-]+)==", (CONTEXT / image / "requirements.txt").read_text(), flags=re.MULTILINE
    )
    assert not [name for name in names if name.startswith(("nvidia", "torch", "triton"))]


@pytest.mark.slow
@pytest.mark.parametrize("image", IMAGES)
def test_the_entry_point_runs_after_an_install_of_its_lock_alone(image: str, tmp_path: Path):
    """Only what the Dockerfile copies and locks can be imported; torch is the base image's, here .venv's."""
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    python = venv / "bin" / "python"
    lock = CONTEXT / image / "requirements.txt"
    subprocess.run([UV, "pip", "sync", "-q", "--require-hashes", "--python", python, lock], check=True)
    program = tmp_path / "program"
    program.mkdir()
    for sources, _ in copies(image):
        for source in (CONTEXT / path for path in sources):
            if (source / "__init__.py").exists():
                (program / source.name).symlink_to(source)
    if image == "3dgs":
        site_packages = Path(importlib.util.find_spec("torch").origin).parents[1]
        for package in ("torch", "torchgen", "functorch"):
            (program / package).symlink_to(site_packages / package)
    done = subprocess.run(
        [python, "-m", entry_module(image), "--no_such_option", "1"],
        env={"PYTHONPATH": str(program), "SPACEPORT_ML_BASE": str(tmp_path / "ml"), "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "no_such_option" in done.stderr + done.stdout
