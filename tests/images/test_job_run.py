"""The runners as real processes: exit codes, failure texts, nothing half-written, leaving on SIGTERM."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from spaceport_job import CaptureError, MergedReport, Report
from spaceport_job.failure import MAX_BYTES, failure_text, shorten, write_failure

COMMON = Path(__file__).parents[2] / "images" / "common"
PROGRAM = """
import errno, sys, time
from pydantic import Field
from spaceport_job import CaptureError, JobOptions, Report, run_processing, run_training

class Options(JobOptions):
    mode: str = "good"
    size: int = Field(10, ge=1, le=100)
    seed: int = 3

def job(context):
    (context.result / "images").mkdir()
    (context.result / "images" / "a.txt").write_text("half")
    with context.progress.stage("work", "Working"):
        context.progress.update(0.5)
        mode = context.options.mode
        if mode == "capture":
            raise CaptureError("The photos show nothing.\\nFly again.")
        if mode == "bug":
            raise ZeroDivisionError("the secret detail")
        if mode == "long":
            raise CaptureError("\\u00e9" * 2000)
        if mode == "disk":
            raise OSError(errno.ENOSPC, "No space left on device")
        if mode == "wait":
            print("ready", flush=True)
            try:
                while True:
                    context.termination.check()
                    time.sleep(0.02)
            finally:
                (context.paths.checkpoints).mkdir(parents=True, exist_ok=True)
                (context.paths.checkpoints / "saved").write_text("state")
    if mode == "merged":
        context.upstream = {"sfm": Report(step="sfm", seed=9)}
    context.report.output = {"things": context.options.size}

kind = sys.argv.pop(1)
if kind == "training":
    sys.exit(run_training("3dgs", Options, {"work": 1}, job))
sys.exit(run_processing("compressor", Options, {"work": 1}, job, output="model"))
"""


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tmp_path / "ml"


def environment(base: Path) -> dict[str, str]:
    return {**os.environ, "SPACEPORT_ML_BASE": str(base), "PYTHONPATH": str(COMMON)}


def run(base: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env=environment(base),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def results(base: Path) -> list[str]:
    folders = [base / "processing" / "output" / "model", base / "model"]
    return [path.name for folder in folders for path in folder.rglob("*")]


def leftovers(base: Path) -> list[Path]:
    return list(base.rglob("*.partial"))


def test_processing_success_leaves_the_result_report_and_last_progress(base: Path) -> None:
    outcome = run(base, "processing", "--size", "20")
    assert outcome.returncode == 0, outcome.stderr
    folder = base / "processing" / "output" / "model"
    assert (folder / "images" / "a.txt").is_file()
    report = Report.model_validate_json((folder / "report.json").read_text())
    assert report.options == {"mode": "good", "size": 20, "seed": 3}
    assert report.output == {"things": 20}
    assert report.seed == 3
    assert set(report.stages) == {"work"}
    assert 0 <= report.stages["work"] <= report.seconds
    progress = json.loads((base / "processing" / "output" / "progress" / "progress.json").read_text())
    assert (progress["step"], progress["fraction"], progress["seconds_left"]) == ("compressor", 1.0, 0.0)
    assert not (base / "output" / "message").exists()
    assert leftovers(base) == []


def test_training_reads_hyperparameters_and_accepts_train(base: Path) -> None:
    path = base / "input" / "config" / "hyperparameters.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"size": "33"}))
    outcome = run(base, "training", "train")
    assert outcome.returncode == 0, outcome.stderr
    report = Report.model_validate_json((base / "model" / "report.json").read_text())
    assert report.output == {"things": 33}
    assert (base / "checkpoints" / "progress.json").is_file()


def test_upstream_reports_are_merged(base: Path) -> None:
    assert run(base, "processing", "--mode", "merged").returncode == 0
    merged = MergedReport.model_validate_json(
        (base / "processing" / "output" / "model" / "report.json").read_text()
    )
    assert set(merged.root) == {"sfm", "compressor"}
    assert merged.root["sfm"].seed == 9


@pytest.mark.parametrize(
    ("kind", "place"), [("processing", "output/message"), ("training", "output/failure")]
)
@pytest.mark.parametrize(
    ("arguments", "code", "first_line"),
    [
        (["--mode", "capture"], 1, "The photos show nothing."),
        (["--siez", "3"], 1, "Unknown option 'siez'. Did you mean 'size'?"),
        (["--mode", "bug"], 2, "Something went wrong on our side"),
        (["--mode", "disk"], 2, "The machine ran out of disk space"),
    ],
)
def test_a_failure_has_its_code_its_sentence_and_no_result(
    base: Path, kind: str, place: str, arguments: list[str], code: int, first_line: str
) -> None:
    outcome = run(base, kind, *arguments)
    assert outcome.returncode == code
    text = (base / place).read_text(encoding="utf-8")
    assert text.splitlines()[0].startswith(first_line)
    assert ("Traceback" in outcome.stderr) == (code == 2)
    assert "Traceback" not in text
    assert results(base) == []
    assert leftovers(base) == []


def test_our_own_fault_names_the_exception_below_the_sentence(base: Path) -> None:
    run(base, "processing", "--mode", "bug")
    lines = (base / "output" / "message").read_text().splitlines()
    assert "secret detail" not in lines[0]
    assert lines[-1] == "ZeroDivisionError: the secret detail"


def test_a_long_text_is_cut_between_characters(base: Path) -> None:
    assert run(base, "processing", "--mode", "long").returncode == 1
    content = (base / "output" / "message").read_bytes()
    assert MAX_BYTES - 4 < len(content) <= MAX_BYTES
    assert content.decode("utf-8").startswith("é")


def test_a_failed_run_leaves_an_earlier_result_alone_and_a_good_one_replaces_it(base: Path) -> None:
    run(base, "processing")
    stale = base / "processing" / "output" / "model" / "images" / "stale.txt"
    stale.write_text("from an older run")
    run(base, "processing", "--mode", "capture")
    assert stale.exists()
    assert run(base, "processing").returncode == 0
    assert not stale.exists()
    assert not (base / "output" / "message").exists()


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_lets_the_job_save_and_leaves_no_result(base: Path, signum: int, code: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "training", "--mode", "wait"],
        env=environment(base),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        asked = time.monotonic()
        process.send_signal(signum)
        assert process.wait(timeout=20) == code
    assert time.monotonic() - asked < 5
    assert (base / "checkpoints" / "saved").read_text() == "state"
    assert results(base) == []
    assert leftovers(base) == []
    assert not (base / "output" / "failure").exists()


def test_the_first_failure_told_stays(tmp_path: Path) -> None:
    path = tmp_path / "output" / "failure"
    write_failure(path, "first")
    write_failure(path, "second")
    assert path.read_text() == "first"


def test_failure_text_of_the_inputs_fault_is_the_sentence_alone() -> None:
    assert failure_text(CaptureError("No photos."), doing="intake") == "No photos."


@pytest.mark.parametrize("limit", range(4, 12))
def test_shortened_text_is_always_valid_utf8(limit: int) -> None:
    short = shorten("aé€😀" * 3, limit)
    assert len(short) <= limit
    assert short.decode("utf-8").endswith("…")
