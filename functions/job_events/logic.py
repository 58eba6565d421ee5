"""What a job's row means for its project."""

from typing import Any

from functions.shared.jobs import ACTIVE, JobRow

PROCESSING = ("processing", 75)
DELIVERED = ("delivered", 100)
PHOTOS_UPLOADED = ("photos_uploaded", 50)


def project_changes(job: JobRow) -> dict[str, Any]:
    """Say what the project of a job shows.

    Args:
        job: The job, as its row stands: the order of events does not matter.

    Returns:
        Attributes of the project.
    """
    if job.status in ACTIVE:
        status, progress = PROCESSING
    elif job.status == "SUCCEEDED":
        status, progress = DELIVERED
    else:
        status, progress = PHOTOS_UPLOADED
    return {
        "status": status,
        "progress": progress,
        "ml": {
            "jobId": job.job_id,
            "status": job.status,
            "viewerUrl": job.viewer_url,
            "error": job.failure_sentence,
        },
        "jobCreatedAt": job.created_at,
    }
