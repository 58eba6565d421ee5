"""Answers of the settings API."""

from functions.shared.api import AnswerModel


class ShownWebhook(AnswerModel):
    """Where the ends of jobs are posted.

    Attributes:
        active: False once the receiver has said that it is gone; setting the URL again turns it on.
        secret_ending: The last characters of the secret that posts are signed with.
    """

    url: str
    active: bool
    secret_ending: str


class ShownFailure(AnswerModel):
    """Why the webhook was last given up, or was switched off.

    Attributes:
        at: ISO 8601, UTC.
        reason: A sentence.
    """

    at: str
    reason: str


class ShownQuotas(AnswerModel):
    """What a person may use.

    Attributes:
        jobs_at_once: Jobs that run or wait at the same time.
        jobs_per_day: Jobs started in a day (UTC).
        spend_per_month_usd: What the jobs of a month (UTC) may cost.
    """

    jobs_at_once: int
    jobs_per_day: int
    spend_per_month_usd: int


class ShownSettings(AnswerModel):
    """A person's settings.

    Attributes:
        mail_notices: Whether the ends of jobs are mailed.
        webhook_failure: Of the last event that could not be delivered, until one is.
        quotas: Only read here.
        version: Counts changes; 0 before the first.
    """

    mail_notices: bool
    webhook: ShownWebhook | None
    webhook_failure: ShownFailure | None
    quotas: ShownQuotas
    version: int


class ChangedSettings(ShownSettings):
    """A person's settings after a change.

    Attributes:
        webhook_secret: The webhook's secret where this change made it: it is told this once.
    """

    webhook_secret: str | None


class SentTest(AnswerModel):
    """A test that is on its way to the webhook."""

    event_id: str
    message: str
