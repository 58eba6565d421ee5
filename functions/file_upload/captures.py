"""A person's captures: listed, and deleted by handing them to housekeeping."""

from dataclasses import dataclass

from functions.file_upload.models import CapturePage
from functions.shared.capture_checks import capture_key
from functions.shared.claims import Caller
from functions.shared.errors import conflict, not_found
from functions.shared.housekeeping import Housekeeping
from functions.shared.project_parts import active_jobs, is_there
from functions.shared.stores import Table
from functions.shared.summaries import CaptureSummary
from functions.shared.tables import OWNER_INDEX


@dataclass(frozen=True)
class Captures:
    """Captures of all people.

    Attributes:
        uploads: Their table.
        jobs: The jobs that may be reading them.
        housekeeping: Who removes them.
    """

    uploads: Table
    jobs: Table
    housekeeping: Housekeeping

    def page(self, caller: Caller, limit: int, cursor: str | None) -> CapturePage:
        """List the caller's captures, newest first."""
        page = self.uploads.query(
            "#owner = :owner",
            {"owner": caller.sub},
            index=OWNER_INDEX,
            newest_first=True,
            limit=limit,
            cursor=cursor,
        )
        return CapturePage(
            captures=[CaptureSummary.of(row) for row in page.items if is_there(row)],
            next_cursor=page.cursor,
        )

    def remove(self, caller: Caller, capture_id: str) -> None:
        """Delete a capture with its photos, also of unfinished uploads; models made of it stay.

        Raises:
            ApiError: 404 for a capture that is not the caller's, or that is being removed; 409 while a job
                reads it.
        """
        key = capture_key(capture_id)
        row = self.uploads.get(key)
        if row is None or row["owner"] != caller.sub:
            raise not_found("capture")
        if any(job.get("captureId") == capture_id for job in active_jobs(self.jobs, caller.sub)):
            raise conflict("CAPTURE_BUSY", "A job reads this capture: stop it first, or wait for its end.")
        removed = self.housekeeping.remove(
            self.uploads,
            key,
            action="remove_capture",
            owner=caller.sub,
            condition="#owner = :owner",
            values={"owner": caller.sub},
            captureId=capture_id,
        )
        if not removed:
            raise not_found("capture")
