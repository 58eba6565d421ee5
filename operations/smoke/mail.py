"""What became of a mail, from the stack's queue of mail events. Other people's events stay in it."""

import json
import time
from dataclasses import dataclass, field
from typing import Any

from operations.smoke.checks import CheckFailedError

DELIVERED = "Email Delivered"
AT_ONCE = 10
"""What SQS gives and takes in one call."""
LONG_POLL_SECONDS = 2
HIDDEN_SECONDS = 60
"""So long an event of other people's mail is put aside, so that the next look finds others."""

Json = dict[str, Any]


@dataclass
class MailEvents:
    """The queue, as one who looks for the mails of one person.

    Attributes:
        sqs: A boto3 `sqs` client.
        queue: The queue's URL.
        recipient: The person's address.
    """

    sqs: Any
    queue: str
    recipient: str
    _others: list[str] = field(default_factory=list)

    def wait_for_delivery(self, seconds: float) -> str:
        """Waits until a mail to the person was delivered, and returns its id at SES.

        Raises:
            CheckFailedError: It bounced, was rejected or called spam, or nothing was told of it in that time.
        """
        deadline = time.monotonic() + seconds
        try:
            while True:
                events = self._own()
                for event in events:
                    if event["detail-type"] != DELIVERED:
                        raise CheckFailedError(_what_became(event))
                if events:
                    return str(events[0]["detail"]["mail"]["messageId"])
                if time.monotonic() > deadline:
                    raise CheckFailedError(
                        f"Nothing was told of a mail to {self.recipient} within {seconds:.0f} s.",
                        "See in the log of the function job-events whether it sent one, and whether SES may "
                        "tell EventBridge (docs/environments.md, Mail).",
                    )
        finally:
            self._give_back()

    def _own(self) -> list[Json]:
        """Takes the person's events out of what the queue gives now, and puts others aside."""
        received = self.sqs.receive_message(
            QueueUrl=self.queue,
            MaxNumberOfMessages=AT_ONCE,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=LONG_POLL_SECONDS,
        ).get("Messages", [])
        own = []
        for message in received:
            event = json.loads(message["Body"])
            if self.recipient.lower() in map(str.lower, event["detail"]["mail"]["destination"]):
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
                own.append(event)
            else:
                self._others.append(message["ReceiptHandle"])
        return own

    def _give_back(self) -> None:
        """Lets others see what was put aside."""
        for first in range(0, len(self._others), AT_ONCE):
            entries = [
                {"Id": str(number), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                for number, handle in enumerate(self._others[first : first + AT_ONCE])
            ]
            self.sqs.change_message_visibility_batch(QueueUrl=self.queue, Entries=entries)
        self._others.clear()


def _what_became(event: Json) -> str:
    """Says why a mail did not arrive: the event's own words."""
    detail = event["detail"]
    told = f"{event['detail-type']}: the mail to {', '.join(detail['mail']['destination'])}"
    if "bounce" in detail:
        bounce = detail["bounce"]
        reasons = [one.get("diagnosticCode", "") for one in bounce["bouncedRecipients"]]
        return f"{told}, {bounce['bounceType']} ({bounce['bounceSubType']}) {' '.join(reasons)}".rstrip()
    if "reject" in detail:
        return f"{told}, {detail['reject'].get('reason', '')}"
    return told
