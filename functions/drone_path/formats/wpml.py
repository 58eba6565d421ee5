"""DJI's KMZ of WPML, for DJI Fly and for Pilot 2.

The turn mode is the one that DJI calls "turns before waypoint, flies through": straight legs, and corners cut
at the damping distance, which is the planner's reach. Its pure curve mode leaves the legs, and with them the
clearance.
"""

import io
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal
from xml.etree.ElementTree import Element

import numpy as np

from functions.drone_path.drones import FLY_CODES
from functions.drone_path.formats.xml import child, document, to_bytes
from functions.drone_path.plan import BatteryPlan, Plan

WPML = "http://www.dji.com/wpmz/1.0.2"
DialectName = Literal["fly", "pilot2"]
_EPOCH = (1980, 1, 1, 0, 0, 0)
_PASS, _STOP = "toPointAndPassWithContinuityCurvature", "toPointAndStopWithDiscontinuityCurvature"
_SECURITY_HEIGHTS = (2.0, 1500.0)


@dataclass(frozen=True)
class Dialect:
    """What an app wants.

    Attributes:
        group_mode: How the actions of a group run.
        payload: Whether the camera is named.
        measures: Whether the wayline states its length and time.
        settings: What its file cannot carry, in words.
    """

    group_mode: Literal["sequence", "parallel"]
    payload: bool
    measures: bool
    settings: tuple[str, ...]


_TAKE_OFF = "Heights are relative to the take-off point: take off where the plan says, or they are wrong."
DIALECTS: dict[DialectName, Dialect] = {
    "fly": Dialect(
        group_mode="parallel",
        payload=False,
        measures=True,
        settings=(
            "DJI Fly ignores the file's photo intervals: start the timed shot (2 s) by hand in the air.",
            "Import: save any waypoint mission in DJI Fly, then put this file in place of its own.",
            "On the controller that is Android/data/dji.go.v5/files/waypoint/<id>/<id>.kmz.",
            "On lost signal the drone returns home: set its return height no lower than the plan's.",
            _TAKE_OFF,
        ),
    ),
    "pilot2": Dialect(
        group_mode="sequence",
        payload=True,
        measures=False,
        settings=("Import the file as a wayline; photos, camera angles and speeds are in it.", _TAKE_OFF),
    ),
}


def write(plan: Plan, battery: BatteryPlan, dialect: DialectName, *, created_ms: int) -> bytes:
    """Write the flight of one battery as a KMZ.

    Args:
        plan: The plan that it is of.
        battery: The flight.
        dialect: The app.
        created_ms: Epoch milliseconds that the file carries.

    Returns:
        The archive; the same flight and time give the same bytes.
    """
    writer = _Writer(plan, battery, DIALECTS[dialect])
    files = {"wpmz/template.kml": writer.template(created_ms), "wpmz/waylines.wpml": writer.waylines()}
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("wpmz/res/", _EPOCH), b"")
        for name, text in files.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, text)
    return content.getvalue()


@dataclass(frozen=True)
class _Writer:
    plan: Plan
    battery: BatteryPlan
    dialect: Dialect

    def template(self, created_ms: int) -> bytes:
        root, top = document()
        _add(top, "author", "Spaceport")
        _add(top, "createTime", created_ms)
        _add(top, "updateTime", created_ms)
        self._mission(top)
        folder = child(top, "Folder")
        _add(folder, "templateType", "waypoint")
        _add(folder, "templateId", 0)
        system = _add(folder, "waylineCoordinateSysParam")
        _add(system, "coordinateMode", "WGS84")
        _add(system, "heightMode", "relativeToStartPoint")
        _add(folder, "autoFlightSpeed", self._cruise)
        _add(folder, "gimbalPitchMode", "usePointSetting")
        self._heading(_add(folder, "globalWaypointHeadingParam"), 0)
        _add(folder, "globalWaypointTurnMode", _PASS)
        _add(folder, "globalUseStraightLine", 1)
        groups = self._action_groups()
        for index in range(self._count):
            mark = self._point(folder, index)
            _add(mark, "ellipsoidHeight", self._height(index))
            _add(mark, "height", self._height(index))
            for what in ("useGlobalHeight", "useGlobalSpeed", "useGlobalHeadingParam", "useGlobalTurnParam"):
                _add(mark, what, 0)
            self._movement(mark, index)
            _add(mark, "gimbalPitchAngle", self.battery.pitches[index])
            self._actions(mark, groups, index)
        return to_bytes(root, prefixes={"wpml": WPML})

    def waylines(self) -> bytes:
        root, top = document()
        self._mission(top)
        folder = child(top, "Folder")
        _add(folder, "templateId", 0)
        _add(folder, "executeHeightMode", "relativeToStartPoint")
        _add(folder, "waylineId", 0)
        if self.dialect.measures:
            _add(folder, "distance", f"{self.battery.length:.1f}")
            _add(folder, "duration", f"{self.battery.leg_seconds.sum():.1f}")
        _add(folder, "autoFlightSpeed", self._cruise)
        groups = self._action_groups()
        for index in range(self._count):
            mark = self._point(folder, index)
            _add(mark, "executeHeight", self._height(index))
            self._movement(mark, index)
            self._actions(mark, groups, index)
        return to_bytes(root, prefixes={"wpml": WPML})

    @property
    def _count(self) -> int:
        return len(self.battery.heights)

    @property
    def _cruise(self) -> str:
        return _speed(self.battery.speeds.max())

    def _height(self, index: int) -> str:
        return f"{self.battery.heights[index]:.2f}"

    def _mission(self, top: Element) -> None:
        config = _add(top, "missionConfig")
        _add(config, "flyToWaylineMode", "safely")
        _add(config, "finishAction", "goHome")
        _add(config, "exitOnRCLost", "executeLostAction")
        _add(config, "executeRCLostAction", "goBack")
        _add(config, "takeOffSecurityHeight", f"{np.clip(self.battery.heights[0], *_SECURITY_HEIGHTS):.2f}")
        _add(config, "globalTransitionalSpeed", self._cruise)
        _add(config, "globalRTHHeight", f"{self.battery.return_height:.0f}")
        codes = self.plan.mission.drone.wpml if self.dialect.payload else FLY_CODES
        drone = _add(config, "droneInfo")
        _add(drone, "droneEnumValue", codes.drone)
        _add(drone, "droneSubEnumValue", codes.drone_sub)
        if self.dialect.payload and codes.payload is not None:
            payload = _add(config, "payloadInfo")
            _add(payload, "payloadEnumValue", codes.payload)
            _add(payload, "payloadSubEnumValue", 0)
            _add(payload, "payloadPositionIndex", 0)

    def _point(self, folder: Element, index: int) -> Element:
        mark = child(folder, "Placemark")
        place = f"{self.battery.longitudes[index]:.8f},{self.battery.latitudes[index]:.8f}"
        child(child(mark, "Point"), "coordinates", place)
        _add(mark, "index", index)
        return mark

    def _movement(self, mark: Element, index: int) -> None:
        _add(mark, "waypointSpeed", _speed(self.battery.speeds[index]))
        self._heading(_add(mark, "waypointHeadingParam"), index)
        # Down: rounded up, the distances of two neighbours could be longer than their leg.
        reach = math.floor(self.battery.reaches[index] * 10) / 10
        turn = _add(mark, "waypointTurnParam")
        _add(turn, "waypointTurnMode", _PASS if reach > 0 else _STOP)
        _add(turn, "waypointTurnDampingDist", f"{reach:.1f}")
        _add(mark, "useStraightLine", 1)

    def _heading(self, parameter: Element, index: int) -> None:
        heading = (int(self.battery.headings[index]) + 180) % 360 - 180
        poi = self.plan.poi
        _add(
            parameter,
            "waypointHeadingMode",
            "towardPOI" if self.battery.at_centre[index] else "followWayline",
        )
        _add(parameter, "waypointHeadingAngle", heading)
        _add(parameter, "waypointPoiPoint", f"{poi.latitude:.8f},{poi.longitude:.8f},0.000000")
        _add(parameter, "waypointHeadingPathMode", "followBadArc")

    def _actions(self, mark: Element, groups: "list[_Group]", index: int) -> None:
        for identity, group in enumerate(groups):
            if group.start == index:
                group.write(mark, identity, self.dialect.group_mode)

    def _action_groups(self) -> "list[_Group]":
        """List the groups in the order of their first waypoints, which number them without gaps."""
        pitches = self.battery.pitches
        tilts = [
            _Group(
                index, index + 1, "betweenAdjacentPoints", None, "gimbalEvenlyRotate", int(pitches[index + 1])
            )
            for index in range(self._count - 1)
            if pitches[index + 1] != pitches[index]
        ]
        groups = [_Group(0, 0, "reachPoint", None, "gimbalRotate", int(pitches[0])), *tilts]
        return sorted([*groups, *self._photos()], key=lambda group: group.start)

    def _photos(self) -> "Iterator[_Group]":
        legs = self.battery.intervals[:-1]
        for interval, run in groupby(range(len(legs)), key=lambda index: float(legs[index])):
            indices = list(run)
            if interval > 0:
                yield _Group(indices[0], indices[-1] + 1, "multipleTiming", interval, "takePhoto", None)


@dataclass(frozen=True)
class _Group:
    start: int
    end: int
    trigger: Literal["reachPoint", "betweenAdjacentPoints", "multipleTiming"]
    parameter: float | None
    action: Literal["gimbalRotate", "gimbalEvenlyRotate", "takePhoto"]
    pitch: int | None

    def write(self, mark: Element, identity: int, mode: str) -> None:
        group = _add(mark, "actionGroup")
        _add(group, "actionGroupId", identity)
        _add(group, "actionGroupStartIndex", self.start)
        _add(group, "actionGroupEndIndex", self.end)
        _add(group, "actionGroupMode", mode)
        trigger = _add(group, "actionTrigger")
        _add(trigger, "actionTriggerType", self.trigger)
        if self.parameter is not None:
            _add(trigger, "actionTriggerParam", f"{self.parameter:.1f}")
        action = _add(group, "action")
        _add(action, "actionId", 0)
        _add(action, "actionActuatorFunc", self.action)
        values = _add(action, "actionActuatorFuncParam")
        for name, value in self._parameters().items():
            _add(values, name, value)

    def _parameters(self) -> dict[str, object]:
        if self.action == "takePhoto":
            return {"fileSuffix": "spaceport", "payloadPositionIndex": 0}
        if self.action == "gimbalEvenlyRotate":
            return {"gimbalPitchRotateAngle": self.pitch, "payloadPositionIndex": 0}
        return {
            "gimbalHeadingYawBase": "north",
            "gimbalRotateMode": "absoluteAngle",
            "gimbalPitchRotateEnable": 1,
            "gimbalPitchRotateAngle": self.pitch,
            "gimbalRollRotateEnable": 0,
            "gimbalRollRotateAngle": 0,
            "gimbalYawRotateEnable": 0,
            "gimbalYawRotateAngle": 0,
            "gimbalRotateTimeEnable": 0,
            "gimbalRotateTime": 0,
            "payloadPositionIndex": 0,
        }


def _add(parent: Element, name: str, text: object = None) -> Element:
    return child(parent, name, text, namespace=WPML)


def _speed(value: float) -> str:
    return f"{math.floor(value * 100) / 100:.2f}"
