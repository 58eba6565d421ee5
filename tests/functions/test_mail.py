"""The one form of all mails, and what is told when SES does not take one."""

import traceback
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, ParamValidationError
from hypothesis import given
from hypothesis import strategies as st

from functions.shared import mail
from functions.shared.mail import Button, MailNotSentError, Sender, compose, send

PERSON = "ada@example.org"
US = Sender("us@example.org", "us")
REFUSAL = ClientError(
    {"Error": {"Code": "MessageRejected", "Message": f"Email address is not verified: {PERSON}"}}, "SendEmail"
)


@pytest.mark.parametrize(
    ("error", "code"),
    [(REFUSAL, "MessageRejected"), (ParamValidationError(report=PERSON), "ParamValidationError")],
)
def test_a_mail_that_is_not_taken_is_told_without_its_recipient(monkeypatch, error, code):
    def refuse(**_: object):
        raise error

    monkeypatch.setattr(mail, "ses", lambda: SimpleNamespace(send_email=refuse))
    with pytest.raises(MailNotSentError) as caught:
        send(compose("Hello", [], closing=""), sender=US, to=PERSON)
    assert caught.value.code == code
    assert PERSON not in "".join(traceback.format_exception(caught.value))


def test_a_mail_is_sent_with_its_configuration_set(monkeypatch):
    asked = []
    monkeypatch.setattr(
        mail, "ses", lambda: SimpleNamespace(send_email=lambda **request: asked.append(request))
    )
    send(compose("Hello", [], closing=""), sender=US, to=PERSON)
    (request,) = asked
    assert request["FromEmailAddress"] == US.address
    assert request["ConfigurationSetName"] == US.configuration_set


@given(st.text(alphabet="<>&\"'a\n ", min_size=1))
def test_what_people_write_stays_text(written):
    composed = compose("Hello", [written], button=Button("Open", "https://example.org"), closing=written)
    assert composed.text.count(written) >= 2
    plain = compose("Hello", ["x"], button=Button("Open", "https://example.org"), closing="x")
    assert composed.html.count("<") == plain.html.count("<")
    assert composed.html.count('"') == plain.html.count('"')
