"""Who may send a mail, and what is told of it."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud_kit import allow, until

pytestmark = pytest.mark.cloud

US = "models@four.example"


def send(ses, sender: str, to: str = "pilot@example.com", sent_with: str | None = None) -> str:
    body = {"Text": {"Data": "There."}}
    message_id: str = ses.send_email(
        FromEmailAddress=sender,
        Destination={"ToAddresses": [to]},
        Content={"Simple": {"Subject": {"Data": "Here"}, "Body": body}},
        **({"ConfigurationSetName": sent_with} if sent_with else {}),
    )["MessageId"]
    return message_id


def test_a_role_sends_from_its_own_identity_alone(cloud, kit):
    for sender in ("models@one.example", "models@two.example"):
        cloud.client("ses").verify_email_identity(EmailAddress=sender)
    own = f"arn:aws:ses:{cloud.region}:{cloud.account}:identity/models@one.example"
    ses = kit.as_user("sesv2", allow("ses:SendEmail", own))
    before = len(cloud.mail())
    send(ses, "Models <models@one.example>")
    assert len(cloud.mail()) == before + 1
    with pytest.raises(ClientError, match="AccessDenied"):
        send(ses, "models@two.example")
    assert len(cloud.mail()) == before + 1


def test_a_domain_speaks_for_its_addresses(cloud, kit):
    cloud.client("ses").verify_domain_identity(Domain="three.example")
    domain = f"arn:aws:ses:{cloud.region}:{cloud.account}:identity/three.example"
    before = len(cloud.mail())
    send(kit.as_user("sesv2", allow("ses:SendEmail", domain)), "models@three.example")
    assert len(cloud.mail()) == before + 1


@pytest.fixture
def told(cloud, kit):
    """A configuration set whose events come into a queue, and what reads the queue."""
    cloud.client("ses").verify_email_identity(EmailAddress=US)
    sesv2, name = cloud.client("sesv2"), kit.name("set")
    sesv2.create_configuration_set(ConfigurationSetName=name)
    url, arn = kit.queue()
    pattern = {"source": ["aws.ses"], "detail": {"mail": {"tags": {"ses:configuration-set": [name]}}}}
    kit.events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    kit.events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])

    def destination(*kinds: str, enabled: bool = True) -> None:
        bus = f"arn:aws:events:{cloud.region}:{cloud.account}:event-bus/default"
        sesv2.create_configuration_set_event_destination(
            ConfigurationSetName=name,
            EventDestinationName="events",
            EventDestination={
                "Enabled": enabled,
                "MatchingEventTypes": list(kinds),
                "EventBridgeDestination": {"EventBusArn": bus},
            },
        )

    def read() -> list:
        messages = kit.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(message["Body"]) for message in messages]

    yield name, destination, read
    kit.events.remove_targets(Rule=name, Ids=["queue"])
    kit.events.delete_rule(Name=name)


def test_a_role_sends_with_a_configuration_set_that_it_is_given_alone(cloud, kit, told):
    name, _, _ = told
    identity = f"arn:aws:ses:{cloud.region}:{cloud.account}:identity/{US}"
    sent_with = f"arn:aws:ses:{cloud.region}:{cloud.account}:configuration-set/{name}"
    before = len(cloud.mail())
    without = kit.as_user("sesv2", allow("ses:SendEmail", identity))
    with pytest.raises(ClientError, match=f"AccessDenied.*configuration-set/{name}"):
        send(without, US, sent_with=name)
    with pytest.raises(ClientError, match=f"AccessDenied.*identity/{US}"):
        send(kit.as_user("sesv2", allow("ses:SendEmail", sent_with)), US, sent_with=name)
    send(without, US)
    send(kit.as_user("sesv2", allow("ses:SendEmail", [identity, sent_with])), US, sent_with=name)
    assert len(cloud.mail()) == before + 2


def test_an_unknown_configuration_set_is_refused(cloud, told):
    before = len(cloud.mail())
    with pytest.raises(ClientError, match="Configuration set <nobody's> does not exist"):
        send(cloud.client("sesv2"), US, sent_with="nobody's")
    assert len(cloud.mail()) == before


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("pilot@example.com", ["Email Delivered"]),
        ("success@simulator.amazonses.com", ["Email Delivered"]),
        ("success+smoke-1@simulator.amazonses.com", ["Email Delivered"]),
        ("bounce@simulator.amazonses.com", ["Email Bounced"]),
        ("bounce+2@simulator.amazonses.com", ["Email Bounced"]),
        ("complaint@simulator.amazonses.com", ["Email Delivered", "Email Complaint Received"]),
        ("bounce@example.com", ["Email Delivered"]),
    ],
)
def test_what_becomes_of_a_mail_is_told_as_ses_tells_it(cloud, told, to, expected):
    name, destination, read = told
    destination("DELIVERY", "BOUNCE", "COMPLAINT", "REJECT")
    message_id = send(cloud.client("sesv2"), f"Models <{US}>", to, sent_with=name)
    events = sorted(until(read, "an event"), key=lambda event: expected.index(event["detail-type"]))
    assert [event["detail-type"] for event in events] == expected
    for event in events:
        assert event["source"] == "aws.ses"
        mail = event["detail"]["mail"]
        assert mail["messageId"] == message_id
        assert mail["destination"] == [to]
        assert mail["tags"]["ses:configuration-set"] == [name]
        assert mail["sourceArn"].endswith(f":identity/{US}")
        kind = event["detail"]["eventType"]
        assert to in json.dumps(event["detail"][kind.lower()])


def test_what_a_destination_does_not_name_is_not_told(cloud, told):
    name, destination, read = told
    destination("BOUNCE")
    send(cloud.client("sesv2"), US, sent_with=name)
    send(cloud.client("sesv2"), US, "bounce@simulator.amazonses.com", sent_with=name)
    (event,) = until(read, "an event")
    assert event["detail-type"] == "Email Bounced"


@pytest.mark.parametrize("enabled", [True, False])
def test_a_destination_that_is_off_is_told_nothing(cloud, told, enabled):
    name, destination, read = told
    destination("DELIVERY", enabled=enabled)
    send(cloud.client("sesv2"), US)
    send(cloud.client("sesv2"), US, sent_with=name)
    assert len(read()) == enabled


def test_an_event_may_be_lost_on_request(cloud, told):
    name, destination, read = told
    destination("DELIVERY", "BOUNCE")
    cloud.plan_faults({"fault": "lost-event", "source": "aws.ses", "status": "Delivery"})
    try:
        for _ in range(2):
            send(cloud.client("sesv2"), US, sent_with=name)
        assert len(until(read, "an event")) == 1
    finally:
        cloud.plan_faults()
