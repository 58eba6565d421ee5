"""The SfM step as SageMaker runs it: a process, folders in, folders out."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image
from spaceport_job import Georeference, Progress, Report

from tests.images.sfm_photos import write_photo

ROOT = Path(__file__).resolve().parents[2]
QUICK = ("--feature_image_size", "512", "--max_num_features", "2000")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "ml" / "processing" / "input" / "capture").mkdir(parents=True)
    return tmp_path / "ml"


def capture_folder(base: Path) -> Path:
    return base / "processing" / "input" / "capture"


def run(base: Path, *options: str) -> subprocess.CompletedProcess[str]:
    packages = [ROOT / "images" / "common", ROOT / "images" / "sfm"]
    return subprocess.run(
        [sys.executable, "-m", "spaceport_sfm", *options],
        env={
            **os.environ,
            "SPACEPORT_ML_BASE": str(base),
            "PYTHONPATH": os.pathsep.join(str(package) for package in packages),
        },
        cwd=base,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def nothing_is_left(base: Path) -> bool:
    output = base / "processing" / "output"
    return [path.name for path in output.rglob("*") if path.is_file()] == ["progress.json"]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, "The capture is empty."),
        (
            {"a.jpg": b"text", "b.jpg": b"text too", "c.jpg": b"more text"},
            "The capture holds no usable photo",
        ),
        ({"photos.zip": b"PK"}, "The zip 'photos.zip' is damaged or incomplete."),
    ],
)
def test_a_capture_that_cannot_be_used_ends_with_a_sentence(
    base: Path, files: dict[str, bytes], sentence: str
) -> None:
    for name, content in files.items():
        (capture_folder(base) / name).write_bytes(content)
    outcome = run(base)
    assert outcome.returncode == 1, outcome.stderr
    assert (base / "output" / "message").read_text().startswith(sentence)
    assert nothing_is_left(base)


def test_an_unknown_option_is_named(base: Path) -> None:
    outcome = run(base, "--max_image_sise", "800")
    assert outcome.returncode == 1
    assert "Did you mean 'max_image_size'" in (base / "output" / "message").read_text()


def test_photos_of_nothing_in_common_are_refused(base: Path) -> None:
    for index in range(3):
        write_photo(capture_folder(base) / f"{index}.jpg", seed=index)
    outcome = run(base, *QUICK)
    assert outcome.returncode == 1, outcome.stderr
    assert "None of the 3 photos could be joined" in (base / "output" / "message").read_text()
    assert nothing_is_left(base)


@pytest.mark.slow
def test_a_tiny_capture_becomes_a_georeferenced_model(base: Path) -> None:
    from local.capture import TINY, sample_capture  # noqa: PLC0415 - renders on first use

    photos = sorted(Path(sample_capture(ROOT / "build" / "capture", settings=TINY).photos).glob("*.jpg"))
    loose, zipped = photos[::2], photos[1::2]
    for path in loose:
        (capture_folder(base) / path.name).write_bytes(path.read_bytes())
    with zipfile.ZipFile(capture_folder(base) / "rest.zip", "w") as archive:
        for path in zipped:
            archive.write(path, f"DCIM/{path.name}")
    broken = capture_folder(base) / "broken.jpg"
    broken.write_bytes(photos[0].read_bytes()[:5000])

    outcome = run(base, *QUICK, "--max_image_size", "400")
    assert outcome.returncode == 0, outcome.stderr
    result = base / "processing" / "output" / "sfm"

    report = Report.model_validate_json((result / "report.json").read_text())
    assert report.input["photos"] == len(photos)
    assert report.output["registered"] == len(photos)
    assert report.quality["registered_fraction"] == 1.0
    assert any("broken.jpg" in warning for warning in report.warnings)

    model = pycolmap.Reconstruction(result / "sparse" / "0")
    assert report.output["points"] == model.num_points3D() > 100
    names = {path.name for path in photos}
    assert {image.name for image in model.images.values()} == names
    assert {path.name for path in (result / "images").iterdir()} == names
    for image in model.images.values():
        camera = image.camera
        assert camera is not None
        assert camera.model_name == "PINHOLE"
        with Image.open(result / "images" / image.name) as pixels:
            assert pixels.size == (camera.width, camera.height)
            assert max(pixels.size) == 400

    georeference = Georeference.model_validate_json((result / "georeference.json").read_text())
    assert georeference.source == "exif_gps"
    assert georeference.model_to_enu.scale == 1.0
    assert georeference.residuals is not None
    assert set(georeference.residuals.per_photo) == names
    assert georeference.residuals.rmse_m < 1.5
    centres = np.array([image.projection_center() for image in model.images.values()])
    ground = np.median([point.xyz for point in model.points3D.values()], axis=0)
    assert abs(ground[2]) < 2.0
    assert (centres[:, 2] > 5.0).all()

    progress = Progress.model_validate_json(
        (base / "processing" / "output" / "progress" / "progress.json").read_text()
    )
    assert (progress.step, progress.fraction) == ("sfm", 1.0)
    assert not list((base / "processing" / "output").glob(".*"))
