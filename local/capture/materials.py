"""Colours of built surfaces and of leaves: no two bricks, tiles, windows or stains are alike.

Linear albedo; `along` and `up` are metres on the surface from its corner.
"""

import math

from local.capture.arrays import Colour
from local.capture.jit import kernel
from local.capture.noise import clamp01, fractal_2d, hash_unit, mix, noise_2d, noise_3d

BRICK = 0
TILES = 1
PLANKS = 2
FLAGSTONES = 3
PAINT = 4
BLOCKS = 5
SLATES = 6

STOREY_M = 3.2
SKYLIGHT_ROOF_M = 3.0
DOOR_SHARE = 0.22
SKYLIGHT_SHARE = 0.45
CAR_BODY_M = 1.2
PANE_CROSS_M = 0.035


@kernel
def _stains(along: float, up: float, quad: int, seed: int) -> float:
    return fractal_2d(along + 31.0 * quad, up, 2.6, 6, 0.75, seed + 300 + quad)


@kernel
def _opening(along: float, up: float, quad: int, seed: int) -> tuple[float, float, float, bool]:
    """Returns how far outside its bay's opening a place is, how far from its cross, the bay, if a door."""
    bay = math.floor(along / 2.7)
    door = hash_unit(bay, quad, 5, seed) < DOOR_SHARE
    width = 1.0 if door else 0.9 + 0.7 * hash_unit(bay, quad, 1, seed)
    tall = 2.1 if door else 1.1 + 0.4 * hash_unit(bay, quad, 4, seed)
    sill = 0.6 if door else 1.45 + 0.25 * hash_unit(bay, quad, 3, seed)
    middle = (bay + 0.5) * 2.7 + 0.35 * (hash_unit(bay, quad, 2, seed) - 0.5)
    aside = abs(along - middle)
    outside = max(aside - width / 2, abs(up - sill - tall / 2) - tall / 2)
    cross = min(aside, abs(up - sill - tall * 0.6))
    return outside, cross, float(bay), door


@kernel
def _window(along: float, up: float, quad: int, seed: int) -> tuple[bool, float, float, float]:
    """Returns whether a window or door is there, and its colour."""
    outside, cross, bay, door = _opening(along, up, quad, seed)
    if outside >= 0.11:  # noqa: PLR2004 - the frame's width, metres
        return False, 0.0, 0.0, 0.0
    if outside >= 0.0:
        return True, 0.72, 0.70, 0.66
    if door:
        worn = math.exp(0.25 * _stains(along, up, quad, seed))
        hue = hash_unit(int(bay), quad, 6, seed)
        return True, (0.10 + 0.30 * hue) * worn, 0.12 * worn, (0.30 - 0.20 * hue) * worn
    if cross < PANE_CROSS_M:
        return True, 0.75, 0.75, 0.75
    pane = 0.10 + 0.05 * noise_2d(along * 1.3 + bay * 7.0, up * 1.7 + quad, seed + 320)
    return True, pane * 0.8, pane * 0.95, pane * 1.15


@kernel
def _wall(
    along: float, up: float, length: float, height: float, quad: int, seed: int, blocks: bool
) -> Colour:
    """Returns a wall of bricks or of larger blocks, with windows and doors where it is a storey high."""
    if height > STOREY_M and (math.floor(along / 2.7) + 1) * 2.7 < length:
        there, red, green, blue = _window(along, up, quad, seed)
        if there:
            return red, green, blue
    course = 0.24 if blocks else 0.16
    wide = 0.55 if blocks else 0.42
    row = math.floor(up / course)
    shifted = along + 0.5 * wide * (row & 1) + 0.1 * hash_unit(row, quad, 0, seed)
    column = math.floor(shifted / wide)
    tone = hash_unit(row, column, quad, seed + 310)
    hue = hash_unit(column, row, quad, seed + 311)
    red, green, blue = 0.36 + 0.22 * tone, 0.17 + 0.13 * tone * hue, 0.12 + 0.08 * hue
    if blocks:
        red, green, blue = 0.52 + 0.16 * tone, 0.49 + 0.15 * tone, 0.42 + 0.14 * tone
    joint = up / course - row < 0.13 or shifted / wide - column < 0.06  # noqa: PLR2004 - share of a brick
    if joint:
        red, green, blue = 0.44, 0.42, 0.38
    dirt = math.exp(0.32 * _stains(along, up, quad, seed)) * (0.72 + 0.28 * min(1.0, up / 0.9))
    return red * dirt, green * dirt, blue * dirt


@kernel
def _roof(
    along: float, up: float, length: float, height: float, quad: int, seed: int, slates: bool
) -> Colour:
    """Returns a roof of clay tiles or of slates, with moss and skylights."""
    bay = math.floor(along / 3.4)
    has_skylight = hash_unit(bay, quad, 13, seed) < SKYLIGHT_SHARE and along > 0.6  # noqa: PLR2004 - metres
    if has_skylight and (bay + 1) * 3.4 < length and height > SKYLIGHT_ROOF_M:
        middle = (bay + 0.3 + 0.4 * hash_unit(bay, quad, 11, seed)) * 3.4
        centre = height * (0.35 + 0.3 * hash_unit(bay, quad, 12, seed))
        outside = max(abs(along - middle) - 0.45, abs(up - centre) - 0.6)
        if outside < 0.0:
            pane = 0.10 + 0.06 * noise_2d(along * 2.0, up * 2.0, seed + 345)
            return pane, pane, pane * 1.1
        if outside < 0.08:  # noqa: PLR2004 - the frame's width, metres
            return 0.6, 0.6, 0.66
    row = math.floor(up / 0.33)
    shifted = along + 0.15 * (row & 1)
    column = math.floor(shifted / 0.30)
    tone = hash_unit(row, column, quad, seed + 330)
    hue = hash_unit(column, row, quad, seed + 331)
    red, green, blue = 0.33 + 0.20 * tone, 0.15 + 0.08 * tone * hue, 0.10 + 0.05 * hue
    if slates:
        red, green, blue = 0.17 + 0.12 * tone, 0.17 + 0.11 * tone, 0.18 + 0.12 * tone
    shade = math.exp(0.42 * _stains(along, up, quad, seed))
    if up / 0.33 - row > 0.84:  # noqa: PLR2004 - share of a tile that the next one shades
        shade *= 0.45
    moss = 0.85 * clamp01(1.9 * fractal_2d(along, up + 13.0 * quad, 1.9, 5, 0.7, seed + 340) - 0.75)
    return mix(red * shade, 0.17, moss), mix(green * shade, 0.20, moss), mix(blue * shade, 0.08, moss)


@kernel
def _planks(along: float, up: float, quad: int, seed: int) -> Colour:
    column = math.floor(along / 0.22)
    grain = 0.35 * _stains(along, up, quad, seed) + 0.2 * noise_2d(along * 14.0, up * 1.2, seed + 350)
    tone = (0.55 + 0.7 * hash_unit(column, quad, 21, seed)) * math.exp(grain)
    if along / 0.22 - column < 0.12:  # noqa: PLR2004 - share of a plank that is its gap
        tone *= 0.4
    return 0.34 * tone, 0.24 * tone, 0.15 * tone


@kernel
def _flagstones(along: float, up: float, quad: int, seed: int) -> Colour:
    row = math.floor(up / 0.75 + 0.15 * noise_2d(along * 0.9, up * 0.9, seed + 360))
    column = math.floor(along / 0.9 + 0.37 * row)
    tone = 0.7 + 0.6 * hash_unit(row, column, quad, seed + 361)
    tone *= math.exp(0.36 * _stains(along, up, quad, seed))
    return 0.42 * tone, 0.39 * tone, 0.35 * tone


@kernel
def _paint(along: float, up: float, height: float, quad: int, seed: int) -> Colour:
    """Returns a car's paint, its windows a dark band; quads of one car share a hue."""
    if height < CAR_BODY_M and up > 0.62 * height:
        return 0.05, 0.06, 0.08
    hue = hash_unit(quad // 10, 1, 31, seed)
    dirt = math.exp(0.25 * _stains(along, up, quad, seed))
    return (0.06 + 0.42 * hue) * dirt, (0.10 + 0.02 * hue) * dirt, (0.30 - 0.25 * hue) * dirt


@kernel
def surface_colour(
    material: int, quad: int, along: float, up: float, length: float, height: float, seed: int
) -> Colour:
    """Returns the colour of a place on a quad that is `length` x `height` metres."""
    if material in (BRICK, BLOCKS):
        return _wall(along, up, length, height, quad, seed, material == BLOCKS)
    if material in (TILES, SLATES):
        return _roof(along, up, length, height, quad, seed, material == SLATES)
    if material == PLANKS:
        return _planks(along, up, quad, seed)
    if material == FLAGSTONES:
        return _flagstones(along, up, quad, seed)
    return _paint(along, up, height, quad, seed)


@kernel
def leaf_tone(x: float, y: float, z: float, footprint: float, seed: int) -> float:
    """Returns a factor on a leaf's colour: clumps of every size down to the pixel's footprint, in metres."""
    total = 0.0
    wavelength = 1.3
    amplitude = 1.0
    for octave in range(6):
        # Octaves fade out between three and one and a half footprints, so none appears at once.
        weight = clamp01(wavelength / (1.5 * footprint) - 1.0)
        if weight <= 0.0:
            break
        bump = noise_3d(x / wavelength + 5.1 * octave, y / wavelength, z / wavelength, seed + 400 + octave)
        total += weight * amplitude * bump
        wavelength *= 0.5
        amplitude *= 0.92
    return math.exp(0.65 * total)
