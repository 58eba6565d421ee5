"""Opens rasters with GDAL.

It is imported when a first one is opened: nothing else needs it, and a cold start would wait for it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from functions.drone_path.errors import TerrainError

if TYPE_CHECKING:
    from rasterio import DatasetReader

GEOTIFF, HGT = "GTiff", "SRTMHGT"
"""What is read: whatever else GDAL knows is not tried on a file."""


@contextmanager
def opened(content: bytes, name: str) -> "Iterator[DatasetReader]":
    """Open a GeoTIFF, or SRTM's HGT, which says by its name where it lies.

    Args:
        content: The file.
        name: Its name, such as survey.tif or N41W112.hgt.

    Raises:
        TerrainError: It is no such file, or damaged.
    """
    from rasterio.errors import RasterioError  # noqa: PLC0415 -- see above
    from rasterio.io import MemoryFile  # noqa: PLC0415

    damaged = f"the elevation file {name} is damaged, or none"
    if not content:  # which would be a file to write
        raise TerrainError(damaged)
    try:
        with (
            MemoryFile(content, filename=name) as file,
            file.open(driver=HGT if name.endswith(".hgt") else GEOTIFF) as dataset,
        ):
            yield dataset
    except RasterioError as error:
        raise TerrainError(damaged) from error
