"""Ground to fly over, files to read back, and a drone that flies them step by step."""

import csv
import dataclasses
import gzip
import io
import math
import zipfile
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np

from functions.drone_path.curve import Samples, round_corners, sample
from functions.drone_path.drones import DRONES
from functions.drone_path.geodesy import LocalPlane, Position
from functions.drone_path.heights import Limits
from functions.drone_path.mission import Battery, Mission
from functions.drone_path.plan import BatteryPlan, Plan
from functions.drone_path.terrain.provider import FlatTerrain, Terrain
from functions.drone_path.units import METRES_PER_FOOT

CENTRE = Position(41.7, -111.8)
FLAT = FlatTerrain()


@dataclass(frozen=True)
class Hills:
    """Round hills and valleys around a place.

    Attributes:
        centre: Where one of the slopes is.
        base: Mean height above sea level, metres.
        rise: Highest above and lowest below it, metres.
        width: From hill to hill, metres.
    """

    centre: Position
    base: float = 1500.0
    rise: float = 40.0
    width: float = 900.0

    source = "hills of a formula"

    def heights(self, latitudes, longitudes):
        x, y = LocalPlane(self.centre).to_plane(latitudes, longitudes).T
        turns = 2 * np.pi / self.width
        return self.base + self.rise * np.sin(turns * x + 1) * np.cos(turns * y)


def mission(minutes: float | None = 20.0, **changes: object) -> Mission:
    """Give a usual mission."""
    usual = Mission(
        centre=CENTRE,
        takeoff=CENTRE,
        drone=DRONES["generic"],
        battery=Battery(minutes) if minutes else None,
        limits=Limits(cap=120.0, clearance=20.0),
    )
    return dataclasses.replace(usual, **{"takeoff": changes.get("centre", CENTRE), **changes})


def hgt(heights: np.ndarray) -> bytes:
    """Pack heights as an HGT file."""
    return gzip.compress(heights.astype(">i2").tobytes(), compresslevel=1)


def flown(
    plan: Plan, battery: BatteryPlan, terrain: Terrain, spacing: float, *, cut: bool = True
) -> tuple[Samples, np.ndarray]:
    """Sample the flown curve, or the straight legs: the samples, and their heights above the ground."""
    plane = LocalPlane(plan.mission.centre)
    points = plane.to_plane(battery.latitudes, battery.longitudes)
    samples = sample(round_corners(points, battery.reaches * cut), spacing)
    ground = terrain.heights(*plane.to_world(samples.points))
    return samples, samples.heights(battery.heights) + plan.takeoff_ground - ground


@dataclass(frozen=True)
class Row:
    """A waypoint of a file, in metres, degrees and seconds."""

    latitude: float
    longitude: float
    height: float
    heading: float
    reach: float
    pitch: float
    speed: float
    interval: float


def read_litchi(text: str) -> list[Row]:
    """Read a CSV of Litchi, in either form and unit."""
    rows = list(csv.DictReader(io.StringIO(text)))
    unit = "ft" if "altitude(ft)" in rows[0] else "m"
    scale = METRES_PER_FOOT if unit == "ft" else 1.0
    return [
        Row(
            latitude=float(row["latitude"]),
            longitude=float(row["longitude"]),
            height=float(row[f"altitude({unit})"]) * scale,
            heading=float(row["heading(deg)"]),
            reach=float(row[f"curvesize({unit})"]) * scale,
            pitch=float(row["gimbalpitchangle"]),
            speed=float(row["speed(m/s)"]),
            interval=max(float(row["photo_timeinterval"]), 0.0),
        )
        for row in rows
    ]


KML = "{http://www.opengis.net/kml/2.2}"
WPML = "{http://www.dji.com/wpmz/1.0.2}"


def read_kmz(content: bytes, name: str = "wpmz/waylines.wpml") -> ET.Element:
    """Read one of the documents of a KMZ."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return ET.fromstring(archive.read(name))  # noqa: S314 -- our own file


def text(element: ET.Element, *names: str) -> str:
    """Give the text of an element below another."""
    found = element.find("/".join(f"{WPML}{name}" for name in names))
    assert found is not None, names
    return found.text or ""


@dataclass(frozen=True)
class Flight:
    """What a simulated drone did: every step's time, place and height, and its photos."""

    seconds: float
    points: np.ndarray
    heights: np.ndarray
    photos: list[tuple[np.ndarray, float]]


def fly(rows: list[Row], drone, *, step: float = 0.5, turning: float = 2.5, gain: float = 2.0) -> Flight:
    """Fly a file, point by point.

    The corners are Bezier curves, not arcs, and every step looks back at the one before and ahead at the
    next: nothing of the planner's own time model is used.
    """
    plane = LocalPlane(Position(rows[0].latitude, rows[0].longitude))
    places = plane.to_plane(
        np.array([row.latitude for row in rows]), np.array([row.longitude for row in rows])
    )
    points, limits, intervals = _trace(rows, places, step)
    lengths = [math.dist(a, b) for a, b in pairwise(points)]
    for index, (length, (a, b)) in enumerate(zip(lengths, pairwise(points), strict=True)):
        rate = drone.climb if b[2] > a[2] else drone.descent
        if abs(b[2] - a[2]) > 0:
            limits[index] = min(limits[index], rate * length / abs(b[2] - a[2]))
    for index in range(1, len(points) - 1):
        bend = _curvature(points[index - 1], points[index], points[index + 1])
        if bend > 0:
            limits[index] = min(limits[index], math.sqrt(turning / bend))
    speeds = limits.copy()
    speeds[0] = speeds[-1] = 0.0
    for index, length in enumerate(lengths):
        speeds[index + 1] = min(speeds[index + 1], math.sqrt(speeds[index] ** 2 + 2 * gain * length))
    for index in range(len(lengths) - 1, -1, -1):
        speeds[index] = min(speeds[index], math.sqrt(speeds[index + 1] ** 2 + 2 * gain * lengths[index]))
    seconds, last_photo, photos = 0.0, 0.0, []
    for index, length in enumerate(lengths):
        seconds += 2 * length / max(speeds[index] + speeds[index + 1], 0.2)
        if intervals[index] > 0 and seconds - last_photo >= intervals[index]:
            last_photo = seconds
            photos.append((np.array(points[index + 1][:2]), points[index + 1][2]))
        elif intervals[index] == 0:
            last_photo = seconds
    vertical = rows[0].height / drone.climb + rows[-1].height / drone.descent
    track = np.array(points)
    return Flight(seconds + vertical, track[:, :2], track[:, 2], photos)


def _trace(rows, places, step):
    """Give points (x, y, z), the speed allowed from each on, and the photo interval from each on."""
    points, limits, intervals = [], [], []

    def add(point, index):
        if not points or math.dist(point, points[-1]) > step / 10:
            points.append(tuple(point))
            limits.append(rows[index].speed)
            intervals.append(rows[index].interval)

    corners = np.column_stack([places, [row.height for row in rows]])
    for index in range(len(rows) - 1):
        a, b = corners[index], corners[index + 1]
        length = math.dist(a[:2], b[:2])
        start, end = rows[index].reach / length, 1 - rows[index + 1].reach / length
        for share in np.linspace(start, end, max(int(length * (end - start) / step), 1) + 1):
            add(a + share * (b - a), index)
        reach = rows[index + 1].reach
        if reach > 0 and index + 2 < len(rows):
            after = corners[index + 2]
            entry = b + reach / length * (a - b)
            leave = b + reach / math.dist(b[:2], after[:2]) * (after - b)
            for u in np.linspace(0, 1, max(int(2 * reach / step), 2) + 1):
                add((1 - u) ** 2 * entry + 2 * u * (1 - u) * b + u**2 * leave, index)
    return points, limits, intervals


def _curvature(a, b, c):
    first, second = np.subtract(b[:2], a[:2]), np.subtract(c[:2], b[:2])
    turn = abs(math.atan2(first[0] * second[1] - first[1] * second[0], float(first @ second)))
    return 2 * turn / max(math.hypot(*first) + math.hypot(*second), 1e-9)
