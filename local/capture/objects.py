"""What stands on the ground: rectangles and ellipsoids in groups that bounding spheres enclose."""

import math
from typing import NamedTuple

import numpy as np

from local.capture.arrays import Integers, Records, Vector
from local.capture.jit import inlined, kernel

NOTHING = -1
GROUND = -2
# What was hit is told by one integer: the index of a quad, or of an ellipsoid plus this.
FIRST_ELLIPSOID = 1_000_000

PARALLEL = 1e-9
NEAREST_M = 1e-3

# A rectangle: origin + u * edge_u + v * edge_v, with u and v in 0..1 and the edges at right angles, metres.
# Of a gable only the triangle over edge_u is there, its tip at the middle of the other side.
QUAD = np.dtype(
    [
        ("origin", np.float64, 3),
        ("edge_u", np.float64, 3),
        ("edge_v", np.float64, 3),
        ("normal", np.float64, 3),
        ("length", np.float64, 2),
        ("middle", np.float64, 3),
        ("group", np.int64),
        ("material", np.int64),
        ("gable", np.int64),
    ]
)
# An ellipsoid along the axes. Metres, one over metres, linear colour.
ELLIPSOID = np.dtype(
    [
        ("centre", np.float64, 3),
        ("inverse_radii", np.float64, 3),
        ("largest_radius", np.float64),
        ("colour", np.float64, 3),
        ("group", np.int64),
    ]
)
# A bounding sphere, metres; the index of the first object in it and of the one after the last.
GROUP = np.dtype(
    [
        ("centre", np.float64, 3),
        ("radius", np.float64),
        ("quads", np.int64, 2),
        ("ellipsoids", np.int64, 2),
    ]
)


class Objects(NamedTuple):
    """Everything on the ground: arrays of QUAD, ELLIPSOID and GROUP."""

    quads: Records
    ellipsoids: Records
    groups: Records


@kernel
def dot(a: Vector, b: Vector) -> float:
    """Returns the scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@inlined
def _hit_quad(quads: Records, index: int, origin: Vector, direction: Vector) -> float:
    """Returns the distance to a quad or -1.0."""
    quad = quads[index]
    towards = dot(direction, quad.normal)
    if abs(towards) < PARALLEL:
        return -1.0
    offset = (quad.origin[0] - origin[0], quad.origin[1] - origin[1], quad.origin[2] - origin[2])
    distance = dot(offset, quad.normal) / towards
    if distance < NEAREST_M:
        return -1.0
    place = (
        distance * direction[0] - offset[0],
        distance * direction[1] - offset[1],
        distance * direction[2] - offset[2],
    )
    u = dot(place, quad.edge_u) / (quad.length[0] * quad.length[0])
    v = dot(place, quad.edge_v) / (quad.length[1] * quad.length[1])
    outside = min(u, v) < 0.0 or max(u, v) > 1.0
    if outside or (quad.gable != 0 and abs(2.0 * u - 1.0) > 1.0 - v):
        return -1.0
    return distance


@inlined
def _hit_ellipsoid(ellipsoids: Records, index: int, origin: Vector, direction: Vector) -> float:
    """Returns the distance to an ellipsoid's outside or -1.0."""
    ball = ellipsoids[index]
    # In the space where the ellipsoid is a unit ball around the origin.
    start = (
        (origin[0] - ball.centre[0]) * ball.inverse_radii[0],
        (origin[1] - ball.centre[1]) * ball.inverse_radii[1],
        (origin[2] - ball.centre[2]) * ball.inverse_radii[2],
    )
    way = (
        direction[0] * ball.inverse_radii[0],
        direction[1] * ball.inverse_radii[1],
        direction[2] * ball.inverse_radii[2],
    )
    b = dot(start, way)
    if b >= 0.0:
        return -1.0
    a = dot(way, way)
    discriminant = b * b - a * (dot(start, start) - 1.0)
    if discriminant <= 0.0:
        return -1.0
    distance = (-b - math.sqrt(discriminant)) / a
    return distance if distance > NEAREST_M else -1.0


@inlined
def hit_object(objects: Objects, what: int, origin: Vector, direction: Vector) -> float:
    """Returns the distance to a quad or an ellipsoid along a unit direction, or -1.0."""
    if what >= FIRST_ELLIPSOID:
        return _hit_ellipsoid(objects.ellipsoids, what - FIRST_ELLIPSOID, origin, direction)
    return _hit_quad(objects.quads, what, origin, direction)


@inlined
def is_blocked_by(objects: Objects, group: int, origin: Vector, direction: Vector) -> bool:
    """Returns whether a ray, along a unit direction, meets anything of a group."""
    bounds = objects.groups[group]
    offset = (bounds.centre[0] - origin[0], bounds.centre[1] - origin[1], bounds.centre[2] - origin[2])
    along = dot(offset, direction)
    squared = dot(offset, offset)
    reach = bounds.radius * bounds.radius
    if squared - along * along > reach or (along < 0.0 and squared > reach):
        return False
    for index in range(bounds.quads[0], bounds.quads[1]):
        if _hit_quad(objects.quads, index, origin, direction) >= 0.0:
            return True
    for index in range(bounds.ellipsoids[0], bounds.ellipsoids[1]):
        if _hit_ellipsoid(objects.ellipsoids, index, origin, direction) >= 0.0:
            return True
    return False


@kernel
def _touches_cone(centre: Vector, radius: float, apex: Vector, axis: Vector, half_angle: float) -> bool:
    """Returns whether a ball touches a cone; the axis is a unit vector, the angle is in radians."""
    offset = (centre[0] - apex[0], centre[1] - apex[1], centre[2] - apex[2])
    squared = dot(offset, offset)
    if squared <= radius * radius:
        return True
    distance = math.sqrt(squared)
    cosine = max(-1.0, min(1.0, dot(offset, axis) / distance))
    return math.acos(cosine) < half_angle + math.asin(radius / distance)


@kernel
def objects_in_cone(objects: Objects, apex: Vector, axis: Vector, half_angle: float) -> Integers:
    """Returns the quads and ellipsoids that may be seen in a cone."""
    found = np.empty(len(objects.quads) + len(objects.ellipsoids), np.int64)
    used = 0
    for group in objects.groups:
        if not _touches_cone(group.centre, group.radius, apex, axis, half_angle):
            continue
        for index in range(group.quads[0], group.quads[1]):
            quad = objects.quads[index]
            radius = 0.5 * math.hypot(quad.length[0], quad.length[1])
            if _touches_cone(quad.middle, radius, apex, axis, half_angle):
                found[used] = index
                used += 1
        for index in range(group.ellipsoids[0], group.ellipsoids[1]):
            ball = objects.ellipsoids[index]
            if _touches_cone(ball.centre, ball.largest_radius, apex, axis, half_angle):
                found[used] = FIRST_ELLIPSOID + index
                used += 1
    return found[:used]
