"""The shape of the ground: nearly flat around the house, hills beyond."""

import math
from typing import NamedTuple

import numpy as np

from local.capture.arrays import Singles, Vector
from local.capture.jit import inlined, kernel, over_rows
from local.capture.noise import fractal_2d, smoothstep

HALF_EXTENT_M = 256.0
NODES = 2048
FLAT_RADIUS_M = 11.0
HILLS_RADIUS_M = 33.0
TOUCHING_M = 1e-4
NEARLY_PLANE_M = 0.3
MOST_STEPS = 600


class Relief(NamedTuple):
    """Heights on a square grid over the whole scene.

    Attributes:
        heights: [n, n] metres, row = north, column = east.
        half_extent: The grid spans plus and minus so many metres.
        steepest: No slope between neighbouring nodes is steeper (rise over run).
        highest: No height is above it, metres.
    """

    heights: Singles
    half_extent: float
    steepest: float
    highest: float


@kernel
def ground_height(x: float, y: float, seed: int) -> float:
    """Returns the ground's height in metres at a place in metres east and north of the origin."""
    distance = math.hypot(x, y)
    hills = smoothstep((distance - FLAT_RADIUS_M) / (HILLS_RADIUS_M - FLAT_RADIUS_M))
    large = 3.4 * fractal_2d(x, y, 85.0, 3, 0.5, seed)
    middle = 1.1 * fractal_2d(x, y, 23.0, 2, 0.5, seed + 9)
    small = 0.16 * fractal_2d(x, y, 6.0, 3, 0.55, seed + 19)
    return hills * (large + middle) + small


@kernel
def _bake(heights: Singles, first: int, end: int, half_extent: float, seed: int) -> None:
    nodes = heights.shape[0]
    spacing = 2.0 * half_extent / (nodes - 1)
    for row in range(first, end):
        for column in range(nodes):
            x = column * spacing - half_extent
            y = row * spacing - half_extent
            heights[row, column] = ground_height(x, y, seed)


def bake_relief(seed: int) -> Relief:
    """Returns the ground's relief on a grid."""
    heights = np.empty((NODES, NODES), np.float32)
    over_rows(NODES, lambda first, end: _bake(heights, first, end, HALF_EXTENT_M, seed))
    spacing = 2.0 * HALF_EXTENT_M / (NODES - 1)
    east = np.abs(np.diff(heights, axis=1)).max() / spacing
    north = np.abs(np.diff(heights, axis=0)).max() / spacing
    return Relief(heights, HALF_EXTENT_M, math.hypot(east, north), float(heights.max()))


@inlined
def relief_height(relief: Relief, x: float, y: float) -> float:
    """Returns the height between the grid's nodes, metres; beyond the grid, that of its edge."""
    nodes = relief.heights.shape[0]
    per_metre = (nodes - 1) / (2.0 * relief.half_extent)
    u = min(max((x + relief.half_extent) * per_metre, 0.0), nodes - 1.001)
    v = min(max((y + relief.half_extent) * per_metre, 0.0), nodes - 1.001)
    i = int(u)
    j = int(v)
    u -= i
    v -= j
    below = relief.heights[j, i] * (1.0 - u) + relief.heights[j, i + 1] * u
    above = relief.heights[j + 1, i] * (1.0 - u) + relief.heights[j + 1, i + 1] * u
    height: float = below * (1.0 - v) + above * v
    return height


@kernel
def relief_normal(relief: Relief, x: float, y: float) -> Vector:
    """Returns the ground's unit normal, smoothed over 0.6 m."""
    step = 0.3
    east = (relief_height(relief, x + step, y) - relief_height(relief, x - step, y)) / (2.0 * step)
    north = (relief_height(relief, x, y + step) - relief_height(relief, x, y - step)) / (2.0 * step)
    up = 1.0 / math.sqrt(east * east + north * north + 1.0)
    return -east * up, -north * up, up


@inlined
def hit_ground(
    relief: Relief,
    origin: Vector,
    direction: Vector,
    nearest: float,
) -> float:
    """Returns how far along a ray the ground is met, or -1.0 where it is not before the distance `nearest`.

    Steps as far as the steepest slope allows without passing the ground (sphere tracing of a height field);
    just above it, as far as the last step says (secant method).
    """
    ox, oy, oz = origin
    dx, dy, dz = direction
    distance = 0.0
    step = 0.0
    before = 0.0
    if oz > relief.highest:
        if dz >= 0.0:
            return -1.0
        distance = (relief.highest - oz) / dz
    closing = relief.steepest * math.sqrt(dx * dx + dy * dy) - dz
    if closing <= 0.0:
        return -1.0
    for _ in range(MOST_STEPS):
        if distance >= nearest:
            return -1.0
        ground = relief_height(relief, ox + distance * dx, oy + distance * dy)
        gap = oz + distance * dz - ground
        if abs(gap) < TOUCHING_M:
            return distance
        if gap < NEARLY_PLANE_M and step != 0.0:
            closing_here = min(closing, max((before - gap) / step, 0.2 * closing))
        else:
            closing_here = closing
        before = gap
        step = gap / closing_here
        distance += step
    return distance if distance < nearest else -1.0
