"""The links table: who has a link's token may see one model, until the link ends or is withdrawn."""

import secrets
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from functions.shared.stores import Table
from functions.shared.tables import JOB_INDEX

TOKEN_BYTES = 32
KEPT_SECONDS = 30 * 24 * 3600
"""How long a link that opens no longer is remembered: its visitors are told so, and not that it never was."""


class Link(BaseModel):
    """A link.

    Attributes:
        token: What its address ends in.
        owner: Who may withdraw it.
        created_at: Epoch milliseconds.
        label: What its owner calls it.
        ends_at: Epoch seconds from which it opens no longer; None for never.
        revoked_at: Epoch milliseconds of its withdrawal.
        expires_at: Epoch seconds from which its row may go; None while it may open.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    token: str
    job_id: str
    owner: str
    created_at: int
    label: str = ""
    ends_at: int | None = None
    revoked_at: int | None = None
    expires_at: int | None = None

    def opens(self, now: int) -> bool:
        """Tell whether it opens its model, now in epoch seconds."""
        return self.revoked_at is None and (self.ends_at is None or self.ends_at > now)


def new_token() -> str:
    """Make a token that nobody guesses: 256 random bits in 43 characters of base64."""
    return secrets.token_urlsafe(TOKEN_BYTES)


@dataclass(frozen=True)
class LinkStore:
    """All links."""

    table: Table

    def add(self, link: Link) -> bool:
        """Write a new link; False when its token is taken."""
        return self.table.put_new(link.model_dump(by_alias=True), key="token")

    def get(self, token: str) -> Link | None:
        """Read a link."""
        item = self.table.get({"token": token})
        return Link.model_validate(item) if item else None

    def of_job(self, job_id: str, owner: str) -> list[Link]:
        """Read all links of a job, the newest first."""
        page = self.table.query("#jobId = :job", {"job": job_id}, index=JOB_INDEX, newest_first=True)
        return [link for link in map(Link.model_validate, page.items) if link.owner == owner]

    def revoke(self, token: str, job_id: str, owner: str, now_ms: int) -> Link | None:
        """Withdraw a link; None when the owner has no such link of this job."""
        item = self.table.update(
            {"token": token},
            {"expiresAt": now_ms // 1000 + KEPT_SECONDS},
            defaults={"revokedAt": now_ms},
            condition="#jobId = :job AND #owner = :owner",
            values={"job": job_id, "owner": owner},
        )
        return Link.model_validate(item) if item else None
