"""Events from the real queue to a receiver of this process: signed, tried again, given up, switched off."""

import hashlib
import hmac
import json
import socket
import time
import uuid
from dataclasses import replace

import pytest
from pydantic import ValidationError

from functions.shared.stores import Table
from functions.shared.user_settings import SettingsStore
from functions.shared.webhook_events import WebhookEvent, WebhookQueue
from functions.shared.webhook_urls import parse_webhook_url
from functions.user_settings.handler import handler as settings_handler
from functions.webhooks.delivery import DELAYS_SECONDS, Deliveries
from functions.webhooks.handler import _deliveries, handler
from functions.webhooks.post import NotDeliveredError
from functions.webhooks.settings import Settings
from tests.functions.receiver_kit import URL, receiver

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

SOON = (1, 1)
"""Delays that a test can wait for; three tries in all."""


@pytest.fixture
def server(tmp_path):
    with receiver(tmp_path) as running:
        yield running


@pytest.fixture
def deliveries(server, monkeypatch):
    """Have the handler post to the receiver, and try again soon."""
    made = Deliveries(SettingsStore(Table("settings")), server.poster(), SOON)
    monkeypatch.setattr("functions.webhooks.handler._deliveries", lambda: made)
    return made


@pytest.fixture
def put_settings(call, user):
    return lambda body: call(settings_handler, "PUT", "/settings", body, user=user).body


@pytest.fixture
def shown(call, user):
    return lambda: call(settings_handler, "GET", "/settings", user=user).body


@pytest.fixture
def secret(put_settings):
    """Set the user's webhook, give its secret."""
    return put_settings({"webhook": {"url": URL}})["webhookSecret"]


@pytest.fixture
def event(user):
    return WebhookEvent(
        id=f"{uuid.uuid4()}-1",
        type="job.failed",
        owner=user,
        created_at=1_777_629_605_000,
        data={"jobId": "one", "error": "Zu wenige Fotos für ein Modell."},
    )


class Lambda:
    """Works a queue off as an event source mapping with batches of one does."""

    def __init__(self, cloud, context) -> None:
        self.sqs, self.context = cloud.client("sqs"), context
        name = f"queue-{uuid.uuid4().hex[:8]}"
        gone = self.sqs.create_queue(QueueName=f"{name}-dead-letters")["QueueUrl"]
        told = self.sqs.get_queue_attributes(QueueUrl=gone, AttributeNames=["QueueArn"])
        redrive = {"deadLetterTargetArn": told["Attributes"]["QueueArn"], "maxReceiveCount": len(SOON) + 1}
        attributes = {"RedrivePolicy": json.dumps(redrive)}
        self.url = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self.dead_letters = gone

    def work(self):
        """Take one message, if one is there; say what the function answered."""
        received = self.sqs.receive_message(QueueUrl=self.url, AttributeNames=["All"]).get("Messages")
        if not received:
            return None
        (message,) = received
        record = {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message["Attributes"],
        }
        answer = handler({"Records": [record]}, self.context)
        if not answer["batchItemFailures"]:
            self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return [failure["itemIdentifier"] == message["MessageId"] for failure in answer["batchItemFailures"]]

    def work_off(self, seconds=10):
        """Work until no message is left to come; count the calls."""
        calls, deadline = 0, time.monotonic() + seconds
        while self.waiting() and time.monotonic() < deadline:
            calls += self.work() is not None
            time.sleep(0.05)
        assert not self.waiting()
        return calls

    def waiting(self):
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(told[name]) for name in names)

    def given_up(self):
        return [
            json.loads(message["Body"])
            for message in self.sqs.receive_message(QueueUrl=self.dead_letters).get("Messages", [])
        ]


@pytest.fixture
def queue(cloud, lambda_context, monkeypatch):
    """A queue of the test's own, which the handler works off."""
    works = Lambda(cloud, lambda_context)
    settings = Settings(settings_table="settings", webhook_queue_url=works.url)
    monkeypatch.setattr("functions.webhooks.handler.load_settings", lambda _: settings)
    return works


@pytest.fixture
def put(queue, event):
    return lambda: WebhookQueue(queue.url).put(event)


@pytest.mark.usefixtures("deliveries")
def test_an_event_arrives_signed_over_what_arrived(server, secret, queue, put, event):
    before = int(time.time())
    put()
    assert queue.work() == []
    (post,) = server.posts
    assert json.loads(post.body) == {
        "id": event.id,
        "type": event.type,
        "createdAt": "2026-05-01T10:00:05+00:00",
        "data": event.data,
    }
    stamp = post.headers["Spaceport-Timestamp"]
    assert before <= int(stamp) <= time.time()
    assert post.headers["Spaceport-Event-Id"] == event.id

    def signature(body):
        return "v1=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()

    assert post.headers["Spaceport-Signature"] == signature(post.body)
    assert post.headers["Spaceport-Signature"] != signature(post.body.replace(b"one", b"two"))
    assert queue.waiting() == 0


@pytest.mark.usefixtures("deliveries")
@pytest.mark.parametrize("failing", [500, 404, 429, 302])
def test_an_event_that_was_not_taken_comes_again_after_a_while_and_is_taken_once(
    server, secret, queue, put, shown, failing
):
    server.answers, server.location = [failing], URL
    put()
    assert queue.work() == [True]
    assert queue.work() is None, "it came again at once"
    assert queue.work_off() == 1
    ids, stamps, bodies = (
        [post.headers[name] for post in server.posts] if name else [post.body for post in server.posts]
        for name in ("Spaceport-Event-Id", "Spaceport-Timestamp", None)
    )
    assert len(ids) == 2
    assert len(set(ids)) == len(set(bodies)) == 1
    assert int(stamps[1]) > int(stamps[0])
    assert shown()["webhookFailure"] is None


@pytest.mark.usefixtures("deliveries")
def test_what_is_never_taken_is_given_up_and_told_until_something_is_taken(
    server, secret, queue, put, shown, event
):
    server.answers = [500] * (len(SOON) + 1)
    put()
    assert queue.work_off() == len(SOON) + 1
    assert len(server.posts) == len(SOON) + 1
    assert [one["id"] for one in queue.given_up()] == [event.id]
    assert "500" in shown()["webhookFailure"]["reason"]
    assert shown()["webhook"]["active"]
    put()
    assert queue.work() == []
    assert shown()["webhookFailure"] is None


@pytest.mark.usefixtures("deliveries")
def test_a_receiver_that_is_gone_switches_the_webhook_off_until_it_is_set_again(
    server, secret, queue, put, put_settings, shown
):
    version = shown()["version"]
    server.answers = [410]
    for _ in range(2):
        put()
        assert queue.work() == []
    assert len(server.posts) == 1
    assert "410" in shown()["webhookFailure"]["reason"]
    assert not shown()["webhook"]["active"]
    # Who has read the settings before does not turn it on again unknowingly.
    assert put_settings({"webhook": {"url": URL}, "version": version})["code"] == "VERSION_CONFLICT"
    again = put_settings({"webhook": {"url": URL}})
    assert again["webhook"]["active"]
    assert (again["webhookFailure"], again["webhookSecret"]) == (None, None)
    put()
    assert queue.work() == []
    assert len(server.posts) == 2


@pytest.mark.usefixtures("deliveries")
def test_events_of_nobodys_webhook_are_dropped(server, queue, put, put_settings):
    put()
    assert queue.work() == []
    put_settings({"webhook": {"url": URL}})
    put_settings({"webhook": None})
    put()
    assert queue.work() == []
    assert server.posts == []


def test_what_became_of_another_webhook_is_not_noted(server, secret, event, put_settings, shown):
    other = "https://hooks.example.com/other"

    def change(_connection):
        put_settings({"webhook": {"url": other}})

    server.act = change
    deliveries = Deliveries(SettingsStore(Table("settings")), server.poster(), ())
    assert deliveries.deliver(event, 1) == 0
    server.act, server.answers = None, [410]
    replaced = replace(deliveries, poster=_Meanwhile(lambda: put_settings({"webhook": {"url": URL}}), 410))
    assert replaced.deliver(event, 1) is None
    assert (shown()["webhookFailure"], shown()["webhook"]["active"]) == (None, True)


class _Meanwhile:
    """A poster that lets something happen before the answer."""

    def __init__(self, happens, status) -> None:
        self.happens, self.status = happens, status

    def post(self, _url, _body, _headers):
        self.happens()
        return self.status


@pytest.mark.usefixtures("secret")
def test_the_delays_grow_and_end(server, event, shown):
    server.answers = [500] * 6
    deliveries = Deliveries(SettingsStore(Table("settings")), server.poster())
    waits = [deliveries.deliver(event, tries) for tries in range(1, 7)]
    assert waits == [*DELAYS_SECONDS, 0]
    assert list(DELAYS_SECONDS) == sorted(set(DELAYS_SECONDS))
    assert max(DELAYS_SECONDS) <= 12 * 3600, "SQS hides no message for longer"
    assert shown()["webhookFailure"]


def test_the_function_as_it_is_deployed_posts_nothing_to_this_machine(event, monkeypatch, user):
    """Nothing is injected here but the name's address."""
    monkeypatch.setattr("functions.webhooks.post.socket.getaddrinfo", lambda *_, **__: _LOCAL)
    poster = _deliveries().poster
    with pytest.raises(NotDeliveredError, match="not public"):
        poster.post(parse_webhook_url(URL), b"{}", {})


_LOCAL = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]


def test_a_message_that_is_none_of_ours_is_an_error(lambda_context):
    record = {
        "messageId": "1",
        "receiptHandle": "r",
        "body": "{}",
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    with pytest.raises(ValidationError):
        handler({"Records": [record]}, lambda_context)
