"""Mails to people: one form for all of them, sent through SES."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from botocore.exceptions import BotoCoreError, ClientError

from functions.shared.aws import ses


@dataclass(frozen=True)
class Mail:
    """A mail's subject and its body twice: as plain text and as HTML."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Button:
    """The one thing that a mail asks its reader to open."""

    label: str
    address: str


@dataclass(frozen=True)
class Sender:
    """Where mails come from.

    Attributes:
        address: The address that people see.
        configuration_set: SES's name for how they are sent: it says who hears what became of them.
    """

    address: str
    configuration_set: str


class MailNotSentError(Exception):
    """SES did not take a mail.

    Attributes:
        code: SES's error code. Its sentence is left out: it may name the recipient, and errors are logged.
    """

    def __init__(self, code: str) -> None:
        super().__init__(f"SES did not take the mail: {code}")
        self.code = code


def compose(subject: str, paragraphs: Sequence[str], *, button: Button | None = None, closing: str) -> Mail:
    """Write a mail.

    Args:
        subject: Its subject, also its heading.
        paragraphs: What it says, as plain text; a line break stays one.
        button: What to open, if anything.
        closing: The small print.

    Returns:
        The mail, everything escaped where it stands in HTML.
    """
    opening = [f"{button.label}: {button.address}"] if button else []
    text = "\n\n".join([*paragraphs, *opening, closing]) + "\n"
    body = "".join(f'<p style="white-space:pre-line">{escape(paragraph)}</p>' for paragraph in paragraphs)
    html = (
        '<!doctype html><html lang="en"><body style="font-family:sans-serif;max-width:560px;margin:24px auto;'
        f'padding:0 16px;line-height:1.5"><h1 style="font-size:22px">{escape(subject)}</h1>{body}'
        f"{_as_html(button) if button else ''}"
        f'<p style="color:#666;font-size:12px">{escape(closing)}</p></body></html>'
    )
    return Mail(subject=subject, text=text, html=html)


def send(mail: Mail, *, sender: Sender, to: str) -> None:
    """Send a mail to one person.

    Raises:
        MailNotSentError: SES refused it or could not be reached.
    """
    try:
        ses().send_email(
            FromEmailAddress=sender.address,
            ConfigurationSetName=sender.configuration_set,
            Destination={"ToAddresses": [to]},
            Content={
                "Simple": {
                    "Subject": {"Data": mail.subject, "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": mail.text, "Charset": "UTF-8"},
                        "Html": {"Data": mail.html, "Charset": "UTF-8"},
                    },
                }
            },
        )
    except ClientError as error:
        raise MailNotSentError(error.response["Error"]["Code"]) from None
    except BotoCoreError as error:
        raise MailNotSentError(type(error).__name__) from None


def _as_html(button: Button) -> str:
    address = escape(button.address)
    return (
        f'<p><a href="{address}" style="background:#0b6bcb;color:#fff;padding:12px 20px;'
        f'border-radius:6px;text-decoration:none;display:inline-block">{escape(button.label)}</a></p>'
        f'<p style="font-size:13px"><a href="{address}">{address}</a></p>'
    )
