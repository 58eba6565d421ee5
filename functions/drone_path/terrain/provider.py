"""What a source of terrain answers."""

from typing import Protocol

import numpy as np

from functions.drone_path.geodesy import Array


class Terrain(Protocol):
    """Heights of the ground.

    Attributes:
        source: Where they come from, in words; people read it beside the plan.
    """

    @property
    def source(self) -> str:
        """Where the heights come from, in words."""

    def heights(self, latitudes: Array, longitudes: Array) -> Array:
        """Give the heights (n) above sea level in metres of the ground at n places.

        Raises:
            NoTerrainError: There is no ground at one of them.
            TerrainError: The heights cannot be had.
        """


class FlatTerrain:
    """No terrain at all: on request only, and said so in the plan."""

    source = "flat ground, as asked for: no elevation data was used, so hills and trees are not avoided"

    def heights(self, latitudes: Array, longitudes: Array) -> Array:
        """Give one height everywhere."""
        return np.zeros(np.broadcast_shapes(np.shape(latitudes), np.shape(longitudes)))
