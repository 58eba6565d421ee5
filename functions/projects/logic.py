"""Rows of the projects table."""

import uuid
from typing import Any

from functions.projects.models import CreateProject
from functions.shared.claims import Caller


def new_project(caller: Caller, request: CreateProject, now: int) -> dict[str, Any]:
    """Make the row of a new project.

    Args:
        caller: Its owner.
        request: What was asked.
        now: Epoch seconds.

    Returns:
        The row.
    """
    return {
        "userSub": caller.sub,
        "projectId": request.project_id or str(uuid.uuid4()),
        "title": request.title or "Untitled",
        "email": caller.email,
        "status": request.status,
        "progress": request.progress,
        "params": request.params,
        "createdAt": now,
        "updatedAt": now,
        "version": 1,
    }
