"""Elevation files, as the sources and as surveys have them."""

from collections.abc import Callable

import numpy as np
from rasterio import Affine
from rasterio.io import MemoryFile

from functions.drone_path.geodesy import Array

Ground = Callable[[Array, Array], Array]
"""Heights of latitudes and longitudes; both are given as they are, -180 to 180."""


def geotiff(
    heights: Array,
    transform: Affine,
    *,
    crs: str | None = "EPSG:4326",
    unit: str | None = None,
    **profile: object,
) -> bytes:
    """Write heights as a GeoTIFF."""
    kind = {"driver": "GTiff", "dtype": "float32", "count": 1, "crs": crs, "transform": transform, **profile}
    rows, columns = heights.shape
    with MemoryFile() as file:
        with file.open(width=columns, height=rows, **kind) as dataset:
            dataset.write(heights.astype(kind["dtype"]), 1)
            if unit:
                dataset.set_band_unit(1, unit)
        return file.read()


def copernicus(south: int, west: int, ground: Ground, *, rows: int = 240, columns: int = 240) -> bytes:
    """Write a tile as the Copernicus DEM has them, but for its size: the first post on the corner."""
    latitudes = south + 1 - np.arange(rows)[:, None] / rows
    longitudes = west + np.arange(columns) / columns
    corner = Affine(1 / columns, 0, west - 0.5 / columns, 0, -1 / rows, south + 1 + 0.5 / rows)
    heights = ground(*np.broadcast_arrays(latitudes, longitudes))
    return geotiff(np.broadcast_to(heights, (rows, columns)), corner, tiled=True, compress="deflate")
