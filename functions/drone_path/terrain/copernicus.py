"""Tiles of the Copernicus DEM as AWS has them: GeoTIFF, north-west first, without southern and eastern edge.

GLO-30 has 3600 rows per degree, and as many columns up to 50 degrees of latitude; from there on 2400, from 60
degrees 1800, from 70 degrees 1200, from 80 degrees 720, from 85 degrees 360
(https://copernicus-dem-30m.s3.amazonaws.com/readme.html). A tile says it by its size.
"""

import numpy as np

from functions.drone_path.errors import TerrainError
from functions.drone_path.terrain.raster import opened
from functions.drone_path.terrain.tile import Tile, tile_name

_TOLERANCE = 1e-6
"""Degrees; a tenth of a metre."""


def file_name(south: int, west: int) -> str:
    """Name a tile as its source does, such as Copernicus_DSM_COG_10_N41_00_W112_00_DEM."""
    name = tile_name(south, west)
    return f"Copernicus_DSM_COG_10_{name[:3]}_00_{name[3:]}_00_DEM"


def read_tile(south: int, west: int, content: bytes) -> Tile:
    """Read a tile.

    Args:
        south: Latitude of its southern edge.
        west: Longitude of its western edge.
        content: The file.

    Raises:
        TerrainError: It is no such file, or it lies elsewhere.
    """
    name = f"{file_name(south, west)}.tif"
    with opened(content, name) as dataset:
        heights = dataset.read(1).astype(np.float32, copy=False)
        first = dataset.xy(0, 0)
        hole = np.nan if dataset.nodata is None else dataset.nodata
    if not np.allclose(first, (west, south + 1), atol=_TOLERANCE):
        raise TerrainError(f"the elevation tile {name} lies elsewhere: its first height is at {first}")
    rows, columns = heights.shape
    return Tile(south, west, heights, rows=rows, columns=columns, hole=hole)
