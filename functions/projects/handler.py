"""Lambda handler of the projects API."""

from functools import cache
from http import HTTPStatus
from typing import Annotated, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Header

from functions.projects.etags import etag, versions_in
from functions.projects.exporting import Exports
from functions.projects.logic import new_project
from functions.projects.models import (
    ChangeProject,
    CreateProject,
    OneExport,
    OneProject,
    Project,
    ProjectPage,
    ProjectWithParts,
    Removed,
)
from functions.projects.removal import Removal
from functions.projects.settings import Settings
from functions.projects.store import ProjectStore
from functions.shared.api import MAX_PAGE, PageCursor, PageLimit, PathId, SignedIn, api_handler, new_router
from functions.shared.clock import now_seconds
from functions.shared.errors import ApiError, bad_request, conflict, not_found, precondition_failed
from functions.shared.export_contents import Contents
from functions.shared.housekeeping import Housekeeping
from functions.shared.project_parts import ProjectParts, is_there
from functions.shared.projects import shown_project
from functions.shared.settings import load_settings
from functions.shared.stores import Item, Table
from functions.shared.summaries import CaptureSummary, FlightPlanSummary, JobSummary

router = new_router()
MOST_PARTS = 100
"""Captures, flight plans and jobs that a project is shown with, of each."""

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1024,
        description="The ETag that was read: the request is refused when the project was changed meanwhile.",
    ),
]
AnswerT = TypeVar("AnswerT", bound=OneProject)


@cache
def _projects() -> ProjectStore:
    return ProjectStore(Table(load_settings(Settings).projects_table))


@cache
def _parts() -> ProjectParts:
    settings = load_settings(Settings)
    return ProjectParts(
        uploads=Table(settings.uploads_table),
        jobs=Table(settings.jobs_table),
        flight_paths=Table(settings.flight_paths_table),
    )


@cache
def _removal() -> Removal:
    return Removal(_projects(), _parts(), Housekeeping(load_settings(Settings).housekeeping_arn))


@cache
def _exports() -> Exports:
    settings = load_settings(Settings)
    return Exports(
        store=_projects(),
        contents=Contents(_parts(), settings.uploads_bucket, settings.ml_bucket),
        housekeeping=Housekeeping(settings.housekeeping_arn),
        bucket=settings.ml_bucket,
    )


@router.get("/projects")
def list_projects(caller: SignedIn, limit: PageLimit = MAX_PAGE, cursor: PageCursor = None) -> ProjectPage:
    """List the caller's projects."""
    page = _projects().page(caller.sub, limit, cursor)
    return ProjectPage(projects=[_shown(item) for item in page.items], next_cursor=page.cursor)


@router.post("/projects")
def create_project(request: Annotated[CreateProject, Body()], caller: SignedIn) -> Response[OneProject]:
    """Create a project."""
    project = new_project(caller, request, now_seconds())
    if not _projects().add(project):
        raise conflict("PROJECT_EXISTS", "A project with this projectId exists already.")
    return _tagged(OneProject(project=_shown(project)))


@router.get("/projects/<project_id>")
def get_project(project_id: PathId, caller: SignedIn) -> Response[ProjectWithParts]:
    """Show a project and what belongs to it."""
    project = _projects().get(caller.sub, project_id)
    if project is None:
        raise not_found("project")
    parts, whose = _parts(), (caller.sub, project_id, MOST_PARTS)
    return _tagged(
        ProjectWithParts(
            project=_shown(project),
            captures=[CaptureSummary.of(row) for row in parts.captures(*whose) if is_there(row)],
            flight_plans=[FlightPlanSummary.of(row) for row in parts.flight_plans(*whose)],
            jobs=[JobSummary.of(row) for row in parts.jobs_of(*whose) if is_there(row)],
        )
    )


@router.route("/projects/<project_id>", method=["PUT", "PATCH"])
def change_project(
    project_id: PathId,
    request: Annotated[ChangeProject, Body()],
    caller: SignedIn,
    if_match: IfMatch = None,
) -> Response[OneProject]:
    """Change some fields of a project."""
    changes = request.changes()
    if not changes:
        raise bad_request(
            "NOTHING_TO_CHANGE", "Name at least one of title, status, progress, params, upload, ml."
        )
    asked = _asked_version(caller.sub, project_id, if_match)
    if asked is not None and request.version not in (None, asked):
        raise _changed_meanwhile(if_match=None)
    project = _projects().change(
        caller.sub,
        project_id,
        changes,
        now=now_seconds(),
        version=request.version if asked is None else asked,
    )
    if project is not None:
        return _tagged(OneProject(project=_shown(project)))
    if _projects().get(caller.sub, project_id) is None:
        raise not_found("project")
    raise _changed_meanwhile(if_match)


@router.delete("/projects/<project_id>")
def delete_project(project_id: PathId, caller: SignedIn, if_match: IfMatch = None) -> Removed:
    """Delete a project with its photos, flight plans, jobs and models."""
    asked = _asked_version(caller.sub, project_id, if_match)
    if not _removal().remove(caller.sub, project_id, asked):
        raise _changed_meanwhile(if_match)
    return Removed()


@router.post("/projects/<project_id>/export")
def start_export(project_id: PathId, caller: SignedIn) -> OneExport:
    """Have everything of a project put into one archive."""
    return OneExport(export=_exports().start(caller.sub, project_id))


@router.get("/projects/<project_id>/export")
def show_export(project_id: PathId, caller: SignedIn) -> OneExport:
    """Say how far the export is, and where its archive is."""
    return OneExport(export=_exports().show(caller.sub, project_id))


def _shown(row: Item) -> Project:
    return Project.model_validate(shown_project(row))


def _tagged(answer: AnswerT) -> Response[AnswerT]:
    return Response(
        status_code=int(HTTPStatus.OK),
        content_type="application/json",
        body=answer,
        headers={"ETag": etag(answer.project.version)},
    )


def _asked_version(owner: str, project_id: str, if_match: str | None) -> int | None:
    """Give the version that `If-Match` asks for, None when it does not matter.

    Raises:
        ApiError: 404 when there is no such project, 412 when it has none of the versions.
    """
    versions = None if if_match is None else versions_in(if_match)
    if versions is None:
        return None
    found = _projects().get(owner, project_id)
    if found is None:
        raise not_found("project")
    version = Project.model_validate(shown_project(found)).version
    if version not in versions:
        raise _changed_meanwhile(if_match)
    return version


def _changed_meanwhile(if_match: str | None) -> ApiError:
    """409 for a version in the body, as older clients know it; 412 for one in the header."""
    refuse = conflict if if_match is None else precondition_failed
    return refuse("VERSION_CONFLICT", "The project was changed meanwhile: read it again first.")


handler = api_handler(router, Settings)
