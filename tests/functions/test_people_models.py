"""Whatever is sent to the invites and waitlist functions is refused by name, or is harmless."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from functions.invites.mail import invitation
from functions.invites.models import Invite, Invited
from functions.shared.mail_address import mailbox, normalise
from functions.waitlist.logic import feedback_row, sender_network, waitlist_row
from functions.waitlist.mail import notice_of_feedback, notice_of_signup, welcome
from functions.waitlist.models import FeedbackGiven, GiveFeedback, JoinedWaitlist, JoinWaitlist

ADDRESSES = st.emails() | st.from_regex(r"\A[A-Za-z0-9.+_-]{1,70}@[A-Za-z0-9-]{1,70}\.[a-z]{1,4}\Z")
TEXTS = st.text(max_size=120) | st.sampled_from(["", " ", "Ada", "Ada\r\nBcc: x@example.org", "<b>Ada</b>"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=8), parts, max_size=3),
    max_leaves=5,
)
MODELS = (Invite, JoinWaitlist, GiveFeedback)


def bodies(model):
    """Bodies with the model's fields, most of them as they should be, and others."""
    fits = {
        "email": ADDRESSES,
        "name": TEXTS,
        "handle": st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9_.-]{1,39}\Z"),
        "group": st.sampled_from(["pilots", "admins", ""]),
        "emailVerified": st.just(True),
        "resend": st.booleans(),
        "suppress": st.booleans(),
        "message": st.text(max_size=200),
        "source": TEXTS,
    }
    names = {field.alias or name for name, field in model.model_fields.items()}
    known = {name: fits[name] for name in sorted(names)}
    required = [field.alias or name for name, field in model.model_fields.items() if field.is_required()]
    usual = st.fixed_dictionaries(
        {name: known[name] for name in required},
        optional={name: known[name] for name in names - set(required)},
    )
    wild = st.dictionaries(st.sampled_from(sorted(names)) | st.text(max_size=8), JSON, max_size=5)
    return usual | wild | st.builds(lambda one, other: {**one, **other}, usual, wild)


def parse(model, body):
    try:
        return model.model_validate(body)
    except ValidationError:
        return None


def is_one_line(text):
    return len(text.splitlines()) <= 1 and not any(unicodedata.category(one) == "Cc" for one in text)


def turns(text):
    """Whether a text turns the direction of what follows it."""
    return any(
        unicodedata.bidirectional(one) in {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
        for one in text
    )


@pytest.mark.parametrize("model", MODELS)
@given(st.data())
def test_a_body_is_refused_or_read_the_same_ever_after(model, data):
    body = data.draw(bodies(model))
    request = parse(model, body)
    if request is None:
        return
    assert model.model_validate(request.model_dump(by_alias=True)) == request
    for name in ("name", "source"):
        text = getattr(request, name, None) or ""
        assert is_one_line(text)
        assert not turns(text)
        assert text == text.strip()
    assert getattr(request, "message", "x").strip()
    assert set(request.model_dump()) == set(model.model_fields), "what is not a field is dropped"


@pytest.mark.parametrize("model", [Invite, JoinWaitlist])
@given(st.data())
def test_an_address_is_one_plain_mailbox_in_lower_case(model, data):
    request = parse(model, data.draw(bodies(model)))
    if request is None:
        return
    address = request.email
    assert re.fullmatch(r"[!-~]+@[a-z0-9.-]+", address)
    assert address.count("@") == 1
    assert address == address.lower() == normalise(address.upper())
    assert not set(address) & set(' ,;:<>()[]\\"')


@given(bodies(Invite))
def test_an_invitation_says_one_thing_and_goes_to_one_person(body):
    request = parse(Invite, body)
    if request is None:
        return
    assert request.email_verified is True
    assert not (request.resend and request.suppress)
    assert "" not in (request.name, request.handle, request.group)
    assert re.fullmatch(r"[\w.-]{2,40}", request.handle or "ok", re.ASCII)
    mail = invitation(name=request.name, email=request.email, password="Secret", sign_in_url="https://x/")
    plain = invitation(name=None, email="a@b.example", password="Secret", sign_in_url="https://x/")
    assert mail.subject == plain.subject
    assert tags(mail.html) == tags(plain.html)


@given(bodies(JoinWaitlist), bodies(GiveFeedback))
def test_mails_about_forms_hold_what_was_sent_as_text_only(sign_up, said):
    joined, feedback = parse(JoinWaitlist, sign_up), parse(GiveFeedback, said)
    one = JoinWaitlist(name="Ada", email="ada@example.org")
    if joined:
        mail = notice_of_signup(joined)
        assert (mail.subject, tags(mail.html)) == (
            notice_of_signup(one).subject,
            tags(notice_of_signup(one).html),
        )
        assert joined.name in mail.text
        row = waitlist_row(joined, 1)
        assert (row["email"], row["name"]) == (joined.email, joined.name)
    if feedback:
        mail, usual = notice_of_feedback(feedback), notice_of_feedback(GiveFeedback(message="x"))
        assert (mail.subject, tags(mail.html)) == (usual.subject, tags(usual.html))
        assert feedback.message in mail.text
        assert feedback_row(feedback, "net", 1) == feedback_row(feedback, "net", 1)
    assert is_one_line(welcome().subject)


def tags(html):
    return re.findall(r"<[^>]*>", re.sub(r'href="[^"]*"', "", html))


@given(st.text(max_size=30), st.text(max_size=30), st.none() | st.text(max_size=10))
def test_answers_are_what_they_say_and_nothing_more(message, email, handle):
    for answer in (
        Invited(message=message, email=email, group="pilots", handle=handle),
        JoinedWaitlist(message=message, email=email),
        FeedbackGiven(message=message),
    ):
        shown = answer.model_dump()
        assert type(answer).model_validate(shown) == answer
        with pytest.raises(ValidationError):
            type(answer).model_validate({**shown, "known": True})


@given(ADDRESSES, st.from_regex(r"\A[a-z0-9+]{0,10}\Z"))
def test_addresses_that_differ_after_a_plus_sign_are_one_mailbox(address, tag):
    try:
        known = normalise(address)
    except ValueError:
        return
    box = mailbox(known)
    local, _, domain = known.rpartition("@")
    assert mailbox(box) == box
    assert mailbox(f"{local}+{tag}@{domain}") == box
    assert box.endswith(f"@{domain}")
    assert known.startswith(box.rpartition("@")[0])


@pytest.mark.parametrize(
    "address", ["ada@\N{KELVIN SIGN}.example", "\N{KELVIN SIGN}ay@example.org", "adä@example.org"]
)
def test_a_letter_that_only_looks_like_another_makes_no_address(address):
    with pytest.raises(ValueError, match="e-mail address"):
        normalise(address)


@pytest.mark.parametrize("sign", ["\x85", "\u2028", "\u202e", "\u2066", "\x9b", "\r\nBcc: x@example.org"])
@pytest.mark.parametrize(
    ("model", "body", "field"),
    [
        (Invite, {"email": "a@b.example"}, "name"),
        (JoinWaitlist, {"email": "a@b.example"}, "name"),
        (GiveFeedback, {"message": "x"}, "source"),
    ],
)
def test_a_line_that_is_more_than_one_or_runs_backwards_is_refused(model, body, field, sign):
    assert parse(model, {**body, field: "Ada Lovelace"})
    assert parse(model, {**body, field: f"Ada{sign}Lovelace"}) is None


@given(st.ip_addresses() | st.text(max_size=20))
def test_any_sender_has_a_network(address):
    network = sender_network(str(address))
    assert network == sender_network(str(address))
    assert network == "unknown" or "/" in network
