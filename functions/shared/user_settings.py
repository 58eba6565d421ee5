"""The settings table: one row per person, with what the person has set and what staff have granted.

A person without a row has the defaults. Staff write `quotas`, a map of any of the three, by hand: a value in
it that makes no sense is an error of every call that reads it, and not a limit that silently does not hold.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from functions.shared.settings import EnvSettings
from functions.shared.stores import Table


@dataclass(frozen=True)
class Quotas:
    """What a person may use.

    Attributes:
        jobs_at_once: Jobs that run or wait at the same time.
        jobs_per_day: Jobs started in a day (UTC).
        spend_per_month_usd: What the jobs of a month (UTC) may cost, in US dollars.
    """

    jobs_at_once: int
    jobs_per_day: int
    spend_per_month_usd: int


class QuotaSettings(EnvSettings):
    """Environment of functions that look at quotas: what people have whose row grants nothing else."""

    quota_jobs_at_once: int = Field(ge=0)
    quota_jobs_per_day: int = Field(ge=0)
    quota_spend_per_month_usd: int = Field(ge=0)

    @property
    def default_quotas(self) -> Quotas:
        """The quotas of everybody."""
        return Quotas(
            jobs_at_once=self.quota_jobs_at_once,
            jobs_per_day=self.quota_jobs_per_day,
            spend_per_month_usd=self.quota_spend_per_month_usd,
        )


class _Row(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore", strict=True
    )


class GrantedQuotas(_Row):
    """Quotas that staff have granted one person; None is everybody's."""

    jobs_at_once: int | None = Field(default=None, ge=0)
    jobs_per_day: int | None = Field(default=None, ge=0)
    spend_per_month_usd: int | None = Field(default=None, ge=0)


class WebhookFailure(_Row):
    """Why the webhook was last given up, or was switched off.

    Attributes:
        at: Epoch milliseconds.
        reason: A sentence for the person.
    """

    at: int
    reason: str


class UserSettings(_Row):
    """A person's row.

    Attributes:
        mail_notices: Whether the ends of jobs are mailed.
        webhook_url: Where they are posted; None where nowhere.
        webhook_secret: What posts are signed with; there as long as a URL is.
        webhook_active: False once the receiver has said that it is gone.
        webhook_failure: Of the last event that could not be delivered, until one is.
        quotas: What staff have granted.
        version: Counts changes; 0 before the first.
    """

    mail_notices: bool = True
    webhook_url: str | None = None
    webhook_secret: str | None = None
    webhook_active: bool = True
    webhook_failure: WebhookFailure | None = None
    quotas: GrantedQuotas = GrantedQuotas()
    version: int = 0

    @property
    def has_webhook(self) -> bool:
        """Whether anything is posted."""
        return self.webhook_url is not None and self.webhook_active

    def quotas_over(self, defaults: Quotas) -> Quotas:
        """Say what the person may use.

        Args:
            defaults: Quotas of everybody.

        Returns:
            What is granted, and the defaults for the rest.
        """
        granted = self.quotas
        return Quotas(
            jobs_at_once=_or(granted.jobs_at_once, defaults.jobs_at_once),
            jobs_per_day=_or(granted.jobs_per_day, defaults.jobs_per_day),
            spend_per_month_usd=_or(granted.spend_per_month_usd, defaults.spend_per_month_usd),
        )


def _or(granted: int | None, default: int) -> int:
    return default if granted is None else granted


@dataclass(frozen=True)
class SettingsStore:
    """The settings of all people."""

    table: Table

    def read(self, owner: str) -> UserSettings:
        """Read a person's settings; the defaults where there is no row."""
        return UserSettings.model_validate(self.table.get({"userSub": owner}) or {})

    def change(self, owner: str, changes: dict[str, Any], *, version: int) -> UserSettings | None:
        """Change a person's settings, which are as they were read.

        Args:
            owner: The person's `sub`.
            changes: Attributes to set; None removes one.
            version: The version that was read.

        Returns:
            The settings afterwards; None when they have been changed since.
        """
        # Staff may have made the row, by granting quotas, before its owner first changed anything.
        item = self.table.update(
            {"userSub": owner},
            changes,
            add={"version": 1},
            condition="#version = :version" if version else "attribute_not_exists(#version)",
            values={"version": version} if version else None,
            signed="lastChange",
        )
        return UserSettings.model_validate(item) if item else None

    def note_failure(self, owner: str, url: str, failure: WebhookFailure) -> None:
        """Note that an event was given up, unless the webhook is another one by now."""
        self._note(owner, url, {"webhookFailure": failure.model_dump(by_alias=True)})

    def switch_webhook_off(self, owner: str, url: str, failure: WebhookFailure) -> None:
        """Post nothing more to a webhook, unless it is another one by now."""
        changes = {"webhookActive": False, "webhookFailure": failure.model_dump(by_alias=True)}
        # A change of what the person has set: who has read the settings before must see it first.
        self._note(owner, url, changes, add={"version": 1})

    def forget_failure(self, owner: str, url: str) -> None:
        """Take the note of a failure away, once an event was delivered."""
        self._note(owner, url, {"webhookFailure": None})

    def _note(
        self, owner: str, url: str, changes: dict[str, Any], *, add: dict[str, int] | None = None
    ) -> None:
        self.table.update(
            {"userSub": owner}, changes, add=add, condition="#webhookUrl = :url", values={"url": url}
        )
