"""The mail that tells how a job ended."""

from dataclasses import dataclass
from html import escape

from functions.shared.jobs import JobRow


@dataclass(frozen=True)
class Mail:
    """A mail's subject and its body twice: as plain text and as HTML."""

    subject: str
    text: str
    html: str


def mail_about(job: JobRow) -> Mail:
    """Write the mail about a job that has ended.

    Args:
        job: The job.

    Returns:
        The mail: with the viewer's address for a model, else with the reason and the next step.
    """
    if job.status == "SUCCEEDED" and job.viewer_url:
        return _compose(
            "Your 3D model is ready",
            ["Your photos have become a 3D model.", *_figures(job)],
            link=job.viewer_url,
            reference=job.job_id,
        )
    stopped = job.status == "ABORTED"
    subject = "Your 3D model was stopped" if stopped else "Your 3D model could not be made"
    sentences = [job.failure_sentence or "Something went wrong on our side.", job.failure_next_step or ""]
    return _compose(subject, [part for part in sentences if part], link=None, reference=job.job_id)


def _figures(job: JobRow) -> list[str]:
    result = job.result or {}
    if not result.get("photos") or not result.get("registered"):
        return []
    return [f"{result['registered']} of {result['photos']} photos were used."]


def _compose(subject: str, paragraphs: list[str], *, link: str | None, reference: str) -> Mail:
    closing = f"Job {reference}"
    opening = [f"Open it here: {link}"] if link else []
    text = "\n\n".join([*paragraphs, *opening, closing]) + "\n"
    button = (
        f'<p><a href="{escape(link)}" style="background:#0b6bcb;color:#fff;padding:12px 20px;'
        f'border-radius:6px;text-decoration:none;display:inline-block">Open the model</a></p>'
        f'<p style="font-size:13px"><a href="{escape(link)}">{escape(link)}</a></p>'
        if link
        else ""
    )
    body = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    html = (
        '<!doctype html><html lang="en"><body style="font-family:sans-serif;max-width:560px;margin:24px auto;'
        f'padding:0 16px;line-height:1.5"><h1 style="font-size:22px">{escape(subject)}</h1>{body}{button}'
        f'<p style="color:#666;font-size:12px">{escape(closing)}</p></body></html>'
    )
    return Mail(subject=subject, text=text, html=html)
