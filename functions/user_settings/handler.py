"""Lambda handler of the settings API."""

from functools import cache
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.shared.api import SignedIn, api_handler, new_router
from functions.shared.limits import DailyLimits
from functions.shared.settings import load_settings
from functions.shared.stores import Table
from functions.shared.user_settings import SettingsStore
from functions.shared.webhook_events import WebhookQueue
from functions.user_settings.answers import ChangedSettings, SentTest, ShownSettings
from functions.user_settings.models import ChangeSettings
from functions.user_settings.service import PersonalSettings
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


@router.get("/settings")
def show_settings(caller: SignedIn) -> ShownSettings:
    """Show the caller's settings."""
    return _personal().show(caller)


@router.put("/settings")
def change_settings(request: Annotated[ChangeSettings, Body()], caller: SignedIn) -> ChangedSettings:
    """Change some of the caller's settings."""
    return _personal().change(caller, request)


@router.post("/settings/webhook/test")
def try_webhook(caller: SignedIn) -> SentTest:
    """Send a test to the caller's webhook."""
    return _personal().try_webhook(caller)


handler = api_handler(router, Settings)
