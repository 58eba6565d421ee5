"""Which addresses a webhook may have, and which IP addresses a post may go to."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from functions.shared.webhook_urls import MAX_CHARACTERS, parse_webhook_url
from functions.webhooks.addresses import is_public


@pytest.mark.parametrize(
    ("text", "host", "port", "target", "authority"),
    [
        ("https://example.com", "example.com", 443, "/", "example.com"),
        ("https://Hooks.Example.com:443/a/b", "hooks.example.com", 443, "/a/b", "hooks.example.com"),
        ("HTTPS://x.example.com:8443?key=1", "x.example.com", 8443, "/?key=1", "x.example.com:8443"),
        ("https://example.co.uk:1024/%20?a=b&c", "example.co.uk", 1024, "/%20?a=b&c", "example.co.uk:1024"),
        ("https://xn--bcher-kva.example/x", "xn--bcher-kva.example", 443, "/x", "xn--bcher-kva.example"),
    ],
)
def test_a_public_https_address_is_taken_apart(text, host, port, target, authority):
    url = parse_webhook_url(text)
    assert (url.host, url.port, url.target, url.authority) == (host, port, target, authority)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("http://example.com/", "https://"),
        ("ftp://example.com/", "https://"),
        ("//example.com/", "https://"),
        ("", "ASCII"),
        ("https://example.com/a b", "spaces"),
        ("https://example.com/\r\nX: y", "spaces"),
        ("https://bücher.example/", "ASCII"),
        ("https://example.com\\@10.0.0.1/", "backslashes"),
        ("https://user@example.com/", "user name"),
        ("https://user:secret@example.com/", "user name"),
        ("https://@example.com/", "user name"),
        ("https://example.com/#part", "fragment"),
        ("https://example.com:80/", "port"),
        ("https://example.com:0/", "port"),
        ("https://example.com:1023/", "port"),
        ("https://example.com:/", "port"),
        ("https://example.com:65536/", "no address"),
        ("https://example.com:x/", "no address"),
        ("https://[::1/", "no address"),
        ("https://127.0.0.1/", "IP address"),
        ("https://93.184.215.14/", "IP address"),
        ("https://127.1/", "IP address"),
        ("https://2130706433/", "IP address"),
        ("https://0x7f.0x1/", "IP address"),
        ("https://0177.0.0.01/", "IP address"),
        ("https://[::1]/", "IP address"),
        ("https://[::ffff:10.0.0.1]/", "IP address"),
        ("https://intranet/", "full public name"),
        ("https://example.com./", "full public name"),
        ("https://exa_mple.com/", "full public name"),
        ("https://-a.example.com/", "full public name"),
        ("https://%6c.example.com/", "full public name"),
        ("https:///path", "full public name"),
        (f"https://{'a' * 64}.example.com/", "full public name"),
        (f"https://{'a.' * 130}com/", "full public name"),
        ("https://localhost/", "full public name"),
        ("https://LOCALHOST:8443/", "full public name"),
        ("https://app.localhost/", "outside"),
        ("https://printer.local/", "outside"),
        ("https://ip-10-0-0-1.ec2.internal/", "outside"),
        ("https://METADATA.google.INTERNAL/", "outside"),
        (f"https://example.com/{'a' * MAX_CHARACTERS}", "longer"),
    ],
)
def test_any_other_address_is_refused_with_its_rule(text, rule):
    with pytest.raises(ValueError, match=rule):
        parse_webhook_url(text)


@given(
    st.one_of(
        st.text(max_size=60),
        st.from_regex(r"https://[a-z0-9.@:\[\]\\/?#%x-]{1,40}", fullmatch=True),
    )
)
def test_what_is_taken_means_the_same_to_another_reader(text):
    try:
        url = parse_webhook_url(text)
    except ValueError:
        return
    other = parse_url(text)
    assert (other.scheme, other.host, other.port or 443, other.auth) == ("https", url.host, url.port, None)
    with pytest.raises(ValueError, match="does not appear"):
        ipaddress.ip_address(url.host)


@pytest.mark.parametrize("text", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_an_address_out_in_the_world_is_public(text):
    assert is_public(text)


@pytest.mark.parametrize(
    "text",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "0.0.0.1", "100.64.0.1", "169.254.169.254"),
        *("192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
        *(
            "::1",
            "::",
            "fe80::1",
            "fe80::1%2",
            "fd00:ec2::254",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "4000::1",
        ),
        *("::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:127.0.0.1", "::10.0.0.1"),
        # IPv4 in IPv6: translated (NAT64) and through tunnels (6to4, Teredo).
        *("64:ff9b::a00:1", "64:ff9b::808:808", "2002:a00:1::", "2002:808:808::1", "2001:0:a00:1::1"),
        *("", "example.com", "10.0.0.1.5", "1.2.3"),
    ],
)
def test_an_address_behind_any_door_is_not_public(text):
    assert not is_public(text)
