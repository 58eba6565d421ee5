"""Terrain from tiles of HGT, anywhere in the world."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from functions.drone_path.geodesy import Array
from functions.drone_path.terrain.hgt import Tile, read_tile, tile_name

KEPT_TILES = 4
"""Unpacked in memory, 26 MB each: a flight that crosses a corner of the grid needs four."""


class TileTerrain:
    """Terrain from tiles that are fetched by name and kept unpacked.

    Attributes:
        source: Where the tiles come from, in words.
    """

    def __init__(self, fetch: Callable[[str], bytes], *, source: str) -> None:
        """Make it.

        Args:
            fetch: Gives the HGT file of a tile's name; raises NoTerrainError or TerrainError.
            source: Where the tiles come from, in words.
        """
        self.source = source
        self._fetch = fetch
        self._tiles: OrderedDict[str, Tile] = OrderedDict()

    def heights(self, latitudes: Array, longitudes: Array) -> Array:
        """Give the heights (n) of the ground at n places, bilinear within the tiles."""
        wrapped = np.mod(longitudes + 180, 360) - 180
        souths = np.minimum(np.floor(latitudes), 89)
        wests = np.floor(wrapped)
        heights = np.empty(len(latitudes))
        for south, west in np.unique(np.stack([souths, wests], axis=1), axis=0):
            inside = (souths == south) & (wests == west)
            tile = self._tile(tile_name(south, west))
            heights[inside] = tile.sample(latitudes[inside], wrapped[inside])
        return heights

    def _tile(self, name: str) -> Tile:
        tile = self._tiles.get(name)
        if tile is None:
            tile = read_tile(name, self._fetch(name))
            self._tiles[name] = tile
            if len(self._tiles) > KEPT_TILES:
                self._tiles.popitem(last=False)
        self._tiles.move_to_end(name)
        return tile
