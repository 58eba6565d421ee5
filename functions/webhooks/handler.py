"""Lambda handler of the queue of webhook events."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.shared.observability import logger, tracer
from functions.shared.settings import load_settings
from functions.shared.stores import Table
from functions.shared.user_settings import SettingsStore
from functions.shared.webhook_events import WebhookEvent, WebhookQueue
from functions.webhooks.delivery import Deliveries
from functions.webhooks.post import Poster
from functions.webhooks.settings import Settings

Failures = list[dict[str, str]]


@cache
def _deliveries() -> Deliveries:
    return Deliveries(SettingsStore(Table(load_settings(Settings).settings_table)), Poster())


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Failures]:
    """Deliver events; answer which of their messages are to come again."""
    queue = WebhookQueue(load_settings(Settings).webhook_queue_url)
    failures = []
    for record in event["Records"]:
        tries = int(record["attributes"]["ApproximateReceiveCount"])
        again_after = _deliveries().deliver(WebhookEvent.model_validate_json(record["body"]), tries)
        if again_after is not None:
            queue.hide(record["receiptHandle"], again_after)
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}
