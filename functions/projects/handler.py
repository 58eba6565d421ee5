"""Lambda handler of the projects API."""

from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.projects.logic import new_project
from functions.projects.models import ChangeProject, CreateProject
from functions.projects.settings import Settings
from functions.projects.store import ProjectStore
from functions.shared.api import build_api, caller_of, new_router, page_of, parse_body, path_id
from functions.shared.clock import now_seconds
from functions.shared.errors import bad_request, conflict, not_found
from functions.shared.observability import logger, tracer
from functions.shared.settings import load_settings
from functions.shared.stores import Table

Answer = dict[str, Any]
router = new_router()


@cache
def _projects() -> ProjectStore:
    return ProjectStore(Table(load_settings(Settings).projects_table))


@cache
def _api() -> APIGatewayRestResolver:
    return build_api(router, load_settings(Settings).allowed_origins)


@router.get("/projects")
def list_projects() -> Answer:
    """List the caller's projects."""
    limit, cursor = page_of(router.current_event)
    page = _projects().page(caller_of(router.current_event).sub, limit, cursor)
    return {"projects": page.items, "nextCursor": page.cursor}


@router.post("/projects")
def create_project() -> Answer:
    """Create a project."""
    event = router.current_event
    project = new_project(caller_of(event), parse_body(event, CreateProject), now_seconds())
    if not _projects().add(project):
        raise conflict("PROJECT_EXISTS", "A project with this projectId exists already.")
    return {"project": project}


@router.get("/projects/<project_id>")
def get_project(project_id: str) -> Answer:
    """Show a project."""
    project = _projects().get(caller_of(router.current_event).sub, path_id(project_id, "project"))
    if project is None:
        raise not_found("project")
    return {"project": project}


@router.route("/projects/<project_id>", method=["PUT", "PATCH"])
def change_project(project_id: str) -> Answer:
    """Change some fields of a project."""
    event = router.current_event
    owner = caller_of(event).sub
    path_id(project_id, "project")
    request = parse_body(event, ChangeProject)
    changes = request.changes()
    if not changes:
        raise bad_request(
            "NOTHING_TO_CHANGE", "Name at least one of title, status, progress, params, upload, ml."
        )
    project = _projects().change(owner, project_id, changes, now=now_seconds(), version=request.version)
    if project is not None:
        return {"project": project}
    if _projects().get(owner, project_id) is None:
        raise not_found("project")
    raise conflict("VERSION_CONFLICT", "The project was changed meanwhile: read it again first.")


@router.delete("/projects/<project_id>")
def delete_project(project_id: str) -> Answer:
    """Delete a project."""
    owner = caller_of(router.current_event).sub
    if not _projects().remove(owner, path_id(project_id, "project")):
        raise not_found("project")
    return {"ok": True}


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of the projects API."""
    return _api().resolve(event, context)
