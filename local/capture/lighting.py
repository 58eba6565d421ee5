"""Sunlight with cast shadows, and light from the sky."""

import math
from typing import NamedTuple

import numpy as np

from local.capture.arrays import Colour, Integers, Records, Singles, Vector, Words
from local.capture.jit import inlined, kernel, over_rows
from local.capture.objects import Objects, is_blocked_by
from local.capture.relief import Relief, relief_height, relief_normal
from local.capture.texture import UNIT

# Towards the sun, east north up.
SUN_TOWARDS = (0.48, -0.42, 0.77)
SUN_COLOUR = (1.80, 1.70, 1.50)
SKY_COLOUR = (0.46, 0.54, 0.68)
# What a shadow still lets through.
SHADOW = 0.05
TILE = 32


class Lights(NamedTuple):
    """The sun (unit direction towards it, radiance) and the sky's radiance, linear."""

    sun_direction: Vector
    sun: Colour
    sky: Colour


class Occluders(NamedTuple):
    """For each group, the groups that can shade it: indices[starts[g]:starts[g + 1]]."""

    indices: Integers
    starts: Integers


def daylight() -> Lights:
    """Returns the scene's lights."""
    length = math.hypot(*SUN_TOWARDS)
    x, y, z = SUN_TOWARDS
    return Lights((x / length, y / length, z / length), SUN_COLOUR, SKY_COLOUR)


def find_occluders(groups: Records, sun_direction: Vector) -> Occluders:
    """Returns which groups' bounding spheres stand between each group's and the sun."""
    found: list[int] = []
    starts = [0]
    sun = np.array(sun_direction)
    for group in groups:
        offset = groups["centre"] - group["centre"]
        along = offset @ sun
        aside = np.linalg.norm(offset - along[:, None] * sun, axis=1)
        reach = groups["radius"] + group["radius"]
        found += np.flatnonzero((aside < reach) & (along > -reach)).tolist()
        starts.append(len(found))
    return Occluders(np.array(found, np.int64), np.array(starts, np.int64))


@inlined
def in_shadow(objects: Objects, candidates: Integers, place: Vector, sun_direction: Vector) -> bool:
    """Returns whether one of the candidate groups stands between a place and the sun."""
    for candidate in candidates:  # noqa: SIM110 - numba has no any()
        if is_blocked_by(objects, candidate, place, sun_direction):
            return True
    return False


@kernel
def _groups_shading(
    groups: Records, x: float, y: float, z: float, reach: float, sun_direction: Vector
) -> Integers:
    """Returns the groups that may shade a ball of radius `reach` around a place."""
    count = groups.shape[0]
    found = np.empty(count, np.int64)
    used = 0
    for group in range(count):
        east = groups[group].centre[0] - x
        north = groups[group].centre[1] - y
        up = groups[group].centre[2] - z
        along = east * sun_direction[0] + north * sun_direction[1] + up * sun_direction[2]
        radius = groups[group].radius + reach
        aside = east * east + north * north + up * up - along * along
        if aside < radius * radius and along > -radius:
            found[used] = group
            used += 1
    return found[:used]


@kernel
def _light_band(
    light: Singles, first: int, end: int, half_extent: float, relief: Relief, objects: Objects, lights: Lights
) -> None:
    size = light.shape[0]
    texel = 2.0 * half_extent / size
    for corner in range(0, size, TILE):
        x = (corner + TILE / 2) * texel - half_extent
        y = (0.5 * (first + end)) * texel - half_extent
        # The tile's diagonal, and room for the relief within it.
        reach = TILE / 2 * texel * 1.9
        height = relief_height(relief, x, y)
        candidates = _groups_shading(objects.groups, x, y, height, reach, lights.sun_direction)
        for row in range(first, end):
            for column in range(corner, min(size, corner + TILE)):
                x = (column + 0.5) * texel - half_extent
                y = (row + 0.5) * texel - half_extent
                east, north, up = relief_normal(relief, x, y)
                sun = lights.sun_direction
                direct = max(0.0, east * sun[0] + north * sun[1] + up * sun[2])
                above = relief_height(relief, x, y) + 0.03
                if in_shadow(objects, candidates, (x, y, above), sun):
                    direct = SHADOW
                for colour in range(3):
                    ambient = lights.sky[colour] * (0.5 + 0.5 * up)
                    light[row, column, colour] = lights.sun[colour] * direct + ambient


@kernel
def _multiply_band(radiance: Words, first: int, end: int, albedo: Singles, light: Singles) -> None:
    """Multiplies albedo with light, which is given on a coarser or equal grid of the same square."""
    size = albedo.shape[0]
    coarse = light.shape[0]
    for row in range(first, end):
        v = min(max((row + 0.5) * coarse / size - 0.5, 0.0), coarse - 1.001)
        j = int(v)
        v -= j
        for column in range(size):
            u = min(max((column + 0.5) * coarse / size - 0.5, 0.0), coarse - 1.001)
            i = int(u)
            u -= i
            for colour in range(3):
                below = light[j, i, colour] * (1.0 - u) + light[j, i + 1, colour] * u
                above = light[j + 1, i, colour] * (1.0 - u) + light[j + 1, i + 1, colour] * u
                value = albedo[row, column, colour] * (below * (1.0 - v) + above * v)
                radiance[row, column, colour] = int(min(65535.0, max(0.0, value * UNIT)))


def light_ground(
    albedo: Singles, half_extent: float, relief: Relief, objects: Objects, lights: Lights
) -> Words:
    """Returns the ground's radiance as texels [n, n, 3]; shadows are traced for every other texel."""
    size = albedo.shape[0]
    light = np.empty((size // 2, size // 2, 3), np.float32)
    over_rows(
        size // 2,
        lambda first, end: _light_band(light, first, end, half_extent, relief, objects, lights),
        band=TILE,
    )
    radiance = np.empty(albedo.shape, np.uint16)
    over_rows(size, lambda first, end: _multiply_band(radiance, first, end, albedo, light))
    return radiance


@kernel
def sunlight(normal_x: float, normal_y: float, normal_z: float, lights: Lights) -> float:
    """Returns the cosine between a unit normal and the sun, 0 where it faces away."""
    sun = lights.sun_direction
    return max(0.0, normal_x * sun[0] + normal_y * sun[1] + normal_z * sun[2])


@kernel
def haze(distance: float) -> float:
    """Returns the share of a colour that reaches the camera through the air."""
    return math.exp(-distance / 900.0)
