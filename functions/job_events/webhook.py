"""What a webhook is told about the end of a job."""

from functions.shared.clock import now_ms
from functions.shared.job_names import ExecutionName
from functions.shared.jobs import JobRow
from functions.shared.webhook_events import EventType, WebhookEvent

_TYPES: dict[str, EventType] = {"SUCCEEDED": "job.succeeded", "ABORTED": "job.stopped"}


def event_about(job: JobRow) -> WebhookEvent:
    """Write the event about a job that has ended.

    Args:
        job: The job.

    Returns:
        The event; its id is the execution's name, so that it is the same however often it is written.
    """
    return WebhookEvent(
        id=str(ExecutionName(job.job_id, job.attempt)),
        type=_TYPES.get(job.status, "job.failed"),
        owner=job.owner,
        created_at=job.ended_at or now_ms(),
        data={
            "jobId": job.job_id,
            "projectId": job.project_id,
            "status": job.status,
            "viewerUrl": job.viewer_url,
            "error": job.failure_sentence,
        },
    )
