"""Terrain: tiles of heights, read and interpolated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.drone_path.errors import TerrainError
from functions.drone_path.terrain.hgt import read_tile, tile_name
from functions.drone_path.terrain.tiles import KEPT_TILES, TileTerrain
from tests.functions.flight_kit import FLAT, hgt

SIDE = 1201


def plane(name, *, side=SIDE, north=2000.0, east=1000.0):
    """A tile that rises evenly, so that interpolation is exact but for whole metres."""
    tile = read_tile(name, hgt(np.zeros((side, side))))
    latitudes = tile.south + 1 - np.arange(side) / (side - 1)
    longitudes = tile.west + np.arange(side) / (side - 1)
    return hgt(np.rint(north * (latitudes[:, None] - tile.south) + east * (longitudes - tile.west)))


@pytest.mark.parametrize(
    ("latitude", "longitude", "name"),
    [
        (41.7, -111.8, "N41W112"),
        (-33.9, 18.4, "S34E018"),
        (0.5, 0.5, "N00E000"),
        (-0.5, -0.5, "S01W001"),
        (10, 180, "N10W180"),
        (10, -180, "N10W180"),
        (10, 179.9, "N10E179"),
        (90, 0, "N89E000"),
        (-90, 0, "S90E000"),
    ],
)
def test_a_place_lies_in_the_tile_of_its_south_western_corner(latitude, longitude, name):
    assert tile_name(latitude, longitude) == name


@given(st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=50)
def test_heights_between_posts_are_bilinear(north, east):
    tile = _tile()
    (height,) = tile.sample(np.array([41 + north]), np.array([-112 + east]))
    assert height == pytest.approx(2000 * north + 1000 * east, abs=0.5 + 1e-6)


def _tile(cache=[]):  # noqa: B006 -- made once for all examples
    if not cache:
        cache.append(read_tile("N41W112", plane("N41W112")))
    return cache[0]


def test_rows_go_from_the_north_and_columns_from_the_west():
    heights = np.zeros((SIDE, SIDE))
    heights[0, 0], heights[-1, -1] = 100, 200
    tile = read_tile("N41W112", hgt(heights))
    found = tile.sample(np.array([42.0, 41.0, 41.0]), np.array([-112.0, -111.0, -112.0]))
    assert found.tolist() == [100, 200, 0]


@pytest.mark.parametrize("side", [1201, 3601])
def test_packed_and_unpacked_files_of_both_sizes_are_read(side):
    heights = np.full((side, side), -7)
    for content in (hgt(heights), heights.astype(">i2").tobytes()):
        assert read_tile("S34E018", content).heights.shape == (side, side)
        assert read_tile("S34E018", content).heights[3, 4] == -7


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("N41W112", b""),
        ("N41W112", b"\x1f\x8bbroken"),
        ("N41W112", b"\0" * 1000),
        ("north", b"\0" * SIDE**2 * 2),
    ],
    ids=["empty", "damaged", "short", "name"],
)
def test_what_is_no_tile_is_an_error(name, content):
    with pytest.raises(TerrainError):
        read_tile(name, content)


def test_a_hole_is_an_error_and_never_a_height():
    heights = np.zeros((SIDE, SIDE))
    heights[600, 600] = -32768
    tile = read_tile("N41W112", hgt(heights))
    assert tile.sample(np.array([41.1]), np.array([-111.9])).tolist() == [0]
    with pytest.raises(TerrainError, match="hole"):
        tile.sample(np.array([41.5]), np.array([-111.5]))


def test_a_path_across_tiles_and_the_antimeridian_is_one_ground():
    fetched = []

    def fetch(name):
        fetched.append(name)
        return plane(name, north=0, east=0) if "W" in name else plane(name, north=100, east=0)

    terrain = TileTerrain(fetch, source="test")
    latitudes = np.array([-16.5, -16.5, -16.5, -16.5])
    longitudes = np.array([179.9, -179.9, 180.1, -180.0])
    assert terrain.heights(latitudes, longitudes) == pytest.approx([50, 0, 0, 0])
    terrain.heights(latitudes, longitudes)
    assert sorted(fetched) == ["S17E179", "S17W180"]


def test_only_so_many_tiles_are_kept():
    fetched = []

    def fetch(name):
        fetched.append(name)
        return plane(name)

    terrain = TileTerrain(fetch, source="test")
    for longitude in range(KEPT_TILES + 1):
        terrain.heights(np.array([0.5]), np.array([longitude + 0.5]))
    terrain.heights(np.array([0.5]), np.array([KEPT_TILES + 0.5]))
    assert len(fetched) == KEPT_TILES + 1
    terrain.heights(np.array([0.5]), np.array([0.5]))
    assert fetched[-1] == fetched[0]


def test_flat_ground_says_that_it_is_no_elevation():
    assert FLAT.heights(np.zeros(3), np.zeros(3)).tolist() == [0, 0, 0]
    assert "no elevation data" in FLAT.source
