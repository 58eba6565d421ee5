"""Between the scene's frame, metres east, north and up of its origin, and WGS84."""

from collections.abc import Iterable

import numpy as np
import pycolmap

from local.capture.arrays import Floats
from local.capture.metadata import Position
from local.capture.settings import CaptureSettings

_WGS84 = pycolmap.GPSTransformEllipsoid.WGS84


def to_world(enu: Floats, settings: CaptureSettings) -> list[Position]:
    """Gives the places on WGS84 of points [N, 3] in the scene's frame."""
    rows = pycolmap.GPSTransform(_WGS84).enu_to_ellipsoid(
        enu, settings.latitude, settings.longitude, settings.altitude_m
    )
    return [Position(float(row[0]), float(row[1]), float(row[2])) for row in rows]


def to_enu(places: Iterable[Position], settings: CaptureSettings) -> Floats:
    """Gives the points [N, 3] in the scene's frame of places on WGS84."""
    rows = np.array([(place.latitude, place.longitude, place.altitude_m) for place in places])
    points: Floats = pycolmap.GPSTransform(_WGS84).ellipsoid_to_enu(
        rows, settings.latitude, settings.longitude, settings.altitude_m
    )
    return points
