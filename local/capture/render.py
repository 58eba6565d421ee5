"""Ray tracing of the scene through a camera."""

import math

import numpy as np

from local.capture.arrays import Colour, Integers, Singles, Vector
from local.capture.camera import Camera, ray
from local.capture.jit import inlined, kernel
from local.capture.lighting import SHADOW, haze, in_shadow, sunlight
from local.capture.materials import leaf_tone, surface_colour
from local.capture.noise import noise_3d
from local.capture.objects import FIRST_ELLIPSOID, GROUND, NOTHING, Objects, dot, hit_object, objects_in_cone
from local.capture.relief import hit_ground
from local.capture.scene import Scene
from local.capture.texture import sample_pyramid

TILE = 16
FAR_AWAY_M = 1e9
# Shadow rays start so far before the surface, so that it does not shade itself.
OFF_SURFACE_M = -0.02
# Neighbours whose depths differ more are not on one surface.
DEPTH_EDGE = 0.06
LEAF_BUMP_M = 0.30
# The filter of the one ray of a pixel, in pixels.
PIXEL_FILTER = 0.8
SKY: Colour = (0.55, 0.68, 0.85)
HAZE: Colour = (0.55, 0.64, 0.76)


@inlined
def along_ray(origin: Vector, direction: Vector, distance: float) -> Vector:
    """Returns the place at a distance along a ray."""
    return (
        origin[0] + distance * direction[0],
        origin[1] + distance * direction[1],
        origin[2] + distance * direction[2],
    )


@kernel
def _objects_in_tile(
    objects: Objects, camera: Camera, left: float, top: float, right: float, bottom: float
) -> Integers:
    """Returns what may be seen in a rectangle of the image."""
    axis, _ = ray(camera, 0.5 * (left + right), 0.5 * (top + bottom))
    narrowest = 1.0
    for px in (left, right):
        for py in (top, bottom):
            corner, _ = ray(camera, px, py)
            narrowest = min(narrowest, dot(axis, corner))
    return objects_in_cone(objects, camera.centre, axis, math.acos(narrowest) + 1e-4)


@inlined
def _first_hit(scene: Scene, candidates: Integers, origin: Vector, direction: Vector) -> tuple[float, int]:
    """Returns distance and what of the first thing a ray meets; what is NOTHING for the sky."""
    nearest = FAR_AWAY_M
    what = NOTHING
    for candidate in candidates:
        distance = hit_object(scene.objects, candidate, origin, direction)
        if 0.0 <= distance < nearest:
            nearest = distance
            what = candidate
    ground = hit_ground(scene.relief, origin, direction, nearest)
    if ground >= 0.0:
        return ground, GROUND
    return nearest, what


@inlined
def _ground_radiance(scene: Scene, x: float, y: float, footprint: float) -> Colour:
    if max(abs(x), abs(y)) < scene.near.half_extent - 1.0:
        return sample_pyramid(scene.near, x, y, footprint)
    return sample_pyramid(scene.far, x, y, footprint)


@inlined
def _lit(
    scene: Scene,
    albedo: Colour,
    normal: Vector,
    ambient: float,
    place: Vector,
    group: int,
) -> Colour:
    """Returns the radiance of a matt surface of a group."""
    lights = scene.lights
    direct = sunlight(normal[0], normal[1], normal[2], lights)
    if direct > 0.0:
        occluders = scene.occluders
        candidates = occluders.indices[occluders.starts[group] : occluders.starts[group + 1]]
        if in_shadow(scene.objects, candidates, place, lights.sun_direction):
            direct = SHADOW
    return (
        albedo[0] * (lights.sun[0] * direct + lights.sky[0] * ambient),
        albedo[1] * (lights.sun[1] * direct + lights.sky[1] * ambient),
        albedo[2] * (lights.sun[2] * direct + lights.sky[2] * ambient),
    )


@inlined
def _quad_radiance(scene: Scene, quad: int, hit: Vector, direction: Vector) -> Colour:
    shape = scene.objects.quads[quad]
    offset = (hit[0] - shape.origin[0], hit[1] - shape.origin[1], hit[2] - shape.origin[2])
    length = shape.length[0]
    height = shape.length[1]
    along = dot(offset, shape.edge_u) / length
    up = dot(offset, shape.edge_v) / height
    albedo = surface_colour(shape.material, quad, along, up, length, height, scene.seed)
    side = -1.0 if dot(direction, shape.normal) > 0.0 else 1.0
    normal = (side * shape.normal[0], side * shape.normal[1], side * shape.normal[2])
    place = along_ray(hit, direction, OFF_SURFACE_M)
    return _lit(scene, albedo, normal, 0.5 + 0.5 * normal[2], place, shape.group)


@inlined
def _leaf_radiance(scene: Scene, index: int, hit: Vector, direction: Vector, footprint: float) -> Colour:
    shape = scene.objects.ellipsoids[index]
    nx = (hit[0] - shape.centre[0]) * shape.inverse_radii[0] ** 2
    ny = (hit[1] - shape.centre[1]) * shape.inverse_radii[1] ** 2
    nz = (hit[2] - shape.centre[2]) * shape.inverse_radii[2] ** 2
    length = math.sqrt(nx * nx + ny * ny + nz * nz)
    ambient = 0.35 + 0.4 * nz / length
    bx, by, bz = hit[0] / LEAF_BUMP_M, hit[1] / LEAF_BUMP_M, hit[2] / LEAF_BUMP_M
    nx = nx / length + 0.9 * noise_3d(bx, by, bz, scene.seed + 410)
    ny = ny / length + 0.9 * noise_3d(bx, by, bz, scene.seed + 411)
    nz = nz / length + 0.9 * noise_3d(bx, by, bz, scene.seed + 412)
    length = math.sqrt(nx * nx + ny * ny + nz * nz)
    tone = leaf_tone(hit[0], hit[1], hit[2], footprint, scene.seed)
    albedo = (shape.colour[0] * tone, shape.colour[1] * tone, shape.colour[2] * tone)
    normal = (nx / length, ny / length, nz / length)
    place = along_ray(hit, direction, OFF_SURFACE_M)
    return _lit(scene, albedo, normal, ambient, place, shape.group)


@inlined
def _trace(
    scene: Scene, camera: Camera, candidates: Integers, px: float, py: float, filter_px: float
) -> tuple[Colour, int, float]:
    """Returns radiance, what was hit and its depth (0.0 for the sky) at a place in the image."""
    direction, depth_per_metre = ray(camera, px, py)
    distance, what = _first_hit(scene, candidates, camera.centre, direction)
    if what == NOTHING:
        return SKY, what, 0.0
    hit = along_ray(camera.centre, direction, distance)
    footprint = filter_px * distance * depth_per_metre / camera.focal
    if what == GROUND:
        # A slanted pixel is long on the ground.
        radiance = _ground_radiance(scene, hit[0], hit[1], footprint / math.sqrt(max(0.12, -direction[2])))
    elif what < FIRST_ELLIPSOID:
        radiance = _quad_radiance(scene, what, hit, direction)
    else:
        radiance = _leaf_radiance(scene, what - FIRST_ELLIPSOID, hit, direction, footprint)
    clear = haze(distance)
    seen = (
        HAZE[0] + (radiance[0] - HAZE[0]) * clear,
        HAZE[1] + (radiance[1] - HAZE[1]) * clear,
        HAZE[2] + (radiance[2] - HAZE[2]) * clear,
    )
    return seen, what, distance * depth_per_metre


@kernel
def _trace_band(
    scene: Scene, camera: Camera, image: Singles, depth: Singles, surface: Integers, first: int, end: int
) -> None:
    """One ray through the middle of every pixel."""
    for corner in range(0, camera.width, TILE):
        edge = min(camera.width, corner + TILE)
        candidates = _objects_in_tile(scene.objects, camera, corner, first, edge, end)
        for row in range(first, end):
            for column in range(corner, edge):
                seen, what, away = _trace(scene, camera, candidates, column + 0.5, row + 0.5, PIXEL_FILTER)
                image[row, column, 0] = seen[0]
                image[row, column, 1] = seen[1]
                image[row, column, 2] = seen[2]
                depth[row, column] = away
                surface[row, column] = what


@kernel
def _needs_more_rays(depth: Singles, surface: Integers, row: int, column: int) -> bool:
    """Built surfaces have hard edges of their own; elsewhere only where a surface ends."""
    what = surface[row, column]
    if 0 <= what < FIRST_ELLIPSOID:
        return True
    rows, columns = depth.shape
    here = depth[row, column]
    for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        j = min(rows - 1, max(0, row + down))
        i = min(columns - 1, max(0, column + right))
        if surface[j, i] != what or abs(depth[j, i] - here) > DEPTH_EDGE * here:
            return True
    return False


@kernel
def _refine_band(
    scene: Scene,
    camera: Camera,
    image: Singles,
    depth: Singles,
    surface: Integers,
    first: int,
    end: int,
    side: int,
) -> None:
    """Replaces what one ray cannot tell by the mean of side x side rays."""
    for corner in range(0, camera.width, TILE):
        edge = min(camera.width, corner + TILE)
        candidates = _objects_in_tile(scene.objects, camera, corner, first, edge, end)
        for row in range(first, end):
            for column in range(corner, edge):
                if not _needs_more_rays(depth, surface, row, column):
                    continue
                red, green, blue = 0.0, 0.0, 0.0
                for j in range(side):
                    for i in range(side):
                        px = column + (i + 0.5) / side
                        py = row + (j + 0.5) / side
                        seen, _, _ = _trace(scene, camera, candidates, px, py, 1.0 / side)
                        red += seen[0]
                        green += seen[1]
                        blue += seen[2]
                image[row, column, 0] = red / side**2
                image[row, column, 1] = green / side**2
                image[row, column, 2] = blue / side**2


def render(scene: Scene, camera: Camera, antialiasing: int) -> tuple[Singles, Singles]:
    """Renders what a camera sees, in one thread and without the GIL.

    Args:
        scene: The scene.
        camera: A posed camera; its distorted rays are traced exactly.
        antialiasing: Rays along each side of a pixel at edges and on built surfaces.

    Returns:
        Linear radiance [height, width, 3], and depth [height, width]: metres along the optical axis to what
        lies at the middle of the pixel, 0 for the sky.
    """
    size = (camera.height, camera.width)
    image = np.empty((*size, 3), np.float32)
    depth = np.empty(size, np.float32)
    surface = np.empty(size, np.int64)
    for first in range(0, camera.height, TILE):
        _trace_band(scene, camera, image, depth, surface, first, min(first + TILE, camera.height))
    if antialiasing > 1:
        for first in range(0, camera.height, TILE):
            end = min(first + TILE, camera.height)
            _refine_band(scene, camera, image, depth, surface, first, end, antialiasing)
    return image, depth
