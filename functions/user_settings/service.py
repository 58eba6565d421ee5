"""What the settings API does: show settings, change them, and try the webhook."""

import uuid
from dataclasses import dataclass

from functions.shared.claims import Caller
from functions.shared.clock import now_ms
from functions.shared.errors import ApiError, conflict, too_many
from functions.shared.limits import DAY_SECONDS, DailyLimits
from functions.shared.observability import logger
from functions.shared.user_settings import Quotas, SettingsStore
from functions.shared.webhook_events import WebhookEvent, WebhookQueue
from functions.user_settings.answers import ChangedSettings, SentTest, ShownSettings
from functions.user_settings.logic import change_of, no_webhook, show
from functions.user_settings.models import ChangeSettings

TESTS_PER_DAY = 50
"""Each is up to six posts, to an address that nobody has shown to be the person's own."""


@dataclass(frozen=True)
class PersonalSettings:
    """Everybody's settings.

    Attributes:
        store: The settings table.
        limits: Counts of the day.
        webhooks: What webhooks are told.
        default_quotas: What people have whose row grants nothing else.
    """

    store: SettingsStore
    limits: DailyLimits
    webhooks: WebhookQueue
    default_quotas: Quotas

    def show(self, caller: Caller) -> ShownSettings:
        """Show the caller's settings."""
        return show(self.store.read(caller.sub), self.default_quotas)

    def change(self, caller: Caller, request: ChangeSettings) -> ChangedSettings:
        """Change the caller's settings.

        Returns:
            The settings afterwards, and the webhook's secret where it is a new one.

        Raises:
            ApiError: 400 when the request asks for nothing, 409 when the settings are not as they were read,
                or there is no webhook to make a secret for.
        """
        settings = self.store.read(caller.sub)
        if request.version is not None and request.version != settings.version:
            raise _changed_meanwhile()
        change = change_of(settings, request)
        changed = self.store.change(caller.sub, change.attributes, version=settings.version)
        if changed is None:
            raise _changed_meanwhile()
        logger.info("settings changed", extra={"changed": sorted(change.attributes)})
        shown = show(changed, self.default_quotas)
        return ChangedSettings(**dict(shown), webhook_secret=change.secret)

    def try_webhook(self, caller: Caller) -> SentTest:
        """Send an event to the caller's webhook as a job's end would be sent.

        Returns:
            The event's id.

        Raises:
            ApiError: 409 when there is no webhook, 429 after too many tests in a day.
        """
        if not self.store.read(caller.sub).has_webhook:
            raise no_webhook()
        if not self.limits.take(f"webhook-test/{caller.sub}", TESTS_PER_DAY):
            raise too_many("This webhook was tested often today.", retry_after_seconds=DAY_SECONDS)
        event = WebhookEvent(
            id=f"test-{uuid.uuid4()}", type="webhook.test", owner=caller.sub, created_at=now_ms(), data={}
        )
        self.webhooks.put(event)
        return SentTest(event_id=event.id, message="The test is on its way.")


def _changed_meanwhile() -> ApiError:
    return conflict("VERSION_CONFLICT", "The settings were changed meanwhile: read them again first.")
