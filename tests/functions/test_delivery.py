"""Shared links: who gets cookies, and what the cookies open."""

import base64
import json
import re
import secrets
import uuid

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from functions.delivery.handler import handler
from functions.delivery.logic import COOKIE_SECONDS, cookie_seconds, is_token, link_state, signed_cookies
from functions.shared.clock import now_seconds
from functions.shared.links import Link, LinkStore
from functions.shared.stores import Table


def from_cookie_base64(text):
    return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")))


@pytest.fixture
def link(cloud):
    """Give a function that writes a published job and its link, and returns both ids."""

    def write(**fields: int):
        token, job_id = secrets.token_urlsafe(32), str(uuid.uuid4())
        Table("jobs").put_new({"jobId": job_id, "publishedAt": 5}, key="jobId")
        link = Link.model_validate({"token": token, "jobId": job_id, "owner": "me", "createdAt": 1, **fields})
        assert LinkStore(Table("links")).add(link)
        return token, job_id

    return write


@pytest.mark.cloud
def test_an_open_link_leads_to_the_model_with_signed_cookies(call, cloud, link):
    token, job_id = link()
    answer = call(handler, "GET", f"/open/{token}", user=None)
    folder = f"https://view.example.org/jobs/{job_id}/model/"
    assert answer.status == 302
    assert answer.header("Location") == f"{folder}index.html"
    assert answer.header("Cache-Control") == "no-store"
    cookies = {}
    for cookie in answer.headers["Set-Cookie"]:
        pair, *attributes = cookie.split("; ")
        name, _, value = pair.partition("=")
        cookies[name] = value
        assert {f"Path=/jobs/{job_id}/model/", "Secure", "HttpOnly", "SameSite=Lax"} <= set(attributes)
    assert cookies["CloudFront-Key-Pair-Id"] == "K2TESTKEY"
    policy = from_cookie_base64(cookies["CloudFront-Policy"])
    signature = from_cookie_base64(cookies["CloudFront-Signature"])
    cloud.public_key.verify(signature, policy, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 -- CloudFront's
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Resource"] == f"{folder}*"
    expires = statement["Condition"]["DateLessThan"]["AWS:EpochTime"]
    assert abs(expires - now_seconds() - COOKIE_SECONDS) < 30


@pytest.mark.cloud
@pytest.mark.parametrize(
    ("fields", "status"),
    [({"endsAt": 1}, 410), ({"revokedAt": 1}, 410), ({"endsAt": 2**40}, 302)],
)
def test_a_link_opens_while_it_is_valid(call, link, fields, status):
    token, _ = link(**fields)
    answer = call(handler, "GET", f"/open/{token}", user=None)
    assert answer.status == status
    assert ("Set-Cookie" in answer.headers) == (status == 302)


@pytest.mark.cloud
def test_a_link_whose_model_is_gone_opens_no_more(call, link):
    token, job_id = link()
    Table("jobs").delete({"jobId": job_id}, condition="attribute_exists(#jobId)")
    answer = call(handler, "GET", f"/open/{token}", user=None)
    assert answer.status == 410
    assert "works no longer" in answer.body


@pytest.mark.cloud
@pytest.mark.parametrize("token", ["short", "A" * 43, "../" * 5, "%00", "A" * 5000])
def test_an_unknown_link_gets_a_page_for_people(call, cloud, token):
    answer = call(handler, "GET", f"/open/{token}", user=None)
    assert answer.status == 404
    assert answer.header("Content-Type").startswith("text/html")
    assert "no such link" in answer.body
    assert token not in answer.body


def test_only_tokens_of_256_bits_are_looked_up():
    assert is_token(secrets.token_urlsafe(32))
    assert not is_token(secrets.token_urlsafe(24))


def test_a_link_ends_at_its_second():
    job = {"publishedAt": 1}
    link = Link(token="t", job_id="j", owner="me", created_at=1, ends_at=100)
    assert link_state(link, job, 99) == "open"
    assert link_state(link, job, 100) == "gone"
    assert link_state(link, {}, 1) == "gone"
    assert link_state(None, job, 1) == "unknown"


def test_cookies_end_with_their_link():
    link = Link(token="t", job_id="j", owner="me", created_at=1, ends_at=1000)
    assert cookie_seconds(link, 990) == 10
    assert cookie_seconds(link, 0) == COOKIE_SECONDS
    assert cookie_seconds(link.model_copy(update={"ends_at": None}), 990) == COOKIE_SECONDS


def test_a_cookie_holds_nothing_that_ends_it():
    every_byte = bytes(range(256))
    for cookie in signed_cookies(
        "https://view.example.org", "j", "K", lambda _: every_byte, now=0, seconds=9
    ):
        value = cookie.partition("; ")[0].partition("=")[2]
        assert re.fullmatch(r"[A-Za-z0-9_~-]+", value)
        if "Signature" in cookie:
            assert from_cookie_base64(value) == every_byte


def test_cookies_go_over_plain_http_only_where_the_address_is_plain_http():
    def attributes(url):
        cookies = signed_cookies(url, "j", "K", lambda m: m, now=0, seconds=9)
        return {cookie.endswith("; Secure") for cookie in cookies}

    assert attributes("http://127.0.0.1:8000") == {False}
    assert attributes("https://view.example.org") == {True}
