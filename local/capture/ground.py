"""The ground's own colour: meadow with worn patches, fields, gravel paths, stones, leaves and flowers."""

import math

import numpy as np

from local.capture.arrays import Colour, Floats, Singles
from local.capture.jit import kernel, over_rows
from local.capture.noise import (
    clamp01,
    fractal_2d,
    hash_unit,
    mix,
    noise_2d,
    octaves_down_to,
)

GARDEN_RADIUS_M = 52.0
FIELD_M = 55.0
PATH_EDGE_M = 0.25
SMALLEST_STONE_M = 0.05
LARGE_STONE_M = 0.16
# Shares of stones, leaves, yellow and red flowers; the rest is earth.
STONES, LEAVES, YELLOW, RED = 0.45, 0.70, 0.82, 0.90


@kernel
def _distance_to_segment(x: float, y: float, path: Floats) -> float:
    ax, ay, bx, by = path[0], path[1], path[2], path[3]
    length_squared = (bx - ax) ** 2 + (by - ay) ** 2
    t = clamp01(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length_squared)
    return math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay))


@kernel
def _field(x: float, y: float, seed: int) -> float:
    """Returns the tint 0..1 of the field a place lies in: Voronoi cells with bent borders."""
    bent_x = x + 6.0 * noise_2d(x / 25.0, y / 25.0, seed + 7)
    bent_y = y + 6.0 * noise_2d(x / 25.0, y / 25.0, seed + 8)
    column = math.floor(bent_x / FIELD_M)
    row = math.floor(bent_y / FIELD_M)
    nearest = 1e9
    tint = 0.0
    for i in range(column - 1, column + 2):
        for j in range(row - 1, row + 2):
            east = bent_x - FIELD_M * (i + hash_unit(i, j, 1, seed))
            north = bent_y - FIELD_M * (j + hash_unit(i, j, 2, seed))
            distance = east * east + north * north
            if distance < nearest:
                nearest = distance
                tint = hash_unit(i, j, 3, seed)
    return tint


@kernel
def _path_share(x: float, y: float, paths: Floats, seed: int) -> float:
    """Returns how much of a place is gravel, 0..1; `paths` rows are x, y, x, y, half width in metres."""
    beyond = 1e9
    for index in range(paths.shape[0]):
        beyond = min(beyond, _distance_to_segment(x, y, paths[index]) - paths[index, 4])
    beyond += 0.5 * fractal_2d(x, y, 2.5, 4, 0.7, seed + 260)
    return clamp01((PATH_EDGE_M - beyond) / 0.4)


@kernel
def ground_colour(x: float, y: float, texel: float, paths: Floats, seed: int) -> Colour:
    """Returns the albedo at a place, with detail down to two texels; all in metres."""
    broad = fractal_2d(x, y, 40.0, 3, 0.7, seed + 100)
    blades = fractal_2d(x, y, 5.0, octaves_down_to(5.0, 2.0 * texel), 0.86, seed + 140)
    grains = fractal_2d(x, y, 1.1, octaves_down_to(1.1, 2.0 * texel), 0.90, seed + 180)
    worn = clamp01(1.6 * fractal_2d(x, y, 9.0, 5, 0.62, seed + 220) - 0.05)
    red = mix(0.150 + 0.040 * broad, 0.34, worn)
    green = mix(0.190 + 0.030 * broad, 0.28, worn)
    blue = mix(0.070 + 0.015 * broad, 0.17, worn)
    distance = math.hypot(x, y)
    if distance > GARDEN_RADIUS_M:
        share = 0.75 * clamp01((distance - GARDEN_RADIUS_M) / 10.0)
        tint = _field(x, y, seed)
        red = mix(red, 0.12 + 0.26 * tint, share)
        green = mix(green, 0.17 + 0.16 * tint, share)
        blue = mix(blue, 0.06 + 0.10 * tint, share)
    detail = math.exp(0.44 * blades + 0.40 * grains)
    gravel = _path_share(x, y, paths, seed)
    if gravel > 0.0:
        detail = mix(detail, math.exp(0.20 * blades + 0.36 * grains), gravel)
        grey = 0.36 + 0.06 * broad
        red = mix(red, grey, gravel)
        green = mix(green, grey * 0.92, gravel)
        blue = mix(blue, grey * 0.80, gravel)
    return red * detail, green * detail, blue * detail


@kernel
def _bake(albedo: Singles, first: int, end: int, half_extent: float, paths: Floats, seed: int) -> None:
    size = albedo.shape[0]
    texel = 2.0 * half_extent / size
    for row in range(first, end):
        for column in range(size):
            x = (column + 0.5) * texel - half_extent
            y = (row + 0.5) * texel - half_extent
            red, green, blue = ground_colour(x, y, texel, paths, seed)
            albedo[row, column, 0] = red
            albedo[row, column, 1] = green
            albedo[row, column, 2] = blue


@kernel
def _stone_colour(index: int, large: bool, seed: int) -> Colour:
    kind = hash_unit(index, 4, 0, seed)
    tone = 0.5 + hash_unit(index, 5, 0, seed)
    if large:
        # Only stones and tufts get large.
        kind *= 0.62
        tone = 0.6 + 0.4 * tone
    if kind < STONES:
        return 0.36 * tone, 0.33 * tone, 0.28 * tone
    if kind < LEAVES:
        return 0.07 * tone, 0.10 * tone, 0.03 * tone
    if kind < YELLOW:
        return 0.55 * tone, 0.45 * tone, 0.10 * tone
    if kind < RED:
        return 0.50 * tone, 0.12 * tone, 0.10 * tone
    return 0.15 * tone, 0.10 * tone, 0.06 * tone


@kernel
def _stamp(albedo: Singles, half_extent: float, index: int, largest: float, seed: int) -> None:
    """Blends one irregular disc into the ground."""
    size = albedo.shape[0]
    per_metre = size / (2.0 * half_extent)
    x = (2.0 * hash_unit(index, 1, 0, seed) - 1.0) * half_extent
    y = (2.0 * hash_unit(index, 2, 0, seed) - 1.0) * half_extent
    radius = SMALLEST_STONE_M * (largest / SMALLEST_STONE_M) ** (hash_unit(index, 3, 0, seed) ** 2.2)
    red, green, blue = _stone_colour(index, radius > LARGE_STONE_M, seed)
    angle = math.pi * hash_unit(index, 6, 0, seed)
    cosine = math.cos(angle)
    sine = math.sin(angle)
    narrow = 0.5 + 0.5 * hash_unit(index, 7, 0, seed)
    opacity = 0.55 if radius > LARGE_STONE_M else 0.85
    reach = radius * 1.5
    rows = range(
        max(0, int((y - reach + half_extent) * per_metre)),
        min(size, int((y + reach + half_extent) * per_metre) + 2),
    )
    columns = range(
        max(0, int((x - reach + half_extent) * per_metre)),
        min(size, int((x + reach + half_extent) * per_metre) + 2),
    )
    for row in rows:
        for column in columns:
            east = (column + 0.5) / per_metre - half_extent - x
            north = (row + 0.5) / per_metre - half_extent - y
            u = east * cosine + north * sine
            v = (north * cosine - east * sine) / narrow
            ragged = 1.0 + 0.3 * noise_2d(east / radius * 2.0 + index, north / radius * 2.0, seed)
            inside = 1.0 - math.hypot(u, v) / radius * ragged
            if inside <= 0.0:
                continue
            share = opacity * min(1.0, inside * radius * per_metre + 0.3)
            spots = 1.0 + 0.35 * noise_2d(east / radius * 4.0, north / radius * 4.0 + index, seed + 1)
            texel = albedo[row, column]
            texel[0] = mix(texel[0], red * spots, share)
            texel[1] = mix(texel[1], green * spots, share)
            texel[2] = mix(texel[2], blue * spots, share)


@kernel
def _scatter(albedo: Singles, half_extent: float, count: int, largest: float, seed: int) -> None:
    for index in range(count):
        _stamp(albedo, half_extent, index, largest, seed)


def bake_ground(
    size: int, half_extent: float, paths: Floats, seed: int, *, stones: int, largest: float
) -> Singles:
    """Returns the ground's linear albedo [size, size, 3] over plus and minus half_extent metres.

    Args:
        size: Texels of a side.
        half_extent: Metres.
        paths: [P, 5] gravel paths: from x, y to x, y, half width; metres.
        seed: Of the scene.
        stones: How many stones, leaves and flowers lie about.
        largest: Radius of the largest stone, metres.
    """
    albedo = np.empty((size, size, 3), np.float32)
    over_rows(size, lambda first, end: _bake(albedo, first, end, half_extent, paths, seed))
    _scatter(albedo, half_extent, stones, largest, seed + 500)
    return albedo
