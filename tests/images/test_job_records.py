"""Records: JSON files that are whole, refuse what they do not know, and match their published schemas."""

import json
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from pydantic import BaseModel, ValidationError
from spaceport_job import (
    Camera,
    CameraSet,
    Georeference,
    MergedReport,
    Origin,
    Progress,
    Report,
    Residuals,
    Similarity,
    write_json,
)
from spaceport_job.schemas import json_schemas, main

IDENTITY3 = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
IDENTITY4 = ((1.0, 0, 0, 0), (0, 1.0, 0, 0), (0, 0, 1.0, 0), (0, 0, 0, 1.0))
EXAMPLES: dict[str, BaseModel] = {
    "progress": Progress(step="3dgs", stage="train", fraction=0.5, seconds_left=None, message="Training"),
    "report": Report(step="sfm", warnings=["one photo left out"], seed=3),
    "merged-report": MergedReport({"sfm": Report(step="sfm"), "3dgs": Report(step="3dgs")}),
    "georeference": Georeference(
        source="exif_gps",
        origin=Origin(latitude=47.0, longitude=8.3, altitude_m=450.0),
        model_to_enu=Similarity(scale=2.0, rotation=IDENTITY3, translation=(1.0, 2.0, 3.0)),
        residuals=Residuals(
            rmse_m=0.4, horizontal_rmse_m=0.3, vertical_rmse_m=0.2, per_photo={"a.jpg": (0.1, 0.2, 0.3)}
        ),
    ),
    "cameras": CameraSet(
        views=[
            Camera(
                name="a.jpg",
                width=4,
                height=3,
                fx=5.0,
                fy=5.0,
                cx=2.0,
                cy=1.5,
                cam_from_model=IDENTITY4,
                split="train",
            )
        ]
    ),
}


def test_every_schema_has_an_example_here() -> None:
    assert set(EXAMPLES) == set(json_schemas())


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_what_is_written_matches_its_schema_and_reads_back(tmp_path: Path, name: str) -> None:
    path = tmp_path / "deep" / "file.json"
    write_json(path, EXAMPLES[name])
    document = json.loads(path.read_text())
    jsonschema.validate(document, json_schemas()[name], cls=jsonschema.Draft202012Validator)
    assert type(EXAMPLES[name]).model_validate(document) == EXAMPLES[name]


@pytest.mark.parametrize("name", ["progress", "report", "georeference", "cameras"])
def test_an_unknown_field_breaks_schema_and_model(name: str) -> None:
    document = {**EXAMPLES[name].model_dump(mode="json"), "surprise": 1}
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        jsonschema.validate(document, json_schemas()[name])
    with pytest.raises(ValidationError, match="surprise"):
        type(EXAMPLES[name]).model_validate(document)


def test_times_carry_their_zone() -> None:
    assert Report(step="sfm").started_at.utcoffset() == datetime.now(UTC).utcoffset()
    with pytest.raises(ValidationError, match="timezone"):
        Report(step="sfm", started_at=datetime(2026, 1, 1))  # noqa: DTZ001 - the point of the test


def test_nan_in_a_mapping_is_refused_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"value": 1.0})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"value": float("nan")})
    assert json.loads(path.read_text()) == {"value": 1.0}


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file.json"
    write_json(path, {"value": 1})

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_json(path, {"value": 2})
    assert json.loads(path.read_text()) == {"value": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


def test_schemas_are_written_as_valid_json_schema(tmp_path: Path) -> None:
    assert main([str(tmp_path)]) == 0
    written = {path.name.removesuffix(".schema.json"): path for path in tmp_path.iterdir()}
    assert set(written) == set(json_schemas())
    for path in written.values():
        jsonschema.Draft202012Validator.check_schema(json.loads(path.read_text()))
