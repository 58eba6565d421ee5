"""SRTM's HGT files: a degree square of heights, 16-bit big-endian metres, north-west first, edges shared."""

import math
import zlib

import numpy as np

from functions.drone_path.errors import TerrainError
from functions.drone_path.terrain.tile import Tile, tile_name

SIDES = (1201, 3601)
"""Heights along one side: every three arc seconds, or every one."""
_VOID = -32768


def read_tile(south: int, west: int, content: bytes) -> Tile:
    """Read an HGT file, packed by gzip or not.

    Args:
        south: Latitude of its southern edge.
        west: Longitude of its western edge.
        content: The file.

    Raises:
        TerrainError: It is no such file.
    """
    name = tile_name(south, west)
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
    heights = np.frombuffer(content, dtype=">i2").astype(np.int16).reshape(side, side)
    return Tile(south, west, heights, rows=side - 1, columns=side - 1, hole=_VOID)
