"""Flies the files that pilots' apps fly: reads them back, and simulates a drone on them."""

from local.flight.litchi import read_litchi
from local.flight.route import FileError, Route, Waypoint
from local.flight.simulation import Airframe, Flight, Photo, fly
from local.flight.wpml import read_kmz

__all__ = [
    "Airframe",
    "FileError",
    "Flight",
    "Photo",
    "Route",
    "Waypoint",
    "fly",
    "read_kmz",
    "read_litchi",
]
