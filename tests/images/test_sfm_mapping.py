"""Mapping on synthetic matches: one place is one model, two places are told apart, no overlap is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pycolmap
import pytest
from spaceport_job import CaptureError
from spaceport_sfm.mapping import Mapping, map_photos, registered_names
from spaceport_sfm.options import SfmOptions
from spaceport_sfm.photos import Photo
from spaceport_sfm.probes import Probe
from spaceport_sfm.sink import Figure

OPTIONS = SfmOptions(num_threads=1)


class Fractions:
    """A progress sink that keeps what it is told."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    @contextmanager
    def stage(self, name: str, message: str | None = None) -> Iterator[None]:
        del name, message
        yield

    @contextmanager
    def watched(self, probe: Probe, total: int, line: str) -> Iterator[None]:
        del probe, total, line
        yield

    def update(self, fraction: float, message: str | None = None, **figures: Figure) -> None:
        del message, figures
        self.seen.append(fraction)


def place(path: Path, *, photos: int, seed: int, prefix: str) -> pycolmap.Reconstruction:
    """A database of one place with exact matches; returns its truth."""
    pycolmap.set_random_seed(seed)
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs = 1
    options.num_frames_per_rig = photos
    options.num_points3D = 200
    with pycolmap.Database.open(path) as database:
        truth = pycolmap.synthesize_dataset(options, database)
        for image in database.read_all_images():
            image.name = f"{prefix}{image.name}"
            database.update_image(image)
    return truth


def photos_of(path: Path) -> list[Photo]:
    with pycolmap.Database.open(path) as database:
        names = sorted(image.name for image in database.read_all_images())
    return [Photo(name, f"upload/{name}", 1024, 768) for name in names]


def run(path: Path, work: Path, sink: Fractions | None = None) -> Mapping:
    return map_photos(path, work, work / "models", photos_of(path), OPTIONS, sink or Fractions())


def merged(folder: Path, first: int, second: int) -> Path:
    place(folder / "a.db", photos=first, seed=1, prefix="a_")
    place(folder / "b.db", photos=second, seed=2, prefix="b_")
    path = folder / "both.db"
    with (
        pycolmap.Database.open(folder / "a.db") as a,
        pycolmap.Database.open(folder / "b.db") as b,
        pycolmap.Database.open(path) as both,
    ):
        pycolmap.Database.merge(a, b, both)
    return path


def test_one_place_is_one_model_with_the_true_shape(tmp_path: Path) -> None:
    truth = place(tmp_path / "a.db", photos=8, seed=1, prefix="")
    sink = Fractions()
    mapping = run(tmp_path / "a.db", tmp_path, sink)
    assert registered_names(mapping.reconstruction) == registered_names(truth)
    assert mapping.warnings == ()
    assert sink.seen[-1] == 1.0
    assert sink.seen == sorted(sink.seen)
    errors = pycolmap.compare_reconstructions(mapping.reconstruction, truth, alignment_error="proj_center")
    assert errors is not None
    assert max(error.proj_center_error for error in errors["errors"]) < 1e-3


def test_the_same_seed_gives_the_same_model(tmp_path: Path) -> None:
    place(tmp_path / "a.db", photos=6, seed=1, prefix="")
    centres = []
    for attempt in ("first", "second"):
        (tmp_path / attempt).mkdir()
        model = run(tmp_path / "a.db", tmp_path / attempt).reconstruction
        centres.append([model.images[key].projection_center() for key in sorted(model.images)])
    np.testing.assert_array_equal(centres[0], centres[1])


def test_two_places_of_equal_size_are_refused(tmp_path: Path) -> None:
    path = merged(tmp_path, 6, 5)
    with pytest.raises(CaptureError) as caught:
        run(path, tmp_path)
    message = str(caught.value)
    assert "seem to show 2 places that do not overlap" in message
    assert "6 of 11 photos" in message
    assert "upload/b_" in message
    assert "upload/a_" not in message


def test_a_few_photos_of_another_place_are_left_out_by_name(tmp_path: Path) -> None:
    path = merged(tmp_path, 9, 3)
    mapping = run(path, tmp_path)
    assert all(name.startswith("a_") for name in registered_names(mapping.reconstruction))
    assert len(mapping.warnings) == 1
    for photo in photos_of(path):
        assert (photo.source in mapping.warnings[0]) == photo.name.startswith("b_")
    assert "another place" in mapping.warnings[0]


def test_photos_without_a_common_point_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    place(path, photos=4, seed=1, prefix="")
    with pycolmap.Database.open(path) as database:
        database.clear_matches()
        database.clear_two_view_geometries()
    with pytest.raises(CaptureError, match=r"None of the 4 photos could be joined.*overlap"):
        run(path, tmp_path)
