"""What becomes of a sign-up and of feedback."""

from collections.abc import Callable
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from functions.shared.clock import now_ms
from functions.shared.errors import too_many
from functions.shared.limits import DAY_SECONDS, DailyLimits
from functions.shared.mail import Mail, MailNotSentError, Sender, send
from functions.shared.observability import logger
from functions.shared.outages import is_outage, take_back
from functions.shared.stores import Table
from functions.waitlist.logic import feedback_row, waitlist_row
from functions.waitlist.mail import notice_of_feedback, notice_of_signup, welcome
from functions.waitlist.models import GiveFeedback, JoinWaitlist
from functions.waitlist.store import WaitlistStore

REQUESTS_A_DAY = 20
"""Of one form, from one network."""
MAILS_A_DAY = 500
"""Caused by the forms altogether: they must not use up the account's quota, which mails about jobs need."""
WELCOMES_A_DAY = 3
"""To one mailbox, which has as many addresses as somebody cares to write plus signs into."""


@dataclass(frozen=True)
class Forms:
    """Takes the forms in.

    Attributes:
        waitlist: Sign-ups.
        feedback: The feedback table.
        limits: What was counted today.
        mail_from: Sender of mails.
        staff_email: Who hears of sign-ups and feedback, None for nobody.
    """

    waitlist: WaitlistStore
    feedback: Table
    limits: DailyLimits
    mail_from: Sender
    staff_email: str | None

    def join(self, request: JoinWaitlist, sender: str) -> None:
        """Put a person on the waitlist, and welcome each address once, ever.

        Args:
            request: Who.
            sender: The network that the request comes from.

        Raises:
            ApiError: 429 after too many sign-ups from there.
        """
        self._count("waitlist", sender)
        self.waitlist.add(waitlist_row(request, now_ms()))
        if not self.waitlist.claim_welcome(request.email):
            return
        if not self._may_welcome(request.email) or not self._mail(welcome(), request.email):
            take_back(lambda: self.waitlist.release_welcome(request.email))
            return
        logger.info("person on the waitlist")
        self._tell_staff(notice_of_signup(request))

    def give_feedback(self, request: GiveFeedback, sender: str) -> None:
        """Keep feedback and show it to the staff.

        Args:
            request: What was said.
            sender: The network that the request comes from.

        Raises:
            ApiError: 429 after too much feedback from there.
        """
        self._count("feedback", sender)
        row = feedback_row(request, sender, now_ms())
        if self.feedback.put_new(row, key="feedbackId"):
            logger.info("feedback kept", extra={"feedback_id": row["feedbackId"]})
            self._tell_staff(notice_of_feedback(request))

    def _count(self, form: str, sender: str) -> None:
        if not self.limits.take(f"{form}/{sender}", REQUESTS_A_DAY):
            raise too_many(
                "Too many requests have come from your network today. Try again tomorrow.",
                retry_after_seconds=DAY_SECONDS,
            )

    def _may_welcome(self, address: str) -> bool:
        return self._counted(lambda: self.limits.take_mail("welcome", address, WELCOMES_A_DAY))

    def _tell_staff(self, mail: Mail) -> None:
        if self.staff_email:
            self._mail(mail, self.staff_email)

    def _mail(self, mail: Mail, to: str) -> bool:
        """Send a mail; what a person sent in is kept all the same when that fails."""
        if not self._counted(lambda: self.limits.take("mails", MAILS_A_DAY)):
            return False
        try:
            send(mail, sender=self.mail_from, to=to)
        except MailNotSentError as error:
            logger.warning("mail not sent", extra={"error_code": error.code})
            return False
        return True

    def _counted(self, count: Callable[[], bool]) -> bool:
        """Count a mail; one that cannot be counted is not sent."""
        try:
            counted = count()
        except (BotoCoreError, ClientError) as error:
            if not is_outage(error):
                raise
            logger.warning("mail not sent", extra={"error_code": type(error).__name__})
            return False
        if not counted:
            logger.warning("mail not sent", extra={"error_code": "DailyLimit"})
        return counted
