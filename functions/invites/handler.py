"""Lambda handler of the invites API."""

from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.invites.invitations import Answer, Invitations
from functions.invites.models import Invite
from functions.invites.people import People
from functions.invites.settings import Settings
from functions.shared.api import build_api, caller_of, new_router, parse_body
from functions.shared.observability import logger, tracer
from functions.shared.settings import load_settings

router = new_router()


@cache
def _invitations() -> Invitations:
    settings = load_settings(Settings)
    return Invitations(
        people=People(settings.user_pool_id),
        invited_group=settings.invited_group,
        admin_group=settings.admin_group,
        handle_required=settings.handle_required == "true",
        sign_in_url=settings.sign_in_url,
        mail_from=settings.mail_from,
    )


@cache
def _api() -> APIGatewayRestResolver:
    return build_api(router, load_settings(Settings).allowed_origins)


@router.post("/invite")
def invite() -> Answer:
    """Invite a person."""
    event = router.current_event
    caller = caller_of(event)
    _invitations().admit(caller)
    return _invitations().invite(caller, parse_body(event, Invite))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of the invites API."""
    return _api().resolve(event, context)
