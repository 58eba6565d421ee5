"""GeoJSON and KML of a plan, for looking at it on a map; not for flying."""

from typing import Any

from functions.drone_path.formats.xml import child, document, to_bytes
from functions.drone_path.plan import BatteryPlan, Plan

LINE_COLOURS = ("ff4b19e6", "ff4bb43c", "ff19e1ff", "ffd86343", "ff3182f5", "ffb41e91")
"""KML's order: opacity, blue, green, red."""
_DIGITS = 7


def geojson(plan: Plan) -> dict[str, Any]:
    """Give a FeatureCollection: a line per battery, and its waypoints; heights above sea level, metres."""
    features = []
    for battery in plan.batteries:
        places = _places(plan, battery)
        features.append(
            _feature(
                {"type": "LineString", "coordinates": places},
                {"battery": battery.number, "minutes": round(battery.seconds / 60, 2)},
            )
        )
        features += [
            _feature(
                {"type": "Point", "coordinates": place},
                {
                    "battery": battery.number,
                    "index": index,
                    "heightMeters": round(float(battery.heights[index]), 2),
                    "aboveGroundMeters": round(float(battery.above_ground[index]), 2),
                },
            )
            for index, place in enumerate(places)
        ]
    return {"type": "FeatureCollection", "features": features}


def kml(plan: Plan) -> bytes:
    """Give a KML file: a line per battery in a colour of its own, heights above sea level."""
    root, top = document()
    child(top, "name", "Spaceport flight plan")
    for index, battery in enumerate(plan.batteries):
        mark = child(top, "Placemark")
        child(mark, "name", f"Battery {battery.number}")
        style = child(child(mark, "Style"), "LineStyle")
        child(style, "color", LINE_COLOURS[index % len(LINE_COLOURS)])
        child(style, "width", 3)
        line = child(mark, "LineString")
        child(line, "altitudeMode", "absolute")
        places = (",".join(map(str, place)) for place in _places(plan, battery))
        child(line, "coordinates", " ".join(places))
    return to_bytes(root)


def _places(plan: Plan, battery: BatteryPlan) -> list[list[float]]:
    heights = battery.heights + plan.takeoff_ground
    rows = zip(battery.longitudes, battery.latitudes, heights, strict=True)
    return [[round(float(x), _DIGITS), round(float(y), _DIGITS), round(float(z), 2)] for x, y, z in rows]


def _feature(geometry: dict[str, Any], properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}
