"""Lambda handler of the projects API."""

from functools import cache
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.projects.logic import new_project
from functions.projects.models import ChangeProject, CreateProject, OneProject, Project, ProjectPage, Removed
from functions.projects.settings import Settings
from functions.projects.store import ProjectStore
from functions.shared.api import MAX_PAGE, PageCursor, PageLimit, PathId, SignedIn, api_handler, new_router
from functions.shared.clock import now_seconds
from functions.shared.errors import bad_request, conflict, not_found
from functions.shared.settings import load_settings
from functions.shared.stores import Table

router = new_router()


@cache
def _projects() -> ProjectStore:
    return ProjectStore(Table(load_settings(Settings).projects_table))


@router.get("/projects")
def list_projects(caller: SignedIn, limit: PageLimit = MAX_PAGE, cursor: PageCursor = None) -> ProjectPage:
    """List the caller's projects."""
    page = _projects().page(caller.sub, limit, cursor)
    return ProjectPage(
        projects=[Project.model_validate(item) for item in page.items], next_cursor=page.cursor
    )


@router.post("/projects")
def create_project(request: Annotated[CreateProject, Body()], caller: SignedIn) -> OneProject:
    """Create a project."""
    project = new_project(caller, request, now_seconds())
    if not _projects().add(project):
        raise conflict("PROJECT_EXISTS", "A project with this projectId exists already.")
    return OneProject(project=Project.model_validate(project))


@router.get("/projects/<project_id>")
def get_project(project_id: PathId, caller: SignedIn) -> OneProject:
    """Show a project."""
    project = _projects().get(caller.sub, project_id)
    if project is None:
        raise not_found("project")
    return OneProject(project=Project.model_validate(project))


@router.route("/projects/<project_id>", method=["PUT", "PATCH"])
def change_project(
    project_id: PathId, request: Annotated[ChangeProject, Body()], caller: SignedIn
) -> OneProject:
    """Change some fields of a project."""
    changes = request.changes()
    if not changes:
        raise bad_request(
            "NOTHING_TO_CHANGE", "Name at least one of title, status, progress, params, upload, ml."
        )
    project = _projects().change(caller.sub, project_id, changes, now=now_seconds(), version=request.version)
    if project is not None:
        return OneProject(project=Project.model_validate(project))
    if _projects().get(caller.sub, project_id) is None:
        raise not_found("project")
    raise conflict("VERSION_CONFLICT", "The project was changed meanwhile: read it again first.")


@router.delete("/projects/<project_id>")
def delete_project(project_id: PathId, caller: SignedIn) -> Removed:
    """Delete a project."""
    if not _projects().remove(caller.sub, project_id):
        raise not_found("project")
    return Removed()


handler = api_handler(router, Settings)
