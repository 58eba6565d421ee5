"""Terrain from tiles of a degree, anywhere in the world."""

from collections import OrderedDict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from functions.drone_path.geodesy import Array
from functions.drone_path.terrain.tile import Tile, corner_of

KEPT_TILES = 4
"""Unpacked in memory, up to 52 MB each: a flight that crosses a corner of the grid needs four."""


class TileTerrain:
    """Terrain from tiles that are fetched when first needed and kept.

    Attributes:
        source: Where the tiles come from, in words.
    """

    def __init__(self, fetch: Callable[[int, int], Tile], *, source: str) -> None:
        """Make it.

        Args:
            fetch: Gives the tile of a south-western corner; raises NoTerrainError or TerrainError.
            source: Where the tiles come from, in words.
        """
        self.source = source
        self._fetch = fetch
        self._tiles: OrderedDict[tuple[int, int], Tile] = OrderedDict()

    def heights(self, latitudes: Array, longitudes: Array) -> Array:
        """Give the heights (n) of the ground at n places, bilinear between posts, across edges too."""
        souths, wests = corner_of(latitudes, longitudes)
        heights = np.empty(len(latitudes))
        for south, west in np.unique(np.stack([souths, wests], axis=1), axis=0).astype(int):
            inside = (souths == south) & (wests == west)
            east = np.mod(longitudes[inside] + 180, 360) - 180 - west
            heights[inside] = self._within(self._tile(south, west), south + 1 - latitudes[inside], east)
        return heights

    def _within(self, tile: Tile, down: Array, east: Array) -> Array:
        """Interpolate in a tile, so many degrees (n) south and east of its north-western corner."""
        rows = down * tile.rows
        upper = np.floor(rows).astype(np.intp)
        share = rows - upper
        above = self._along(tile, upper, east)
        # A post without weight is not asked for: it may be another tile's.
        below = self._along(tile, upper + (share > 0), east)
        return above * (1 - share) + below * share

    def _along(self, tile: Tile, rows: NDArray[np.intp], east: Array) -> Array:
        """Interpolate along rows (n) of posts; the one after the last is the southern neighbour's first."""
        own = rows < len(tile.heights)
        if own.all():
            return self._between_columns(tile, rows, east)
        heights = np.empty(rows.shape)
        heights[own] = self._between_columns(tile, rows[own], east[own])
        # It may have other columns: they are fewer towards the poles.
        neighbour = self._tile(tile.south - 1, tile.west)
        heights[~own] = self._between_columns(neighbour, rows[~own] - tile.rows, east[~own])
        return heights

    def _between_columns(self, tile: Tile, rows: NDArray[np.intp], east: Array) -> Array:
        columns = east * tile.columns
        left = np.floor(columns).astype(np.intp)
        share = columns - left
        near, far = self._posts(tile, rows, left), self._posts(tile, rows, left + (share > 0))
        return near * (1 - share) + far * share

    def _posts(self, tile: Tile, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
        """Give the heights at posts of a tile; those after its last column are the eastern neighbour's."""
        own = columns < tile.heights.shape[1]
        if own.all():
            return tile.at(rows, columns)
        heights = np.empty(columns.shape)
        heights[own] = tile.at(rows[own], columns[own])
        neighbour = self._tile(tile.south, (tile.west + 181) % 360 - 180)
        heights[~own] = neighbour.at(rows[~own], columns[~own] - tile.columns)
        return heights

    def _tile(self, south: int, west: int) -> Tile:
        place = (int(south), int(west))
        tile = self._tiles.get(place)
        if tile is None:
            tile = self._fetch(*place)
            self._tiles[place] = tile
            if len(self._tiles) > KEPT_TILES:
                self._tiles.popitem(last=False)
        self._tiles.move_to_end(place)
        return tile
