"""Deleting a job: refused while it is active, else handed to housekeeping."""

from functions.shared.claims import Caller
from functions.shared.errors import conflict, not_found
from functions.shared.housekeeping import Housekeeping
from functions.shared.jobs import ACTIVE, ENDED, JobStore, status_among
from functions.shared.project_parts import active_jobs, builds_on


def remove_job(store: JobStore, housekeeping: Housekeeping, caller: Caller, job_id: str) -> None:
    """Delete a job with its model and links; the capture stays.

    Raises:
        ApiError: 404 for a job that is not the caller's, or that is being removed; 409 while it is active, or
            another one goes on from it.
    """
    row = store.table.get({"jobId": job_id})
    if row is None or row["owner"] != caller.sub:
        raise not_found("job")
    if builds_on(active_jobs(store.table, caller.sub), {job_id}):
        raise conflict(
            "JOB_ACTIVE", "Another job goes on from this one: stop that first, or wait for its end."
        )
    has_ended, statuses = status_among(ENDED)
    removed = housekeeping.remove(
        store.table,
        {"jobId": job_id},
        action="remove_job",
        owner=caller.sub,
        condition=f"#owner = :owner AND {has_ended}",
        values={"owner": caller.sub, **statuses},
        jobId=job_id,
    )
    if not removed:
        if row["status"] in ACTIVE:
            raise conflict("JOB_ACTIVE", "This job has not ended: stop it first, or wait for its end.")
        raise not_found("job")
