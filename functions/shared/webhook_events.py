"""What webhooks tell, on its way through the queue, which holds neither their addresses nor their secrets."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from functions.shared.aws import sqs

EventType = Literal["job.succeeded", "job.failed", "job.stopped", "webhook.test"]


class WebhookEvent(BaseModel):
    """Something that a person's webhook is told.

    Attributes:
        id: The same however often it is told: receivers know repetitions by it.
        type: What has happened.
        owner: The `sub` of whose webhook it is.
        created_at: When it happened, epoch milliseconds.
        data: What is said about it.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    id: str
    type: EventType
    owner: str
    created_at: int
    data: dict[str, str | None]


@dataclass(frozen=True)
class WebhookQueue:
    """The queue that the function `webhooks` works off.

    Attributes:
        url: Its URL.
    """

    url: str

    def put(self, event: WebhookEvent) -> None:
        """Have an event told."""
        sqs().send_message(QueueUrl=self.url, MessageBody=event.model_dump_json(by_alias=True))

    def hide(self, receipt: str, seconds: int) -> None:
        """Have a message that was received come again.

        Args:
            receipt: Receipt handle of the message.
            seconds: After how long, at most 12 hours.
        """
        sqs().change_message_visibility(QueueUrl=self.url, ReceiptHandle=receipt, VisibilityTimeout=seconds)
