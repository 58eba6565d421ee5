import json

import pytest

from local.edge.distribution import Behaviour, Distribution
from local.edge.signature import AccessDenied, Viewer, check
from tests.local.signing import Signer, encode, header

URL = "http://127.0.0.1:1234/jobs/one/model/index.html"
FOLDER = "http://127.0.0.1:1234/jobs/one/model/*"
NOW = 1_000_000


@pytest.fixture(scope="module")
def signer() -> Signer:
    return Signer()


def see(signer: Signer, cookie: str = "", url: str = URL, address: str = "127.0.0.1") -> None:
    check(Viewer(url, cookie, address), {"KEY": signer.private.public_key()}, now=NOW)


def test_policy_over_the_folder_opens_it(signer: Signer):
    cookie = header(signer.cookies("KEY", FOLDER, NOW + 1))
    see(signer, cookie)
    see(signer, f"theme=dark; {cookie}; broken", url=f"{URL}?a=1&b=%20")


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        (FOLDER, URL.replace("one", "two")),
        (FOLDER, URL.replace("http:", "https:")),
        (URL, f"{URL}x"),
        ("http://127.0.0.1:1234/jobs/on?/model/?", URL),
    ],
)
def test_policy_over_something_else_does_not(signer: Signer, resource: str, url: str):
    cookie = header(signer.cookies("KEY", resource, NOW + 1))
    with pytest.raises(AccessDenied, match="Access denied"):
        see(signer, cookie, url)


def test_time_and_address_count(signer: Signer):
    for condition, expires in (
        ({}, NOW),
        ({"DateGreaterThan": {"AWS:EpochTime": NOW + 5}}, NOW + 10),
        ({"IpAddress": {"AWS:SourceIp": "10.0.0.0/8"}}, NOW + 10),
    ):
        with pytest.raises(AccessDenied, match="Access denied"):
            see(signer, header(signer.cookies("KEY", FOLDER, expires, **condition)))
    see(signer, header(signer.cookies("KEY", FOLDER, NOW + 1, IpAddress={"AWS:SourceIp": "127.0.0.1/32"})))


def test_changed_policy_is_refused(signer: Signer):
    cookies = signer.cookies("KEY", FOLDER, NOW - 100)
    longer = json.dumps(
        {"Statement": [{"Resource": "*", "Condition": {"DateLessThan": {"AWS:EpochTime": NOW + 9}}}]}
    )
    with pytest.raises(AccessDenied, match="Access denied"):
        see(signer, header({**cookies, "CloudFront-Policy": encode(longer.encode())}))


def test_other_key_is_refused(signer: Signer):
    with pytest.raises(AccessDenied, match="Access denied"):
        see(signer, header(Signer().cookies("KEY", FOLDER, NOW + 1)))
    with pytest.raises(AccessDenied, match="Unknown Key"):
        see(signer, header(signer.cookies("OTHER", FOLDER, NOW + 1)))


@pytest.mark.parametrize("missing", ["CloudFront-Policy", "CloudFront-Signature", "CloudFront-Key-Pair-Id"])
def test_all_three_cookies_are_needed(signer: Signer, missing: str):
    cookies = signer.cookies("KEY", FOLDER, NOW + 1)
    del cookies[missing]
    with pytest.raises(AccessDenied):
        see(signer, header(cookies))


@pytest.mark.parametrize(
    "policy",
    [
        b"no json",
        b"{}",
        b'{"Statement": []}',
        b'{"Statement": [{"Resource": "*"}]}',
        b"[1]",
        b'{"Statement": [{"Resource": "*", "Condition": {"DateLessThan": {"AWS:EpochTime": "soon"}}}]}',
    ],
)
def test_signed_nonsense_is_refused(signer: Signer, policy: bytes):
    cookies = {
        "CloudFront-Policy": encode(policy),
        "CloudFront-Signature": signer.sign(policy),
        "CloudFront-Key-Pair-Id": "KEY",
    }
    with pytest.raises(AccessDenied, match="Malformed"):
        see(signer, header(cookies))
    with pytest.raises(AccessDenied, match="Malformed"):
        see(signer, header({**cookies, "CloudFront-Signature": "%%%"}))


def test_canned_policy_in_the_address(signer: Signer):
    see(signer, url=f"{URL}?{signer.canned_query('KEY', URL, NOW + 1)}")
    see(signer, url=f"{URL}?a=1&{signer.canned_query('KEY', f'{URL}?a=1', NOW + 1)}")
    for url in (
        f"{URL}?{signer.canned_query('KEY', URL, NOW)}",
        f"{URL}x?{signer.canned_query('KEY', URL, NOW + 1)}",
        f"{URL}?a=2&{signer.canned_query('KEY', f'{URL}?a=1', NOW + 1)}",
    ):
        # A signed address counts alone, even beside good cookies.
        with pytest.raises(AccessDenied):
            see(signer, header(signer.cookies("KEY", "*", NOW + 1)), url)


def test_behaviours_are_matched_in_order():
    names = ["/open/*", "images/*.jp?", "/*.html"]
    behaviours = (*(Behaviour(name, None) for name in names), Behaviour("*", None))
    distribution = Distribution("d1.cloudfront.net", behaviours)
    for path, pattern in {
        "/open/token": "/open/*",
        "/open/a.html": "/open/*",
        "/Open/a.html": "/*.html",
        "/images/a/b.jpg": "images/*.jp?",
        "/images/a.jpeg": "*",
        "/jobs/x.html": "/*.html",
        "/": "*",
    }.items():
        assert distribution.behaviour(path).pattern == pattern, path
