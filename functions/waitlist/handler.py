"""Lambda handler of the waitlist and of feedback, which are open to everybody."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.shared.api import SourceIp, api_handler, new_router
from functions.shared.limits import DailyLimits
from functions.shared.mail import Sender
from functions.shared.settings import load_settings
from functions.shared.stores import Table
from functions.waitlist.forms import Forms
from functions.waitlist.logic import sender_network
from functions.waitlist.models import FeedbackGiven, GiveFeedback, JoinedWaitlist, JoinWaitlist
from functions.waitlist.settings import Settings
from functions.waitlist.store import WaitlistStore

ANSWER_SECONDS = 1.0
"""How long a sign-up takes at least: a new one sends mails, and a quick answer would say that it is none."""
router = new_router()


@cache
def _forms() -> Forms:
    settings = load_settings(Settings)
    return Forms(
        waitlist=WaitlistStore(Table(settings.waitlist_table)),
        feedback=Table(settings.feedback_table),
        limits=DailyLimits(Table(settings.limits_table)),
        mail_from=Sender(settings.mail_from, settings.mail_configuration_set),
        staff_email=settings.staff_email,
    )


@router.post("/waitlist")
def join_waitlist(request: Annotated[JoinWaitlist, Body()], source_ip: SourceIp) -> JoinedWaitlist:
    """Put a person on the waitlist; the answer is the same whether or not the person was there."""
    with _taking(ANSWER_SECONDS):
        _forms().join(request, sender_network(source_ip))
    return JoinedWaitlist(message="You are on the waitlist.", email=request.email)


@router.post("/feedback")
def give_feedback(request: Annotated[GiveFeedback, Body()], source_ip: SourceIp) -> FeedbackGiven:
    """Keep what a person says."""
    _forms().give_feedback(request, sender_network(source_ip))
    return FeedbackGiven(message="Thank you for your feedback.")


@contextmanager
def _taking(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    try:
        yield
    finally:
        time.sleep(max(0.0, end - time.monotonic()))


handler = api_handler(router, Settings, public=True)
