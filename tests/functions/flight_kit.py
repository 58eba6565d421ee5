"""Ground to fly over, flights sampled, documents of files opened."""

import dataclasses
import gzip
import io
import zipfile
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np

from functions.drone_path.curve import Samples, round_corners, sample
from functions.drone_path.drones import DRONES
from functions.drone_path.geodesy import LocalPlane, Position
from functions.drone_path.heights import Limits
from functions.drone_path.mission import Battery, Mission
from functions.drone_path.plan import BatteryPlan, Plan
from functions.drone_path.terrain.provider import FlatTerrain, Terrain

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
