"""Captures, flight plans and jobs in short, from their rows."""

from typing import Literal, Self

from functions.shared.api import AnswerModel
from functions.shared.clock import iso
from functions.shared.stores import Item


class CaptureSummary(AnswerModel):
    """A capture in short.

    Attributes:
        created_at: ISO 8601, UTC.
        state: empty without a file, uploading before its first file is complete, then has_files.
        file_count: Files that were started and not given up.
    """

    capture_id: str
    project_id: str | None
    created_at: str
    state: Literal["empty", "uploading", "has_files"]
    file_count: int

    @classmethod
    def of(cls, row: Item) -> Self:
        """Read the row of a capture."""
        count = int(row.get("fileCount") or 0)
        return cls(
            capture_id=row["captureId"],
            project_id=row.get("projectId"),
            created_at=iso(row["createdAt"]),
            state="empty" if not count else "uploading" if row.get("expiresAt") else "has_files",
            file_count=count,
        )


class FlightPlanSummary(AnswerModel):
    """A flight plan in short.

    Attributes:
        created_at: ISO 8601, UTC.
        state: A plan that is there is saved.
    """

    plan_id: str
    title: str | None
    created_at: str
    state: Literal["saved"] = "saved"

    @classmethod
    def of(cls, row: Item) -> Self:
        """Read the row of a plan."""
        return cls(plan_id=row["id"], title=row.get("title"), created_at=iso(row["createdAt"]))


class JobSummary(AnswerModel):
    """A job in short.

    Attributes:
        created_at: ISO 8601, UTC.
        state: Its status.
    """

    job_id: str
    capture_id: str | None
    created_at: str
    state: str

    @classmethod
    def of(cls, row: Item) -> Self:
        """Read the row of a job."""
        return cls(
            job_id=row["jobId"],
            capture_id=row.get("captureId"),
            created_at=iso(row["createdAt"]),
            state=row["status"],
        )
