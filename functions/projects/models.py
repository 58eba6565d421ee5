"""Requests and rows of the projects API, with the field names that existing clients know."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints

from functions.shared.api import AnswerModel, ApiModel
from functions.shared.summaries import CaptureSummary, FlightPlanSummary, JobSummary

Status = Literal[
    "draft", "path_downloaded", "uploading", "photos_uploaded", "processing", "delivered", "revoked"
]
MAX_DOCUMENT_CHARACTERS = 60_000
"""Of one free-form field: an item of DynamoDB holds 400 KB."""
MAX_NESTING = 20
"""DynamoDB stores 32 levels."""


def _storable(document: dict[str, Any]) -> dict[str, Any]:
    if _depth(document) > MAX_NESTING:
        raise ValueError(f"must not be nested more than {MAX_NESTING} levels deep")
    if len(json.dumps(document)) > MAX_DOCUMENT_CHARACTERS:
        raise ValueError(f"must not be longer than {MAX_DOCUMENT_CHARACTERS:,} characters")
    return document


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((_depth(part) for part in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((_depth(part) for part in value), default=0)
    return 0


Document = Annotated[dict[str, Any], AfterValidator(_storable)]
ProjectId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Title = Annotated[str, Field(max_length=200)]
Progress = Annotated[int, Field(ge=0, le=100)]


class CreateProject(ApiModel):
    """A new project; `project_id` is made when missing."""

    project_id: ProjectId | None = None
    title: Title = "Untitled"
    status: Status = "draft"
    progress: Progress = 0
    params: Document = Field(default_factory=dict)


class ChangeProject(ApiModel):
    """What may be changed. `version` makes the change conditional: it must be the one that was read."""

    title: Title | None = None
    status: Status | None = None
    progress: Progress | None = None
    params: Document | None = None
    upload: Document | None = None
    ml: Document | None = None
    version: int | None = Field(default=None, ge=1)

    def changes(self) -> dict[str, Any]:
        """Give the fields that the request names."""
        return self.model_dump(by_alias=True, exclude={"version"}, exclude_none=True)


class Project(AnswerModel):
    """A project as it is kept; rows of older clients may have less, and more.

    Attributes:
        progress: Percent.
        created_at: Epoch seconds; as `updated_at`.
        ml: Its latest job.
        version: Counts changes from 1.
    """

    model_config = ConfigDict(extra="allow")

    user_sub: str
    project_id: str
    title: str = "Untitled"
    email: str = ""
    status: str = "draft"
    progress: int = 0
    params: dict[str, Any] = Field(default_factory=dict)
    created_at: int = 0
    updated_at: int = 0
    version: int = 0


class OneProject(AnswerModel):
    """One project."""

    project: Project


class ProjectWithParts(OneProject):
    """A project and what belongs to it: of each at most the 100 newest."""

    captures: list[CaptureSummary]
    flight_plans: list[FlightPlanSummary]
    jobs: list[JobSummary]


class ExportState(AnswerModel):
    """An export of a project, as one ZIP archive.

    Attributes:
        state: running, ready, failed, or expired once the archive is gone.
        fraction: Part of it that is written, 0 to 1.
        size_bytes: Of its files when it was asked for.
        requested_at: ISO 8601, UTC; as the other times.
        error: What went wrong, for people.
        expires_at: When a ready archive goes.
        url: Where a ready archive is fetched from.
        url_expires_at: When that address ends; the next look gives another one.
    """

    export_id: str
    state: Literal["running", "ready", "failed", "expired"]
    fraction: float
    size_bytes: int
    requested_at: str
    error: str | None
    expires_at: str | None
    url: str | None = None
    url_expires_at: str | None = None


class OneExport(AnswerModel):
    """The latest export of a project."""

    export: ExportState


class ProjectPage(AnswerModel):
    """Some of the caller's projects."""

    projects: list[Project]
    next_cursor: str | None


class Removed(AnswerModel):
    """It is gone."""

    ok: Literal[True] = True
