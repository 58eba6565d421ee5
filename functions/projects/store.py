"""The projects table: every row is reached through its owner's `sub`, so that no other's row can be."""

from dataclasses import dataclass
from typing import Any

from functions.shared.stores import Item, Page, Table


@dataclass(frozen=True)
class ProjectStore:
    """Projects of all users."""

    table: Table

    def add(self, project: dict[str, Any]) -> bool:
        """Write a new project; False when its id is taken."""
        return self.table.put_new(project, key="projectId")

    def get(self, owner: str, project_id: str) -> Item | None:
        """Read one project."""
        return self.table.get(_key(owner, project_id))

    def page(self, owner: str, limit: int, cursor: str | None) -> Page:
        """Read some projects of one owner."""
        return self.table.query("#userSub = :owner", {"owner": owner}, limit=limit, cursor=cursor)

    def change(
        self, owner: str, project_id: str, changes: dict[str, Any], *, now: int, version: int | None
    ) -> Item | None:
        """Change a project that is there, and in the given version if one is given.

        Args:
            owner: Its owner.
            project_id: Its id.
            changes: Attributes to set.
            now: Epoch seconds.
            version: The version that was read, or None to change any.

        Returns:
            The changed row; None when it is not there or in another version.
        """
        condition = "attribute_exists(#projectId)"
        values = {}
        if version is not None:
            condition += " AND #version = :version"
            values["version"] = version
        changed = self.table.update(
            _key(owner, project_id),
            {**changes, "updatedAt": now},
            add={"version": 1},
            condition=condition,
            values=values,
        )
        if changed is not None or version is None:
            return changed
        # The same change may have been made already, by a call whose answer was lost or by a second click.
        found = self.get(owner, project_id)
        wanted = {**changes, "version": version + 1}
        return found if found and wanted.items() <= found.items() else None

    def remove(self, owner: str, project_id: str) -> bool:
        """Delete a project; False when it was not there."""
        return self.table.delete(_key(owner, project_id), condition="attribute_exists(#projectId)")


def _key(owner: str, project_id: str) -> dict[str, str]:
    return {"userSub": owner, "projectId": project_id}
