"""The cache of sample captures: made once, whole or not at all. The rendering itself is replaced here."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from local.capture import CaptureSettings, SampleCapture, __main__, cache, sample_capture
from local.capture.flight import make_plan

SETTINGS = CaptureSettings(seed=5)


class Generator:
    """Stands in for the rendering: writes the folders' names only, and counts."""

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0
        self.error: BaseException | None = None

    def __call__(self, folder: Path, settings: CaptureSettings, flight_plan: str, on_progress) -> None:
        self.calls += 1
        on_progress(0.5, "Half")
        (folder / "photos").mkdir()
        time.sleep(self.seconds)
        if self.error:
            raise self.error
        (folder / "flight-plan.csv").write_text(flight_plan)
        (folder / "truth.json").write_text(str(settings.seed))


@pytest.fixture
def generator(monkeypatch: pytest.MonkeyPatch) -> Generator:
    generator = Generator()
    monkeypatch.setattr(cache, "generate", generator)
    return generator


def whole(sample: SampleCapture) -> bool:
    return sample.photos.is_dir() and sample.truth.is_file()


def finished(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]


def test_the_second_call_renders_nothing(generator: Generator, tmp_path: Path):
    said: list[tuple[float, str]] = []
    first = sample_capture(tmp_path, settings=SETTINGS, on_progress=lambda *args: said.append(args))
    assert whole(first)
    assert said == [(0.5, "Half")]
    assert sample_capture(tmp_path, settings=SETTINGS) == first
    assert generator.calls == 1


def test_other_settings_are_another_capture(generator: Generator, tmp_path: Path):
    one = sample_capture(tmp_path, settings=SETTINGS)
    other = sample_capture(tmp_path, settings=replace(SETTINGS, noise=2.0))
    assert one.folder != other.folder
    assert generator.calls == 2


def test_another_flight_is_another_capture(generator: Generator, tmp_path: Path):
    usual = sample_capture(tmp_path, settings=SETTINGS)
    asked = sample_capture(tmp_path, settings=SETTINGS, flight_plan=make_plan(SETTINGS))
    other = sample_capture(tmp_path, settings=SETTINGS, flight_plan="another")
    assert asked == usual
    assert other.folder != usual.folder
    assert other.flight_plan.read_text() == "another"


def test_another_version_of_the_generator_is_another_capture(
    generator: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    one = sample_capture(tmp_path, settings=SETTINGS)
    monkeypatch.setattr(cache, "VERSION", "of tomorrow")
    assert sample_capture(tmp_path, settings=SETTINGS).folder != one.folder


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError("disk full")])
def test_what_is_interrupted_leaves_nothing(generator: Generator, tmp_path: Path, error: BaseException):
    generator.error = error
    with pytest.raises(type(error)):
        sample_capture(tmp_path, settings=SETTINGS)
    assert finished(tmp_path) == []
    generator.error = None
    assert whole(sample_capture(tmp_path, settings=SETTINGS))


def test_what_a_killed_process_left_is_cleared_away(generator: Generator, tmp_path: Path):
    made = sample_capture(tmp_path, settings=SETTINGS)
    leftover = tmp_path / f".{made.folder.name}-killed"
    made.folder.rename(leftover)
    assert whole(sample_capture(tmp_path, settings=SETTINGS))
    assert finished(tmp_path) == [made.folder]


def test_two_at_once_make_it_once(generator: Generator, tmp_path: Path):
    generator.seconds = 0.2
    start = threading.Barrier(2)

    def make(_: int) -> SampleCapture:
        start.wait()
        return sample_capture(tmp_path, settings=SETTINGS)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.map(make, range(2))
    assert one == other
    assert whole(one)
    assert generator.calls == 1


def test_the_command_writes_where_it_is_told(
    generator: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "new" / "place"
    monkeypatch.setattr("sys.argv", ["capture", str(out), "--seed", "12"])
    assert __main__.main() == 0
    assert (out / "truth.json").read_text() == "12"
    assert "Half" in capsys.readouterr().out
    assert __main__.main() == 1
    assert "not an empty folder" in capsys.readouterr().err
    assert generator.calls == 1


def test_the_command_refuses_what_cannot_be_made(
    generator: Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("sys.argv", ["capture", str(tmp_path / "out"), "--width", "4"])
    assert __main__.main() == 1
    assert "too small" in capsys.readouterr().err
    assert generator.calls == 0
