"""Who may send a mail is decided by the identity that it comes from."""

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud_kit import allow

pytestmark = pytest.mark.cloud


def send(ses, sender: str) -> None:
    body = {"Text": {"Data": "There."}}
    ses.send_email(
        FromEmailAddress=sender,
        Destination={"ToAddresses": ["pilot@example.com"]},
        Content={"Simple": {"Subject": {"Data": "Here"}, "Body": body}},
    )


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
