"""Requests of the settings API."""

from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, model_validator

from functions.shared.api import ApiModel
from functions.shared.webhook_urls import parse_webhook_url


def _allowed(text: str) -> str:
    parse_webhook_url(text)
    return text


class Webhook(ApiModel):
    """Where the ends of jobs are posted."""

    url: Annotated[str, AfterValidator(_allowed)]


class ChangeSettings(ApiModel):
    """What may be changed; what is left out stays, and a webhook of null is removed.

    Attributes:
        mail_notices: Whether the ends of jobs are mailed.
        webhook: Where they are posted.
        rotate_secret: Make a new secret for the webhook.
        version: Makes the change conditional: it must be the one that was read.
    """

    mail_notices: StrictBool | None = None
    webhook: Webhook | None = None
    rotate_secret: StrictBool = False
    version: int | None = Field(default=None, ge=0)

    @property
    def removes_webhook(self) -> bool:
        """Whether the request says that there is to be no webhook."""
        return "webhook" in self.model_fields_set and self.webhook is None

    @model_validator(mode="after")
    def one_thing_with_the_webhook(self) -> "ChangeSettings":
        """Refuse a new secret for a webhook that goes."""
        if self.removes_webhook and self.rotate_secret:
            raise ValueError("rotateSecret: not together with a webhook of null")
        return self
