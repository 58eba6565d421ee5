"""Reads DJI's KMZ: what a drone does of `wpmz/waylines.wpml`, by DJI's WPML documentation."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from local.flight.route import FileError, Look, Route, Waypoint

WAYLINES = "wpmz/waylines.wpml"
_NAMES = {"kml": "http://www.opengis.net/kml/2.2", "wpml": "http://www.dji.com/wpmz/1.0.2"}
_HEADINGS = {"followWayline": Look.ALONG, "towardPOI": Look.AT_POI}
_STOPS = "toPointAndStop"


def read_kmz(content: bytes) -> Route:
    """Read the flight of one battery.

    Raises:
        FileError: It is no KMZ of WPML, or asks for what is not flown here.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            root = ET.fromstring(archive.read(WAYLINES))  # noqa: S314 -- files of our own planner
    except (zipfile.BadZipFile, KeyError, ET.ParseError) as error:
        raise FileError(f"this is no KMZ with {WAYLINES} in it: {error}") from error
    folder = root.find("kml:Document/kml:Folder", _NAMES)
    if folder is None:
        raise FileError(f"{WAYLINES} has no Folder")
    if _text(folder, "executeHeightMode") != "relativeToStartPoint":
        raise FileError("only heights relative to the take-off point are flown here")
    marks = folder.findall("kml:Placemark", _NAMES)
    indices = [int(_text(mark, "index")) for mark in marks]
    if indices != list(range(len(marks))):
        raise FileError(f"the waypoints are numbered {indices[:5]}..., and not from 0 without gaps")
    camera = _Camera.of(folder, len(marks))
    places = [_text(mark, "waypointHeadingParam/wpml:waypointPoiPoint").split(",") for mark in marks]
    # DJI ignores the height of the point of interest.
    poi = (float(places[0][0]), float(places[0][1]), 0.0) if places else (0.0, 0.0, 0.0)
    return Route(tuple(_waypoint(mark, index, camera) for index, mark in enumerate(marks)), poi)


@dataclass(frozen=True)
class _Camera:
    """What the action groups do with the camera, waypoint by waypoint."""

    pitches: list[float]
    intervals: list[float]
    turning: list[bool]

    @classmethod
    def of(cls, folder: ET.Element, count: int) -> "_Camera":
        set_at: dict[int, float] = {}
        intervals, turning = [0.0] * count, [False] * count
        for group, action in _actions(folder):
            start, end = int(_text(group, "actionGroupStartIndex")), int(_text(group, "actionGroupEndIndex"))
            if not 0 <= start <= end < count:
                raise FileError(f"an action group goes from waypoint {start} to {end} of {count}")
            what = _text(action, "actionActuatorFunc")
            trigger = _text(group, "actionTrigger/wpml:actionTriggerType")
            if (what, trigger) == ("takePhoto", "multipleTiming"):
                seconds = float(_text(group, "actionTrigger/wpml:actionTriggerParam"))
                intervals[start:end] = [seconds] * (end - start)
            elif (what, trigger) == ("gimbalEvenlyRotate", "betweenAdjacentPoints"):
                set_at[end] = float(_text(action, "actionActuatorFuncParam/wpml:gimbalPitchRotateAngle"))
                turning[start:end] = [True] * (end - start)
            elif (what, trigger) == ("gimbalRotate", "reachPoint"):
                set_at[start] = float(_text(action, "actionActuatorFuncParam/wpml:gimbalPitchRotateAngle"))
            else:
                raise FileError(f"{what} at {trigger} is not flown here")
        pitches, pitch = [], 0.0
        for index in range(count):
            pitch = set_at.get(index, pitch)
            pitches.append(pitch)
        return cls(pitches, intervals, turning)


def _actions(folder: ET.Element) -> Iterator[tuple[ET.Element, ET.Element]]:
    for group in folder.iterfind(".//wpml:actionGroup", _NAMES):
        for action in group.iterfind("wpml:action", _NAMES):
            yield group, action


def _waypoint(mark: ET.Element, index: int, camera: _Camera) -> Waypoint:
    coordinates = mark.findtext("kml:Point/kml:coordinates", namespaces=_NAMES)
    if coordinates is None:
        raise FileError(f"waypoint {index} has no coordinates")
    longitude, latitude = (float(number) for number in coordinates.split(","))
    heading_mode = _text(mark, "waypointHeadingParam/wpml:waypointHeadingMode")
    if heading_mode not in _HEADINGS:
        raise FileError(f"the heading mode {heading_mode} of waypoint {index} is not flown here")
    if _text(mark, "useStraightLine") != "1":
        raise FileError(f"waypoint {index} leaves its straight legs: where to is DJI's secret")
    stops = _text(mark, "waypointTurnParam/wpml:waypointTurnMode").startswith(_STOPS)
    return Waypoint(
        latitude=latitude,
        longitude=longitude,
        height=float(_text(mark, "executeHeight")),
        reach=0.0 if stops else float(_text(mark, "waypointTurnParam/wpml:waypointTurnDampingDist")),
        speed=float(_text(mark, "waypointSpeed")),
        interval=camera.intervals[index],
        heading=float(_text(mark, "waypointHeadingParam/wpml:waypointHeadingAngle")) % 360,
        pitch=camera.pitches[index],
        clockwise=None,
        heading_look=_HEADINGS[heading_mode],
        pitch_look=Look.INTERPOLATED if camera.turning[index] else Look.KEPT,
    )


def _text(element: ET.Element, path: str) -> str:
    found = element.findtext(f"wpml:{path}", namespaces=_NAMES)
    if found is None:
        raise FileError(f"an element {path.replace('/wpml:', '/')} is missing")
    return found
