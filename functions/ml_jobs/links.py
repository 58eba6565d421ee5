"""Links to a job's model: nobody sees a model without one."""

from dataclasses import dataclass

from functions.ml_jobs.answers import ModelLink, ModelLinks
from functions.ml_jobs.models import ShareModel
from functions.shared.clock import iso, now_ms
from functions.shared.errors import conflict, not_found
from functions.shared.jobs import JobRow, JobStore
from functions.shared.links import KEPT_SECONDS, Link, LinkStore, new_token

MAX_LINKS = 100
"""Of one model that still open."""


@dataclass(frozen=True)
class Links:
    """Makes, lists and withdraws links.

    Attributes:
        store: The links table.
        jobs: The jobs table.
        delivery_url: Where links are opened, without a slash at the end.
    """

    store: LinkStore
    jobs: JobStore
    delivery_url: str

    def of(self, job: JobRow) -> ModelLinks:
        """List a model's links, the newest first; those withdrawn or ended are shown for a month."""
        links = self.store.of_job(job.job_id, job.owner)
        return ModelLinks(links=[self._describe(link, job) for link in links])

    def share(self, job: JobRow, request: ShareModel) -> ModelLink:
        """Make a link.

        Raises:
            ApiError: 409 while there is no model, or when it has many links already.
        """
        if job.published_at is None:
            raise conflict("NO_MODEL", "This job has no model yet: share it when it is ready.")
        now = now_ms()
        opening = [link for link in self.store.of_job(job.job_id, job.owner) if link.opens(now // 1000)]
        if len(opening) >= MAX_LINKS:
            raise conflict("TOO_MANY_LINKS", f"A model has at most {MAX_LINKS} links: withdraw some first.")
        ends_at = None if request.expires_in_seconds is None else now // 1000 + request.expires_in_seconds
        link = Link(
            token=new_token(),
            job_id=job.job_id,
            owner=job.owner,
            created_at=now,
            label=request.label,
            ends_at=ends_at,
            expires_at=None if ends_at is None else ends_at + KEPT_SECONDS,
        )
        self.store.add(link)
        return self._describe(link, job)

    def revoke(self, job: JobRow, token: str) -> ModelLink:
        """Withdraw a link; withdrawing it again is no error. Who has it open sees the model for minutes more.

        Raises:
            ApiError: 404 when the job has no such link.
        """
        link = self.store.revoke(token, job.job_id, job.owner, now_ms())
        if link is None:
            raise not_found("link")
        if token == job.link_token:
            self.jobs.forget_viewer_url(job.job_id)
        return self._describe(link, job)

    def _describe(self, link: Link, job: JobRow) -> ModelLink:
        if link.revoked_at is not None:
            state = "revoked"
        else:
            state = "open" if link.opens(now_ms() // 1000) else "expired"
        return ModelLink.model_validate(
            {
                "linkId": link.token,
                "url": f"{self.delivery_url}/open/{link.token}",
                "kind": "mailed" if link.token == job.link_token else "shared",
                "label": link.label,
                "state": state,
                "createdAt": iso(link.created_at),
                "expiresAt": None if link.ends_at is None else iso(link.ends_at * 1000),
            }
        )
