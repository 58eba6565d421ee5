"""A job of the deployed program, run again on this machine from what SageMaker and S3 remember of it."""

import json
import re
from pathlib import Path, PurePosixPath

import pytest

from functions.shared.job_names import StepJobName
from local.capture.faults import make_fault
from operations.replay.__main__ import main
from operations.replay.fetch import fetch
from operations.replay.record import Record, ReplayError
from tests.local.cloud_kit import use_keys_of
from tests.local.demo_kit import run_demo

JOB = "0" * 8 + "-0000-4000-8000-" + "0" * 12


@pytest.fixture
def replay(up, tmp_path, monkeypatch, capsys):
    """Give a function that runs the command with the account's keys: exit code, what it said, its folder."""
    use_keys_of(up.cloud.client("s3"), monkeypatch)
    monkeypatch.setenv("AWS_REGION", up.cloud.region)

    def command(job_id: str, *arguments: str):
        code = main([job_id, "--stack", "local", "--out", str(tmp_path / "replay"), *arguments])
        return code, capsys.readouterr().out, tmp_path / "replay" / job_id

    return command


@pytest.fixture(scope="module")
def made(up, tmp_path_factory) -> str:
    return str(run_demo(up, tmp_path_factory.mktemp("made")).report["job_id"])


def report_in(folder: Path):
    (found,) = folder.glob("*/ml/model/report.json")
    return json.loads(found.read_text())


@pytest.mark.cloud
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_failed_job_fails_again_with_the_same_sentence(up, sample, replay, tmp_path):
    photos = make_fault("two_places", sample, tmp_path / "capture")
    failed = run_demo(up, tmp_path / "demo", photos).report
    code, said, folder = replay(failed["job_id"])
    assert code == 1, "the capture is at fault"
    sentence = failed["error"]["message"]
    assert f"Failed. {sentence}" in said
    assert f"It fails here too, with 1: {sentence}" in said
    fetched = {path.name for path in folder.glob("*/ml/processing/input/**/*.jpg")}
    assert fetched == {path.name for path in photos.iterdir()}
    assert not list(folder.rglob("sparse")), "nothing half-made is left"


@pytest.mark.cloud
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_step_runs_again_with_other_options(made, replay):
    code, said, folder = replay(made, "--step", "3dgs", "--set", "max_steps=30")
    assert code == 0, said
    report = report_in(folder)
    assert report["output"]["steps"] == 30
    assert "It works here" in said
    code, said, _ = replay(made, "--step", "3dgs", "--set", "no_such_option=1")
    assert code == 1
    assert "no_such_option" in said


@pytest.mark.cloud
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_last_step_runs_again_from_the_training_result(made, replay):
    code, said, folder = replay(made, "--step", "compressor")
    assert code == 0, said
    assert list(folder.rglob("model.sog"))


@pytest.mark.cloud
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_cannot_be_run_again_is_said(made, replay):
    code, said, _ = replay(JOB)
    assert code == 1
    assert re.search("SageMaker knows no job of", said)
    code, said, _ = replay(made)
    assert code == 1
    assert "none of its SageMaker jobs failed" in said
    code, said, _ = replay(made, "--step", "sfm", "--resume")
    assert code == 1
    assert "wrote no checkpoints" in said


def record(step: str, **changes: object) -> Record:
    usual = {"arguments": (), "hyperparameters": {}, "inputs": {}, "outputs": ()}
    return Record(StepJobName(JOB, 1, step, 1), "Failed", "", "image", **{**usual, **changes})


def test_options_of_both_kinds_of_jobs_are_changed_and_added():
    asked = {"seed": "2", "quality": "high"}
    training = record("3dgs", hyperparameters={"seed": "1", "max_steps": "9"}).with_options(asked)
    assert training.hyperparameters == {"seed": "2", "max_steps": "9", "quality": "high"}
    processing = record("sfm", arguments=("--seed", "1", "--size", "9")).with_options(asked)
    assert processing.arguments == ("--seed", "2", "--size", "9", "--quality", "high")


class Bucket:
    """Stands in for S3: keys and their content; counts downloads."""

    def __init__(self, objects) -> None:
        self.objects, self.downloads = objects, 0

    def get_paginator(self, _):
        return self

    def paginate(self, **request: str):
        found = [key for key in self.objects if key.startswith(request["Prefix"])]
        return [{"Contents": [{"Key": key, "Size": len(self.objects[key])} for key in found]}]

    def download_file(self, _, key, target):
        self.downloads += 1
        Path(target).write_bytes(self.objects[key])


def test_what_is_there_already_is_not_fetched_again(tmp_path):
    bucket = Bucket({"a/b/": b"", "a/b/one.jpg": b"1", "a/b/c/two.jpg": b"22", "other": b""})

    def bring(uri):
        return fetch(bucket, uri, tmp_path, lambda _fraction, _name: None)

    assert bring("s3://bucket/a/b/") == 2
    assert (tmp_path / "c" / "two.jpg").read_bytes() == b"22"
    assert bucket.downloads == 2
    (tmp_path / "one.jpg").write_bytes(b"half of it")
    bring("s3://bucket/a/b/")
    assert bucket.downloads == 3
    assert (tmp_path / "one.jpg").read_bytes() == b"1"
    # A key of its own is a prefix, too, and names count from its last slash.
    assert bring("s3://bucket/a/b/one.jpg") == 1
    with pytest.raises(ReplayError, match="nothing at"):
        bring("s3://bucket/gone/")


def test_a_key_that_leads_out_of_its_folder_is_refused(tmp_path):
    bucket = Bucket({"a/../../evil": b"x"})
    with pytest.raises(ReplayError, match="leads out"):
        fetch(bucket, "s3://bucket/a/", tmp_path / "inside", lambda _fraction, _name: None)
    assert PurePosixPath("evil").name not in {path.name for path in tmp_path.rglob("*")}
