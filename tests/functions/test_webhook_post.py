"""A post to a receiver that is not trusted, over real TLS."""

import socket
import ssl
import time

import pytest

from functions.shared.webhook_urls import parse_webhook_url
from functions.webhooks.post import NotDeliveredError, Poster, resolve_name
from tests.functions.receiver_kit import HOST, PUBLIC_ADDRESS, URL, receiver

ADDRESS = parse_webhook_url(URL)


@pytest.fixture
def server(tmp_path):
    with receiver(tmp_path) as running:
        yield running


def test_a_post_arrives_as_it_was_meant(server):
    assert server.poster().post(ADDRESS, b'{"a":1}', {"Spaceport-Event-Id": "one"}) == 204
    (post,) = server.posts
    assert (post.path, post.body) == (ADDRESS.target, b'{"a":1}')
    assert post.headers["Host"] == HOST
    assert post.headers["Content-Type"] == "application/json"
    assert post.headers["Spaceport-Event-Id"] == "one"


def test_a_port_of_its_own_is_connected_to_and_named(server):
    asked = []

    def connect(address, seconds):
        asked.append(address)
        return server.connect(address, seconds)

    server.poster(connect=connect).post(parse_webhook_url(f"https://{HOST}:8443/"), b"", {})
    assert asked == [(PUBLIC_ADDRESS, 8443)]
    assert server.posts[0].headers["Host"] == f"{HOST}:8443"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(server, status):
    server.answers, server.location = [status], f"https://{HOST}/elsewhere"
    assert server.poster().post(ADDRESS, b"{}", {}) == status
    assert [post.path for post in server.posts] == [ADDRESS.target]


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
@pytest.mark.parametrize("others", [[], [PUBLIC_ADDRESS]])
def test_a_name_with_an_address_that_is_not_public_is_connected_to_nowhere(address, others):
    def never(_address, _seconds):
        raise AssertionError

    poster = Poster(resolve=lambda _host, _port: [*others, address], connect=never)
    with pytest.raises(NotDeliveredError, match="not public"):
        poster.post(ADDRESS, b"{}", {})


def test_a_real_name_of_this_machine_is_refused():
    with pytest.raises(NotDeliveredError, match="not public"):
        Poster(resolve=lambda _host, port: resolve_name("localhost", port)).post(ADDRESS, b"{}", {})


def test_the_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to(server, monkeypatch):
    answers = [[PUBLIC_ADDRESS], ["10.0.0.1"]]

    poster = server.poster(resolve=lambda _host, _port: answers.pop(0))
    resolved = []
    real = socket.getaddrinfo

    def resolve(host, *rest, **more):
        resolved.append(host)
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    poster.post(ADDRESS, b"{}", {})
    assert answers == [["10.0.0.1"]]
    assert set(resolved) == {"127.0.0.1"}
    assert len(server.posts) == 1


def test_the_next_address_is_tried_where_one_does_not_answer(server):
    def connect(address, seconds):
        if address[0] == "8.8.8.8":
            raise ConnectionRefusedError
        return server.connect(address, seconds)

    poster = server.poster(connect=connect, resolve=lambda _host, _port: ["8.8.8.8", PUBLIC_ADDRESS])
    assert poster.post(ADDRESS, b"{}", {}) == 204


def test_ipv4_comes_first(monkeypatch):
    found = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2606:4700::1111", 443, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: found)
    assert resolve_name(HOST, 443) == ["8.8.8.8", "2606:4700::1111"]


def test_a_certificate_of_another_name_is_refused(tmp_path):
    with receiver(tmp_path, "other.example.com") as other:
        with pytest.raises(NotDeliveredError, match="not valid for its name"):
            other.poster().post(ADDRESS, b"{}", {})
        assert other.posts == []


def test_a_certificate_of_an_unknown_authority_is_refused(server):
    with pytest.raises(NotDeliveredError, match="certificate"):
        server.poster(tls=ssl.create_default_context()).post(ADDRESS, b"{}", {})
    assert server.posts == []


def test_a_plain_http_server_gets_nothing():
    with socket.create_server(("127.0.0.1", 0)) as plain:
        port = plain.getsockname()[1]

        def connect(_address, seconds):
            connection = socket.create_connection(("127.0.0.1", port), seconds)
            accepted, _ = plain.accept()
            with accepted:
                accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            return connection

        poster = Poster(resolve=lambda _host, _port: [PUBLIC_ADDRESS], connect=connect)
        with pytest.raises(NotDeliveredError, match=r"TLS|hung up"):
            poster.post(ADDRESS, b"{}", {})


def drip(connection):
    """Answer a little at a time, so that no single wait is long."""
    for character in b"HTTP/1.1" + 100 * b" ":
        connection.sendall(bytes([character]))
        time.sleep(0.05)


def tell_to_go_on(connection):
    for _ in range(100):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.05)


def silent(connection):
    time.sleep(5)


def refuse_words(connection):
    connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")


@pytest.mark.parametrize("act", [drip, tell_to_go_on, silent])
def test_however_slow_the_receiver_is_the_post_ends_in_time(server, act):
    server.act = act
    started = time.monotonic()
    with pytest.raises(NotDeliveredError, match="longer than"):
        server.poster(limit_seconds=0.5).post(ADDRESS, b"{}", {})
    assert 0.4 < time.monotonic() - started < 3


def test_a_handshake_that_never_ends_is_cut():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        poster = Poster(
            resolve=lambda _host, _port: [PUBLIC_ADDRESS],
            connect=lambda _address, seconds: socket.create_connection(("127.0.0.1", port), seconds),
            limit_seconds=0.3,
        )
        with pytest.raises(NotDeliveredError, match="longer than"):
            poster.post(ADDRESS, b"{}", {})


def test_an_answer_is_not_read_to_its_end(server):
    sent = []

    def endless(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while len(sent) < 2000:
                connection.sendall(b"x" * 65_536)
                sent.append(1)
        except OSError:
            pass

    server.act = endless
    assert server.poster().post(ADDRESS, b"{}", {}) == 200
    assert len(sent) < 1000


@pytest.mark.parametrize(
    ("act", "sentence"), [(refuse_words, "not HTTP"), (lambda _connection: None, "hung up")]
)
def test_what_went_wrong_is_said_in_a_sentence(server, act, sentence):
    server.act = act
    with pytest.raises(NotDeliveredError, match=sentence):
        server.poster().post(ADDRESS, b"{}", {})


def test_a_name_without_an_address_is_said():
    def unknown(_host, _port):
        raise socket.gaierror

    with pytest.raises(NotDeliveredError, match="has no address"):
        Poster(resolve=unknown).post(ADDRESS, b"{}", {})


def test_a_receiver_that_nobody_reaches_is_said():
    def refused(_address, _seconds):
        raise ConnectionRefusedError

    with pytest.raises(NotDeliveredError, match="could not be reached"):
        Poster(resolve=lambda _host, _port: [PUBLIC_ADDRESS], connect=refused).post(ADDRESS, b"{}", {})
