"""What becomes of an event: delivered, tried again later, or given up."""

import json
from dataclasses import dataclass
from http import HTTPStatus

from functions.shared.clock import iso, now_ms, now_seconds
from functions.shared.observability import logger
from functions.shared.user_settings import SettingsStore, WebhookFailure
from functions.shared.webhook_events import WebhookEvent
from functions.shared.webhook_urls import parse_webhook_url
from functions.webhooks.post import NotDeliveredError, Poster
from functions.webhooks.signature import signed_headers

DELAYS_SECONDS = (60, 5 * 60, 30 * 60, 2 * 3600, 6 * 3600)
"""How long to wait after each try but the last."""
AT_ONCE = 0
GONE_SENTENCE = "The receiver answered 410 (Gone), so the webhook was switched off."


@dataclass(frozen=True)
class Deliveries:
    """Delivers events.

    Attributes:
        settings: Where webhooks stand.
        poster: What posts.
        delays_seconds: How long to wait after each try but the last.
    """

    settings: SettingsStore
    poster: Poster
    delays_seconds: tuple[int, ...] = DELAYS_SECONDS

    def deliver(self, event: WebhookEvent, tries: int) -> int | None:
        """Try to deliver an event to the webhook that its owner has now.

        Args:
            event: The event.
            tries: How often it was tried, this time included.

        Returns:
            None when nothing is left to do; else after how many seconds its message is to come again. After
            the last try that is at once: the queue then gives it up.
        """
        settings = self.settings.read(event.owner)
        url, secret = settings.webhook_url, settings.webhook_secret
        if url is None or secret is None or not settings.webhook_active:
            return None
        status, reason = self._post(event, url, secret)
        if status is not None and HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            logger.info("webhook delivered", extra={"event_id": event.id, "tries": tries})
            if settings.webhook_failure:
                self.settings.forget_failure(event.owner, url)
            return None
        if status == HTTPStatus.GONE:
            logger.info("webhook switched off", extra={"event_id": event.id})
            self.settings.switch_webhook_off(event.owner, url, _failure(GONE_SENTENCE))
            return None
        logger.info("webhook not delivered", extra={"event_id": event.id, "tries": tries, "reason": reason})
        if tries <= len(self.delays_seconds):
            return self.delays_seconds[tries - 1]
        self.settings.note_failure(event.owner, url, _failure(reason))
        return AT_ONCE

    def _post(self, event: WebhookEvent, url: str, secret: str) -> tuple[int | None, str]:
        """Post an event; give the status of the answer, if one came, and what is wrong with it."""
        body = body_of(event)
        headers = signed_headers(event.id, body, secret=secret, now=now_seconds())
        try:
            status = self.poster.post(parse_webhook_url(url), body, headers)
        except NotDeliveredError as error:
            return None, str(error)
        redirects = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
        return status, f"The receiver answered {status}{': redirects are not followed' if redirects else ''}."


def body_of(event: WebhookEvent) -> bytes:
    """Write what is posted about an event; the same at every try."""
    document = {"id": event.id, "type": event.type, "createdAt": iso(event.created_at), "data": event.data}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def _failure(reason: str) -> WebhookFailure:
    return WebhookFailure(at=now_ms(), reason=reason)
