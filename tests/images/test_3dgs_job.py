"""The training as a job: it learns, goes on where it stopped, repeats itself, and says what is wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from PIL import Image
from spaceport_3dgs.gaussians import to_splats
from spaceport_3dgs.job import STAGES, run
from spaceport_3dgs.options import TrainingOptions
from spaceport_3dgs.scene import read_scene
from spaceport_3dgs.trainer import Trainer
from spaceport_job import CameraSet, Georeference, JobPaths, Progress, Report, run_training
from spaceport_splat import psnr, read_ply, render

from tests.images.training_scene import write_job, write_sfm_result

STEPS = 150
QUICK = {"max_steps": STEPS, "image_size": 64, "max_gaussians": 900, "sh_degree": 1, "heldout_every": 4}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> JobPaths:
    paths = JobPaths(tmp_path_factory.mktemp("job"))
    write_job(paths.base, **QUICK)
    assert run_training("3dgs", TrainingOptions, STAGES, run, argv=["train"], paths=paths) == 0
    return paths


def report_of(paths: JobPaths) -> Report:
    return Report.model_validate_json((paths.model / "report.json").read_bytes())


def test_it_learns(trained: JobPaths):
    history = report_of(trained).quality["psnr_history"]
    steps = [entry[0] for entry in history]
    assert steps == sorted(steps)
    assert steps[-1] == STEPS
    untrained = Trainer(scene_of(trained), options_of(trained), trained.checkpoints)
    before = np.mean([untrained.measure(picture).psnr_db for picture in untrained.heldout])
    assert report_of(trained).quality["psnr_heldout_db"] > before + 4


def scene_of(paths: JobPaths):
    return read_scene(paths.channel("sfm"), image_size=64, heldout_every=4)


def options_of(paths: JobPaths) -> TrainingOptions:
    return TrainingOptions.model_validate(report_of(paths).options)


def test_figures_are_those_of_the_files(trained: JobPaths):
    """Anyone can render splat.ply with cameras.json and get the PSNR that the report states."""
    report = report_of(trained)
    splats = read_ply(trained.model / "splat.ply")
    assert len(splats) == report.output["gaussians"] <= QUICK["max_gaussians"]
    cameras = CameraSet.model_validate_json((trained.model / "cameras.json").read_bytes())
    heldout = [view for view in cameras.views if view.split == "heldout"]
    assert [view.name for view in heldout] == report.input["heldout"]
    assert len(heldout) == 2
    raw, fitted = [], []
    for view in heldout:
        path = trained.model / "heldout" / f"{view.name}.png"
        photo = np.asarray(Image.open(path), np.float32) / 255
        picture = render(splats, view)[0].clip(0, 1)
        saved = np.asarray(Image.open(path.with_suffix(".render.png")), np.float32) / 255
        np.testing.assert_allclose(picture, saved, atol=0.01)
        raw.append(psnr(picture, photo))
        transform = np.float32(view.exposure)
        fitted.append(psnr((picture @ transform[:, :3].T + transform[:, 3]).clip(0, 1), photo))
    assert np.mean(raw) == pytest.approx(report.quality["psnr_heldout_raw_db"], abs=0.05)
    assert np.mean(fitted) == pytest.approx(report.quality["psnr_heldout_db"], abs=0.05)


def test_cameras_and_splats_are_where_they_were_in_the_world(trained: JobPaths, tmp_path: Path):
    poses = write_sfm_result(tmp_path / "again")
    cameras = CameraSet.model_validate_json((trained.model / "cameras.json").read_bytes())
    georeference = Georeference.model_validate_json((trained.model / "georeference.json").read_bytes())
    to_enu = georeference.model_to_enu
    rotation = np.array(to_enu.rotation)

    def enu(points):
        return to_enu.scale * points @ rotation.T + np.array(to_enu.translation)

    for view, pose in zip(cameras.views, poses, strict=True):
        matrix = np.array(view.cam_from_model)
        center = -matrix[:3, :3].T @ matrix[:3, 3]
        np.testing.assert_allclose(enu(center), -pose[:3, :3].T @ pose[:3, 3], atol=1e-4)
    np.testing.assert_allclose(rotation @ [-1, 0, 0], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(rotation @ [0, -1, 0], [0, 0, 1], atol=1e-12)
    splats = read_ply(trained.model / "splat.ply")
    solid = enu(splats.means[splats.opacities > 0.5])
    assert np.abs(np.median(solid, axis=0)).max() < 2
    assert np.percentile(np.abs(solid[:, 2]), 90) < 3


def test_progress_tells_the_end(trained: JobPaths):
    progress = Progress.model_validate_json((trained.checkpoints / "progress.json").read_bytes())
    assert progress.fraction == 1
    assert progress.seconds_left == 0
    assert set(report_of(trained).stages) == set(STAGES)


def run_trainer(folder: Path, sfm: Path, stop_at: int | None = None, **changes: object) -> Trainer:
    scene = read_scene(sfm, image_size=64, heldout_every=4)
    options = TrainingOptions.model_validate({**QUICK, "max_steps": 60, **changes})
    trainer = Trainer(scene, options, folder)
    trainer.resume()
    trainer.run(on_note=lambda note: None, should_stop=lambda: trainer.step == stop_at)
    return trainer


@pytest.fixture(scope="module")
def sfm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sfm") / "sfm"
    write_sfm_result(folder, exposures=[1, 0.8, 1.1, 0.9, 1, 1.2, 0.85, 1])
    return folder


def assert_same(first: Trainer, second: Trainer) -> None:
    assert first.step == second.step
    assert list(first.params) == list(second.params)
    for name in first.params:
        assert np.array_equal(first.params[name].detach(), second.params[name].detach()), name
    assert np.array_equal(first.exposure.transforms.detach(), second.exposure.transforms.detach())
    assert [entry[::2] for entry in first.history] == [entry[::2] for entry in second.history]


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["mcmc", "default"])
def test_resumed_is_the_same_as_never_stopped(tmp_path: Path, sfm: Path, strategy: str):
    whole = run_trainer(tmp_path / "whole", sfm, strategy=strategy)
    assert len(whole.params["means"]) != 400, "the training never added or removed a Gaussian"
    stopped = run_trainer(tmp_path / "parts", sfm, stop_at=33, strategy=strategy)
    assert stopped.step == 33
    resumed = run_trainer(tmp_path / "parts", sfm, strategy=strategy)
    assert_same(resumed, whole)


@pytest.mark.slow
def test_colours_without_a_view_dependent_part_are_learned_too(tmp_path: Path, sfm: Path):
    trainer = run_trainer(tmp_path, sfm, sh_degree=0)
    assert trainer.history[-1][2] > trainer.history[0][2]
    assert to_splats(trainer.params, 1.0).sh_degree == 0


@pytest.mark.slow
def test_same_input_options_and_seed_give_the_same_model(tmp_path: Path, sfm: Path):
    first = run_trainer(tmp_path / "1", sfm)
    assert_same(run_trainer(tmp_path / "2", sfm), first)
    other = run_trainer(tmp_path / "3", sfm, seed=1)
    assert not np.array_equal(other.params["means"].detach()[:50], first.params["means"].detach()[:50])


def test_checkpoint_of_another_training_is_not_taken(tmp_path: Path, sfm: Path):
    run_trainer(tmp_path, sfm, stop_at=5)
    other = Trainer(
        read_scene(sfm, image_size=64, heldout_every=4),
        TrainingOptions.model_validate({**QUICK, "max_steps": 61}),
        tmp_path,
    )
    assert not other.resume()
    same = Trainer(
        read_scene(sfm, image_size=64, heldout_every=4),
        TrainingOptions.model_validate({**QUICK, "max_steps": 60, "checkpoint_every_seconds": 7}),
        tmp_path,
    )
    assert same.resume()


def test_damaged_checkpoint_means_a_new_start(tmp_path: Path, sfm: Path):
    run_trainer(tmp_path, sfm, stop_at=5)
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:-500])
    trainer = run_trainer(tmp_path, sfm, stop_at=2)
    assert trainer.step == 2


@pytest.mark.slow
def test_exposures_are_learned_around_the_identity(tmp_path: Path, sfm: Path):
    trainer = run_trainer(tmp_path, sfm, max_steps=150)
    gains = trainer.exposure.transforms.detach()[:, [0, 1, 2], [0, 1, 2]].mean(1).numpy()
    names = [picture.photo.name for picture in trainer.train]
    bright, dark = names.index("photo_05.png"), names.index("photo_01.png")
    assert gains[bright] > 1.02
    assert gains[dark] < 0.98
    np.testing.assert_allclose(trainer.exposure.transforms.detach().mean(0), np.eye(3, 4), atol=1e-5)


def test_time_limit_ends_the_training_cleanly(tmp_path: Path):
    paths = JobPaths(tmp_path)
    write_job(tmp_path, **QUICK | {"max_steps": 100_000, "max_seconds": 1})
    assert run_training("3dgs", TrainingOptions, STAGES, run, argv=["train"], paths=paths) == 0
    report = report_of(paths)
    assert 0 < report.output["steps"] < 100_000
    assert any("time limit" in warning for warning in report.warnings)
    assert len(read_ply(paths.model / "splat.ply"))


@pytest.mark.slow
def test_sigterm_saves_a_checkpoint_and_the_next_run_goes_on(tmp_path: Path):
    write_job(tmp_path, **QUICK | {"max_steps": 400, "checkpoint_every_seconds": 0})
    command = [sys.executable, "-m", "spaceport_3dgs", "train"]
    environment = os.environ | {
        "SPACEPORT_ML_BASE": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if "images" in path),
    }
    paths = JobPaths(tmp_path)
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    progress = paths.checkpoints / "progress.json"
    deadline = time.monotonic() + 100
    while not (progress.exists() and json.loads(progress.read_text())["figures"].get("step", 0) > 3):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 143
    assert (paths.checkpoints / "checkpoint.pt").exists()
    assert not paths.model.exists() or not list(paths.model.iterdir())
    assert not paths.failure.exists()
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert report_of(paths).output["steps"] == 400


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"max_step": 5}, "max_steps"),
        ({"max_steps": 0}, "at least 1"),
        ({"strategy": "magic"}, "mcmc"),
        ({"sh_degree": 4}, "at most 3"),
    ],
)
def test_wrong_options_are_named(tmp_path: Path, options: dict[str, object], said: str):
    write_job(tmp_path, **options)
    paths = JobPaths(tmp_path)
    assert run_training("3dgs", TrainingOptions, STAGES, run, argv=["train"], paths=paths) == 1
    assert said in paths.failure.read_text()
    assert next(iter(options)) in paths.failure.read_text()
    assert not paths.model.exists() or not list(paths.model.iterdir())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("no images", "photo_"),
        ("few photos", "Only 2"),
        ("no points", "points in common"),
        ("no model", "camera positions"),
        ("no georeference", "georeference.json"),
        ("broken photo", "photo_03"),
    ],
)
def test_unusable_input_is_said_in_plain_words(tmp_path: Path, damage: str, said: str):
    paths = JobPaths(tmp_path)
    write_job(tmp_path, **QUICK)
    spoil(paths.channel("sfm"), damage)
    assert run_training("3dgs", TrainingOptions, STAGES, run, argv=["train"], paths=paths) == 1
    text = paths.failure.read_text()
    assert said in text
    assert "Traceback" not in text


def spoil(folder: Path, damage: str) -> None:
    sparse = folder / "sparse" / "0"
    match damage:
        case "no images":
            shutil.rmtree(folder / "images")
        case "no model":
            shutil.rmtree(sparse)
        case "no georeference":
            (folder / "georeference.json").unlink()
        case "broken photo":
            (folder / "images" / "photo_03.png").write_bytes(b"not a photo")
        case "few photos":
            change_model(sparse, lambda model: [model.deregister_frame(index) for index in range(3, 9)])
        case "no points":
            change_model(sparse, lambda model: [model.delete_point3D(i) for i in list(model.points3D)[5:]])


def change_model(folder: Path, change) -> None:
    model = pycolmap.Reconstruction(str(folder))
    change(model)
    model.write_binary(str(folder))
