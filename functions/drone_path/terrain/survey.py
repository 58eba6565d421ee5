"""Terrain from a single file: a survey as GeoTIFF in any coordinate system, or SRTM's HGT."""

import math
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Transformer

from functions.drone_path.errors import NoTerrainError, TerrainError
from functions.drone_path.geodesy import Array, distances
from functions.drone_path.terrain.raster import opened

if TYPE_CHECKING:
    from rasterio import DatasetReader

FINEST = 10.0
"""Metres between posts: two samples of the planner, which looks no closer. A finer file is made coarser."""
MOST_CELLS = 32_000_000
"""Of a file: reading it takes some 800 MB of memory."""
_METRES = {"": 1.0, "m": 1.0, "metre": 1.0, "meter": 1.0, "ft": 0.3048, "us-ft": 1200 / 3937}
"""By what a file calls the unit of its heights; nothing said means metres."""
_WGS84 = "EPSG:4326"
_DIGITS = 6
"""Of a cell: what is less is rounding, and must not lie outside at the file's very edge."""


class SurveyTerrain:
    """Terrain from one file; it ends where the file does.

    Attributes:
        source: Where the heights come from, in words.
    """

    def __init__(self, content: bytes, *, name: str) -> None:
        """Read it.

        Args:
            content: The file; heights in its first band, in metres unless it says feet.
            name: Its name; that of an HGT file, such as N41W112.hgt, says where it lies.

        Raises:
            TerrainError: It is no elevation file, says not where it lies, or is too large.
        """
        self.source = f"{name}, an elevation file of this installation"
        with opened(content, name) as dataset:
            if dataset.crs is None:
                raise TerrainError(f"the elevation file {name} names no coordinate system")
            if dataset.width * dataset.height > MOST_CELLS:
                raise TerrainError(
                    f"the elevation file {name} has {dataset.width} x {dataset.height} heights, and at most "
                    f"{MOST_CELLS // 10**6} million work: make it coarser or cut it"
                )
            crs = CRS.from_wkt(dataset.crs.to_wkt())
            self._to_file = Transformer.from_crs(_WGS84, crs, always_xy=True)
            self._from_west = dataset.bounds.left if crs.is_geographic else None
            self._to_cells = ~dataset.transform
            heights = _read(dataset, name)
            self._shape = heights.shape
            self._step = tuple(math.ceil(FINEST / cell) for cell in self._cell(dataset))
        self._posts = _highest_around(_highest_around(heights, self._step[0]).T, self._step[1]).T

    def heights(self, latitudes: Array, longitudes: Array) -> Array:
        """Give the heights (n) of the ground at n places, bilinear between posts.

        Where the file is finer than 10 m, a post has the highest of what lies around it, so that no height
        is below the file's.
        """
        x, y = self._to_file.transform(longitudes, latitudes)
        if self._from_west is not None:
            x = self._from_west + np.mod(x - self._from_west, 360)
        columns, rows = (np.round(part - 0.5, _DIGITS) for part in self._to_cells @ (x, y))
        last_row, last_column = self._shape[0] - 1, self._shape[1] - 1
        inside = (rows >= 0) & (rows <= last_row) & (columns >= 0) & (columns <= last_column)
        if not inside.all():
            raise NoTerrainError(f"{self.source}, does not reach so far")
        found = _bilinear(self._posts, rows / self._step[0], columns / self._step[1])
        if np.isnan(found).any():
            raise NoTerrainError(f"{self.source}, has a hole there")
        return found

    def _cell(self, dataset: "DatasetReader") -> tuple[float, float]:
        """Give the height and width of a cell in the middle, metres."""
        row, column = dataset.height // 2, dataset.width // 2
        x, y = dataset.xy([row + 1, row, row], [column, column, column + 1])
        longitudes, latitudes = self._to_file.transform(np.asarray(x), np.asarray(y), direction="INVERSE")
        height, width = distances(latitudes, longitudes)
        return float(height), float(width)


def _read(dataset: "DatasetReader", name: str) -> Array:
    unit = (dataset.units[0] or "").lower()
    if unit not in _METRES:
        raise TerrainError(f"the elevation file {name} has heights in {unit!r}: metres and feet work")
    heights = dataset.read(1, masked=True).astype(np.float32).filled(np.nan)
    scaled = heights * dataset.scales[0] + dataset.offsets[0]
    return np.asarray(scaled * _METRES[unit], np.float32)


def _highest_around(heights: Array, step: int) -> Array:
    """Keep every so many rows, each as high as the highest of those up to one step before and after it.

    Between two kept rows, both are then at least as high as what was between them. A row that is a hole
    somewhere makes holes of both.
    """
    if step == 1:
        return heights
    count = math.ceil((len(heights) - 1) / step) + 1
    missing = count * step - len(heights)
    padded = np.pad(heights, [(0, missing), (0, 0)], constant_values=-np.inf)
    blocks = padded.reshape(count, step, -1).max(axis=1)
    return np.asarray(np.maximum(blocks, np.concatenate([blocks[:1], blocks[:-1]])), float)


def _bilinear(posts: Array, rows: Array, columns: Array) -> Array:
    upper, left = np.floor(rows).astype(np.intp), np.floor(columns).astype(np.intp)
    down, right = rows - upper, columns - left
    # A post without weight is not asked for: it may lie outside, or be a hole.
    lower, beside = upper + (down > 0), left + (right > 0)
    above = posts[upper, left] * (1 - right) + posts[upper, beside] * right
    below = posts[lower, left] * (1 - right) + posts[lower, beside] * right
    return np.asarray(above * (1 - down) + below * down, float)
