"""The mails about sign-ups and feedback."""

from functions.shared.mail import Mail, compose
from functions.waitlist.models import GiveFeedback, JoinWaitlist


def welcome() -> Mail:
    """Write the welcome.

    It holds nothing that the form's sender wrote: whoever enters another's address must not be able to say
    anything to that person in our name.
    """
    return compose(
        "You are on the waitlist",
        ["Thank you for your interest in Spaceport. We write to you as soon as there is a place for you."],
        closing="You did not sign up? Somebody else entered your address then, and you need do nothing.",
    )


def notice_of_signup(request: JoinWaitlist) -> Mail:
    """Tell the staff of a sign-up."""
    return compose(
        "New on the waitlist", [f"{request.name}\n{request.email}"], closing="From the form of the waitlist"
    )


def notice_of_feedback(request: GiveFeedback) -> Mail:
    """Tell the staff of feedback."""
    return compose("Feedback", [request.message], closing=f"Sent from: {request.source or 'not said'}")
