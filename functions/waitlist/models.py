"""Requests of the waitlist API, with the field names that existing clients know."""

from typing import Annotated, Literal

from pydantic import Field

from functions.shared.api import AnswerModel, ApiModel, OneLine
from functions.shared.mail_address import MailAddress

MAX_MESSAGE_CHARACTERS = 5_000


class JoinWaitlist(ApiModel):
    """A person wants to be told when there is a place."""

    name: Annotated[OneLine, Field(min_length=1, max_length=100)]
    email: MailAddress


class GiveFeedback(ApiModel):
    """A person says something; `source` is the page that it was said on."""

    message: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE_CHARACTERS)]
    source: Annotated[OneLine, Field(max_length=200)] = ""


class JoinedWaitlist(AnswerModel):
    """The person is on the waitlist, now or since long."""

    message: str
    email: str


class FeedbackGiven(AnswerModel):
    """It is kept."""

    success: Literal[True] = True
    message: str
