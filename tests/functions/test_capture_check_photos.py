"""What the capture check reads of photos: headers, places, copies and blur."""

import io
import math
import struct
from itertools import pairwise

import numpy as np
import piexif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

from functions.capture_check.copies import find_copies
from functions.capture_check.metadata import focal_35mm, place_of, read_facts
from functions.capture_check.reader import START_BYTES, look_at, read_start, spread
from functions.capture_check.rules import Packed, Photo
from functions.capture_check.sharpness import BLURRED_ABOVE, blur_effect, decode_grey
from tests.functions.capture_kit import blurred, gps_tags, jpeg, scene

GPS = ExifTags.GPS


def facts_of(data):
    return read_facts(io.BytesIO(data))


def start_of(data, name="a.jpg", log=None):
    def read(first, last):
        if log is not None:
            log.append((first, last))
        return data[first : last + 1]

    return read_start(Photo(name, len(data), "key"), read)


@settings(deadline=None, max_examples=30)
@given(
    st.floats(-89.9, 89.9).filter(lambda value: abs(value) > 1e-3),
    st.floats(-179.9, 179.9),
    st.floats(-400, 8000),
)
def test_a_place_is_read_on_every_side_of_the_earth_and_the_sea(latitude, longitude, altitude):
    place = facts_of(jpeg(scene(1, (200, 200)), gps=gps_tags(latitude, longitude, altitude))).place
    assert math.isclose(place.latitude, latitude, abs_tol=1e-6)
    assert math.isclose(place.longitude, longitude, abs_tol=1e-6)
    assert math.isclose(place.altitude_m, altitude, abs_tol=0.01)


_PARTS = st.one_of(st.integers(-400, 400), st.floats(), st.sampled_from([b"x", b"N", "S", "", None]))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from([GPS.GPSLatitude, GPS.GPSLatitudeRef, GPS.GPSLongitude, GPS.GPSLongitudeRef,
                         GPS.GPSAltitude, GPS.GPSAltitudeRef]),
        st.one_of(_PARTS, st.lists(_PARTS, max_size=4).map(tuple)),
    )
)  # fmt: skip
def test_a_malformed_place_is_none_or_on_the_earth(tags):
    place = place_of(tags)
    assert place is None or (abs(place.latitude) <= 90 and abs(place.longitude) <= 180)


@pytest.mark.parametrize(
    "broken",
    [
        {GPS.GPSLatitude: (float("nan"), 3.0, 1.0)},
        {GPS.GPSLatitude: (47.0, 3.0, 1.0, 9.0)},
        {GPS.GPSLatitude: (-47.0, 3.0, 1.0)},
        {GPS.GPSLatitude: (97.0, 3.0, 1.0)},
        {GPS.GPSLatitudeRef: "Q"},
        {GPS.GPSLatitudeRef: None},
        {GPS.GPSLatitude: (0.0, 0.0, 0.0), GPS.GPSLongitude: (0.0, 0.0, 0.0)},
    ],
)
def test_a_place_that_cannot_be_true_is_none(broken):
    good = {
        GPS.GPSLatitude: (47.0, 3.0, 1.0),
        GPS.GPSLatitudeRef: "N",
        GPS.GPSLongitude: (8.0, 18.0, 0.0),
        GPS.GPSLongitudeRef: "E",
    }
    assert place_of(good) is not None
    assert place_of(good | broken) is None


def test_a_rational_of_nothing_counts_as_missing():
    tags = gps_tags(47.0, 8.0, None) | {piexif.GPSIFD.GPSAltitude: (5, 0)}
    place = facts_of(jpeg(scene(1, (200, 200)), gps=tags)).place
    assert place is not None
    assert place.altitude_m is None


def test_a_drones_own_numbers_are_read():
    data = jpeg(
        scene(1),
        seconds=75,
        gps=gps_tags(-33.9, -70.5, 700),
        xmp={"RelativeAltitude": 38.5, "GimbalYawDegree": -90.0, "GimbalPitchDegree": -60.0},
        focal_35mm=28,
    )
    facts = facts_of(data)
    assert (facts.width, facts.height) == (640, 480)
    assert facts.camera == "DJI FC7303"
    assert (facts.focal_35mm, facts.height_m, facts.yaw, facts.pitch) == (28, 38.5, -90, -60)
    assert facts.taken_at is not None
    assert facts.taken_at.minute == 1


def test_a_focal_length_follows_from_the_sensor():
    # A four thirds sensor: 4000 pixels on 17.3 mm; its diagonal is half that of film.
    tags = {
        ExifTags.Base.FocalLength: 12.0,
        ExifTags.Base.FocalPlaneXResolution: 4000 / 17.3,
        ExifTags.Base.FocalPlaneResolutionUnit: 4,
    }
    assert focal_35mm(tags, 4000, 3000) == pytest.approx(24.0, rel=0.01)
    # Scaled afterwards: the sensor stays the same.
    assert focal_35mm({**tags, ExifTags.Base.ExifImageWidth: 4000}, 1000, 750) == pytest.approx(
        24.0, rel=0.01
    )
    assert focal_35mm({**tags, ExifTags.Base.FocalPlaneXResolution: 0}, 4000, 3000) is None


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_other_kinds_of_photos_are_read(kind):
    data = io.BytesIO()
    scene(3, (400, 300)).save(data, kind)
    start = start_of(data.getvalue())
    assert start.fault is None
    assert (start.facts.width, start.facts.height) == (400, 300)


def test_a_header_at_the_end_is_found_without_the_middle():
    data = io.BytesIO()
    scene(3, (1600, 1200)).save(data, "TIFF")
    content = bytearray(data.getvalue())
    # Move the directory to the end, as most writers have it.
    (where,) = struct.unpack_from("<L", content, 4)
    entries = struct.unpack_from("<H", content, where)[0]
    directory = bytes(content[where : where + 2 + 12 * entries + 4])
    struct.pack_into("<L", content, 4, len(content))
    content[where : where + len(directory)] = bytes(len(directory))
    content += directory
    log = []
    start = start_of(bytes(content), log=log)
    assert (start.facts.width, start.facts.height) == (1600, 1200)
    assert sum(min(last, len(content) - 1) - first + 1 for first, last in log) < len(content) / 4


def test_a_long_header_is_read_on_and_a_photo_is_not():
    data = jpeg(scene(4))
    padding = b"".join(b"\xff\xe3\xff\xff" + bytes(65533) for _ in range(6))
    log = []
    start = start_of(data[:2] + padding + data[2:] + bytes(4 * 2**20), log=log)
    assert start.facts.camera == "DJI FC7303"
    assert sum(last - first + 1 for first, last in log) < 10 * START_BYTES


@settings(deadline=None)
@given(st.data())
def test_no_bytes_make_a_check_fail(data):
    content = bytearray(jpeg(scene(2, (200, 160)), gps=gps_tags(1, 2, 3)))
    for _ in range(data.draw(st.integers(1, 20))):
        content[data.draw(st.integers(0, 2000))] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(1, len(content)))])
    start = start_of(cut)
    assert (start.facts is None) == (start.fault is not None)
    photo = Photo("a.jpg", len(cut), "key")
    look_at(photo, lambda first, last: cut[first : last + 1])


def test_text_is_no_image_and_half_a_photo_is_damaged():
    assert start_of(b"This is a note, not a photo.\n").fault == "not_an_image"
    assert start_of(b"\xff\xd8\xff" + b"x" * 500).fault == "damaged"
    data = jpeg(scene(1))
    for content, damaged in ((data, False), (data[: len(data) // 2], True)):
        photo = Photo("a.jpg", len(content), "key")
        read = lambda first, last, content=content: content[first : last + 1]  # noqa: E731
        assert look_at(photo, read).damaged is damaged


# Blur.


@pytest.mark.parametrize("seed", range(4))
def test_a_photo_is_more_blurred_the_wider_it_is_blurred(seed):
    picture = scene(seed)
    effects = [
        blur_effect(decode_grey(io.BytesIO(jpeg(blurred(picture, pixels))))) for pixels in (0, 0.7, 1.5, 3, 5)
    ]
    assert effects == sorted(effects)
    assert effects[0] < BLURRED_ABOVE - 0.1
    assert effects[-2] > BLURRED_ABOVE


def test_a_camera_that_moves_blurs_in_one_direction_only():
    grey = np.asarray(scene(5).convert("L"), dtype=np.float32)
    moved = np.mean([np.roll(grey, step, axis=1) for step in range(15)], axis=0)
    assert blur_effect(grey) < BLURRED_ABOVE < blur_effect(moved)
    assert blur_effect(moved) == pytest.approx(blur_effect(moved.T))


@settings(deadline=None, max_examples=20)
@given(st.floats(0.2, 1.0), st.floats(0, 50))
def test_contrast_and_brightness_make_no_blur(contrast, brightness):
    grey = np.asarray(scene(6).convert("L"), dtype=np.float32)
    assert blur_effect(grey * contrast + brightness) == pytest.approx(blur_effect(grey), abs=0.01)


def test_one_tone_is_neither_sharp_nor_blurred():
    assert blur_effect(np.full((300, 400), 80, np.float32)) is None


def test_a_large_photo_is_judged_like_itself_made_smaller():
    large = scene(7, (3200, 2400))
    small = large.resize((1600, 1200), Image.Resampling.BOX)
    effects = [blur_effect(decode_grey(io.BytesIO(jpeg(one)))) for one in (large, small)]
    assert effects[0] == pytest.approx(effects[1], abs=0.05)


@given(st.integers(0, 60), st.integers(2, 15))
def test_a_sample_is_spread_over_all(count, number):
    photos = [Photo(f"{index:03d}.jpg", 1) for index in range(count)]
    chosen = spread(photos, number)
    assert len(chosen) == len(set(chosen)) == min(count, number)
    if count > number:
        assert (chosen[0], chosen[-1]) == (photos[0], photos[-1])
        places = [photos.index(photo) for photo in chosen]
        gaps = [later - earlier for earlier, later in pairwise(places)]
        assert max(gaps) - min(gaps) <= 1


# Copies.


def listed(name, content, *, packed):
    """A photo as the listings tell it: of the same content, the same digests."""
    size = content + 100
    if packed:
        return Photo(name, size, "a.zip", packed=Packed(0, size, 0, crc=content))
    return Photo(name, size, name, e_tag=f'"{content:032x}"')


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=14))
def test_the_groups_of_copies_are_those_of_one_content(files):
    photos = [
        listed(f"{index:02d}.jpg", content, packed=packed) for index, (content, packed) in enumerate(files)
    ]
    starts = {photo.name: bytes([content]) for photo, (content, _) in zip(photos, files, strict=True)}
    groups = find_copies(photos, starts)
    assert all(len({starts[photo.name] for photo in group}) == 1 for group in groups)
    repeated = sum(len(group) - 1 for group in groups)
    assert repeated == len(files) - len({content for content, _ in files})


@pytest.mark.parametrize("packed", [False, True])
def test_photos_that_only_begin_alike_are_no_copies(packed):
    one, two = (listed(f"{content}.tif", content, packed=packed) for content in (1, 2))
    two = Photo(two.name, one.size, two.key, two.e_tag, two.packed)
    assert find_copies([one, two], {one.name: b"x", two.name: b"x"}) == []
    assert find_copies([one, two], {}) == []


def test_an_upload_in_other_parts_is_still_a_copy():
    parts = [Photo(f"{n}.jpg", 100, f"{n}.jpg", e_tag=f'"{n:032x}-{n}"') for n in (1, 2)]
    assert [len(group) for group in find_copies(parts, {p.name: b"same" for p in parts})] == [2]
    assert find_copies(parts, {"1.jpg": b"one", "2.jpg": b"two"}) == []
