"""What removed jobs have cost: the row is gone, but the person's limit of the month counts it on."""

from dataclasses import dataclass
from datetime import UTC, datetime

from functions.shared.clock import now_seconds
from functions.shared.stores import Item, Table

_KEPT_SECONDS = 62 * 24 * 3600
"""Longer than the month that it is counted in."""


@dataclass(frozen=True)
class RemovedSpending:
    """Costs of removed jobs by the month (UTC) in which they were made, in rows that go by themselves.

    Attributes:
        limits: The limits table.
    """

    limits: Table

    def keep(self, job: Item) -> None:
        """Count a job that is about to be removed; counting it again changes nothing."""
        if not job.get("costUsd"):
            return
        month = datetime.fromtimestamp(job["createdAt"] / 1000, UTC)
        self.limits.update(
            _row_of(str(job["owner"]), month),
            {"expiresAt": now_seconds() + _KEPT_SECONDS},
            add={"removed": {f"{job['jobId']}={job['costUsd']}"}},
            condition="attribute_not_exists(#limitId) OR attribute_exists(#limitId)",
        )

    def of_month(self, owner: str, month: datetime) -> float:
        """Sum what a person's removed jobs of a month have cost, in US dollars."""
        row = self.limits.get(_row_of(owner, month)) or {}
        return sum(float(entry.rpartition("=")[2]) for entry in row.get("removed", ()))


def _row_of(owner: str, month: datetime) -> dict[str, str]:
    return {"limitId": f"removed-jobs/{owner}/{month:%Y-%m}"}
