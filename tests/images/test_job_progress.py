"""Progress: true fractions over weighted stages, honest time left, few and whole writes."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from spaceport_job import Progress, ProgressWriter
from spaceport_job.progress import LOG_INTERVAL_S


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make(path: Path, clock: Clock, **stages: float) -> ProgressWriter:
    return ProgressWriter(path, "sfm", stages or {"first": 3.0, "second": 1.0}, clock=clock, interval_s=0.0)


def read(path: Path) -> dict[str, Any]:
    record = json.loads(path.read_text())
    Progress.model_validate(record)
    assert isinstance(record, dict)
    return record


def test_the_fraction_is_the_weighted_sum_of_the_stages(tmp_path: Path) -> None:
    path, clock = tmp_path / "progress.json", Clock()
    writer = make(path, clock)
    with writer.stage("first"):
        writer.update(0.5)
        assert read(path)["fraction"] == pytest.approx(3 / 4 * 0.5)
    assert read(path)["fraction"] == pytest.approx(3 / 4)
    with writer.stage("second"):
        writer.update(0.5)
        assert read(path)["fraction"] == pytest.approx(3 / 4 + 1 / 4 * 0.5)
    writer.finish()
    assert (read(path)["fraction"], read(path)["seconds_left"]) == (1.0, 0.0)


def test_the_fraction_never_falls_and_stays_within_its_stage(tmp_path: Path) -> None:
    path, clock = tmp_path / "progress.json", Clock()
    writer = make(path, clock)
    seen = []
    with writer.stage("first"):
        for fraction in (0.2, 0.9, 0.1, -5.0, 7.0, 0.3):
            writer.update(fraction)
            seen.append(read(path)["fraction"])
    assert seen == sorted(seen)
    assert max(seen) == pytest.approx(3 / 4)


def test_time_left_follows_the_rate_of_this_run(tmp_path: Path) -> None:
    path, clock = tmp_path / "progress.json", Clock()
    writer = make(path, clock)
    with writer.stage("first"):
        assert read(path)["seconds_left"] is None
        clock.now += 30
        writer.update(0.5)
        # 30 s more of this stage; the second has a third of its weight.
        assert read(path)["seconds_left"] == pytest.approx(30 + 60 / 3)


def test_time_left_of_a_resumed_stage_leaves_out_what_was_done_before(tmp_path: Path) -> None:
    path, clock = tmp_path / "progress.json", Clock()
    writer = make(path, clock, only=1.0)
    with writer.stage("only", completed=0.8):
        clock.now += 10
        writer.update(0.9)
        assert read(path)["fraction"] == pytest.approx(0.9)
        assert read(path)["seconds_left"] == pytest.approx(10)


def test_seconds_per_stage_add_up_over_repeats_and_survive_errors(tmp_path: Path) -> None:
    clock = Clock()
    writer = make(tmp_path / "progress.json", clock)
    with writer.stage("first"):
        clock.now += 4

    def break_in_stage() -> None:
        with writer.stage("first"):
            clock.now += 3
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        break_in_stage()
    assert writer.seconds == {"first": pytest.approx(7)}


def test_an_unknown_stage_is_refused_by_name(tmp_path: Path) -> None:
    writer = make(tmp_path / "progress.json", Clock())
    with pytest.raises(ValueError, match="thrid"), writer.stage("thrid"):
        pass


def test_message_is_one_line_and_figures_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    writer = make(path, Clock())
    with writer.stage("first", "Beginning"):
        assert read(path)["message"] == "Beginning"
        writer.update(0.1, "two\nlines", psnr=20.5)
        writer.update(0.2, gaussians=7)
    assert read(path)["message"] == "two lines"
    assert read(path)["figures"] == {"psnr": 20.5, "gaussians": 7}


def test_a_thousand_updates_are_a_few_writes_and_the_last_one_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "progress.json"
    writes: list[float] = []
    original = Path.replace

    def counting(self: Path, target: Path) -> Path:
        writes.append(1.0)
        return original(self, target)

    monkeypatch.setattr(Path, "replace", counting)
    writer = ProgressWriter(path, "sfm", {"only": 1.0}, interval_s=0.2)
    with writer.stage("only"):
        for index in range(1000):
            writer.update(index / 1000, f"at {index}")
        arrived = threading.Event()
        arrived.wait(0.5)  # no further update: the kept one must be written by itself
        assert read(path)["message"] == "at 999"
        assert len(writes) <= 4


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    writer = ProgressWriter(path, "sfm", {"only": 1.0}, interval_s=0.0)
    stop = threading.Event()
    broken: list[str] = []
    read_count = 0

    def look() -> None:
        nonlocal read_count
        while not stop.is_set():
            if path.exists():
                read_count += 1
                try:
                    json.loads(path.read_text())
                except ValueError as error:
                    broken.append(str(error))

    reader = threading.Thread(target=look)
    reader.start()

    def write(offset: int) -> None:
        for index in range(200):
            writer.update((offset + index) / 1000, "x" * index * 50)

    with writer.stage("only"):
        writers = [threading.Thread(target=write, args=(100 * number,)) for number in range(3)]
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
    stop.set()
    reader.join()
    assert read_count > 0
    assert broken == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["progress.json"]


def test_a_second_attempt_at_an_earlier_stage_does_not_take_progress_back(tmp_path: Path) -> None:
    path = tmp_path / "progress.json"
    writer = make(path, Clock())
    with writer.stage("first"):
        pass
    with writer.stage("first"):
        writer.update(0.1)
        assert read(path)["fraction"] == pytest.approx(3 / 4)


def test_the_log_tells_each_stage_and_the_end_and_now_and_then_what_is_between(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    writer = make(tmp_path / "progress.json", clock)
    with caplog.at_level("INFO"):
        with writer.stage("first", "Reading photos"):
            for step in range(100):
                clock.now += 0.5
                writer.update(step / 100, photos=step)
        with writer.stage("second"):
            writer.update(0.5)
        writer.finish("All done")
    lines = [record.getMessage() for record in caplog.records]
    assert "Reading photos" in lines[0]
    assert lines[-1].startswith("100 %")
    assert "All done" in lines[-1]
    assert any("second" in line for line in lines)
    assert any("photos=" in line for line in lines)
    assert len(lines) <= 3 + 100 * 0.5 / LOG_INTERVAL_S
