"""Which photos are compared: all of a few, neighbours of many, and nobody is forgotten."""

import itertools
import math

import pytest
from spaceport_sfm.matching import choose_pairs
from spaceport_sfm.options import SfmOptions
from spaceport_sfm.photos import GpsPosition, Photo, PhotoMetadata

STEP_DEGREES = 1e-4


def grid(rows: int, columns: int, *, gps: bool = True) -> list[Photo]:
    photos = []
    for row, column in itertools.product(range(rows), range(columns)):
        position = GpsPosition(47 + row * STEP_DEGREES, 8 + column * STEP_DEGREES, 100.0) if gps else None
        taken_at = f"2026:01:01 10:{row:02d}:{column:02d}"
        photos.append(
            Photo(f"{row:02d}{column:02d}.jpg", "", 400, 300, PhotoMetadata(gps=position, taken_at=taken_at))
        )
    return photos


def neighbours_of(pairs: list[tuple[int, int]], index: int) -> set[int]:
    return {a if b == index else b for a, b in pairs if index in (a, b)}


@pytest.mark.parametrize("count", [3, 10, 24])
def test_every_pair_of_a_small_capture(count: int) -> None:
    pairs = choose_pairs(grid(1, count), SfmOptions())
    assert pairs == sorted(set(pairs))
    assert len(pairs) == math.comb(count, 2)


def test_a_large_capture_is_compared_with_its_neighbours() -> None:
    photos = grid(12, 12)
    options = SfmOptions(num_neighbors=8)
    pairs = choose_pairs(photos, options)
    assert len(pairs) <= options.num_neighbors * len(photos)
    assert all(a < b for a, b in pairs)
    middle = 5 * 12 + 5
    around = {middle + 12 * row + column for row in (-1, 0, 1) for column in (-1, 0, 1)} - {middle}
    assert around <= neighbours_of(pairs, middle)
    assert all(neighbours_of(pairs, index) for index in range(len(photos)))


def test_without_gps_photos_taken_in_turn_meet_and_the_strips_are_joined() -> None:
    photos = grid(10, 10, gps=False)
    pairs = choose_pairs(photos, SfmOptions())
    assert len(pairs) < math.comb(len(photos), 2) / 2
    for index in range(99):
        assert index + 1 in neighbours_of(pairs, index)
    # Someone compares the first strip with the last.
    assert any(a < 10 and b >= 90 for a, b in pairs)


def test_a_photo_without_gps_among_many_is_compared_too() -> None:
    photos = grid(10, 10)
    photos[37] = Photo("0307.jpg", "", 400, 300, PhotoMetadata(taken_at="2026:01:01 10:03:07"))
    pairs = choose_pairs(photos, SfmOptions())
    assert {36, 38} <= neighbours_of(pairs, 37)


def test_the_limit_and_the_choice_are_the_callers() -> None:
    photos = grid(3, 10)
    every = math.comb(30, 2)
    assert len(choose_pairs(photos, SfmOptions(exhaustive_limit=29, num_neighbors=4))) < every
    assert len(choose_pairs(photos, SfmOptions(matching="neighbors", num_neighbors=4))) < every
    assert len(choose_pairs(photos, SfmOptions(matching="exhaustive", exhaustive_limit=3))) == every
