"""The files, read by GDAL: a second parser, of which many map programs are made."""

import io
import json
import struct
import zipfile

import numpy as np
import pyogrio
import pytest

from functions.drone_path.drones import DRONES
from functions.drone_path.formats import litchi, maps, wpml
from functions.drone_path.sizing import plan_largest
from tests.functions.flight_kit import CENTRE, Hills, mission

_LINE_Z, _POINT_Z, _POINT = 0x80000002, 0x80000001, 1
_COORDINATES = {_POINT: 2, _POINT_Z: 3, _LINE_Z: 3}


@pytest.fixture(scope="module")
def plan():
    return plan_largest(mission(20, drone=DRONES["mavic-3e"]), 3, Hills(CENTRE, 800, 40, 800))


def shape(well_known_binary: bytes) -> tuple[int, np.ndarray]:
    """Give a geometry's type and its coordinates (n, 2 or 3)."""
    (kind,) = struct.unpack_from("<I", well_known_binary, 1)
    content = well_known_binary[9 if kind == _LINE_Z else 5 :]
    return kind, np.frombuffer(content, "<f8").reshape(-1, _COORDINATES[kind])


def read(source, **options):
    """Read a file's only layer: geometries, and fields by name."""
    assert len(pyogrio.list_layers(source)) == 1
    meta, _, geometries, columns = pyogrio.raw.read(source, **options)
    return [shape(one) for one in geometries], dict(zip(meta["fields"], columns, strict=True)), meta["crs"]


def places(plan, battery):
    return np.column_stack([battery.longitudes, battery.latitudes, battery.heights + plan.takeoff_ground])


def test_kml_is_a_line_per_battery_with_its_name(plan):
    content = maps.kml(plan)
    assert pyogrio.list_layers(content)[:, 0].tolist() == ["Spaceport flight plan"]
    geometries, fields, crs = read(content)
    assert crs == "EPSG:4326"
    assert fields["Name"].tolist() == ["Battery 1", "Battery 2", "Battery 3"]
    assert set(fields["altitudeMode"]) == {"absolute"}
    for (kind, points), battery in zip(geometries, plan.batteries, strict=True):
        assert kind == _LINE_Z
        assert points == pytest.approx(places(plan, battery), abs=0.006)
        assert points[:, :2] == pytest.approx(places(plan, battery)[:, :2], abs=6e-8)


def test_geojson_is_a_line_and_its_points_per_battery(plan):
    geometries, fields, crs = read(json.dumps(maps.geojson(plan)).encode())
    assert crs == "EPSG:4326"
    for battery in plan.batteries:
        wanted = places(plan, battery)
        mine = [
            one for one, number in zip(geometries, fields["battery"], strict=True) if number == battery.number
        ]
        assert [kind for kind, _ in mine] == [_LINE_Z] + [_POINT_Z] * len(wanted)
        for points in (mine[0][1], np.concatenate([points for _, points in mine[1:]])):
            assert points == pytest.approx(wanted, abs=0.006)
            assert points[:, :2] == pytest.approx(wanted[:, :2], abs=6e-8)
        indices = fields["index"][fields["battery"] == battery.number][1:]
        assert indices.tolist() == list(range(len(wanted)))


@pytest.mark.parametrize("form", ["short", "full"])
@pytest.mark.parametrize(("unit", "scale"), [("ft", 0.3048), ("m", 1.0)])
def test_litchis_csv_is_a_table_of_the_waypoints(plan, tmp_path, form, unit, scale):
    path = tmp_path / "plan.csv"
    path.write_text(litchi.write(plan, plan.batteries, form=form, unit=unit))
    columns = {"X": "longitude", "Y": "latitude", "Z": f"altitude({unit})"}
    options = {f"{axis}_POSSIBLE_NAMES": name for axis, name in columns.items()}
    geometries, fields, _ = read(path, **options, AUTODETECT_TYPE="YES")
    assert list(fields) == litchi.columns(form, unit)
    assert {kind for kind, _ in geometries} == {_POINT_Z}
    wanted = np.concatenate([places(plan, battery) for battery in plan.batteries])
    wanted[:, 2] -= plan.takeoff_ground
    points = np.concatenate([points for _, points in geometries]) * [1, 1, scale]
    assert points == pytest.approx(wanted, abs=0.006)
    assert points[:, :2] == pytest.approx(wanted[:, :2], abs=6e-8)
    # Numbers throughout: what GDAL takes for a number, a spreadsheet does, too.
    assert {column.dtype.kind for column in fields.values()} <= set("if")


@pytest.mark.parametrize("dialect", sorted(wpml.DIALECTS))
@pytest.mark.parametrize("name", ["wpmz/template.kml", "wpmz/waylines.wpml"])
def test_djis_documents_are_kml_with_a_point_per_waypoint(plan, dialect, name):
    for battery in plan.batteries:
        with zipfile.ZipFile(io.BytesIO(wpml.write(plan, battery, dialect, created_ms=0))) as archive:
            geometries, _, crs = read(archive.read(name))
        assert crs == "EPSG:4326"
        assert {kind for kind, _ in geometries} == {_POINT}
        points = np.concatenate([points for _, points in geometries])
        assert points == pytest.approx(places(plan, battery)[:, :2], abs=6e-9)
