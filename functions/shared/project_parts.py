"""What belongs to a project: its captures, flight plans and jobs, found by the tables' project indexes.

Two people may have projects of one id, so every row is looked at for its owner.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from functions.shared.jobs import ACTIVE
from functions.shared.stores import Item, Table
from functions.shared.tables import OWNER_INDEX, PROJECT_INDEX

_PAGE = 100


@dataclass(frozen=True)
class ProjectParts:
    """The tables that a project's parts are in; rows that are being removed are among what they give.

    Attributes:
        uploads: Captures.
        jobs: Jobs.
        flight_paths: Flight plans.
    """

    uploads: Table
    jobs: Table
    flight_paths: Table

    def captures(self, owner: str, project_id: str, most: int | None = None) -> list[Item]:
        """Read the rows of a project's captures, newest first, at most `most`."""
        return list(islice(_of_project(self.uploads, owner, project_id), most))

    def jobs_of(self, owner: str, project_id: str, most: int | None = None) -> list[Item]:
        """Read the rows of a project's jobs, newest first, at most `most`."""
        return list(islice(_of_project(self.jobs, owner, project_id), most))

    def flight_plans(self, owner: str, project_id: str, most: int | None = None) -> list[Item]:
        """Read the rows of a project's flight plans, newest first, at most `most`."""
        return list(islice(_of_project(self.flight_paths, owner, project_id), most))

    def is_in_use(self, owner: str, project_id: str) -> bool:
        """Tell whether a job runs that is of the project, or reads a capture of it."""
        active = active_jobs(self.jobs, owner)
        if any(job.get("projectId") == project_id for job in active):
            return True
        read = {job.get("captureId") for job in active}
        return bool(read) and any(
            capture["captureId"] in read for capture in _of_project(self.uploads, owner, project_id)
        )


def active_jobs(jobs: Table, owner: str) -> list[Item]:
    """Read the rows of an owner's jobs that have not ended."""
    rows = jobs.query("#owner = :owner", {"owner": owner}, index=OWNER_INDEX, newest_first=True)
    return [row for row in rows.items if row["status"] in ACTIVE]


def _of_project(table: Table, owner: str, project_id: str) -> Iterator[Item]:
    cursor = None
    while True:
        page = table.query(
            "#projectId = :project",
            {"project": project_id},
            index=PROJECT_INDEX,
            newest_first=True,
            limit=_PAGE,
            cursor=cursor,
        )
        yield from (row for row in page.items if row.get("owner") == owner)
        cursor = page.cursor
        if cursor is None:
            return
