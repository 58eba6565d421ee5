"""Invitations over real Cognito and SES calls."""

import json
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.invites import handler as invites
from functions.invites import invitations
from functions.invites.handler import handler
from functions.invites.logic import temporary_password, user_name
from functions.shared.mail_address import normalise
from tests.functions.mail_kit import UNKNOWN_SENDER

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]


@pytest.fixture
def email(user):
    return f"{user}@example.net"


@pytest.fixture
def invite(call, email, user):
    """Give a function that invites as an administrator."""

    def send(address=email, *, groups="[admins]", **fields: object):
        return call(handler, "POST", "/invite", {"email": address, **fields}, user=user, groups=groups)

    return send


@pytest.fixture
def people(cloud):
    """Give a function that lists the users who have an address."""

    def find(address):
        pool = cloud.environment["USER_POOL_ID"]
        users = cloud.client("cognito-idp").list_users(UserPoolId=pool)["Users"]
        return [user for user in users if {"Name": "email", "Value": address} in user["Attributes"]]

    return find


@pytest.fixture
def groups_of(cloud):
    """Give a function that lists the groups of an address."""

    def find(address):
        listed = cloud.client("cognito-idp").admin_list_groups_for_user(
            UserPoolId=cloud.environment["USER_POOL_ID"], Username=address
        )
        return {group["GroupName"] for group in listed["Groups"]}

    return find


@pytest.fixture
def mails_to(cloud):
    return lambda address: [mail for mail in cloud.embedded.mail() if mail["To"] == [address]]


@pytest.fixture
def passwords(mails_to):
    """Give a function that lists the passwords that an address was sent, oldest first."""
    pattern = re.compile(r"Temporary password: (\S+)")
    return lambda address: [pattern.search(mail["BodyText"])[1] for mail in mails_to(address)]


@pytest.fixture
def signs_in(cloud):
    """Give a function that tells whether a temporary password lets an address in."""
    cognito, pool = cloud.client("cognito-idp"), cloud.environment["USER_POOL_ID"]
    flows = ["ALLOW_ADMIN_USER_PASSWORD_AUTH"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="test", ExplicitAuthFlows=flows)

    def attempt(address, password):
        try:
            answer = cognito.admin_initiate_auth(
                UserPoolId=pool,
                ClientId=client["UserPoolClient"]["ClientId"],
                AuthFlow="ADMIN_USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": address, "PASSWORD": password},
            )
        except cognito.exceptions.NotAuthorizedException:
            return False
        return answer["ChallengeName"] == "NEW_PASSWORD_REQUIRED"

    return attempt


@pytest.fixture
def settle(cloud):
    """Give a function that gives an address a password of its own, as the first sign-in does."""

    def set_password(address):
        cloud.client("cognito-idp").admin_set_user_password(
            UserPoolId=cloud.environment["USER_POOL_ID"],
            Username=address,
            Password="Own-Word-1",
            Permanent=True,
        )

    return set_password


def test_an_invited_person_gets_a_mail_that_lets_in(
    cloud, invite, email, mails_to, passwords, signs_in, groups_of
):
    answer = invite(email.upper(), name="Ada", handle="ada-1")
    assert answer.status == 200
    assert {key: answer.body[key] for key in ("email", "group", "handle")} == {
        "email": email,
        "group": "pilots",
        "handle": "ada-1",
    }
    (mail,) = mails_to(email)
    assert "Ada" in mail["BodyText"]
    assert f'href="{cloud.environment["SIGN_IN_URL"]}"' in mail["BodyHtml"]
    (password,) = passwords(email)
    assert password not in json.dumps(answer.body)
    assert signs_in(email, password)
    assert groups_of(email) == {"pilots"}


def test_an_invited_persons_address_counts_as_verified_and_is_no_user_name(invite, email, people):
    invite()
    (person,) = people(email)
    assert {"Name": "email_verified", "Value": "true"} in person["Attributes"]
    # AWS refuses user names of the form of an address in a pool that takes addresses.
    assert "@" not in person["Username"]


@pytest.mark.parametrize("groups", ["[pilots]", "pilots", "", "[pilots administrators]", "not-admins"])
def test_nobody_else_invites(invite, email, people, mails_to, groups):
    answer = invite(groups=groups)
    assert (answer.status, answer.body["code"]) == (403, "FORBIDDEN")
    assert set(answer.body) == {"error", "code", "requestId"}
    assert invite("nonsense", groups=groups).status in (400, 403)
    assert people(email) == mails_to(email) == []


@pytest.mark.parametrize("groups", ["[pilots admins]", "pilots,admins", "admins"])
def test_administrators_are_known_in_both_forms_of_the_claim(invite, groups):
    assert invite(groups=groups).status == 200


def test_an_invitation_is_repeated_without_effect(invite, email, people, passwords, signs_in):
    first, second = invite(handle="ada-1"), invite(handle="ada-2")
    assert (first.status, second.status) == (200, 200)
    assert set(first.body) == set(second.body)
    assert {**second.body, "message": ""} == {**first.body, "message": ""}
    assert len(people(email)) == 1
    (password,) = passwords(email)
    assert signs_in(email, password)


def test_two_at_once_make_one_person_and_one_mail(invite, email, people, mails_to):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: invite(), range(4)))
    assert {answer.status for answer in answers} == {200}
    assert len(people(email)) == len(mails_to(email)) == 1


def test_a_person_made_between_the_look_and_the_making_is_kept(invite, email, people, mails_to, monkeypatch):
    """The race of two invitations, in the order that decides."""
    find, asked = invites.People.find, []

    def find_too_early(self, address):
        asked.append(address)
        if len(asked) == 1:
            assert invite().status == 200
            return None
        return find(self, address)

    monkeypatch.setattr(invites.People, "find", find_too_early)
    assert invite().status == 200
    assert len(people(email)) == len(mails_to(email)) == 1


def test_resending_gives_a_new_password_in_place_of_the_old(invite, email, passwords, signs_in):
    invite()
    assert invite(resend=True).status == 200
    old, new = passwords(email)
    assert not signs_in(email, old)
    assert signs_in(email, new)


def test_resending_to_nobody_invites(invite, email, passwords, signs_in):
    assert invite(resend=True).status == 200
    (password,) = passwords(email)
    assert signs_in(email, password)


def test_a_password_of_ones_own_stays(invite, email, people, mails_to, settle):
    invite()
    settle(email)
    answer = invite(resend=True)
    assert answer.status == 200
    assert len(mails_to(email)) == 1
    assert [person["UserStatus"] for person in people(email)] == ["CONFIRMED"]


def test_an_administrator_invites_only_so_often_in_a_day(call, user, monkeypatch):
    monkeypatch.setattr(invitations, "INVITATIONS_A_DAY", 2)
    addresses = [f"{uuid.uuid4()}@example.net" for _ in range(3)]

    def invite(address, administrator):
        return call(handler, "POST", "/invite", {"email": address}, user=administrator, groups="[admins]")

    assert [invite(address, user).status for address in addresses] == [200, 200, 429]
    refused = invite(addresses[2], user)
    assert refused.body["code"] == "TOO_MANY_REQUESTS"
    assert int(refused.header("Retry-After")) > 0
    assert invite(addresses[2], str(uuid.uuid4())).status == 200


def test_who_may_not_invite_uses_nothing_up(invite, user, call, monkeypatch):
    monkeypatch.setattr(invitations, "INVITATIONS_A_DAY", 1)
    address = {"email": f"{user}@example.net"}
    assert call(handler, "POST", "/invite", address, user=user, groups="[pilots]").status == 403
    assert call(handler, "POST", "/invite", address, user=user, groups="[admins]").status == 200


def test_a_mailbox_gets_only_so_many_invitations_and_keeps_its_password(
    invite, email, people, passwords, signs_in, monkeypatch
):
    monkeypatch.setattr(invitations, "MAILS_A_DAY", 2)
    assert [invite().status, invite(resend=True).status] == [200, 200]
    refused = invite(resend=True)
    assert (refused.status, refused.body["code"]) == (429, "TOO_MANY_REQUESTS")
    assert signs_in(email, passwords(email)[-1])
    another = email.replace("@", "+2@")
    assert invite(another).status == 429
    assert people(another) == []
    assert invite(another, suppress=True).status == 200
    assert invite().status == 200, "nothing is mailed to somebody who has an account"


def test_a_disabled_account_gets_no_invitation(cloud, invite, email, mails_to):
    invite()
    pool = cloud.environment["USER_POOL_ID"]
    cloud.client("cognito-idp").admin_disable_user(UserPoolId=pool, Username=email)
    answer = invite(resend=True)
    assert (answer.status, answer.body["code"]) == (409, "ACCOUNT_DISABLED")
    assert len(mails_to(email)) == 1


def test_a_suppressed_invitation_makes_the_account_and_is_sent_later(
    invite, email, people, passwords, signs_in
):
    assert invite(suppress=True).status == 200
    assert len(people(email)) == 1
    assert passwords(email) == []
    invite(resend=True)
    (password,) = passwords(email)
    assert signs_in(email, password)


def test_an_invitation_that_was_not_mailed_is_told_and_can_be_sent_again(
    invite, email, passwords, signs_in, groups_of, monkeypatch
):
    unknown_sender = replace(invites._invitations(), mail_from=UNKNOWN_SENDER)
    with monkeypatch.context() as patch:
        patch.setattr(invites, "_invitations", lambda: unknown_sender)
        answer = invite()
    assert (answer.status, answer.body["code"]) == (503, "MAIL_NOT_SENT")
    assert invite(resend=True).status == 200
    (password,) = passwords(email)
    assert signs_in(email, password)
    assert groups_of(email) == {"pilots"}


def test_an_address_that_its_owner_has_left_is_anothers(cloud, invite, email, people, passwords, signs_in):
    invite()
    moved = f"{uuid.uuid4()}@example.net"
    cloud.client("cognito-idp").admin_update_user_attributes(
        UserPoolId=cloud.environment["USER_POOL_ID"],
        Username=email,
        UserAttributes=[{"Name": "email", "Value": moved}, {"Name": "email_verified", "Value": "true"}],
    )
    first_password = passwords(email)[0]
    assert invite(resend=True).status == 200
    assert len(people(email)) == len(people(moved)) == 1
    assert signs_in(moved, first_password)
    assert signs_in(email, passwords(email)[1])


def test_people_made_by_others_are_known(cloud, invite, email, people, groups_of):
    cloud.client("cognito-idp").admin_create_user(
        UserPoolId=cloud.environment["USER_POOL_ID"],
        Username=uuid.uuid4().hex,
        MessageAction="SUPPRESS",
        UserAttributes=[
            {"Name": "email", "Value": email},
            {"Name": "email_verified", "Value": "true"},
            {"Name": "preferred_username", "Value": "old-hand"},
        ],
    )
    answer = invite(handle="new-hand")
    assert (answer.status, answer.body["handle"]) == (200, "old-hand")
    assert len(people(email)) == 1
    assert groups_of(email) == {"pilots"}


def test_a_group_of_the_program_can_be_named_and_no_other(invite, email, people, groups_of):
    refused = invite(group="others")
    assert (refused.status, refused.body["code"]) == (400, "INVALID_REQUEST")
    assert "pilots" in refused.body["error"]
    assert people(email) == []
    answer = invite(group="admins")
    assert (answer.status, answer.body["group"]) == (200, "admins")
    assert groups_of(email) == {"admins"}


def test_a_pool_with_fixed_handles_wants_one(invite, email, people, monkeypatch):
    strict = replace(invites._invitations(), handle_required=True)
    monkeypatch.setattr(invites, "_invitations", lambda: strict)
    for fields in ({}, {"handle": " "}):
        refused = invite(**fields)
        assert (refused.status, refused.body["code"]) == (400, "INVALID_REQUEST")
        assert refused.body["error"].startswith("handle: ")
    assert people(email) == []
    assert invite(handle="ada-1").status == 200


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"handle": "a b"}, "handle"),
        ({"handle": "@ada"}, "handle"),
        ({"name": "Ada\r\nBcc: x"}, "name"),
        ({"emailVerified": False}, "emailVerified"),
        ({"resend": "yes"}, "resend"),
        ({"resend": True, "suppress": True}, "suppress"),
    ],
)
def test_a_wrong_field_is_named(call, email, people, fields, field):
    answer = call(handler, "POST", "/invite", {"email": email, **fields}, groups="[admins]")
    assert (answer.status, answer.body["code"]) == (400, "INVALID_REQUEST")
    assert field in answer.body["error"]
    assert people(email) == []


def test_fields_that_a_form_leaves_empty_count_as_left_out(invite):
    answer = invite(name="", group="", handle="", emailVerified=True, resend=False, suppress=False)
    assert (answer.status, answer.body["group"], answer.body["handle"]) == (200, "pilots", None)


def test_passwords_suit_every_pool_and_differ():
    passwords = [temporary_password() for _ in range(200)]
    for password in passwords:
        assert len(password) >= 12
        for kind in (str.islower, str.isupper, str.isdigit):
            assert any(map(kind, password))
        assert not password.isalnum()
    assert len(set(passwords)) == len(passwords)


@given(st.emails())
def test_an_address_has_one_user_name_however_it_is_written(address):
    try:
        known = normalise(address)
    except ValueError:
        return
    assert normalise(known) == known
    assert user_name(normalise(address.upper())) == user_name(known)
