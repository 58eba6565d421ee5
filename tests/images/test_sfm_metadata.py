"""EXIF and XMP: position, focal length and attitude, and what must not be believed."""

import math
import os
from pathlib import Path
from typing import Any

import piexif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image
from spaceport_sfm.metadata import focal_length_px, gps_position, read_metadata
from spaceport_sfm.photos import Gimbal, GpsPosition, PhotoMetadata

from tests.images.sfm_photos import dji_xmp, gps_exif, write_photo

GPS = ExifTags.GPS
REAL_PHOTOS = Path(
    os.environ.get("SPACEPORT_REAL_PHOTOS")
    or Path(__file__).resolve().parents[3] / "shared" / "data" / "brighton-beach" / "images"
)


def read(path: Path) -> PhotoMetadata:
    with Image.open(path) as image:
        return read_metadata(image)


@pytest.mark.parametrize(
    ("latitude", "longitude", "altitude", "reference"),
    [(47.05, 8.3, 450.5, 0), (-33.9, 151.2, 12.0, 0), (31.5, -35.5, 400.0, 1), (-0.5, -0.25, 3.0, 0)],
)
def test_position_survives_a_file(
    tmp_path: Path, latitude: float, longitude: float, altitude: float, reference: int
) -> None:
    gps = gps_exif(latitude, longitude, altitude, altitude_ref=reference)
    position = read(write_photo(tmp_path / "a.jpg", gps=gps)).gps
    assert position is not None
    assert position.latitude == pytest.approx(latitude, abs=1e-9)
    assert position.longitude == pytest.approx(longitude, abs=1e-9)
    assert position.altitude_m == pytest.approx(-altitude if reference else altitude)


def test_camera_and_attitude_survive_a_file(tmp_path: Path) -> None:
    xmp = dji_xmp(
        elements="<drone-dji:RelativeAltitude>+39.80</drone-dji:RelativeAltitude>",
        GimbalYawDegree="+45.00",
        GimbalPitchDegree="-89.90",
        GimbalRollDegree="+0.50",
        AbsoluteAltitude="+198.31",
    )
    metadata = read(write_photo(tmp_path / "a.jpg", xmp=xmp))
    assert (metadata.make, metadata.model) == ("DJI", "FC300S")
    assert metadata.gimbal == Gimbal(45.0, -89.9, 0.5)
    assert metadata.relative_altitude_m == 39.8
    assert metadata.gps is None


def test_altitude_of_the_xmp_fills_in_for_a_missing_one(tmp_path: Path) -> None:
    gps = gps_exif(47.0, 8.0, 1.0)
    del gps[piexif.GPSIFD.GPSAltitude]
    path = write_photo(tmp_path / "a.jpg", gps=gps, xmp=dji_xmp(AbsoluteAltitude="+512.25"))
    position = read(path).gps
    assert position is not None
    assert position.altitude_m == 512.25
    assert read(write_photo(tmp_path / "b.jpg", gps=gps)).gps is None


def test_a_photo_without_any_metadata(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (200, 200)).save(path)
    assert read(path) == PhotoMetadata()


def test_a_zero_denominator_is_no_position(tmp_path: Path) -> None:
    gps = gps_exif(47.0, 8.0, 400.0)
    gps[piexif.GPSIFD.GPSLatitude] = ((47, 0), (0, 1), (0, 1))
    assert read(write_photo(tmp_path / "a.jpg", gps=gps)).gps is None


GOOD: dict[int, Any] = {
    GPS.GPSLatitude: (47.0, 30.0, 36.0),
    GPS.GPSLatitudeRef: "N",
    GPS.GPSLongitude: (8.0, 0.0, 0.0),
    GPS.GPSLongitudeRef: "E",
    GPS.GPSAltitude: 400.0,
}


def test_the_good_directory_is_good() -> None:
    position = gps_position(GOOD)
    assert position is not None
    assert position.latitude == pytest.approx(47.51)


@pytest.mark.parametrize(
    "change",
    [
        {GPS.GPSLatitude: (91.0, 0.0, 0.0)},
        {GPS.GPSLongitude: (181.0, 0.0, 0.0)},
        {GPS.GPSLatitude: (math.nan, 0.0, 0.0)},
        {GPS.GPSLatitude: (-4.0, 0.0, 0.0)},
        {GPS.GPSLatitude: "47"},
        {GPS.GPSLatitude: ()},
        {GPS.GPSLatitudeRef: "Q"},
        {GPS.GPSLatitudeRef: None},
        {GPS.GPSAltitude: math.inf},
        {GPS.GPSAltitude: 1e9},
        {GPS.GPSLatitude: (0.0, 0.0, 0.0), GPS.GPSLongitude: (0.0, 0.0, 0.0)},
    ],
)
def test_what_cannot_be_true_is_no_position(change: dict[int, Any]) -> None:
    assert gps_position({**GOOD, **change}) is None


@pytest.mark.parametrize("reference", [1, b"\x01"])
def test_below_the_sea_is_negative_however_it_is_written(reference: object) -> None:
    position = gps_position({**GOOD, GPS.GPSAltitudeRef: reference})
    assert position is not None
    assert position.altitude_m == -400.0


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.integers(0, 31), st.one_of(st.none(), st.text(), st.binary(), st.floats(), st.tuples())
    )
)
def test_any_directory_gives_a_position_in_range_or_none(directory: dict[int, Any]) -> None:
    position = gps_position(directory)
    assert position is None or (abs(position.latitude) <= 90 and abs(position.longitude) <= 180)


EXIF = ExifTags.Base
SENSOR: dict[int, Any] = {
    EXIF.FocalLength: 13.84,
    EXIF.FocalPlaneXResolution: 1024 / 17.3,
    EXIF.FocalPlaneResolutionUnit: 4,
}


def test_focal_length_from_the_sensor_is_exact_and_follows_a_resize() -> None:
    exif: dict[int, Any] = {**SENSOR, EXIF.ExifImageWidth: 1024}
    assert focal_length_px(exif, 1024, 768) == pytest.approx(0.8 * 1024)
    assert focal_length_px(exif, 512, 384) == pytest.approx(0.8 * 512)


def test_focal_length_from_the_equivalent_scales_with_the_longest_side() -> None:
    exif: dict[int, Any] = {EXIF.FocalLengthIn35mmFilm: 28}
    wide, tall = focal_length_px(exif, 4000, 3000), focal_length_px(exif, 3000, 4000)
    assert wide is not None
    assert wide == tall
    assert wide == pytest.approx(28 / 36 * 4000, rel=0.04)
    assert focal_length_px(exif, 2000, 1500) == pytest.approx(wide / 2)


def test_a_sensor_that_contradicts_the_equivalent_is_not_believed() -> None:
    lying: dict[int, Any] = {**SENSOR, EXIF.FocalPlaneResolutionUnit: 3, EXIF.FocalLengthIn35mmFilm: 28}
    alone: dict[int, Any] = {EXIF.FocalLengthIn35mmFilm: 28}
    assert focal_length_px(lying, 1024, 768) == focal_length_px(alone, 1024, 768)


@pytest.mark.parametrize("exif", [{}, {EXIF.FocalLengthIn35mmFilm: 0}, {EXIF.FocalLengthIn35mmFilm: 60000}])
def test_no_focal_length_is_better_than_an_impossible_one(exif: dict[int, Any]) -> None:
    assert focal_length_px(exif, 1024, 768) is None


@pytest.mark.realphotos
@pytest.mark.skipif(not REAL_PHOTOS.is_dir(), reason="the shared real drone photos are not on this machine")
def test_real_dji_photos_tell_where_they_were_taken() -> None:
    metadata = {path.name: read(path) for path in sorted(REAL_PHOTOS.glob("*.JPG"))}
    assert len(metadata) == 18
    first = metadata["DJI_0018.JPG"]
    assert first.gps is not None
    assert first.gps == GpsPosition(
        pytest.approx(46 + 50 / 60 + 33.3855 / 3600),  # type: ignore[arg-type] # compares as a float
        pytest.approx(-(91 + 59 / 60 + 40.4156 / 3600)),  # type: ignore[arg-type] # compares as a float
        pytest.approx(198.309),  # type: ignore[arg-type] # compares as a float
    )
    for one in metadata.values():
        assert one.gimbal is not None
        assert one.gimbal.pitch == pytest.approx(-90, abs=1)
        assert one.relative_altitude_m == pytest.approx(40, abs=1)
        assert one.focal_px == pytest.approx(20 / 36 * 1600, rel=0.04)
