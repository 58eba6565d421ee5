"""The waitlist and feedback over real DynamoDB and SES calls."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from functions.shared.limits import DailyLimits
from functions.shared.stores import Table
from functions.waitlist import forms
from functions.waitlist import handler as waitlist
from functions.waitlist.handler import handler
from functions.waitlist.logic import sender_network
from tests.functions.mail_kit import UNKNOWN_SENDER

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(waitlist, "ANSWER_SECONDS", 0.0)


@pytest.fixture
def network():
    """Give an address that no other test sends from."""
    return "10." + ".".join(str(secrets.randbelow(256)) for _ in range(3))


@pytest.fixture
def email(user):
    return f"{user}@example.net"


@pytest.fixture
def join(call, network, email):
    """Give a function that sends the form of the waitlist."""

    def send(address=email, *, source_ip=network, **fields: object):
        body = {"name": "Ada", "email": address, **fields}
        return call(handler, "POST", "/waitlist", body, user=None, source_ip=source_ip)

    return send


@pytest.fixture
def comment(call, network):
    """Give a function that sends the form for feedback."""

    def send(message, *, source_ip=network, **fields: object):
        body = {"message": message, **fields}
        return call(handler, "POST", "/feedback", body, user=None, source_ip=source_ip)

    return send


@pytest.fixture
def mails_to(cloud):
    return lambda address: [mail for mail in cloud.embedded.mail() if mail["To"] == [address]]


@pytest.fixture
def mails_about(cloud, mails_to):
    """Give a function that lists the staff's mails with a word in them."""
    staff = cloud.environment["STAFF_EMAIL"]
    return lambda word: [mail for mail in mails_to(staff) if word in mail["BodyText"]]


def test_a_person_is_kept_and_welcomed_and_the_staff_told(join, email, mails_to, mails_about):
    answer = join(email.upper().replace("EXAMPLE", "Example"))
    assert (answer.status, answer.body["email"]) == (200, email)
    row = Table("waitlist").get({"email": email})
    assert row["name"] == "Ada"
    assert abs(row["timestamp"] / 1000 - time.time()) < 60
    assert len(mails_to(email)) == 1
    (told,) = mails_about(email)
    assert "Ada" in told["BodyText"]


def test_signing_up_again_is_answered_alike_and_changes_nothing(join, email, mails_to, mails_about):
    first = join()
    row = Table("waitlist").get({"email": email})
    second = join(name="Somebody else")
    assert (second.status, second.body) == (first.status, first.body)
    assert Table("waitlist").get({"email": email}) == row
    assert len(mails_to(email)) == len(mails_about(email)) == 1


def test_two_at_once_make_one_row_and_one_welcome(join, cloud, user, email, mails_to):
    with ThreadPoolExecutor(4) as pool:
        addresses = (email, email.upper(), email, email.title())
        answers = list(pool.map(join, addresses))
    assert {answer.status for answer in answers} == {200}
    assert len({str(answer.body) for answer in answers}) == 1
    assert len(mails_to(email)) == 1
    rows = cloud.client("dynamodb").scan(TableName="waitlist")["Items"]
    assert [row["email"]["S"] for row in rows if user in row["email"]["S"]] == [email]


def test_a_mailbox_is_welcomed_only_so_often_whatever_follows_a_plus_sign(join, user, mails_to, cloud):
    addresses = [f"{user}+{number}@example.net" for number in range(forms.WELCOMES_A_DAY + 2)]
    answers = [join(address) for address in addresses]
    assert {answer.status for answer in answers} == {200}
    assert [len(mails_to(address)) for address in addresses] == [1] * forms.WELCOMES_A_DAY + [0, 0]
    assert {answer.body["message"] for answer in answers} == {answers[0].body["message"]}
    late = Table("waitlist").get({"email": addresses[-1]})
    assert late["welcome"] == "PENDING", "nothing is lost, and another day's sign-up welcomes the person"
    counts = cloud.client("dynamodb").scan(TableName="limits")["Items"]
    assert not any(user in row["limitId"]["S"] for row in counts), "counts hold no addresses"


def test_a_sign_up_that_fails_takes_as_long(join, monkeypatch):
    monkeypatch.setattr(waitlist, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(forms, "REQUESTS_A_DAY", 1)
    join()
    started = time.monotonic()
    assert join().status == 429
    assert time.monotonic() - started >= 0.5


def test_how_long_it_takes_says_nothing(join, email, monkeypatch):
    monkeypatch.setattr(waitlist, "ANSWER_SECONDS", 0.8)
    monkeypatch.setattr(forms, "send", lambda *_, **__: time.sleep(0.2))

    def seconds():
        started = time.monotonic()
        assert join().status == 200
        return time.monotonic() - started

    new, known = seconds(), seconds()
    assert min(new, known) >= 0.8
    assert abs(new - known) < 0.2


def test_somebody_who_waited_before_us_gets_no_second_welcome(join, email, mails_to):
    adopted = {"email": email, "name": "Ada", "timestamp": "2024-05-01T10:00:00", "status": "waiting"}
    Table("waitlist").put_new(adopted, key="email")
    assert join().status == 200
    assert Table("waitlist").get({"email": email}) == adopted
    assert mails_to(email) == []


def test_a_welcome_that_failed_is_sent_at_the_next_sign_up(join, email, mails_to, monkeypatch):
    unknown_sender = replace(waitlist._forms(), mail_from=UNKNOWN_SENDER)
    with monkeypatch.context() as patch:
        patch.setattr(waitlist, "_forms", lambda: unknown_sender)
        assert join().status == 200
    assert mails_to(email) == []
    assert join().status == 200
    assert len(mails_to(email)) == 1


def test_a_welcome_repeats_nothing_that_the_sender_wrote(join, email, mails_to):
    join(name="Win 1000 at evil.example")
    (mail,) = mails_to(email)
    assert "evil" not in mail["Subject"] + mail["BodyText"] + mail["BodyHtml"]


def test_feedback_is_kept_and_shown_to_the_staff(comment, user, mails_about, cloud):
    said = f"Great <b>maps</b>\nand models {user}"
    answer = comment(said, source="/pricing")
    assert answer.status == 200
    assert answer.body["success"] is True
    rows = cloud.client("dynamodb").scan(TableName="feedback")["Items"]
    (row,) = [row for row in rows if user in row["message"]["S"]]
    assert (row["message"]["S"], row["source"]["S"]) == (said, "/pricing")
    (mail,) = mails_about(user)
    assert said in mail["BodyText"]
    assert "/pricing" in mail["BodyText"]
    assert "<b>" not in mail["BodyHtml"]


def test_feedback_of_a_signed_in_person_is_taken_alike(call, network, user, mails_about):
    for sender in (user, None):
        answer = call(
            handler, "POST", "/feedback", {"message": f"{user} {sender}"}, user=sender, source_ip=network
        )
        assert answer.status == 200
    assert len(mails_about(user)) == 2


def test_the_same_feedback_twice_is_one(comment, user, mails_about, network):
    assert comment(user).body == comment(user).body
    assert len(mails_about(user)) == 1
    comment(user, source="/elsewhere")
    assert len(mails_about(user)) == 2


def test_one_network_gets_only_so_far_in_a_day(join, comment, network, email, monkeypatch):
    monkeypatch.setattr(forms, "REQUESTS_A_DAY", 3)
    assert [join().status for _ in range(4)] == [200, 200, 200, 429]
    refused = join()
    assert refused.body["code"] == "TOO_MANY_REQUESTS"
    assert int(refused.header("Retry-After")) > 0
    assert join(source_ip="192.0.2.7").status == 200
    assert comment(email).status == 200


def test_mails_of_a_day_end_and_nothing_is_lost(join, email, mails_to, monkeypatch):
    monkeypatch.setattr(forms, "MAILS_A_DAY", 0)
    assert join().status == 200
    assert mails_to(email) == []
    assert Table("waitlist").get({"email": email})["welcome"] == "PENDING"


def test_a_limit_holds_however_many_ask_at_once(user):
    limits = DailyLimits(Table("limits"))
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: limits.take(user, 5), range(16)))
    assert taken.count(True) == 5


def test_counts_go_by_themselves_after_their_day(user, cloud):
    DailyLimits(Table("limits")).take(user, 5)
    rows = cloud.client("dynamodb").scan(TableName="limits")["Items"]
    (row,) = [row for row in rows if user in row["limitId"]["S"]]
    assert time.time() + 86_400 < int(row["expiresAt"]["N"]) < time.time() + 3 * 86_400


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("", "nonsense", True),
    ],
)
def test_a_network_is_what_one_subscriber_has(one, other, same):
    assert (sender_network(one) == sender_network(other)) == same


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "Ada\nBcc: all@example.org"}, "name"),
        ({"name": 5}, "name"),
        ({"email": "ada"}, "email"),
        ({"email": "ada@example"}, "email"),
        ({"email": "a b@example.org"}, "email"),
        ({"email": "ada@example.org, bob@example.org"}, "email"),
        ({"email": "Ada <ada@example.org>"}, "email"),
        ({"email": f"{'a' * 65}@example.org"}, "email"),
        ({"email": f"ada@{'a.' * 130}org"}, "email"),
        ({"email": None}, "email"),
    ],
)
def test_a_wrong_field_is_named_and_not_repeated(call, network, fields, field):
    body = {"name": "Ada", "email": "ada@example.org", **fields}
    answer = call(handler, "POST", "/waitlist", body, user=None, source_ip=network)
    assert (answer.status, answer.body["code"]) == (400, "INVALID_REQUEST")
    assert answer.body["error"].startswith(f"{field}: ")
    assert "Ada" not in answer.body["error"]


@pytest.mark.parametrize("fields", [{}, {"message": " "}, {"message": "x" * 5001}, {"message": ["x"]}])
def test_feedback_that_says_nothing_or_too_much_is_refused(call, network, fields):
    answer = call(handler, "POST", "/feedback", fields, user=None, source_ip=network)
    assert (answer.status, answer.body["code"]) == (400, "INVALID_REQUEST")
    assert "message" in answer.body["error"]
