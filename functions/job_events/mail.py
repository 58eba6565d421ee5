"""The mail that tells how a job ended."""

from functions.shared.amounts import about_dollars, duration
from functions.shared.jobs import JobRow
from functions.shared.mail import Button, Mail, compose


def mail_about(job: JobRow) -> Mail:
    """Write the mail about a job that has ended.

    Args:
        job: The job.

    Returns:
        The mail: with the viewer's address for a model, else with the reason and the next step.
    """
    if job.status == "SUCCEEDED" and job.viewer_url:
        return compose(
            "Your 3D model is ready",
            ["Your photos have become a 3D model.", *_figures(job), *_took(job)],
            button=Button("Open the model", job.viewer_url),
            closing=f"Job {job.job_id}",
        )
    stopped = job.status == "ABORTED"
    subject = "Your 3D model was stopped" if stopped else "Your 3D model could not be made"
    sentences = [job.failure_sentence or "Something went wrong on our side.", job.failure_next_step or ""]
    sentences += _took(job)
    return compose(subject, [part for part in sentences if part], closing=f"Job {job.job_id}")


def _figures(job: JobRow) -> list[str]:
    result = job.result or {}
    if not result.get("photos") or not result.get("registered"):
        return []
    return [f"{result['registered']} of {result['photos']} photos were used."]


def _took(job: JobRow) -> list[str]:
    """Say what the job took, where its machines and their prices are known."""
    if not job.machines or job.ended_at is None:
        return []
    taken = duration((job.ended_at - (job.started_at or job.created_at)) / 1000)
    if any(use.usd is None for use in job.machines):
        return [f"It took {taken}."]
    return [f"It took {taken} and cost {about_dollars(sum(use.usd or 0.0 for use in job.machines))}."]
