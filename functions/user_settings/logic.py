"""What a change of settings does to the row, and how a row is shown."""

import base64
import secrets
from dataclasses import asdict, dataclass
from typing import Any

from functions.shared.clock import iso
from functions.shared.errors import ApiError, bad_request, conflict
from functions.shared.user_settings import Quotas, UserSettings
from functions.user_settings.answers import ShownFailure, ShownQuotas, ShownSettings, ShownWebhook
from functions.user_settings.models import ChangeSettings

SECRET_PREFIX = "whsec_"  # noqa: S105 -- what a secret begins with
SECRET_BYTES = 32
SHOWN_CHARACTERS = 4


@dataclass(frozen=True)
class Change:
    """What a request changes.

    Attributes:
        attributes: Attributes of the row to set; None removes one.
        secret: The webhook's new secret, where there is one: to be told this once.
    """

    attributes: dict[str, Any]
    secret: str | None = None


def new_secret() -> str:
    """Make a secret to sign posts with."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def change_of(settings: UserSettings, request: ChangeSettings) -> Change:
    """Say what a request changes.

    Args:
        settings: The settings as they stand.
        request: What was asked; what it leaves out stays.

    Returns:
        The change.

    Raises:
        ApiError: 400 when it asks for nothing, 409 when it asks for a new secret of no webhook.
    """
    attributes: dict[str, Any] = {}
    if request.mail_notices is not None:
        attributes["mailNotices"] = request.mail_notices
    if request.removes_webhook:
        attributes |= dict.fromkeys(("webhookUrl", "webhookSecret", "webhookActive", "webhookFailure"))
    elif request.webhook is not None:
        attributes |= {"webhookUrl": request.webhook.url, "webhookActive": True, "webhookFailure": None}
    url = attributes.get("webhookUrl", settings.webhook_url)
    if request.rotate_secret and url is None:
        raise no_webhook()
    secret = None
    if url is not None and (request.rotate_secret or settings.webhook_secret is None):
        secret = attributes["webhookSecret"] = new_secret()
    if not attributes:
        raise bad_request("NOTHING_TO_CHANGE", "Name at least one of mailNotices, webhook, rotateSecret.")
    return Change(attributes, secret)


def show(settings: UserSettings, defaults: Quotas) -> ShownSettings:
    """Show settings to their owner.

    Args:
        settings: The row.
        defaults: Quotas of everybody.

    Returns:
        The answer; of the secret it has the end alone.
    """
    failure = settings.webhook_failure
    return ShownSettings(
        mail_notices=settings.mail_notices,
        webhook=_webhook(settings),
        webhook_failure=ShownFailure(at=iso(failure.at), reason=failure.reason) if failure else None,
        quotas=ShownQuotas(**asdict(settings.quotas_over(defaults))),
        version=settings.version,
    )


def _webhook(settings: UserSettings) -> ShownWebhook | None:
    if settings.webhook_url is None:
        return None
    return ShownWebhook(
        url=settings.webhook_url,
        active=settings.webhook_active,
        secret_ending=(settings.webhook_secret or "")[-SHOWN_CHARACTERS:],
    )


def no_webhook() -> ApiError:
    """409: there is no webhook that it could be about."""
    return conflict("NO_WEBHOOK", "There is no webhook, or it is switched off: set its URL first.")
