"""Lambda handler of the waitlist and of feedback, which are open to everybody."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.shared.api import build_api, new_router, parse_body, source_ip_of
from functions.shared.limits import DailyLimits
from functions.shared.observability import logger, tracer
from functions.shared.settings import load_settings
from functions.shared.stores import Table
from functions.waitlist.forms import Forms
from functions.waitlist.logic import sender_network
from functions.waitlist.models import GiveFeedback, JoinWaitlist
from functions.waitlist.settings import Settings
from functions.waitlist.store import WaitlistStore

ANSWER_SECONDS = 1.0
"""How long a sign-up takes at least: a new one sends mails, and a quick answer would say that it is none."""
Answer = dict[str, Any]
router = new_router()


@cache
def _forms() -> Forms:
    settings = load_settings(Settings)
    return Forms(
        waitlist=WaitlistStore(Table(settings.waitlist_table)),
        feedback=Table(settings.feedback_table),
        limits=DailyLimits(Table(settings.limits_table)),
        mail_from=settings.mail_from,
        staff_email=settings.staff_email,
    )


@cache
def _api() -> APIGatewayRestResolver:
    return build_api(router, load_settings(Settings).allowed_origins)


@router.post("/waitlist")
def join_waitlist() -> Answer:
    """Put a person on the waitlist; the answer is the same whether or not the person was there."""
    request = parse_body(router.current_event, JoinWaitlist)
    with _taking(ANSWER_SECONDS):
        _forms().join(request, _sender())
    return {"message": "You are on the waitlist.", "email": request.email}


@router.post("/feedback")
def give_feedback() -> Answer:
    """Keep what a person says."""
    request = parse_body(router.current_event, GiveFeedback)
    _forms().give_feedback(request, _sender())
    return {"success": True, "message": "Thank you for your feedback."}


def _sender() -> str:
    return sender_network(source_ip_of(router.current_event))


@contextmanager
def _taking(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    yield
    time.sleep(max(0.0, end - time.monotonic()))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of the waitlist API."""
    return _api().resolve(event, context)
