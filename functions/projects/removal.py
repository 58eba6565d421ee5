"""Deleting a project: refused while something works on it, else handed to housekeeping."""

from dataclasses import dataclass

from functions.projects.store import ProjectStore, in_version, project_key
from functions.shared.clock import now_ms
from functions.shared.errors import ApiError, conflict, not_found
from functions.shared.exports import export_of
from functions.shared.housekeeping import Housekeeping
from functions.shared.project_parts import ProjectParts


@dataclass(frozen=True)
class Removal:
    """Deletes projects.

    Attributes:
        store: The projects.
        parts: What belongs to them.
        housekeeping: Who removes all that.
    """

    store: ProjectStore
    parts: ProjectParts
    housekeeping: Housekeeping

    def remove(self, owner: str, project_id: str, version: int | None) -> bool:
        """Delete a project with its captures, flight plans, jobs, models, links and exports.

        Args:
            owner: Its owner.
            project_id: Its id.
            version: The version that it must have, None for any.

        Returns:
            False when it has another version.

        Raises:
            ApiError: 404 when there is none, or it is being removed; 409 while a job or an export works on
                it.
        """
        key = project_key(owner, project_id)
        row = self.store.table.get(key)
        if row is None:
            raise not_found("project")
        export = export_of(row)
        if export is not None and export.seen_at(now_ms()).state == "running":
            raise _busy("An export of this project is being made: wait for its end, and take it first.")
        if self.parts.is_in_use(owner, project_id):
            raise _busy("A job works on this project: stop it first, or wait for its end.")
        removed = self.housekeeping.remove(
            self.store.table,
            key,
            action="remove_project",
            owner=owner,
            condition=in_version(version),
            values={"version": version} if version else {},
            projectId=project_id,
        )
        if not removed and self.store.get(owner, project_id) is None:
            raise not_found("project")
        return removed


def _busy(sentence: str) -> ApiError:
    return conflict("PROJECT_BUSY", sentence)
