"""The step from its input folders to the model folder, and from bad input to a reason."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from spaceport_compressor.rendering import render_photo
from spaceport_compressor.sog_reader import read_sog
from spaceport_compressor.viewer_files import FOLDER_VARIABLE
from spaceport_job.paths import JobPaths
from spaceport_job.records import CameraSet, Georeference, MergedReport, Progress, write_json
from spaceport_splat.metrics import psnr

from tests.images.compressor_job import (
    CAMERAS,
    GEOREFERENCE,
    pack,
    pack_bytes,
    prepare_job,
    result_report,
    run_compressor,
)
from tests.images.compressor_scene import landmark_scene

ROOT = Path(__file__).resolve().parents[2]
PYTHONPATH = os.pathsep.join(str(ROOT / "images" / part) for part in ("common", "compressor"))
PAGE_FILES = {"index.html": "<!doctype html>", "viewer.js": "1", "favicon.svg": "<svg/>"}


@pytest.fixture(autouse=True)
def viewer_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "page"
    folder.mkdir()
    for name, content in PAGE_FILES.items():
        (folder / name).write_text(content)
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("prepared")
    prepare_job(base, landmark_scene(1_500, coefficients=8))
    return base


@pytest.fixture
def paths(prepared: Path, tmp_path: Path) -> JobPaths:
    """Inputs of a job of its own."""
    base = tmp_path / "ml"
    shutil.copytree(prepared, base)
    return JobPaths(base)


def test_the_model_folder_is_whole(paths: JobPaths):
    assert run_compressor(paths) == 0
    result = paths.processing_output("model")
    names = {path.name for path in result.iterdir()}
    assert names == {
        *PAGE_FILES,
        "model.sog",
        "model.spz",
        "settings.json",
        "preview.jpg",
        "cameras.json",
        "georeference.json",
        "report.json",
        "report.html",
    }
    assert Georeference.model_validate_json((result / "georeference.json").read_bytes()) == GEOREFERENCE
    assert CameraSet.model_validate_json((result / "cameras.json").read_bytes()).views == CAMERAS
    with Image.open(result / "preview.jpg") as preview:
        assert preview.size == (960, 600)
    progress = Progress.model_validate_json(
        (paths.processing_output("progress") / "progress.json").read_bytes()
    )
    assert (progress.step, progress.fraction, progress.seconds_left) == ("compressor", 1, 0)


def test_the_report_has_all_steps_and_true_figures(paths: JobPaths):
    assert run_compressor(paths) == 0
    result = paths.processing_output("model")
    merged = MergedReport.model_validate_json((result / "report.json").read_bytes()).root
    assert list(merged) == ["sfm", "3dgs", "compressor"]
    report = merged["compressor"]
    decoded = read_sog(result / "model.sog")
    assert report.output["sog_bytes"] == (result / "model.sog").stat().st_size
    assert report.output["gaussians"] == len(decoded.means)
    assert set(report.stages) == {"unpack", "encode", "measure", "page"}
    assert report.seed == 0


def test_the_loss_is_that_of_the_decoded_file(paths: JobPaths):
    """Measured again here from what lies in the folders, with the photos of the training step."""
    assert run_compressor(paths, "--sh_palette", "64") == 0
    report = result_report(paths)["compressor"]
    source, decoded = (
        landmark_scene(1_500, coefficients=8),
        read_sog(paths.processing_output("model") / "model.sog"),
    )
    losses = []
    for camera in CAMERAS:
        if camera.split == "heldout":
            with Image.open(paths.base / "trained" / "heldout" / f"{camera.name}.png") as image:
                photo = np.asarray(image, np.float32) / 255
            before, after = (
                psnr(render_photo(splats, camera, width=240, height=160), photo)
                for splats in (source, decoded)
            )
            losses.append(before - after)
    assert report["quality"]["psnr_loss_db"] == pytest.approx(np.mean(losses), abs=1e-3)
    assert report["quality"]["heldout_views"] == len(losses) == 2


def test_a_smaller_palette_loses_more(paths: JobPaths):
    between = []
    for palette in ("0", "16"):
        assert run_compressor(paths, "--sh_palette", palette) == 0
        between.append(result_report(paths)["compressor"]["quality"]["psnr_between_db"])
    assert between[0] > between[1] + 1


def test_the_same_input_gives_the_same_bytes(paths: JobPaths):
    contents = []
    for _ in range(2):
        assert run_compressor(paths) == 0
        result = paths.processing_output("model")
        contents.append(
            [
                (result / name).read_bytes()
                for name in ("model.sog", "model.spz", "preview.jpg", "settings.json")
            ]
        )
    assert contents[0] == contents[1]


def test_broken_splats_are_left_out_and_counted(tmp_path: Path):
    splats = landmark_scene(800)
    means = splats.means.copy()
    means[3] = np.nan
    logits = splats.opacity_logits.copy()
    logits[10:15] = -20
    paths = prepare_job(tmp_path / "ml", replace(splats, means=means, opacity_logits=logits))
    assert run_compressor(paths) == 0
    report = result_report(paths)["compressor"]
    assert report["input"]["gaussians"] == len(means)
    assert report["output"]["gaussians"] == len(means) - 6
    assert (report["output"]["left_out_broken"], report["output"]["left_out_transparent"]) == (1, 5)
    assert any("1 of 800 splats" in warning for warning in report["warnings"])


def test_a_capture_without_held_out_photos_has_no_loss_and_says_so(tmp_path: Path):
    cameras = [camera.model_copy(update={"split": "train"}) for camera in CAMERAS]
    paths = prepare_job(tmp_path / "ml", landmark_scene(400), cameras)
    assert run_compressor(paths) == 0
    report = result_report(paths)["compressor"]
    assert report["quality"]["psnr_loss_db"] is None
    assert any("held out" in warning for warning in report["warnings"])


def test_the_title_reaches_page_and_report(paths: JobPaths):
    assert (
        run_compressor(paths, "--title", "Hof <1>", "--preview_width", "320", "--preview_height", "200") == 0
    )
    result = paths.processing_output("model")
    assert json.loads((result / "settings.json").read_text())["spaceport"]["title"] == "Hof <1>"
    assert "<h1>Hof &lt;1&gt;</h1>" in (result / "report.html").read_text()
    with Image.open(result / "preview.jpg") as preview:
        assert preview.size == (320, 200)


def test_the_report_page_tells_all_that_is_known_and_asks_for_nothing(paths: JobPaths):
    assert run_compressor(paths) == 0
    page = (paths.processing_output("model") / "report.html").read_text()
    report = result_report(paths)
    for figure in ("8 of 9", "0.61 px", "24.5 dB", f"{report['compressor']['output']['gaussians']:,}"):
        assert figure in page
    assert "1 photo was left out: &lt;photo_009.jpg&gt;" in page
    for camera in CAMERAS:
        assert (camera.name in page) == (camera.split == "heldout")
    assert "47.500000, 8.250000" in page
    for address in re.findall(r"""(?:src|href)=["']([^"']*)""", page):
        assert address.startswith("data:") or address == "index.html"


def test_the_loss_counts_the_exposure_of_each_photo(tmp_path: Path):
    """The training step's colour transform is applied to the renders, as it was when it measured."""
    gain = ((1.3, 0.0, 0.0, 0.05), (0.0, 0.7, 0.0, 0.0), (0.0, 0.0, 1.0, 0.1))
    cameras = [camera.model_copy(update={"exposure": gain}) for camera in CAMERAS]
    paths = prepare_job(tmp_path / "ml", landmark_scene(800), cameras)
    assert run_compressor(paths) == 0
    with_exposure = result_report(paths)["compressor"]["quality"]["psnr_source_db"]
    cameras_file = paths.base / "trained" / "cameras.json"
    write_json(cameras_file, CameraSet(views=CAMERAS))
    pack(paths.base / "trained", paths.processing_input("model") / "model.tar.gz")
    assert run_compressor(paths) == 0
    assert with_exposure > 5 + result_report(paths)["compressor"]["quality"]["psnr_source_db"]


def failed(paths: JobPaths) -> str:
    """The reason, once it is sure that nothing half-written was left."""
    assert not [path for path in paths.processing_output("model").rglob("*") if path.is_file()]
    assert not list(paths.processing_output("model").parent.glob(".*partial*"))
    message = paths.message.read_text()
    assert len(paths.message.read_bytes()) <= 1024
    return message


@pytest.mark.parametrize("name", ["splat.ply", "cameras.json", "georeference.json", "report.json"])
def test_a_model_without_a_file_is_our_fault_and_named(paths: JobPaths, name: str):
    folder = paths.base / "trained"
    members = {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != name
    }
    pack_bytes(members, paths.processing_input("model") / "model.tar.gz")
    assert run_compressor(paths) == 2
    assert name in failed(paths)


@pytest.mark.parametrize("missing", ["model/model.tar.gz", "sfm/report.json"])
def test_a_missing_input_is_our_fault_and_named(paths: JobPaths, missing: str):
    (paths.base / "processing" / "input" / missing).unlink()
    assert run_compressor(paths) == 2
    assert Path(missing).name in failed(paths)


def test_a_model_nobody_could_see_is_told(tmp_path: Path):
    splats = landmark_scene(400)
    paths = prepare_job(tmp_path / "ml", replace(splats, opacity_logits=splats.opacity_logits - 50))
    assert run_compressor(paths) == 2
    assert "None of the trained model's 400 splats" in failed(paths)


def test_a_missing_viewer_page_is_told_before_the_work(paths: JobPaths, viewer_page: Path):
    (viewer_page / "index.html").unlink()
    assert run_compressor(paths) == 2
    assert str(viewer_page) in failed(paths)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sh_degree", "4"], "'sh_degree'"),
        (["--sh_palete", "1024"], "sh_palette"),
        (["--min_opacity", "lots"], "'min_opacity'"),
    ],
)
def test_a_wrong_option_is_the_callers_fault(paths: JobPaths, arguments: list[str], words: str):
    assert run_compressor(paths, *arguments) == 1
    assert words in failed(paths)


def test_stopping_leaves_nothing(paths: JobPaths):
    """The module as SageMaker starts it, stopped as SageMaker stops it."""
    environment = {**os.environ, "PYTHONPATH": PYTHONPATH, "SPACEPORT_ML_BASE": str(paths.base)}
    progress = paths.processing_output("progress") / "progress.json"
    with subprocess.Popen(
        [sys.executable, "-m", "spaceport_compressor", "--palette_rounds", "50"], env=environment
    ) as process:
        while not progress.exists():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 143
    assert not paths.processing_output("model").exists()
    assert not list(paths.processing_output("model").parent.glob(".*partial*"))
