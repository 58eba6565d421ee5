"""Places on the ellipsoid, and the plane around a centre that the planner works in."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

Array = NDArray[np.float64]
_WGS84 = Geod(ellps="WGS84")


@dataclass(frozen=True)
class Position:
    """A place, in degrees on WGS84."""

    latitude: float
    longitude: float


@dataclass(frozen=True)
class LocalPlane:
    """The azimuthal equidistant plane around a centre: x east, y north, metres.

    Distances from the centre are exact. Others are wrong by less than a millionth within 15 km of it, at any
    latitude and across the antimeridian: geodesics know neither.
    """

    centre: Position

    def to_plane(self, latitudes: Array, longitudes: Array) -> Array:
        """Give the points (..., 2) of some places (...)."""
        latitudes, longitudes = np.broadcast_arrays(
            np.asarray(latitudes, float), np.asarray(longitudes, float)
        )
        azimuths, _, distances = _WGS84.inv(
            np.full(latitudes.size, self.centre.longitude),
            np.full(latitudes.size, self.centre.latitude),
            longitudes.ravel(),
            latitudes.ravel(),
            radians=False,
        )
        angles = np.radians(azimuths)
        points = np.stack([distances * np.sin(angles), distances * np.cos(angles)], axis=-1)
        return points.reshape(*latitudes.shape, 2)

    def to_world(self, points: Array) -> tuple[Array, Array]:
        """Give latitudes and longitudes (...) of some points (..., 2)."""
        x, y = points[..., 0].ravel(), points[..., 1].ravel()
        longitudes, latitudes, _ = _WGS84.fwd(
            np.full(x.size, self.centre.longitude),
            np.full(x.size, self.centre.latitude),
            np.degrees(np.arctan2(x, y)),
            np.hypot(x, y),
        )
        return latitudes.reshape(points.shape[:-1]), longitudes.reshape(points.shape[:-1])


def distances(latitudes: Array, longitudes: Array) -> Array:
    """Give the lengths in metres (n - 1) of the geodesics between neighbours of n places."""
    return _steps(latitudes, longitudes)[1]


def bearings(latitudes: Array, longitudes: Array) -> Array:
    """Give the directions (n - 1) from n places each to the next, degrees clockwise from north, 0 to 360."""
    return np.mod(_steps(latitudes, longitudes)[0], 360.0)


def bearings_to(latitudes: Array, longitudes: Array, target: Position) -> Array:
    """Give the directions (n) in degrees clockwise from north, 0 to 360, from n places to one."""
    count = len(latitudes)
    azimuths, _, _ = _WGS84.inv(
        longitudes, latitudes, np.full(count, target.longitude), np.full(count, target.latitude)
    )
    return np.asarray(np.mod(azimuths, 360.0), float)


def distance(one: Position, other: Position) -> float:
    """Give the length in metres of the geodesic between two places."""
    _, _, length = _WGS84.inv(one.longitude, one.latitude, other.longitude, other.latitude)
    return float(length)


def _steps(latitudes: Array, longitudes: Array) -> tuple[Array, Array]:
    azimuths, _, lengths = _WGS84.inv(longitudes[:-1], latitudes[:-1], longitudes[1:], latitudes[1:])
    return np.asarray(azimuths, float), np.asarray(lengths, float)
