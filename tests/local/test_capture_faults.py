"""The captures that something is wrong with: wrong in that way, and in no other."""

import zipfile
from pathlib import Path, PurePosixPath
from typing import get_args

import numpy as np
import pytest
from PIL import ExifTags, Image

from local.capture import CaptureSettings, SampleCapture, sample_capture
from local.capture.faults import FaultKind, make_fault

COUNT = 6


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleCapture:
    """A capture of random pictures: what is on them does not matter here."""
    made = SampleCapture.within(tmp_path_factory.mktemp("capture") / "sample")
    made.photos.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for number in range(1, COUNT + 1):
        pixels = rng.integers(0, 256, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(made.photos / f"DJI_{number:04d}.jpg")
    return made


def photos(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def is_readable(path: Path) -> bool:
    try:
        with Image.open(path) as image:
            image.load()
    except OSError:
        return False
    return True


def test_missing_is_not_there(sample: SampleCapture, tmp_path: Path):
    assert not make_fault("missing", sample, tmp_path).exists()


def test_empty_is_an_empty_folder(sample: SampleCapture, tmp_path: Path):
    assert photos(make_fault("empty", sample, tmp_path)) == {}


def test_two_photos_are_good_ones(sample: SampleCapture, tmp_path: Path):
    place = make_fault("two_photos", sample, tmp_path)
    assert len(photos(place)) == 2
    assert photos(place).items() <= photos(sample.photos).items()


def test_texts_have_the_photos_names(sample: SampleCapture, tmp_path: Path):
    place = make_fault("text_as_jpg", sample, tmp_path)
    assert photos(place).keys() == photos(sample.photos).keys()
    assert not any(is_readable(path) for path in place.iterdir())


def test_one_photo_is_truncated_among_good_ones(sample: SampleCapture, tmp_path: Path):
    place = make_fault("truncated", sample, tmp_path)
    broken = [path for path in place.iterdir() if not is_readable(path)]
    assert len(broken) == 1
    good = photos(sample.photos)
    assert good[broken[0].name].startswith(broken[0].read_bytes())
    rest = {name: content for name, content in photos(place).items() if name != broken[0].name}
    assert len(rest) == COUNT - 1
    assert rest.items() <= good.items()


def test_the_zip_holds_the_photos(sample: SampleCapture, tmp_path: Path):
    with zipfile.ZipFile(make_fault("zip", sample, tmp_path)) as archive:
        assert archive.testzip() is None
        found = {PurePosixPath(name).name: archive.read(name) for name in archive.namelist()}
    assert found == photos(sample.photos)


def test_some_names_lead_out_of_the_zip(sample: SampleCapture, tmp_path: Path):
    with zipfile.ZipFile(make_fault("zip_traversal", sample, tmp_path)) as archive:
        names = [PurePosixPath(name) for name in archive.namelist()]
    outside = [name for name in names if name.is_absolute() or ".." in name.parts]
    assert any(name.is_absolute() for name in outside)
    assert any(name.parts[0] == ".." for name in outside)
    assert 0 < len(outside) < len(names) == COUNT


def test_the_bomb_is_small_and_unpacks_to_ten_gigabytes(sample: SampleCapture, tmp_path: Path):
    place = make_fault("zip_bomb", sample, tmp_path)
    assert place.stat().st_size < 1_200_000
    with zipfile.ZipFile(place) as archive:
        entries = archive.infolist()
        assert sum(entry.file_size for entry in entries) >= 10 * 10**9
        # What is declared is true: the last entry is read, and its checksum with it.
        last = entries[-1]
        with archive.open(last) as stream:
            assert sum(map(len, iter(lambda: stream.read(1 << 22), b""))) == last.file_size
        good = photos(sample.photos)
        assert archive.read(entries[0]) == good[PurePosixPath(entries[0].filename).name]


def test_two_places_are_far_apart(tmp_path: Path):
    settings = CaptureSettings(width=64, height=48, photos=4, heldout_views=0)
    sample = sample_capture(tmp_path / "cache", settings=settings)
    place = make_fault("two_places", sample, tmp_path)
    good = photos(sample.photos)
    foreign = {name: content for name, content in photos(place).items() if good.get(name) != content}
    assert len(photos(place)) == len(good)
    assert len(foreign) == len(good) / 2
    north = {}
    for path in place.iterdir():
        with Image.open(path) as image:
            degrees = image.getexif().get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude]
        north[path.name] = float(degrees[0]) + float(degrees[1]) / 60 + float(degrees[2]) / 3600
    here = [latitude for name, latitude in north.items() if name not in foreign]
    assert min(north[name] for name in foreign) - max(here) > 0.01


def test_forwarded_photos_have_lost_their_headers_and_half_their_detail(
    sample: SampleCapture, tmp_path: Path
):
    place = make_fault("forwarded", sample, tmp_path)
    forwarded = photos(place)
    assert set(forwarded) == set(photos(sample.photos)) | {"again.jpg"}
    assert len(set(forwarded.values())) == COUNT
    detail = {}
    for path in place.iterdir():
        with Image.open(path) as image:
            assert not image.getexif()
            detail[path.name] = np.abs(np.diff(np.asarray(image, dtype=float), axis=1)).mean()
    ordered = sorted(detail.values())
    assert ordered[COUNT // 2 - 1] < ordered[COUNT // 2] / 2


def test_nothing_is_overwritten(sample: SampleCapture, tmp_path: Path):
    make_fault("empty", sample, tmp_path)
    with pytest.raises(FileExistsError, match="empty"):
        make_fault("empty", sample, tmp_path)


def test_an_unknown_kind_is_told_with_all_that_there_are(sample: SampleCapture, tmp_path: Path):
    with pytest.raises(ValueError, match="two_suns") as error:
        make_fault("two_suns", sample, tmp_path)  # type: ignore[arg-type] # that is what is tested
    assert all(kind in str(error.value) for kind in get_args(FaultKind))
