"""Puts walls, roofs and trees together from rectangles and ellipsoids."""

import math
from dataclasses import dataclass, field

import numpy as np

from local.capture.arrays import Floats, Records
from local.capture.materials import FLAGSTONES, PLANKS
from local.capture.objects import ELLIPSOID, GROUP, QUAD, Objects

UP = np.array([0.0, 0.0, 1.0])
GUTTER_M = 0.22


def vector(*components: float) -> Floats:
    """Returns the components as an array."""
    return np.array(components, np.float64)


def heading(yaw: float) -> tuple[Floats, Floats]:
    """Returns the unit vectors along and left of a direction, yaw in radians from east to north."""
    along = vector(math.cos(yaw), math.sin(yaw), 0.0)
    return along, vector(-along[1], along[0], 0.0)


@dataclass
class _Quad:
    origin: Floats
    edge_u: Floats
    edge_v: Floats
    material: int
    gable: bool

    @property
    def corners(self) -> Floats:
        far = self.origin + self.edge_v
        return np.array([self.origin, self.origin + self.edge_u, far, far + self.edge_u])


@dataclass
class _Ellipsoid:
    centre: Floats
    radii: Floats
    colour: Floats


@dataclass
class Builder:
    """Collects objects; end_group() closes the group of everything since the last one."""

    _quads: list[_Quad] = field(default_factory=list)
    _ellipsoids: list[_Ellipsoid] = field(default_factory=list)
    _ends: list[tuple[int, int]] = field(default_factory=lambda: [(0, 0)])

    def quad(
        self, origin: Floats, edge_u: Floats, edge_v: Floats, material: int, *, gable: bool = False
    ) -> None:
        """Adds a rectangle; edge_v is made perpendicular to edge_u."""
        square = edge_v - edge_u * (edge_v @ edge_u) / (edge_u @ edge_u)
        self._quads.append(_Quad(origin, edge_u, square, material, gable))

    def ellipsoid(self, centre: Floats, radii: Floats, colour: Floats) -> None:
        """Adds an ellipsoid along the axes."""
        self._ellipsoids.append(_Ellipsoid(centre, radii, colour))

    def box(
        self, foot: Floats, yaw: float, size: tuple[float, float, float], walls: int, top: int = FLAGSTONES
    ) -> None:
        """Adds four walls and a lid; foot is the middle of the base, size is along, across and up."""
        along, left = heading(yaw)
        length, depth, height = size
        corner = foot - along * length / 2 - left * depth / 2
        for edge in (along * length, left * depth, -along * length, -left * depth):
            self.quad(corner, edge, UP * height, walls)
            corner = corner + edge
        self.quad(corner + UP * height, along * length, left * depth, top)

    def house(
        self,
        foot: Floats,
        yaw: float,
        size: tuple[float, float, float],
        *,
        rise: float,
        overhang: float,
        walls: int,
        roof: int,
    ) -> None:
        """Adds a box with a gabled roof along it, whose ridge is `rise` metres over the eaves."""
        along, left = heading(yaw)
        length, depth, height = size
        self.box(foot, yaw, size, walls)
        drop = overhang / (depth / 2) * rise
        for side in (1.0, -1.0):
            corner = -along * (length / 2 + overhang) - left * (depth / 2 + overhang)
            eave = foot + side * corner + UP * (height - drop)
            ridge_way = side * along * (length + 2 * overhang)
            self.quad(eave, ridge_way, side * left * (depth / 2 + overhang) + UP * (rise + drop), roof)
            self.quad(eave - UP * GUTTER_M, ridge_way, UP * GUTTER_M, PLANKS)
            gable = foot + side * (along * length / 2 - left * depth / 2) + UP * height
            self.quad(gable, side * left * depth, UP * rise, walls, gable=True)

    def end_group(self) -> None:
        """Closes a group; does nothing where nothing was added."""
        end = (len(self._quads), len(self._ellipsoids))
        if end != self._ends[-1]:
            self._ends.append(end)

    def _bounds(self, start: tuple[int, int], end: tuple[int, int]) -> tuple[Floats, float]:
        """Returns centre and radius of a sphere around a group."""
        points = [quad.corners for quad in self._quads[start[0] : end[0]]]
        balls = self._ellipsoids[start[1] : end[1]]
        points += [np.array([ball.centre - ball.radii, ball.centre + ball.radii]) for ball in balls]
        around = np.concatenate(points)
        middle: Floats = (around.min(axis=0) + around.max(axis=0)) / 2
        reach = [
            float(np.linalg.norm(q.corners - middle, axis=1).max()) for q in self._quads[start[0] : end[0]]
        ]
        reach += [float(np.linalg.norm(ball.centre - middle) + ball.radii.max()) for ball in balls]
        return middle, max(reach) + 0.01

    def _groups(self) -> Records:
        groups = np.zeros(len(self._ends) - 1, GROUP)
        for group, start, end in zip(groups, self._ends[:-1], self._ends[1:], strict=True):
            group["centre"], group["radius"] = self._bounds(start, end)
            group["quads"] = start[0], end[0]
            group["ellipsoids"] = start[1], end[1]
        return groups

    def finish(self) -> Objects:
        """Returns all objects as arrays."""
        self.end_group()
        groups = self._groups()
        indices = np.arange(len(groups))
        quads = np.zeros(len(self._quads), QUAD)
        for name in ("origin", "edge_u", "edge_v", "material", "gable"):
            quads[name] = [getattr(quad, name) for quad in self._quads]
        normals = np.cross(quads["edge_u"], quads["edge_v"])
        quads["normal"] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
        quads["length"] = np.linalg.norm([quads["edge_u"], quads["edge_v"]], axis=2).T
        quads["middle"] = quads["origin"] + (quads["edge_u"] + quads["edge_v"]) / 2
        quads["group"] = np.repeat(indices, np.diff(groups["quads"]).ravel())
        ellipsoids = np.zeros(len(self._ellipsoids), ELLIPSOID)
        radii = np.array([ball.radii for ball in self._ellipsoids])
        ellipsoids["centre"] = [ball.centre for ball in self._ellipsoids]
        ellipsoids["colour"] = [ball.colour for ball in self._ellipsoids]
        ellipsoids["inverse_radii"] = 1.0 / radii
        ellipsoids["largest_radius"] = radii.max(axis=1)
        ellipsoids["group"] = np.repeat(indices, np.diff(groups["ellipsoids"]).ravel())
        return Objects(quads, ellipsoids, groups)
