"""What a person may use: jobs at once, jobs a day, spending a month."""

from dataclasses import dataclass
from datetime import UTC, datetime

from functions.shared.clock import now_seconds
from functions.shared.errors import ApiError, too_many
from functions.shared.jobs import ENDED, JobStore
from functions.shared.limits import DAY_SECONDS, DailyLimits
from functions.shared.removed_spending import RemovedSpending
from functions.shared.stores import Table
from functions.shared.user_settings import Quotas

_KEPT_DAYS = 31
_RETRY_AFTER_SECONDS = 300


@dataclass(frozen=True)
class QuotaGate:
    """Lets jobs start as long as a person's quotas allow.

    The running jobs of a person are a set in one row, so that however many requests come at once, no more get
    through. Nobody has to take a job out when it ends: whoever finds the set full looks which have ended.

    Attributes:
        limits: The limits table.
        jobs: The jobs table.
    """

    limits: Table
    jobs: JobStore

    def admit(self, owner: str, job_id: str, quotas: Quotas, *, estimated_usd: float | None) -> None:
        """Count a job whose row is written.

        Args:
            owner: The person's sub.
            job_id: The job.
            quotas: What the person may use.
            estimated_usd: What the job is expected to cost, if known.

        Raises:
            ApiError: 429 when a quota is used up; the job is not counted then.
        """
        spent = self.spent_this_month(owner, but=job_id)
        if spent + (estimated_usd or 0) > quotas.spend_per_month_usd:
            raise too_many(
                f"Your jobs of this month come to about ${spent:,.2f}, and this one would go over your limit "
                f"of ${quotas.spend_per_month_usd:,.0f}. Wait for next month, or ask us to raise it.",
                retry_after_seconds=_seconds_to_next_month(),
            )
        if not self._enter(owner, job_id, quotas.jobs_at_once):
            self._take_ended_out(owner)
            if not self._enter(owner, job_id, quotas.jobs_at_once):
                raise self._too_many_at_once(quotas)
        if not DailyLimits(self.limits).take(f"jobs/{owner}", quotas.jobs_per_day):
            self.leave(owner, job_id)
            raise too_many(
                f"You have started {quotas.jobs_per_day} jobs today, which is your limit. Go on tomorrow.",
                retry_after_seconds=_seconds_to_tomorrow(),
            )

    def give_back(self, owner: str, job_id: str) -> None:
        """Count a job no more that was let through and did not start."""
        self.leave(owner, job_id)
        DailyLimits(self.limits).give_back(f"jobs/{owner}")

    def leave(self, owner: str, job_id: str) -> None:
        """Count a job no more."""
        self.limits.update(
            _row_of(owner), {}, discard={"jobs": {job_id}}, condition="attribute_exists(#limitId)"
        )

    def spent_this_month(self, owner: str, *, but: str = "") -> float:
        """Sum what a person's jobs of this month (UTC) have cost, or are expected to cost where they run.

        Jobs that were deleted meanwhile count on.

        Args:
            owner: The person's sub.
            but: A job that is left out.
        """
        start = _start_of_month(now_seconds())
        rows = self.jobs.rows_since(owner, int(start.timestamp() * 1000))
        removed = RemovedSpending(self.limits).of_month(owner, start)
        return removed + sum(row.cost_or_estimate_usd for row in rows if row.job_id != but)

    def _enter(self, owner: str, job_id: str, most: int) -> bool:
        entered = self.limits.update(
            _row_of(owner),
            {"expiresAt": (now_seconds() // DAY_SECONDS + _KEPT_DAYS) * DAY_SECONDS},
            add={"jobs": {job_id}},
            condition="attribute_not_exists(#jobs) OR size(#jobs) < :most OR contains(#jobs, :job)",
            values={"most": most, "job": job_id},
        )
        return entered is not None

    def _take_ended_out(self, owner: str) -> None:
        row = self.limits.get(_row_of(owner)) or {}
        for job_id in row.get("jobs", ()):
            job = self.jobs.get(job_id)
            if job is None or job.status in ENDED:
                self.leave(owner, job_id)

    @staticmethod
    def _too_many_at_once(quotas: Quotas) -> ApiError:
        jobs = "job runs" if quotas.jobs_at_once == 1 else f"{quotas.jobs_at_once} jobs run"
        return too_many(
            f"{jobs} already, which is your limit at once. Start this one when another has ended.",
            retry_after_seconds=_RETRY_AFTER_SECONDS,
        )


def _row_of(owner: str) -> dict[str, str]:
    return {"limitId": f"jobs-at-once/{owner}"}


def _start_of_month(at: float) -> datetime:
    """Give the beginning of the month (UTC) that a time, in epoch seconds, is in."""
    return datetime.fromtimestamp(at, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _seconds_to_tomorrow() -> int:
    return DAY_SECONDS - now_seconds() % DAY_SECONDS + 1


def _seconds_to_next_month() -> int:
    now = now_seconds()
    next_month = _start_of_month(_start_of_month(now).timestamp() + 32 * DAY_SECONDS)
    return int(next_month.timestamp()) - now + 1
