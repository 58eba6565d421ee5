"""Lambda handler of the invites API."""

from functools import cache
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.invites.invitations import Invitations
from functions.invites.models import Invite, Invited
from functions.invites.people import People
from functions.invites.settings import Settings
from functions.shared.answers import or_refused
from functions.shared.api import SignedIn, api_handler, new_router
from functions.shared.limits import DailyLimits
from functions.shared.mail import Sender
from functions.shared.settings import load_settings
from functions.shared.stores import Table

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
        limits=DailyLimits(Table(settings.limits_table)),
        mail_from=Sender(settings.mail_from, settings.mail_configuration_set),
    )


@router.post(
    "/invite", responses=or_refused(Invited, {HTTPStatus.FORBIDDEN: "The caller may not invite people."})
)
def invite(request: Annotated[Invite, Body()], caller: SignedIn) -> Invited:
    """Invite a person."""
    _invitations().admit(caller)
    return Invited.model_validate(_invitations().invite(caller, request))


handler = api_handler(router, Settings)
