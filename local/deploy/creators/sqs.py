"""Amazon SQS queues."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

import json
from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration

_ATTRIBUTES = {
    "visibilityTimeoutSeconds": "VisibilityTimeout",
    "messageRetentionSeconds": "MessageRetentionPeriod",
    "maxMessageSize": "MaximumMessageSize",
    "delaySeconds": "DelaySeconds",
    "receiveWaitTimeSeconds": "ReceiveMessageWaitTimeSeconds",
    "kmsMasterKeyId": "KmsMasterKeyId",
    "sqsManagedSseEnabled": "SqsManagedSseEnabled",
    "fifoQueue": "FifoQueue",
    "contentBasedDeduplication": "ContentBasedDeduplication",
}


class Queue(Kind):
    """A queue."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:sqs/queue:Queue",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        suffix = ".fifo" if inputs.get("fifoQueue") else ""
        attributes = {theirs: _text(inputs[ours]) for ours, theirs in _ATTRIBUTES.items() if ours in inputs}
        for ours, theirs in (("policy", "Policy"), ("redrivePolicy", "RedrivePolicy")):
            document = registration.document(ours)
            if document:
                attributes[theirs] = document
        made = registration.client("sqs").create_queue(
            QueueName=registration.physical_name(limit=80, suffix=suffix),
            Attributes=attributes,
            tags=registration.tags,
        )
        url: str = made["QueueUrl"]
        return url

    def read(self, registration: Registration) -> dict[str, Any]:
        attributes = registration.client("sqs").get_queue_attributes(
            QueueUrl=registration.id, AttributeNames=["QueueArn"]
        )["Attributes"]
        arn = attributes["QueueArn"]
        return {"arn": arn, "url": registration.id, "name": arn.rpartition(":")[2]}

    def delete(self, registration: Registration) -> None:
        registration.client("sqs").delete_queue(QueueUrl=registration.id)


class QueuePolicy(Kind):
    """Who may send to a queue."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:sqs/queuePolicy:QueuePolicy",)

    def create(self, registration: Registration) -> str:
        url: str = registration.inputs["queueUrl"]
        policy = registration.document("policy") or ""
        registration.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url

    def read(self, registration: Registration) -> dict[str, Any]:
        attributes = registration.client("sqs").get_queue_attributes(
            QueueUrl=registration.id, AttributeNames=["Policy"]
        )["Attributes"]
        return {"queueUrl": registration.id, "policy": attributes["Policy"]}

    def delete(self, registration: Registration) -> None:
        registration.client("sqs").set_queue_attributes(QueueUrl=registration.id, Attributes={"Policy": ""})


def _text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return json.dumps(value) if isinstance(value, bool) else str(value)
