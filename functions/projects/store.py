"""The projects table: every row is reached through its owner's `sub`, so that no other's row can be."""

from dataclasses import dataclass
from typing import Any

from functions.shared.housekeeping import NOT_GOING, SIGNED, is_going
from functions.shared.stores import Item, Page, Table


@dataclass(frozen=True)
class ProjectStore:
    """Projects of all users."""

    table: Table

    def add(self, project: dict[str, Any]) -> bool:
        """Write a new project; False when its id is taken."""
        return self.table.put_new(project, key="projectId")

    def get(self, owner: str, project_id: str) -> Item | None:
        """Read one project, unless it is being removed."""
        row = self.table.get(project_key(owner, project_id))
        return None if row is None or is_going(row) else row

    def page(self, owner: str, limit: int, cursor: str | None) -> Page:
        """Read some projects of one owner; those that are being removed are left out."""
        page = self.table.query("#userSub = :owner", {"owner": owner}, limit=limit, cursor=cursor)
        return Page([row for row in page.items if not is_going(row)], page.cursor)

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
            The changed row; None when it is not there, in another version or being removed.
        """
        return self.table.update(
            project_key(owner, project_id),
            {**changes, "updatedAt": now},
            add={"version": 1},
            condition=f"{in_version(version)} AND {NOT_GOING}",
            values={"version": version} if version else {},
            signed=SIGNED,
        )


def in_version(version: int | None) -> str:
    """Give the condition that a project is there, and in a version: None for any, 0 for one never counted."""
    if version is None:
        return "attribute_exists(#projectId)"
    if version == 0:
        return "attribute_exists(#projectId) AND attribute_not_exists(#version)"
    return "#version = :version"


def project_key(owner: str, project_id: str) -> dict[str, str]:
    """Give the key of a project's row."""
    return {"userSub": owner, "projectId": project_id}
