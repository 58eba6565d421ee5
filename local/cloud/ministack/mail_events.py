"""Tells EventBridge what became of a mail that was sent with a configuration set, as SES does.

Nothing leaves the embedded cloud, so every mail is delivered but those to SES's mailbox simulator, whose
addresses stand for what may go wrong:
https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
"""

import json
import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from local.cloud.ministack import faults, mail_sender, patch_points

log = logging.getLogger("spaceport.mail")

SOURCE = "aws.ses"
SIMULATOR = "simulator.amazonses.com"
DELIVERED, BOUNCED, COMPLAINED = "DELIVERY", "BOUNCE", "COMPLAINT"
ENDS = {
    "bounce": (BOUNCED,),
    "suppressionlist": (BOUNCED,),
    "complaint": (DELIVERED, COMPLAINED),
}
"""What becomes of a mail to the simulator, by the part before the @; any other one is delivered."""
DETAIL_TYPES = {
    DELIVERED: "Email Delivered",
    BOUNCED: "Email Bounced",
    COMPLAINED: "Email Complaint Received",
}

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Refuses unknown configuration sets, and tells what became of what was sent with a known one."""
    v2 = patch_points.module("services.ses_v2")
    known = patch_points.value(v2, "_config_sets")
    missing = patch_points.function(v2, "_missing_config_set", ("name",))
    original = patch_points.function(
        v2, "handle_request", ("method", "path", "headers", "body", "query_params")
    )

    async def handle(method: str, path: str, headers: Json, body: bytes, query_params: Json) -> Response:
        request = mail_sender.sent(method, path, body) or {}
        name = request.get("ConfigurationSetName")
        if name and name not in known:
            unknown: Response = missing(name)
            return unknown
        answer: Response = await original(method, path, headers, body, query_params)
        if name and answer[0] == 200:  # noqa: PLR2004 - HTTP's OK
            _tell(request, json.loads(answer[2])["MessageId"], known[name])
        return answer

    patch_points.replace(v2, "handle_request", handle)


def _tell(request: Json, message_id: str, configuration_set: Json) -> None:
    wanted = {
        kind
        for destination in (configuration_set.get("EventDestinations") or {}).values()
        if destination["Enabled"] and destination.get("EventBridgeDestination")
        for kind in destination["MatchingEventTypes"]
    }
    put = patch_points.function(
        patch_points.module("services.eventbridge"), "_put_events", ("data", "allow_aws_source")
    )
    for recipient in _recipients(request):
        for kind in ends_of(recipient):
            if kind not in wanted:
                continue
            detail = _detail(kind, recipient, request, message_id)
            entry = {
                "Source": SOURCE,
                "DetailType": DETAIL_TYPES[kind],
                "Resources": [_arn("configuration-set", request["ConfigurationSetName"])],
                "Detail": json.dumps(detail),
            }
            log.info("mail %s: %s", message_id, detail["eventType"])
            for _ in range(faults.copies_of_event(SOURCE, detail["eventType"])):
                put({"Entries": [entry]}, allow_aws_source=True)


def ends_of(recipient: str) -> tuple[str, ...]:
    """Returns what becomes of a mail to an address, in SES's words; a +label changes nothing."""
    mailbox, _, domain = recipient.rpartition("@")
    if domain.lower() != SIMULATOR:
        return (DELIVERED,)
    return ENDS.get(mailbox.partition("+")[0].lower(), (DELIVERED,))


def _recipients(request: Json) -> Iterator[str]:
    """Yields the addresses that a mail goes to."""
    destination = request.get("Destination") or {}
    for field in ("ToAddresses", "CcAddresses", "BccAddresses"):
        yield from destination.get(field) or []


def _detail(kind: str, recipient: str, request: Json, message_id: str) -> Json:
    """Returns an event's detail (https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html)."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    subject = request.get("Content", {}).get("Simple", {}).get("Subject", {}).get("Data", "")
    mail = {
        "timestamp": now,
        "source": request["FromEmailAddress"],
        "sourceArn": _arn("identity", mail_sender.identity(request)),
        "sendingAccountId": _account(),
        "messageId": message_id,
        "destination": list(_recipients(request)),
        "headersTruncated": False,
        "headers": [
            {"name": "From", "value": request["FromEmailAddress"]},
            {"name": "To", "value": ", ".join((request.get("Destination") or {}).get("ToAddresses") or [])},
            {"name": "Subject", "value": subject},
        ],
        "commonHeaders": {
            "from": [request["FromEmailAddress"]],
            "to": (request.get("Destination") or {}).get("ToAddresses") or [],
            "messageId": message_id,
            "subject": subject,
        },
        "tags": {
            "ses:configuration-set": [request["ConfigurationSetName"]],
            "ses:from-domain": [request["FromEmailAddress"].rpartition("@")[2].rstrip(">")],
            **{tag["Name"]: [tag["Value"]] for tag in request.get("EmailTags") or []},
        },
    }
    name, about = {
        DELIVERED: ("delivery", _delivery),
        BOUNCED: ("bounce", _bounce),
        COMPLAINED: ("complaint", _complaint),
    }[kind]
    return {"eventType": name.capitalize(), "mail": mail, name: about(recipient, now)}


def _delivery(recipient: str, now: str) -> Json:
    return {
        "timestamp": now,
        "processingTimeMillis": 0,
        "recipients": [recipient],
        "smtpResponse": "250 2.0.0 OK",
        "reportingMTA": "mta.example.com",
    }


def _bounce(recipient: str, now: str) -> Json:
    refused = {
        "emailAddress": recipient,
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }
    return {
        "feedbackId": str(uuid.uuid4()),
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [refused],
        "timestamp": now,
        "reportingMTA": "dsn; mta.example.com",
    }


def _complaint(recipient: str, now: str) -> Json:
    return {
        "feedbackId": str(uuid.uuid4()),
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": recipient}],
        "timestamp": now,
        "complaintFeedbackType": "abuse",
    }


def _account() -> str:
    return str(patch_points.function(patch_points.module("core.responses"), "get_account_id", ())())


def _arn(kind: str, name: str) -> str:
    region = patch_points.function(patch_points.module("core.responses"), "get_region", ())()
    return f"arn:aws:ses:{region}:{_account()}:{kind}/{name}"
