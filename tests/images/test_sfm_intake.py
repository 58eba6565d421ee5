"""Intake: what a pilot may upload, and the sentence for everything that cannot be used."""

import io
import stat
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image
from spaceport_job import CaptureError
from spaceport_sfm.intake import Intake, take_in
from spaceport_sfm.unpack import UnpackLimits

from tests.images.sfm_photos import write_photo


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    folder = tmp_path / "capture"
    folder.mkdir()
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


def photos(folder: Path, count: int, *, first: int = 0) -> None:
    for index in range(first, first + count):
        write_photo(folder / f"DJI_{index:04d}.JPG", seed=index)


def zip_of(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def jpeg(seed: int, tmp_path: Path) -> bytes:
    return write_photo(tmp_path / "made" / f"{seed}.jpg", seed=seed).read_bytes()


def refusal(capture: Path, work: Path, limits: UnpackLimits | None = None) -> str:
    with pytest.raises(CaptureError) as caught:
        take_in(capture, work, limits=limits)
    return str(caught.value)


def names(intake: Intake) -> list[str]:
    return [photo.name for photo in intake.photos]


def test_photos_are_found_at_any_depth_and_in_zips(capture: Path, work: Path, tmp_path: Path) -> None:
    photos(capture, 1)
    photos(capture / "day 1" / "flight", 1, first=1)
    zip_of(capture / "more.zip", {"DCIM/100/x y.jpg": jpeg(5, tmp_path), "DCIM/notes.txt": b"windy"})
    intake = take_in(capture, work)
    assert names(intake) == ["DJI_0000.JPG", "DJI_0001.JPG", "x_y.jpg"]
    assert intake.warnings == ()
    assert [photo.source for photo in intake.photos][-1] == "more.zip/DCIM/100/x y.jpg"
    assert sorted(path.name for path in intake.folder.iterdir()) == names(intake)
    for photo in intake.photos:
        with Image.open(intake.folder / photo.name) as image:
            assert image.size == (photo.width, photo.height)


def test_equal_names_from_different_folders_stay_apart(capture: Path, work: Path) -> None:
    write_photo(capture / "a" / "DJI_1.JPG", seed=1)
    write_photo(capture / "b" / "DJI_1.JPG", seed=2)
    write_photo(capture / "c" / "dji_1.jpg", seed=3)
    write_photo(capture / "a__DJI_1.JPG", seed=4)
    intake = take_in(capture, work)
    assert len({name.lower() for name in names(intake)}) == 4
    by_source = {photo.source: photo.name for photo in intake.photos}
    for source, name in by_source.items():
        assert (intake.folder / name).read_bytes() == (capture / source).read_bytes()


def test_names_do_not_depend_on_the_order_on_disk(capture: Path, work: Path, tmp_path: Path) -> None:
    photos(capture / "b", 2)
    photos(capture / "a", 2)
    write_photo(capture / "a" / "DJI_0000.JPG", seed=99)
    other = tmp_path / "other"
    for path in sorted(capture.rglob("*.JPG"), reverse=True):
        target = other / path.relative_to(capture)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    second_work = tmp_path / "work2"
    second_work.mkdir()
    assert take_in(capture, work).photos == take_in(other, second_work).photos


def test_a_truncated_photo_is_left_out_by_name(capture: Path, work: Path) -> None:
    photos(capture, 4)
    broken = capture / "DJI_0002.JPG"
    broken.write_bytes(broken.read_bytes()[: broken.stat().st_size // 2])
    intake = take_in(capture, work)
    assert len(intake.photos) == 3
    assert any("damaged or cut off" in line and "DJI_0002.JPG" in line for line in intake.warnings)


def test_text_named_jpg_is_left_out_by_name(capture: Path, work: Path) -> None:
    photos(capture, 3)
    (capture / "list.jpg").write_text("not a picture")
    (capture / "nothing.jpg").write_bytes(b"")
    intake = take_in(capture, work)
    assert len(intake.photos) == 3
    assert intake.files == 5
    assert any("not an image" in line and "list.jpg" in line for line in intake.warnings)
    assert any("empty" in line and "nothing.jpg" in line for line in intake.warnings)


def test_only_text_files_named_jpg_fail_with_their_names(capture: Path, work: Path) -> None:
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (capture / name).write_text("not a picture")
    message = refusal(capture, work)
    assert message.startswith("The capture holds no usable photo; a model needs at least 3")
    assert "a.jpg, b.jpg, c.jpg" in message


def test_a_capture_that_is_not_there(tmp_path: Path, work: Path) -> None:
    assert "not there" in refusal(tmp_path / "missing", work)


def test_an_empty_capture(capture: Path, work: Path) -> None:
    assert refusal(capture, work).startswith("The capture is empty. Upload")


def test_a_capture_without_photos(capture: Path, work: Path) -> None:
    (capture / "flight.csv").write_text("1,2,3")
    assert refusal(capture, work).startswith("The capture holds no photos. Upload")


@pytest.mark.parametrize("count", [1, 2])
def test_too_few_photos_say_how_many_there_are(capture: Path, work: Path, count: int) -> None:
    photos(capture, count)
    assert f"only {count} usable photo" in refusal(capture, work)


def test_copies_count_once(capture: Path, work: Path) -> None:
    photos(capture, 3)
    (capture / "again").mkdir()
    (capture / "again" / "copy.jpg").write_bytes((capture / "DJI_0001.JPG").read_bytes())
    intake = take_in(capture, work)
    assert len(intake.photos) == 3
    assert any("exact copy" in line for line in intake.warnings)


def test_other_formats_are_named_with_a_remedy(capture: Path, work: Path) -> None:
    photos(capture, 3)
    for name in ("a.HEIC", "b.dng", "c.MP4", "d.7z"):
        (capture / name).write_bytes(b"data")
    lines = " ".join(take_in(capture, work).warnings)
    assert "an image format that cannot be used (export as JPEG): a.HEIC" in lines
    assert "a raw format that cannot be used (export as JPEG): b.dng" in lines
    assert "a video that cannot be used (export as JPEG): c.MP4" in lines
    assert "an archive that cannot be used (put its photos into the capture): d.7z" in lines


def test_system_files_are_passed_over_in_silence(capture: Path, work: Path, tmp_path: Path) -> None:
    photos(capture, 3)
    (capture / ".DS_Store").write_bytes(b"x")
    (capture / "Thumbs.db").write_bytes(b"x")
    zip_of(capture / "more.zip", {"__MACOSX/._a.jpg": b"x", "a.jpg": jpeg(8, tmp_path)})
    intake = take_in(capture, work)
    assert len(intake.photos) == 4
    assert intake.warnings == ()


@pytest.mark.parametrize("format_name", ["PNG", "TIFF", "MPO"])
def test_other_photo_formats_are_usable(capture: Path, work: Path, format_name: str) -> None:
    photos(capture, 2)
    suffix = "jpg" if format_name == "MPO" else format_name.lower()
    with Image.open(capture / "DJI_0000.JPG") as image:
        turned = image.transpose(Image.Transpose.ROTATE_180)
    turned.save(capture / f"third.{suffix}", format=format_name, save_all=format_name == "MPO")
    intake = take_in(capture, work)
    assert len(intake.photos) == 3
    assert intake.warnings == ()


def test_a_huge_picture_is_refused_before_it_is_decoded(capture: Path, work: Path) -> None:
    photos(capture, 3)
    header = io.BytesIO()
    Image.new("L", (1, 1)).save(header, format="PNG")
    content = bytearray(header.getvalue())
    content[16:24] = struct.pack(">II", 60000, 60000)
    content[29:33] = struct.pack(">I", zlib.crc32(bytes(content[12:29])))
    (capture / "bomb.png").write_bytes(content)
    intake = take_in(capture, work)
    assert any("megapixels" in line and "bomb.png" in line for line in intake.warnings)


@pytest.mark.parametrize(
    "name", ["../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg", "C:/evil.jpg", "..\\e.jpg"]
)
def test_a_zip_that_reaches_outside_is_refused(capture: Path, work: Path, tmp_path: Path, name: str) -> None:
    photos(capture, 3)
    zip_of(capture / "photos.zip", {"fine.jpg": jpeg(7, tmp_path), name: jpeg(8, tmp_path)})
    message = refusal(capture, work)
    assert message.startswith("The zip 'photos.zip' is not safe to open")
    assert "Make the zip again" in message
    assert list(tmp_path.rglob("*vil.jpg")) == []


def test_a_zip_with_a_link_is_refused(capture: Path, work: Path) -> None:
    photos(capture, 3)
    entry = zipfile.ZipInfo("link.jpg")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(capture / "photos.zip", "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    assert "not safe to open" in refusal(capture, work)


def bomb(path: Path, size: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.jpg", "w") as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    return path


def disk_use(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_bomb_is_stopped_long_before_it_is_inflated(capture: Path, work: Path) -> None:
    path = bomb(capture / "photos.zip", 96 << 20)
    assert path.stat().st_size < 1 << 20
    assert "unpacks to far more than a zip of photos can hold" in refusal(capture, work)
    assert disk_use(work) <= UnpackLimits().ratio_from_bytes


def test_a_bomb_that_lies_about_its_size_is_stopped_too(capture: Path, work: Path) -> None:
    path = bomb(capture / "photos.zip", 96 << 20)
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = content.find(signature) + offset
        content[place : place + 4] = struct.pack("<I", 1000)
    path.write_bytes(content)
    message = refusal(capture, work)
    assert "far more" in message or "damaged" in message
    assert disk_use(work) <= UnpackLimits().ratio_from_bytes


def test_limits_hold_over_all_zips_together(capture: Path, work: Path, tmp_path: Path) -> None:
    one = jpeg(1, tmp_path)
    zip_of(capture / "a.zip", {"a.jpg": one})
    zip_of(capture / "b.zip", {"b.jpg": jpeg(2, tmp_path)})
    message = refusal(capture, work, UnpackLimits(total_bytes=len(one) + 10))
    assert "'b.zip'" in message


def test_too_many_entries_are_refused(capture: Path, work: Path) -> None:
    zip_of(capture / "photos.zip", {f"{index}.txt": b"" for index in range(11)})
    assert "holds 11 files" in refusal(capture, work, UnpackLimits(files=10))


def test_a_protected_zip_says_so(capture: Path, work: Path, tmp_path: Path) -> None:
    path = zip_of(capture / "photos.zip", {"a.jpg": jpeg(1, tmp_path)})
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        place = content.find(signature) + offset
        content[place] |= 1
    path.write_bytes(content)
    assert "password" in refusal(capture, work)


@pytest.mark.parametrize("keep", [0.5, 0.0])
def test_a_cut_off_zip_is_refused_by_name(capture: Path, work: Path, tmp_path: Path, keep: float) -> None:
    path = zip_of(capture / "photos.zip", {"a.jpg": jpeg(1, tmp_path)})
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    assert "The zip 'photos.zip' is damaged or incomplete" in refusal(capture, work)
