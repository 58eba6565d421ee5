"""What belongs to a project: its captures, flight plans and jobs, found by the tables' project indexes.

Two people may have projects of one id, so every row is looked at for its owner.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from itertools import islice
from typing import Any

from functions.shared.clock import now_seconds
from functions.shared.housekeeping import is_going
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
        """Tell whether a job runs that is of the project, or goes on from a capture or job of it."""
        active = active_jobs(self.jobs, owner)
        if not active:
            return False
        if any(job.get("projectId") == project_id for job in active):
            return True
        if builds_on(active, {str(job["jobId"]) for job in _of_project(self.jobs, owner, project_id)}):
            return True
        read = {job.get("captureId") for job in active}
        return any(capture["captureId"] in read for capture in _of_project(self.uploads, owner, project_id))


def active_jobs(jobs: Table, owner: str) -> list[Item]:
    """Read the rows of an owner's jobs that have not ended."""
    rows = jobs.query("#owner = :owner", {"owner": owner}, index=OWNER_INDEX, newest_first=True)
    return [row for row in rows.items if row["status"] in ACTIVE]


def builds_on(active: Iterable[Item], job_ids: AbstractSet[str]) -> bool:
    """Tell whether one of some active jobs was started from what one of these jobs has left."""
    for job in active:
        artifacts = str(job.get("sourceArtifacts") or "")
        if job.get("sourceJobId") in job_ids or any(f"/jobs/{one}/" in artifacts for one in job_ids):
            return True
    return False


def is_there(row: Item) -> bool:
    """Tell whether a row is to be shown: not being removed, and not one that was left to expire."""
    expires_at: Any = row.get("expiresAt")
    return not is_going(row) and (expires_at is None or expires_at > now_seconds())


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
