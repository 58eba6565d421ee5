"""Where things stand: a house with an annex, a terrace, a shed, cars, a fence, hedges and trees."""

import math
from dataclasses import dataclass

import numpy as np

from local.capture.arrays import Floats
from local.capture.builder import UP, Builder, heading, vector
from local.capture.materials import BLOCKS, BRICK, FLAGSTONES, PAINT, PLANKS, SLATES, TILES
from local.capture.objects import Objects
from local.capture.relief import ground_height

HOUSE_YAW = 0.35
BROADLEAF, CONIFER, BUSH = 0, 1, 2
AUTUMN_SHARE = 0.15
FAR_TREES = 90
FINE_TREES_WITHIN_M = 60.0
ROAD_GAP = 0.12

# Gravel: from x, y to x, y, half width; metres.
PATHS = (
    (10, -4, 17, -10, 2.2),
    (17, -10, 34, -22, 2.0),
    (34, -22, 75, -48, 2.2),
    (75, -48, 240, -120, 2.8),
    (-120, -240, 110, 240, 3.2),
    (9, -5, 4, -9, 0.7),
    (-7, 3, -13, 9, 0.6),
    (4, -9, -3, -20, 0.5),
)
# x, y, height, kind.
GARDEN_TREES: tuple[tuple[float, float, float, int], ...] = (
    (-11, -13, 7.5, BROADLEAF),
    (14, 10, 8.5, BROADLEAF),
    (-20, -2, 9, CONIFER),
    (20, -14, 6.5, BROADLEAF),
    (3, 16, 8, CONIFER),
    (-8, 14, 6, BROADLEAF),
    (22, 4, 9.5, CONIFER),
    (-19, 15, 8, BROADLEAF),
    (1, -19, 5.5, BROADLEAF),
    (-24, -12, 8, BROADLEAF),
    (27, 16, 8, BROADLEAF),
    (10, -24, 9, CONIFER),
    (-6, 27, 9, BROADLEAF),
    (-28, 6, 8, CONIFER),
)
BUSHES: tuple[tuple[float, float], ...] = (
    (7.5, 6.5),
    (-8, 5.8),
    (9.5, -3),
    (-9.5, -3.5),
    (5, -11),
    (8.5, 7.3),
    (-1.5, 7.5),
    (16, -18),
    (-15, 3),
    (-3, -14),
    (12, 3),
    (18, 20),
    (-25, 20),
)
# x, y, yaw.
CARS = ((12.5, -6.5, 0.85), (18.5, -12.0, -0.75))


@dataclass(frozen=True)
class Plan:
    """The plan above, turned around the origin by an angle that the seed decides."""

    seed: int

    @property
    def turn(self) -> float:
        """Radians, east to north."""
        return float(np.random.default_rng([self.seed, 10]).uniform(0.0, 2.0 * math.pi))

    def place(self, x: float, y: float, above: float = 0.0) -> Floats:
        """Returns a place of the plan on the ground, or metres above it."""
        along, left = heading(self.turn)
        flat = x * along + y * left
        return flat + UP * (ground_height(flat[0], flat[1], self.seed) + above)

    def paths(self) -> Floats:
        """Returns the gravel paths, [P, 5]."""
        rows = []
        for ax, ay, bx, by, half_width in PATHS:
            rows.append([*self.place(ax, ay)[:2], *self.place(bx, by)[:2], half_width])
        return np.array(rows)


def _house(builder: Builder, plan: Plan, rng: np.random.Generator) -> None:
    yaw = plan.turn + HOUSE_YAW
    along, left = heading(yaw)
    length, depth = 13.0 + rng.uniform(-1.0, 1.0), 8.0 + rng.uniform(-0.5, 0.5)
    builder.house(-0.6 * UP, yaw, (length, depth, 4.0), rise=3.1, overhang=0.5, walls=BRICK, roof=TILES)
    builder.box(2.6 * along + 1.2 * left + 4.5 * UP, yaw, (0.9, 0.7, 3.0), BRICK)
    builder.end_group()
    annex = -4.0 * along - 6.2 * left - 0.6 * UP
    builder.house(
        annex, yaw + math.pi / 2, (6.0, 5.0, 3.3), rise=2.0, overhang=0.4, walls=BLOCKS, roof=SLATES
    )
    builder.end_group()
    builder.box(4.0 * along - 6.2 * left - 0.5 * UP, yaw, (7.5, 5.0, 0.72), FLAGSTONES)
    builder.end_group()
    shed = plan.place(-14.0, 9.5, -0.3)
    size = (4.5, 3.2, 2.3)
    builder.house(shed, plan.turn + 1.2, size, rise=1.1, overhang=0.3, walls=PLANKS, roof=SLATES)
    builder.end_group()


def _cars(builder: Builder, plan: Plan) -> None:
    for x, y, yaw in CARS:
        along, _ = heading(plan.turn + yaw)
        body = plan.place(x, y, 0.25)
        builder.box(body, plan.turn + yaw, (4.3, 1.8, 0.65), PAINT, PAINT)
        builder.box(body - 0.2 * along + 0.6 * UP, plan.turn + yaw, (2.3, 1.6, 0.6), PAINT, PAINT)
        builder.end_group()


def _fence(builder: Builder, plan: Plan, rng: np.random.Generator) -> None:
    for panel in range(26):
        x, y = -19.0 + 1.55 * panel, 17.0 + 1.8 * math.sin(panel / 5)
        start = plan.place(x, y, -0.1)
        end = plan.place(x + 1.47, 17.0 + 1.8 * math.sin((panel + 1) / 5), -0.1)
        lean = vector(0.08 * rng.normal(), 0.08 * rng.normal(), 1.1 + 0.25 * rng.random())
        builder.quad(start, end - start, lean, PLANKS)
        if panel % 9 == 8:  # noqa: PLR2004 - nine panels are a group
            builder.end_group()
    builder.end_group()


def _leaf_colour(rng: np.random.Generator) -> Floats:
    tone = rng.random()
    green = vector(0.060 + 0.06 * tone, 0.115 + 0.05 * rng.random(), 0.030 + 0.02 * tone)
    autumn = vector(0.22, 0.15, 0.05) * (0.8 + 0.5 * tone)
    return autumn if rng.random() < AUTUMN_SHARE else green


def _broadleaf(
    builder: Builder, foot: Floats, height: float, rng: np.random.Generator, *, fine: bool
) -> None:
    """A crown of clumps on a trunk."""
    colour = _leaf_colour(rng)
    trunk = vector(0.05, 0.05, 0.4) * height
    builder.ellipsoid(foot + UP * height * 0.25, trunk, vector(0.16, 0.11, 0.07))
    for _ in range(34 if fine else 7):
        way = rng.normal(size=3)
        way /= np.linalg.norm(way)
        radius = height * (0.11 + 0.07 * rng.random()) * (1.0 if fine else 1.7)
        centre = foot + height * (UP * 0.62 + way * vector(0.32, 0.32, 0.24))
        builder.ellipsoid(centre, radius * vector(1.0, 1.0, 0.85), colour * (0.8 + 0.4 * rng.random()))


def _conifer(builder: Builder, foot: Floats, height: float, rng: np.random.Generator, *, fine: bool) -> None:
    """Flat discs that narrow to the tip."""
    colour = _leaf_colour(rng) * vector(0.6, 0.75, 0.9)
    discs = 13 if fine else 5
    for disc in range(discs):
        up = disc / discs
        radius = height * 0.27 * (1.0 - 0.9 * up) * (0.9 + 0.2 * rng.random())
        aside = 0.04 * height * (1.0 - up) * np.append(rng.normal(size=2), 0.0)
        radii = vector(radius, radius * (0.85 + 0.3 * rng.random()), height * (0.08 if fine else 0.11))
        tone = 0.8 + 0.3 * rng.random()
        builder.ellipsoid(foot + aside + UP * height * (0.14 + 0.82 * up), radii, colour * tone)


def _bush(builder: Builder, foot: Floats, size: float, rng: np.random.Generator) -> None:
    colour = _leaf_colour(rng)
    for _ in range(7):
        radius = size * (0.35 + 0.3 * rng.random())
        aside = np.append(rng.normal(size=2) * 0.4 * size, 0.4 * radius)
        radii = radius * vector(1.0, 0.8 + 0.4 * rng.random(), 0.8)
        builder.ellipsoid(foot + aside, radii, colour * (0.8 + 0.5 * rng.random()))


def _tree(
    builder: Builder, foot: Floats, height: float, kind: int, rng: np.random.Generator, *, fine: bool = True
) -> None:
    if kind == BROADLEAF:
        _broadleaf(builder, foot, height, rng, fine=fine)
    elif kind == CONIFER:
        _conifer(builder, foot, height, rng, fine=fine)
    else:
        _bush(builder, foot, height, rng)
    builder.end_group()


def _garden(builder: Builder, plan: Plan, rng: np.random.Generator) -> None:
    for x, y, height, kind in GARDEN_TREES:
        _tree(builder, plan.place(x, y), height, kind, rng)
    for x, y in BUSHES:
        _tree(builder, plan.place(x, y), 0.7 + 0.7 * rng.random(), BUSH, rng)
    for step in range(20):
        foot = plan.place(-27.0 + 0.9 * math.sin(step), -22.0 + 1.6 * step - 6.0 * math.cos(step / 4))
        _tree(builder, foot, 0.9 + 0.4 * rng.random(), BUSH, rng)


def _far_trees(builder: Builder, plan: Plan, rng: np.random.Generator) -> None:
    planted = 0
    while planted < FAR_TREES:
        angle = rng.uniform(0.0, 2.0 * math.pi)
        distance = 36.0 + 190.0 * rng.random() ** 0.9
        # None on the road.
        if abs(math.sin(angle + 0.5)) < ROAD_GAP and math.cos(angle + 0.5) > 0.0:
            continue
        foot = plan.place(distance * math.cos(angle), distance * math.sin(angle))
        kind = CONIFER if rng.random() < 0.35 else BROADLEAF  # noqa: PLR2004 - share of conifers
        _tree(builder, foot, 6.0 + 5.0 * rng.random(), kind, rng, fine=distance < FINE_TREES_WITHIN_M)
        planted += 1


def build_objects(plan: Plan) -> Objects:
    """Returns everything that stands on the ground."""
    rng = np.random.default_rng([plan.seed, 11])
    builder = Builder()
    _house(builder, plan, rng)
    _cars(builder, plan)
    _fence(builder, plan, rng)
    _garden(builder, plan, rng)
    _far_trees(builder, plan, rng)
    return builder.finish()
