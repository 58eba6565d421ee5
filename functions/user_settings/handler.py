"""Lambda handler of the settings API."""

from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.shared.api import build_api, caller_of, new_router, parse_body
from functions.shared.limits import DailyLimits
from functions.shared.observability import logger, tracer
from functions.shared.settings import load_settings
from functions.shared.stores import Table
from functions.shared.user_settings import SettingsStore
from functions.shared.webhook_events import WebhookQueue
from functions.user_settings.models import ChangeSettings
from functions.user_settings.service import Answer, PersonalSettings
from functions.user_settings.settings import Settings

router = new_router()


@cache
def _personal() -> PersonalSettings:
    settings = load_settings(Settings)
    return PersonalSettings(
        store=SettingsStore(Table(settings.settings_table)),
        limits=DailyLimits(Table(settings.limits_table)),
        webhooks=WebhookQueue(settings.webhook_queue_url),
        default_quotas=settings.default_quotas,
    )


@cache
def _api() -> APIGatewayRestResolver:
    return build_api(router, load_settings(Settings).allowed_origins)


@router.get("/settings")
def show_settings() -> Answer:
    """Show the caller's settings."""
    return _personal().show(caller_of(router.current_event))


@router.put("/settings")
def change_settings() -> Answer:
    """Change some of the caller's settings."""
    event = router.current_event
    return _personal().change(caller_of(event), parse_body(event, ChangeSettings))


@router.post("/settings/webhook/test")
def test_webhook() -> Answer:
    """Send a test to the caller's webhook."""
    return _personal().test_webhook(caller_of(router.current_event))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of the settings API."""
    return _api().resolve(event, context)
