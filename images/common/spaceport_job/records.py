"""The JSON files of the contract as pydantic models; their JSON schemas come from the same models."""

import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, RootModel

Step = Literal["sfm", "3dgs", "compressor"]
Vector3 = tuple[float, float, float]
Matrix3 = tuple[Vector3, Vector3, Vector3]
Row4 = tuple[float, float, float, float]
Matrix4 = tuple[Row4, Row4, Row4, Row4]
Matrix34 = tuple[Row4, Row4, Row4]


def utc_now() -> datetime:
    """The time now, with its zone."""
    return datetime.now(UTC)


class Record(BaseModel):
    """A file of the contract: a field nobody knows is an error."""

    model_config = ConfigDict(extra="forbid")


class Progress(Record):
    """`progress.json`: how far a running step is."""

    step: Step
    stage: str
    fraction: float = Field(ge=0, le=1, description="share of the whole step that is done")
    seconds_left: float | None = Field(ge=0, description="null while it cannot be told yet")
    message: str = Field(description="one line for people")
    figures: dict[str, float | int | str | None] = Field(default_factory=dict)
    updated_at: AwareDatetime = Field(default_factory=utc_now)


class Report(Record):
    """`report.json`: what one step took, made and noticed."""

    schema_version: Literal[1] = 1
    step: Step
    started_at: AwareDatetime = Field(default_factory=utc_now)
    seconds: float = Field(default=0.0, ge=0)
    stages: dict[str, float] = Field(default_factory=dict, description="seconds per stage")
    options: dict[str, Any] = Field(default_factory=dict)
    input: dict[str, Any] = Field(default_factory=dict)
    output: dict[str, Any] = Field(default_factory=dict)
    quality: dict[str, Any] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)
    versions: dict[str, str] = Field(default_factory=dict)
    seed: int | None = None


class MergedReport(RootModel[dict[Step, Report]]):
    """The finished model's `report.json`: the report of each step by its name."""


class Origin(Record):
    """The WGS84 point where the local east-north-up frame touches the earth."""

    latitude: float = Field(ge=-90, le=90, description="degrees")
    longitude: float = Field(ge=-180, le=180, description="degrees")
    altitude_m: float = Field(description="metres, as the capture's source gives it")


class Similarity(Record):
    """x_enu = scale * rotation @ x_model + translation, in metres."""

    scale: float = Field(gt=0)
    rotation: Matrix3 = Field(description="row-major")
    translation: Vector3


class Residuals(Record):
    """What is left between camera centres and their measured positions after the fit, in metres."""

    rmse_m: float = Field(ge=0)
    horizontal_rmse_m: float = Field(ge=0)
    vertical_rmse_m: float = Field(ge=0)
    per_photo: dict[str, Vector3] = Field(description="east, north, up by photo name")


class Georeference(Record):
    """`georeference.json`: where the model is in the world, how that is known and how well."""

    source: Literal["exif_gps", "flight_plan", "none"]
    origin: Origin | None
    model_to_enu: Similarity
    residuals: Residuals | None


class Camera(Record):
    """One photo's pinhole camera in the model frame (OpenCV axes: x right, y down, z forward; pixels)."""

    name: str
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]
    fx: Annotated[float, Field(gt=0)]
    fy: Annotated[float, Field(gt=0)]
    cx: float
    cy: float
    cam_from_model: Matrix4 = Field(description="row-major")
    split: Literal["train", "heldout"]
    exposure: Matrix34 | None = Field(default=None, description="colour transform [A | b] of this photo")


class CameraSet(Record):
    """`cameras.json`: the photos' cameras in the frame of the model file."""

    views: list[Camera]
    frame: Literal["model"] = "model"


def write_json(path: Path, document: BaseModel | Mapping[str, Any]) -> None:
    """Writes a JSON file in one step: a reader sees the old file or the new one, never a part.

    Args:
        path: The file; its folder is made where it is missing.
        document: A model, or a mapping of JSON values.

    Raises:
        ValueError: a mapping holds NaN or an infinity, which JSON cannot carry.
    """
    if isinstance(document, BaseModel):
        text = document.model_dump_json(indent=1, by_alias=True)
    else:
        text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
