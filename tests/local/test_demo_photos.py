"""Which files a demo takes, and what it says when there are none."""

from pathlib import Path

import pytest

from local.demo.photos import PhotosError, find_photos


def test_photos_at_any_depth_keep_their_place(tmp_path: Path):
    for name in ("a/DJI_1.JPG", "b/DJI_1.JPG", "b/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    capture = find_photos(tmp_path)
    assert [name for name, _ in capture.files] == ["a/DJI_1.JPG", "b/DJI_1.JPG"]
    assert capture.bytes == 2


def test_a_zip_goes_as_it_is(tmp_path: Path):
    archive = tmp_path / "photos.zip"
    archive.write_bytes(b"PK")
    assert find_photos(archive).files == [("photos.zip", archive)]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda place: None, "nothing at"),
        (lambda place: place.mkdir(), "holds no photos"),
        (lambda place: place.write_text("x"), "neither a folder nor a .zip"),
    ],
)
def test_nothing_to_upload_is_named(tmp_path: Path, make, words: str):
    place = tmp_path / "capture"
    make(place)
    with pytest.raises(PhotosError, match=words) as error:
        find_photos(place)
    assert str(place) in str(error.value)
