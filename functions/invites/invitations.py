"""What becomes of an invitation."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from functions.invites.logic import temporary_password
from functions.invites.mail import invitation
from functions.invites.models import Invite
from functions.invites.people import People, Person
from functions.shared.claims import Caller
from functions.shared.errors import ApiError, bad_request, busy, conflict, forbidden, too_many
from functions.shared.limits import DAY_SECONDS, DailyLimits
from functions.shared.mail import MailNotSentError, Sender, send
from functions.shared.observability import logger

INVITATIONS_A_DAY = 200
"""Requests of one administrator: a stolen token, or a script gone wrong, fills no pool."""
MAILS_A_DAY = 5
"""Invitations to one mailbox."""
Answer = dict[str, Any]


@dataclass(frozen=True)
class Invitations:
    """Invites people to one pool.

    Attributes:
        people: The pool's people.
        invited_group: The group that people join unless the request names another.
        admin_group: The group whose members may invite; a person can be put in it, too.
        handle_required: Whether everybody needs a handle.
        sign_in_url: Where invitations send people.
        limits: What was counted today.
        mail_from: Sender of invitations.
    """

    people: People
    invited_group: str
    admin_group: str
    handle_required: bool
    sign_in_url: str
    limits: DailyLimits
    mail_from: Sender

    def admit(self, caller: Caller) -> None:
        """Let administrators through.

        Raises:
            ApiError: 403 for everybody else.
        """
        if self.admin_group not in caller.groups:
            raise forbidden("Only administrators invite people.")

    def invite(self, caller: Caller, request: Invite) -> Answer:
        """Invite a person, or show that there is an account already; the person is in the group afterwards.

        Args:
            caller: An administrator.
            request: Whom, and how.

        Returns:
            The answer, of the same shape for a new and an existing person.

        Raises:
            ApiError: 400 when the group or the handle is not what the pool takes, 409 when an invitation of a
                disabled account is to be sent again, 429 when the administrator has asked, or the mailbox
                has been sent, too much today, 503 when the invitation could not be mailed.
        """
        if not self.limits.take(f"invite/{caller.sub}", INVITATIONS_A_DAY):
            raise too_many(
                f"You have sent {INVITATIONS_A_DAY} invitations today. Go on tomorrow.",
                retry_after_seconds=DAY_SECONDS,
            )
        group = self._group(request)
        person = self.people.find(request.email)
        added = self._add(request) if person is None else None
        if added is None:
            person = person or self.people.find(request.email)
            if person is None:
                raise busy()
            message = self._again(person, request) if request.resend else "The person has an account already."
        else:
            person = added
            message = (
                "The account is made, no mail is sent." if request.suppress else "The person is invited."
            )
        self.people.put_in_group(person, group)
        logger.info("invitation answered", extra={"invited_by": caller.sub, "person": person.sub})
        return {"message": message, "email": person.email, "group": group, "handle": person.handle}

    def _group(self, request: Invite) -> str:
        groups = (self.invited_group, self.admin_group)
        if request.group is not None and request.group not in groups:
            raise bad_request("INVALID_REQUEST", f"group: must be {' or '.join(groups)}")
        return request.group or self.invited_group

    def _add(self, request: Invite) -> Person | None:
        """Make the person and send the invitation; None when another request has done so meanwhile."""
        if self.handle_required and request.handle is None:
            raise bad_request("INVALID_REQUEST", "handle: is required, and stays as it is given")
        if not request.suppress:
            self._count_mail(request.email)
        password = temporary_password()
        person = self.people.add(request.email, name=request.name, handle=request.handle, password=password)
        if person is not None and not request.suppress:
            self._mail(request, password)
        return person

    def _again(self, person: Person, request: Invite) -> str:
        """Send an invitation again, unless the person has taken it up: a password of one's own stays."""
        if not person.enabled:
            raise conflict("ACCOUNT_DISABLED", "The person's account is disabled: enable it first.")
        if not person.invited:
            return "The person has signed in before and needs no invitation."
        self._count_mail(person.email)
        password = temporary_password()
        self.people.renew_password(person, password)
        self._mail(request, password)
        return "The invitation is sent again, with a new password."

    def _count_mail(self, address: str) -> None:
        """Count a mail before anything is done for it: a password that nobody is sent must not be set."""
        if not self.limits.take_mail("invitation", address, MAILS_A_DAY):
            raise too_many(
                f"The person has been sent {MAILS_A_DAY} invitations today. Try again tomorrow.",
                retry_after_seconds=DAY_SECONDS,
            )

    def _mail(self, request: Invite, password: str) -> None:
        mail = invitation(
            name=request.name, email=request.email, password=password, sign_in_url=self.sign_in_url
        )
        try:
            send(mail, sender=self.mail_from, to=request.email)
        except MailNotSentError as error:
            logger.warning("mail not sent", extra={"error_code": error.code})
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "MAIL_NOT_SENT",
                "The account is there, but its invitation could not be mailed. Ask for it again with resend.",
                headers=busy().headers,
            ) from error
