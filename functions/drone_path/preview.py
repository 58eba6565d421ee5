"""A page that shows a plan, all in one file: from above, what its photos see, in 3D over ground, times."""

import base64
from collections.abc import Iterator
from html import escape
from itertools import pairwise
from string import Template

import numpy as np
from numpy.typing import NDArray

from functions.drone_path.coverage import CELLS, Coverage
from functions.drone_path.curve import round_corners, sample
from functions.drone_path.geodesy import Array, LocalPlane
from functions.drone_path.plan import BatteryPlan, Plan
from functions.drone_path.png import png
from functions.drone_path.units import feet

COLOURS = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#9a6324", "#808000")
SIDE_NAMES = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_SIZE = 560
_STEPS_ACROSS = 120
"""Samples of a flown curve, at least, on the width of a picture."""
_MESH = 25
_SEEN_STEPS = (0, 1, 3, 6, 12, 25)
_SEEN_COLOURS = np.array(
    [(235, 235, 235), (254, 224, 182), (253, 174, 97), (171, 217, 148), (77, 170, 100), (0, 104, 55)],
    np.uint8,
)
_EDGE = 0.05
"""Of half the width: left free around the drawing."""
_TILT = np.radians(32)
_TURN = np.radians(25)
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Flight plan</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1180px;padding:0 1rem;color:#222}
figure{margin:0;max-width:560px}figcaption{color:#555}.views{display:flex;flex-wrap:wrap;gap:1.5rem}
svg{background:#fafafa;border:1px solid #ccc;max-width:100%;height:auto}
table{border-collapse:collapse;margin:.5rem 0}
td,th{border:1px solid #ccc;padding:.2rem .6rem;text-align:right}
.dot{display:inline-block;width:.8em;height:.8em;border-radius:50%}
</style></head><body><h1>Flight plan</h1><p>$summary</p><div class="views">$views</div>
<h2>Batteries</h2>$batteries<h2>Photos that see the subject, by side</h2>$sides
<h2>Legs</h2>$legs<p>Ground: $terrain.</p></body></html>
""")


def preview(plan: Plan, seen: Coverage) -> str:
    """Write the page."""
    half = seen.half_width
    lines = [_track(plan, battery, 2 * half / _STEPS_ACROSS) for battery in plan.batteries]
    above = _picture(
        half, _relief(seen), "".join(_line(line, half, index) for index, line in enumerate(lines))
    )
    photos = _picture(half, _seen_colours(seen), "")
    views = [
        _figure(above + _marks(plan, half) + "</svg>", f"From above; the picture is {2 * half:.0f} m wide."),
        _figure(photos + _marks(plan, half) + "</svg>", _seen_caption(plan, seen)),
        _figure(_solid(plan, seen, lines), "From the south-west, over the ground; heights are doubled."),
    ]
    return _PAGE.substitute(
        summary=_summary(plan, seen),
        views="".join(views),
        batteries=_batteries(plan),
        sides=_table(SIDE_NAMES, [[f"{count:.0f}" for count in seen.sides]]),
        legs="".join(_legs(battery) for battery in plan.batteries),
        terrain=escape(plan.terrain),
    )


def _track(plan: Plan, battery: BatteryPlan, spacing: float) -> Array:
    """Give the flown curve (s, 3), sampled so densely: east, north, metres above sea level."""
    points = LocalPlane(plan.mission.centre).to_plane(battery.latitudes, battery.longitudes)
    samples = sample(round_corners(points, battery.reaches), spacing)
    return np.column_stack([samples.points, samples.heights(battery.heights) + plan.takeoff_ground])


def _relief(seen: Coverage) -> NDArray[np.uint8]:
    """Shade the ground by its slope towards the north-west, and tint it by its height."""
    north, east = np.gradient(seen.ground, 2 * seen.half_width / CELLS)
    light = np.clip(0.78 + 0.9 * (east - north), 0.35, 1.0)
    low, high = seen.ground.min(), seen.ground.max()
    height = (seen.ground - low) / max(high - low, 1.0)
    green, brown = np.array([214.0, 228.0, 200.0]), np.array([226.0, 205.0, 172.0])
    tint = green + height[..., None] * (brown - green)
    return np.asarray(light[..., None] * tint, np.uint8)


def _seen_colours(seen: Coverage) -> NDArray[np.uint8]:
    return np.asarray(_SEEN_COLOURS[np.searchsorted(_SEEN_STEPS, seen.counts, side="right") - 1], np.uint8)


def _picture(half: float, pixels: NDArray[np.uint8], inside: str) -> str:
    """Begin a drawing: a picture of the cells, and what is drawn on it."""
    data = base64.b64encode(png(np.ascontiguousarray(pixels[::-1]))).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIZE}" height="{_SIZE}" '
        f'viewBox="{-half:.0f} {-half:.0f} {2 * half:.0f} {2 * half:.0f}">'
        f'<image x="{-half:.0f}" y="{-half:.0f}" width="{2 * half:.0f}" height="{2 * half:.0f}" '
        f'preserveAspectRatio="none" href="data:image/png;base64,{data}"/>{inside}'
    )


def _line(line: Array, half: float, index: int) -> str:
    places = " ".join(f"{x:.1f},{-y:.1f}" for x, y, _ in line)
    colour = COLOURS[index % len(COLOURS)]
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{half / 140:.2f}"/>'


def _marks(plan: Plan, half: float) -> str:
    """Mark the take-off point and the centre."""
    takeoff = LocalPlane(plan.mission.centre).to_plane(
        np.array(plan.mission.takeoff.latitude), np.array(plan.mission.takeoff.longitude)
    )
    size = half / 60
    return (
        f'<circle cx="{takeoff[0]:.1f}" cy="{-takeoff[1]:.1f}" r="{size:.1f}" fill="#000">'
        f'<title>Take-off</title></circle><path d="M{-size:.1f} 0H{size:.1f}M0 {-size:.1f}V{size:.1f}" '
        f'stroke="#000" stroke-width="{size / 3:.1f}"/>'
    )


def _solid(plan: Plan, seen: Coverage, lines: list[Array]) -> str:
    """Draw ground and flights in parallel perspective."""
    half, base = seen.half_width, float(seen.ground.min())
    picked = np.linspace(0, CELLS - 1, _MESH).astype(int)
    axis = np.linspace(-half, half, _MESH)
    ground = seen.ground[np.ix_(picked, picked)]
    mesh = []
    for k in range(_MESH):
        mesh.append(np.column_stack([axis, np.full(_MESH, axis[k]), ground[k]]))
        mesh.append(np.column_stack([np.full(_MESH, axis[k]), axis, ground[:, k]]))
    drawn = [(_project(line, base), "#b9b39f", half / 600) for line in mesh]
    for index, (battery, line) in enumerate(zip(plan.batteries, lines, strict=True)):
        colour = COLOURS[index % len(COLOURS)]
        drawn += [(_project(drop, base), colour, half / 700) for drop in _drops(plan, battery)]
        drawn.append((_project(line, base), colour, half / 140))
    everything = np.concatenate([line for line, _, _ in drawn])
    left, top = everything.min(axis=0) - _EDGE * half
    wide, tall = everything.max(axis=0) + _EDGE * half - (left, top)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIZE}" height="{_SIZE * tall / wide:.0f}" '
        f'viewBox="{left:.1f} {top:.1f} {wide:.1f} {tall:.1f}">'
        f"{''.join(_polyline(*one) for one in drawn)}</svg>"
    )


def _drops(plan: Plan, battery: BatteryPlan) -> Iterator[Array]:
    """Give a line from each waypoint down to the ground."""
    points = LocalPlane(plan.mission.centre).to_plane(battery.latitudes, battery.longitudes)
    tops = battery.heights + plan.takeoff_ground
    for point, top, above in zip(points, tops, battery.above_ground, strict=True):
        yield np.array([[*point, top], [*point, top - above]])


def _project(line: Array, base: float) -> Array:
    x, y, z = line.T
    east, north = x * np.cos(_TURN) - y * np.sin(_TURN), x * np.sin(_TURN) + y * np.cos(_TURN)
    return np.column_stack([east, -north * np.sin(_TILT) - 2 * (z - base) * np.cos(_TILT)])


def _polyline(line: Array, colour: str, width: float) -> str:
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width:.2f}"/>'


def _figure(drawing: str, caption: str) -> str:
    return f"<figure>{drawing}<figcaption>{caption}</figcaption></figure>"


def _seen_caption(plan: Plan, seen: Coverage) -> str:
    names = [f"{low} to {high - 1}" for low, high in pairwise(_SEEN_STEPS[1:])]
    labels = ["none", *names, f"{_SEEN_STEPS[-1]} or more"]
    keys = " ".join(
        f'<span class="dot" style="background:rgb{tuple(int(part) for part in colour)}"></span> {label}'
        for colour, label in zip(_SEEN_COLOURS, labels, strict=True)
    )
    caption = (
        f"Photos that see the ground: {keys}. {seen.well_seen:.0%} of the circle is seen by three or more."
    )
    if seen.shared is None:
        return caption
    return (
        f"{caption} Slices overlap by {plan.shape.spiral.overlap:.0%} of their angle: {seen.shared:.0%} of "
        "the ground along their borders is seen by three or more photos of either battery."
    )


def _summary(plan: Plan, seen: Coverage) -> str:
    mission, spiral = plan.mission, plan.shape.spiral
    batteries = "1 battery" if spiral.slices == 1 else f"{spiral.slices} batteries"
    return (
        f"{batteries}, {spiral.bounces} bounces, radius {seen.radius:.0f} m "
        f"({feet(seen.radius):.0f} ft), {escape(mission.drone.label)}; never above "
        f"{mission.limits.cap:.0f} m nor below {mission.limits.clearance:.0f} m over the ground."
    )


def _batteries(plan: Plan) -> str:
    usable = plan.mission.battery
    limit = f"{usable.usable_seconds / 60:.1f}" if usable else "not given"
    rows = [
        [
            f'<span class="dot" style="background:{COLOURS[index % len(COLOURS)]}"></span> {battery.number}',
            f"{battery.seconds / 60:.1f}",
            limit,
            f"{battery.length:.0f}",
            f"{battery.photos}",
            f"{battery.lowest:.0f}",
            f"{battery.highest:.0f}",
        ]
        for index, battery in enumerate(plan.batteries)
    ]
    heads = ("Battery", "Minutes", "Usable minutes", "Metres", "Photos", "Lowest m", "Highest m")
    return _table(heads, rows)


def _legs(battery: BatteryPlan) -> str:
    ends = np.cumsum(battery.leg_seconds)
    rows = [
        [
            f"{leg + 1}",
            f"{battery.leg_seconds[leg]:.0f}",
            f"{ends[leg] / 60:.1f}",
            f"{battery.speeds[leg]:.1f}",
            f"{battery.above_ground[leg]:.0f}",
            f"{battery.intervals[leg]:.1f}" if battery.intervals[leg] else "no photos",
        ]
        for leg in range(len(battery.leg_seconds))
    ]
    heads = ("Leg", "Seconds", "Minutes so far", "m/s", "Above ground m", "Photo every s")
    return f"<details><summary>Battery {battery.number}</summary>{_table(heads, rows)}</details>"


def _table(heads: tuple[str, ...], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
