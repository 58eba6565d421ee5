"""SRTM's HGT files: a degree square of heights, 16-bit big-endian metres, north-west first, edges shared."""

import math
import re
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.drone_path.errors import TerrainError
from functions.drone_path.geodesy import Array

SIDES = (1201, 3601)
"""Heights along one side: every three arc seconds, or every one."""
_VOID = -32768
_NAME = re.compile(r"^(?P<ns>[NS])(?P<lat>\d{2})(?P<ew>[EW])(?P<lon>\d{3})$")


@dataclass(frozen=True)
class Tile:
    """One degree of heights.

    Attributes:
        south: Latitude of its southern edge.
        west: Longitude of its western edge.
        heights: Rows from north to south, columns from west to east, metres.
    """

    south: int
    west: int
    heights: NDArray[np.int16]

    def sample(self, latitudes: Array, longitudes: Array) -> Array:
        """Interpolate bilinearly at places within the tile, all at once.

        Raises:
            TerrainError: Heights are missing around one of them.
        """
        intervals = self.heights.shape[0] - 1
        rows = np.clip((self.south + 1 - latitudes) * intervals, 0, intervals)
        columns = np.clip((longitudes - self.west) * intervals, 0, intervals)
        top = np.minimum(rows.astype(np.intp), intervals - 1)
        left = np.minimum(columns.astype(np.intp), intervals - 1)
        corners = [self.heights[top + down, left + right] for down in (0, 1) for right in (0, 1)]
        if any((corner == _VOID).any() for corner in corners):
            raise TerrainError("the elevation data has a hole there")
        down, right = rows - top, columns - left
        north = corners[0] * (1 - right) + corners[1] * right
        south = corners[2] * (1 - right) + corners[3] * right
        return np.asarray(north * (1 - down) + south * down, float)


def tile_name(latitude: float, longitude: float) -> str:
    """Name the tile that a place lies in, such as N41W112, after its south-western corner."""
    south = min(math.floor(latitude), 89)
    west = math.floor((longitude + 180) % 360 - 180)
    return f"{'S' if south < 0 else 'N'}{abs(south):02d}{'W' if west < 0 else 'E'}{abs(west):03d}"


def read_tile(name: str, content: bytes) -> Tile:
    """Read an HGT file, packed by gzip or not.

    Args:
        name: The tile's name.
        content: The file.

    Raises:
        TerrainError: It is no such file.
    """
    match = _NAME.match(name)
    if match is None:
        raise TerrainError(f"{name} is no name of an elevation tile")
    largest = max(SIDES) ** 2 * 2
    if content[:2] == b"\x1f\x8b":
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            content = unpacker.decompress(content, largest + 1)
        except zlib.error as error:
            raise TerrainError(f"the elevation tile {name} is damaged") from error
    side = math.isqrt(len(content) // 2)
    if side not in SIDES or len(content) != side * side * 2:
        raise TerrainError(f"the elevation tile {name} is damaged: {len(content)} bytes")
    south = int(match["lat"]) * (-1 if match["ns"] == "S" else 1)
    west = int(match["lon"]) * (-1 if match["ew"] == "W" else 1)
    heights = np.frombuffer(content, dtype=">i2").astype(np.int16).reshape(side, side)
    return Tile(south, west, heights)
