"""A degree square of heights, the way both sources have it: at posts, north-west first."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.drone_path.errors import NoTerrainError
from functions.drone_path.geodesy import Array


@dataclass(frozen=True)
class Tile:
    """One degree of heights.

    The first row of posts lies on the northern edge, the first column on the western one. Whether there are
    posts on the other two edges depends on the format; where there are none, the neighbours' first ones are
    what comes after the last.

    Attributes:
        south: Latitude of its southern edge.
        west: Longitude of its western edge.
        heights: Rows from north to south, columns from west to east, metres.
        rows: Steps between rows per degree.
        columns: Steps between columns per degree.
        hole: What stands where no height is known; NaN besides.
    """

    south: int
    west: int
    heights: NDArray[np.int16] | NDArray[np.float32]
    rows: int
    columns: int
    hole: float = math.nan

    def at(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
        """Give the heights (n) at some posts.

        Raises:
            NoTerrainError: One of them is a hole.
        """
        found = self.heights[rows, columns].astype(float)
        if (np.isnan(found) | (found == self.hole)).any():
            raise NoTerrainError("the elevation data has a hole there")
        return found


def corner_of(latitudes: Array, longitudes: Array) -> tuple[Array, Array]:
    """Give the south-western corners (n), in whole degrees, of the tiles that places (n) lie in."""
    return np.minimum(np.floor(latitudes), 89), np.floor(np.mod(longitudes + 180, 360) - 180)


def tile_name(south: int, west: int) -> str:
    """Name a tile after its south-western corner, such as N41W112."""
    return f"{'S' if south < 0 else 'N'}{abs(south):02d}{'W' if west < 0 else 'E'}{abs(west):03d}"
