"""Requests of the invites API, with the field names that existing clients know."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from functions.shared.api import AnswerModel, ApiModel, OneLine
from functions.shared.fields import BlankIsNone
from functions.shared.mail_address import MailAddress

PersonName = Annotated[OneLine, Field(max_length=100)]
Handle = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{1,39}$")]
Group = Annotated[str, Field(max_length=128)]


class Invite(ApiModel):
    """An invitation.

    Attributes:
        email: Whom.
        name: For the greeting.
        group: The group that the person joins; the pool's own when missing.
        handle: The person's public name.
        email_verified: Always true: the invitation itself goes to the address, and people sign in with it.
        resend: Send an invitation that was not taken up again, with a new password.
        suppress: Make the account and send nothing; `resend` sends the invitation later.
    """

    email: MailAddress
    name: Annotated[PersonName | None, BlankIsNone()] = None
    group: Annotated[Group | None, BlankIsNone()] = None
    handle: Annotated[Handle | None, BlankIsNone()] = None
    email_verified: bool = True
    resend: bool = False
    suppress: bool = False

    @field_validator("email_verified")
    @classmethod
    def _is_verified(cls, value: bool) -> bool:
        if not value:
            raise ValueError("must be true: people sign in with the address that their invitation goes to")
        return value

    @model_validator(mode="after")
    def _mail_or_none(self) -> "Invite":
        if self.resend and self.suppress:
            raise ValueError("resend and suppress exclude each other")
        return self


class Invited(AnswerModel):
    """What has become of an invitation."""

    message: str
    email: str
    group: str
    handle: str | None
