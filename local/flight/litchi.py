"""Reads Litchi's CSV, in either form and unit."""

import csv
import io

from local.flight.route import FileError, Look, Route, Waypoint

_METRES = {"ft": 0.3048, "m": 1.0}
_FOCUS_POI = "1"
_RELATIVE_TO_TAKEOFF = "0"
_CLOCKWISE = "0"


def read_litchi(text: str) -> Route:
    """Read the flight of one battery, as it is flown with Heading Mode: Custom and Path Mode: Curved Turns.

    Raises:
        FileError: A column is missing, or holds what no app flies.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows:
        raise FileError("the file has no waypoints")
    try:
        unit = next(unit for unit in _METRES if f"altitude({unit})" in rows[0])
        waypoints = tuple(_waypoint(row, unit) for row in rows)
        poi = rows[0]
        place = float(poi["poi_latitude"]), float(poi["poi_longitude"])
        height = float(poi[f"poi_altitude({unit})"]) * _METRES[unit]
    except StopIteration:
        raise FileError("the file has no column of altitudes, in feet or in metres") from None
    except KeyError as error:
        raise FileError(f"the file has no column {error}") from error
    except (ValueError, TypeError) as error:
        raise FileError(f"the file holds what is no number: {error}") from error
    return Route(waypoints, (*place, height))


def _waypoint(row: dict[str, str], unit: str) -> Waypoint:
    if row["altitudemode"] != _RELATIVE_TO_TAKEOFF or row["poi_altitudemode"] != _RELATIVE_TO_TAKEOFF:
        raise FileError("altitudes above the ground below each waypoint are not flown here")
    return Waypoint(
        latitude=float(row["latitude"]),
        longitude=float(row["longitude"]),
        height=float(row[f"altitude({unit})"]) * _METRES[unit],
        reach=float(row[f"curvesize({unit})"]) * _METRES[unit],
        speed=float(row["speed(m/s)"]),
        interval=max(float(row["photo_timeinterval"]), 0.0),
        heading=float(row["heading(deg)"]),
        pitch=float(row["gimbalpitchangle"]),
        clockwise=row["rotationdir"] == _CLOCKWISE,
        heading_look=Look.INTERPOLATED,
        pitch_look=Look.AT_POI if row["gimbalmode"] == _FOCUS_POI else Look.INTERPOLATED,
    )
