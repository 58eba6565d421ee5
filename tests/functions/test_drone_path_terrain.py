"""Terrain: tiles and files of heights, read and interpolated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from rasterio import Affine

from functions.drone_path.errors import NoTerrainError, TerrainError
from functions.drone_path.terrain import copernicus, hgt
from functions.drone_path.terrain.survey import FINEST, SurveyTerrain
from functions.drone_path.terrain.tile import corner_of, tile_name
from functions.drone_path.terrain.tiles import KEPT_TILES, TileTerrain
from tests.functions import terrain_kit
from tests.functions.flight_kit import FLAT
from tests.functions.flight_kit import hgt as packed

SIDE = 1201


def plane(south, west, *, side=SIDE, north=2000.0, east=1000.0):
    """A tile that rises evenly, so that interpolation is exact but for whole metres."""
    steps = np.arange(side) / (side - 1)
    return hgt.read_tile(south, west, packed(np.rint(north * (1 - steps[:, None]) + east * steps)))


def heights_of(tile, latitudes, longitudes):
    """Interpolate in a tile without neighbours."""

    def fetch(south, west):
        if (south, west) != (tile.south, tile.west):
            raise NoTerrainError("no such tile")
        return tile

    return TileTerrain(fetch, source="test").heights(np.array(latitudes), np.array(longitudes)).tolist()


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
    south, west = corner_of(np.array(latitude), np.array(longitude))
    assert tile_name(int(south), int(west)) == name


EVEN = plane(41, -112)


@given(st.floats(0, 0.999999), st.floats(0, 0.999999))
@settings(max_examples=50)
def test_heights_between_posts_are_bilinear(north, east):
    (height,) = heights_of(EVEN, [41 + north], [-112 + east])
    assert height == pytest.approx(2000 * north + 1000 * east, abs=0.5 + 1e-6)


def test_rows_go_from_the_north_and_columns_from_the_west():
    heights = np.zeros((SIDE, SIDE))
    heights[1, 0], heights[-1, -2] = 100, 200
    tile = hgt.read_tile(41, -112, packed(heights))
    step = 1 / (SIDE - 1)
    assert heights_of(tile, [42 - step, 41, 41], [-112, -111 - step, -112]) == pytest.approx([100, 200, 0])


@pytest.mark.parametrize("side", [1201, 3601])
def test_packed_and_unpacked_files_of_both_sizes_are_read(side):
    heights = np.full((side, side), -7)
    for content in (packed(heights), heights.astype(">i2").tobytes()):
        tile = hgt.read_tile(-34, 18, content)
        assert tile.heights.shape == (side, side)
        assert heights_of(tile, [-33.9], [18.4]) == [-7]


@pytest.mark.parametrize("read", [hgt.read_tile, copernicus.read_tile])
@pytest.mark.parametrize(
    "content", [b"", b"\x1f\x8bbroken", b"II*\0broken", b"\0" * 1000], ids=["empty", "gzip", "tiff", "short"]
)
def test_what_is_no_tile_is_an_error(read, content):
    with pytest.raises(TerrainError, match="N41"):
        read(41, -112, content)


def test_a_tile_cut_short_is_an_error():
    content = terrain_kit.copernicus(41, -112, lambda latitudes, longitudes: latitudes * longitudes)
    with pytest.raises(TerrainError, match="damaged"):
        copernicus.read_tile(41, -112, content[: len(content) // 2])


def test_a_tile_of_another_place_is_an_error():
    content = terrain_kit.copernicus(41, -112, lambda latitudes, _: latitudes)
    with pytest.raises(TerrainError, match="elsewhere"):
        copernicus.read_tile(42, -112, content)


def test_a_hole_is_an_error_and_never_a_height():
    heights = np.zeros((SIDE, SIDE))
    heights[600, 600] = -32768
    tile = hgt.read_tile(41, -112, packed(heights))
    assert heights_of(tile, [41.1], [-111.9]) == [0]
    with pytest.raises(NoTerrainError, match="hole"):
        heights_of(tile, [41.5], [-111.5])


def hilly(latitudes, longitudes):
    """Ground whose every post is another; the same at both ends of the longitudes."""
    return 500 * np.sin(latitudes * 90) * np.cos(np.radians(longitudes) * 360 * 20) + latitudes


COLUMNS = {49: 240, 50: 160, 59: 160, 60: 120, -17: 240, -16: 240}
"""Of the test's tiles by their southern edge: fewer towards the poles, as in the source."""


def world(missing=()):
    """Copernicus tiles of one ground, and which of them were fetched."""
    fetched = []

    def fetch(south, west):
        assert -180 <= west < 180
        fetched.append((south, west))
        if (south, west) in missing:
            raise NoTerrainError("no such tile")
        content = terrain_kit.copernicus(south, west, hilly, columns=COLUMNS.get(south, 240))
        return copernicus.read_tile(south, west, content)

    return TileTerrain(fetch, source="test"), fetched


def expected(latitude, longitude):
    """Interpolate in the posts of the whole world, one place and post by post."""
    row = np.floor(latitude * 240)
    share = latitude * 240 - row
    height = 0.0
    for post_row, weight in ((row, 1 - share), (row + 1, share)):
        north = post_row / 240
        # A tile has its northern edge, not its southern one.
        columns = COLUMNS.get(int(np.ceil(north)) - 1, 240)
        column = np.floor(longitude * columns)
        along = longitude * columns - column
        for post_column, part in ((column, 1 - along), (column + 1, along)):
            height += weight * part * hilly(north, post_column / columns)
    return height


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(50.0, 10.0), (60.0, 179.999), (-16.0, -180.0), (-16.0, 180.0)],
    ids=["wider columns to the south", "and the antimeridian", "from the east of it", "from the west of it"],
)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)), min_size=1, max_size=20))
def test_the_last_cells_of_a_tile_end_at_its_neighbours_first_posts(latitude, longitude, offsets):
    terrain, _ = WORLD
    latitudes, longitudes = np.array([latitude, longitude])[:, None] + np.array(offsets).T
    found = terrain.heights(latitudes, longitudes)
    wanted = [expected(*place) for place in zip(latitudes, longitudes, strict=True)]
    assert found == pytest.approx(wanted, abs=1e-3)


WORLD = world()


def test_a_neighbour_is_fetched_for_the_last_cells_alone():
    terrain, fetched = world()
    terrain.heights(np.array([50.5, 50.005, 50.5]), np.array([10.5, 10.5, 10.993]))
    assert fetched == [(50, 10)]
    terrain.heights(np.array([50.001]), np.array([10.999]))
    assert set(fetched) == {(50, 10), (49, 10), (50, 11), (49, 11)}


def test_the_last_cells_at_a_sea_without_tiles_have_no_height():
    terrain, _ = world(missing=[(49, 10)])
    terrain.heights(np.array([50.1]), np.array([10.5]))
    with pytest.raises(NoTerrainError):
        terrain.heights(np.array([50.1, 50.001]), np.array([10.5, 10.5]))


@pytest.mark.parametrize(
    ("south", "west", "name"),
    [
        (41, -112, "Copernicus_DSM_COG_10_N41_00_W112_00_DEM"),
        (-14, -172, "Copernicus_DSM_COG_10_S14_00_W172_00_DEM"),
        (0, 6, "Copernicus_DSM_COG_10_N00_00_E006_00_DEM"),
    ],
)
def test_tiles_have_the_names_of_their_source(south, west, name):
    assert copernicus.file_name(south, west) == name


def test_a_path_across_tiles_and_the_antimeridian_is_one_ground():
    fetched = []

    def fetch(south, west):
        fetched.append((south, west))
        return plane(south, west, north=0 if west < 0 else 100, east=0)

    terrain = TileTerrain(fetch, source="test")
    latitudes = np.array([-16.5, -16.5, -16.5, -16.5])
    longitudes = np.array([179.9, -179.9, 180.1, -180.0])
    assert terrain.heights(latitudes, longitudes) == pytest.approx([50, 0, 0, 0])
    terrain.heights(latitudes, longitudes)
    assert sorted(fetched) == [(-17, -180), (-17, 179)]


def test_only_so_many_tiles_are_kept():
    fetched = []

    def fetch(south, west):
        fetched.append((south, west))
        return EVEN

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


UTM = "EPSG:32612"
SOUTH_WEST = (430_000.0, 4_610_000.0)


def survey(cell, *, side=200, crs=UTM, turn=0.0, ground=None, **profile):
    """A survey of a slope of one metre per ten to the east, in metres around a place."""
    corner = Affine.translation(SOUTH_WEST[0], SOUTH_WEST[1] + cell * side)
    transform = corner @ Affine.rotation(turn) @ Affine.scale(cell, -cell)
    columns, rows = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    x, y = transform @ (columns, rows)
    heights = (ground or (lambda east, _: 1500 + 0.1 * (east - SOUTH_WEST[0])))(x, y)
    return terrain_kit.geotiff(heights, transform, crs=crs, **profile)


def places(east, north):
    """Places so many metres from the survey's south-western corner."""
    to_world = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
    x, y = np.broadcast_arrays(
        SOUTH_WEST[0] + np.asarray(east, float), SOUTH_WEST[1] + np.asarray(north, float)
    )
    return to_world.transform(x, y)[::-1]


@pytest.mark.parametrize("turn", [0.0, 12.0], ids=["north up", "turned"])
def test_a_survey_is_read_in_its_own_coordinate_system(turn):
    terrain = SurveyTerrain(survey(12.0, turn=turn), name="barn.tif")
    east, north = np.array([700.0, 1000, 1300]), np.array([1000.0, 1111, 1300])
    assert terrain.heights(*places(east, north)) == pytest.approx(1500 + 0.1 * east, abs=0.01)
    assert "barn.tif" in terrain.source


@settings(max_examples=25, deadline=None)
@given(
    st.floats(0.3, 9.0),
    st.integers(0, 2**31),
    st.lists(st.tuples(st.floats(0.02, 0.98), st.floats(0.02, 0.98)), min_size=1, max_size=50),
)
def test_no_height_of_a_fine_survey_is_below_its_own(cell, seed, shares):
    side = 60
    rough = np.random.default_rng(seed).uniform(100, 130, (side, side)).astype(np.float32)
    terrain = SurveyTerrain(survey(cell, side=side, ground=lambda *_: rough), name="barn.tif")
    east, north = cell * side * np.array(shares).T
    columns, rows = east / cell - 0.5, side - north / cell - 0.5
    corners = [
        rough[np.floor(rows).astype(int) + down, np.floor(columns).astype(int) + right]
        * np.abs(1 - down - rows % 1)
        * np.abs(1 - right - columns % 1)
        for down in (0, 1)
        for right in (0, 1)
    ]
    found = terrain.heights(*places(east, north))
    assert (found >= sum(corners) - 0.01).all()
    assert (found <= rough.max()).all()


def test_a_fine_survey_is_seen_as_coarse_as_the_planner_looks():
    def pole(east, north):
        return np.where(np.hypot(east - SOUTH_WEST[0] - 50, north - SOUTH_WEST[1] - 50) < 1.5, 30.0, 0.0)

    terrain = SurveyTerrain(survey(1.0, side=100, ground=pole), name="barn.tif")
    along = np.arange(5.0, 95.0)
    heights = terrain.heights(*places(along, 50.0))
    assert heights[np.abs(along - 50) < 1].min() == pytest.approx(30)
    assert np.abs(np.diff(heights)).max() <= 30 / FINEST + 0.01
    assert not heights[np.abs(along - 50) > 2 * FINEST + 2].any()


@pytest.mark.parametrize(("unit", "scale"), [("ft", 0.3048), ("m", 1.0), (None, 1.0)])
def test_a_survey_says_the_unit_of_its_heights(unit, scale):
    terrain = SurveyTerrain(survey(12.0, unit=unit), name="barn.tif")
    (height,) = terrain.heights(*places([1000.0], [1000.0]))
    assert height == pytest.approx(scale * 1600, abs=0.01)


def test_heights_in_another_unit_are_refused():
    with pytest.raises(TerrainError, match="fathom"):
        SurveyTerrain(survey(12.0, unit="fathom"), name="barn.tif")


@pytest.mark.parametrize(("east", "north"), [(-5.0, 1000.0), (1000.0, 2405.0), (1e6, 1e6)])
def test_a_survey_ends_at_its_edge(east, north):
    terrain = SurveyTerrain(survey(12.0), name="barn.tif")
    with pytest.raises(NoTerrainError, match=r"barn\.tif.* does not reach"):
        terrain.heights(*places([1000.0, east], [1000.0, north]))


@pytest.mark.parametrize("cell", [1.0, 12.0], ids=["fine", "coarse"])
def test_a_hole_in_a_survey_is_none_of_its_heights(cell):
    def holed(east, north):
        return np.where(
            np.hypot(east - SOUTH_WEST[0] - 100, north - SOUTH_WEST[1] - 100) < cell, -9999.0, 7.0
        )

    terrain = SurveyTerrain(survey(cell, ground=holed, nodata=-9999.0), name="barn.tif")
    assert terrain.heights(*places([30.0], [100.0])) == pytest.approx([7])
    with pytest.raises(NoTerrainError, match="hole"):
        terrain.heights(*places([30.0, 100.0], [100.0, 100.0]))


def test_a_survey_without_a_place_is_refused():
    with pytest.raises(TerrainError, match="coordinate system"):
        SurveyTerrain(survey(12.0, crs=None), name="barn.tif")


def test_too_large_a_survey_is_refused_with_what_would_work(monkeypatch):
    monkeypatch.setattr("functions.drone_path.terrain.survey.MOST_CELLS", 39_999)
    with pytest.raises(TerrainError, match="coarser"):
        SurveyTerrain(survey(12.0), name="barn.tif")


def test_a_survey_across_the_antimeridian_is_one_ground():
    ground = np.broadcast_to(np.arange(100.0), (100, 100))
    content = terrain_kit.geotiff(ground, Affine(0.001, 0, 179.95, 0, -0.001, 10))
    terrain = SurveyTerrain(content, name="isle.tif")
    longitudes = np.array([179.96, 180.0, -180.0, -179.96])
    wanted = (np.mod(longitudes, 360) - 179.95) / 0.001 - 0.5
    assert terrain.heights(np.full(4, 9.95), longitudes) == pytest.approx(wanted, abs=1e-3)


def test_an_hgt_file_may_be_the_survey():
    rows = np.broadcast_to(1000 + np.arange(SIDE)[:, None], (SIDE, SIDE))
    terrain = SurveyTerrain(rows.astype(">i2").tobytes(), name="N41W112.hgt")
    found = terrain.heights(np.array([42.0, 41.5, 41.0]), np.array([-112.0, -111.5, -111.0]))
    assert found == pytest.approx([1000, 1600, 2200])


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"II*\0broken"])
def test_what_is_no_survey_is_an_error(content):
    with pytest.raises(TerrainError, match=r"barn\.tif is damaged"):
        SurveyTerrain(content, name="barn.tif")
