"""The whole scene, ready to be photographed."""

import math
from collections.abc import Callable
from typing import NamedTuple

from local.capture.ground import bake_ground
from local.capture.layout import Plan, build_objects
from local.capture.lighting import Lights, Occluders, daylight, find_occluders, light_ground
from local.capture.objects import Objects
from local.capture.relief import Relief, bake_relief
from local.capture.texture import Pyramid, build_pyramid

NEAR_HALF_EXTENT_M = 61.44
FAR_HALF_EXTENT_M = 256.0
LARGEST_TEXTURE = 4096
SMALLEST_TEXTURE = 512


class Scene(NamedTuple):
    """The ground's shape, its radiance near the house (fine) and everywhere (coarse), objects and light."""

    relief: Relief
    near: Pyramid
    far: Pyramid
    objects: Objects
    occluders: Occluders
    lights: Lights
    seed: int


def texture_size(half_extent: float, texel: float) -> int:
    """Returns the power of two that gives texels of about a size in metres, within what memory allows."""
    wanted = 1 << round(math.log2(2.0 * half_extent / texel))
    return min(LARGEST_TEXTURE, max(SMALLEST_TEXTURE, wanted))


def build_scene(seed: int, texel: float, on_progress: Callable[[float, str], None]) -> Scene:
    """Builds the scene of a seed.

    Args:
        seed: Decides where everything stands and what it looks like.
        texel: Size of the finest detail on the ground near the house, metres.
        on_progress: Called with the fraction done and what comes next.
    """
    on_progress(0.0, "Shaping the ground")
    plan = Plan(seed)
    relief = bake_relief(seed)
    objects = build_objects(plan)
    lights = daylight()
    paths = plan.paths()
    layers: list[Pyramid] = []
    for half_extent, size, stones, largest in (
        (NEAR_HALF_EXTENT_M, texture_size(NEAR_HALF_EXTENT_M, texel), 26_000, 0.9),
        (FAR_HALF_EXTENT_M, texture_size(FAR_HALF_EXTENT_M, 8.0 * texel), 14_000, 2.2),
    ):
        on_progress(0.2 + 0.4 * len(layers), "Growing grass")
        albedo = bake_ground(size, half_extent, paths, seed, stones=stones, largest=largest)
        on_progress(0.4 + 0.4 * len(layers), "Casting shadows")
        layers.append(build_pyramid(light_ground(albedo, half_extent, relief, objects, lights), half_extent))
    occluders = find_occluders(objects.groups, lights.sun_direction)
    return Scene(relief, layers[0], layers[1], objects, occluders, lights, seed)
