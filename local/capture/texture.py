"""Square textures on the ground, filtered: a pyramid of halved images, read between texels and levels.

L. Williams, Pyramidal Parametrics, SIGGRAPH 1983.
"""

import math
from typing import NamedTuple

import numpy as np

from local.capture.arrays import Colour, Words
from local.capture.jit import inlined

# Radiance 1.0 as a texel; brighter than 2.18 is cut off.
UNIT = 30000.0
SMALLEST = 32


class Pyramid(NamedTuple):
    """All levels one after another.

    Attributes:
        texels: Level by level, row (north) by row, column (east) by column, three colours.
        size: Side of the finest level, a power of two.
        levels: How many there are.
        half_extent: The texture spans plus and minus so many metres.
    """

    texels: Words
    size: int
    levels: int
    half_extent: float


def build_pyramid(finest: Words, half_extent: float) -> Pyramid:
    """Returns the pyramid of a texture [n, n, 3], n a power of two."""
    levels = [finest]
    while levels[-1].shape[0] > SMALLEST:
        below = levels[-1].astype(np.uint32)
        total = below[0::2, 0::2] + below[1::2, 0::2] + below[0::2, 1::2] + below[1::2, 1::2]
        levels.append(((total + 2) // 4).astype(np.uint16))
    texels = np.concatenate([level.ravel() for level in levels])
    return Pyramid(texels, finest.shape[0], len(levels), half_extent)


@inlined
def _between_texels(pyramid: Pyramid, level: int, u: float, v: float) -> Colour:
    size = pyramid.size >> level
    x = min(max(u * size - 0.5, 0.0), size - 1.001)
    y = min(max(v * size - 0.5, 0.0), size - 1.001)
    i = int(x)
    j = int(y)
    x -= i
    y -= j
    # All finer levels together: 3 * (size^2 + size^2 / 4 + ...).
    offset = 4 * (pyramid.size * pyramid.size - size * size)
    below = offset + (j * size + i) * 3
    above = below + size * 3
    texels = pyramid.texels
    w00 = (1.0 - x) * (1.0 - y) / UNIT
    w10 = x * (1.0 - y) / UNIT
    w01 = (1.0 - x) * y / UNIT
    w11 = x * y / UNIT
    red = w00 * texels[below] + w10 * texels[below + 3] + w01 * texels[above] + w11 * texels[above + 3]
    green = (
        w00 * texels[below + 1] + w10 * texels[below + 4] + w01 * texels[above + 1] + w11 * texels[above + 4]
    )
    blue = (
        w00 * texels[below + 2] + w10 * texels[below + 5] + w01 * texels[above + 2] + w11 * texels[above + 5]
    )
    return red, green, blue


@inlined
def sample_pyramid(pyramid: Pyramid, x: float, y: float, footprint: float) -> Colour:
    """Returns the colour at a place averaged over about a footprint, all in metres."""
    extent = 2.0 * pyramid.half_extent
    level = math.log2(max(1.0, footprint * pyramid.size / extent))
    level = min(level, pyramid.levels - 1.001)
    lower = int(level)
    share = level - lower
    u = (x + pyramid.half_extent) / extent
    v = (y + pyramid.half_extent) / extent
    r0, g0, b0 = _between_texels(pyramid, lower, u, v)
    r1, g1, b1 = _between_texels(pyramid, lower + 1, u, v)
    return r0 + (r1 - r0) * share, g0 + (g1 - g0) * share, b0 + (b1 - b0) * share
