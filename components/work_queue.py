"""A queue of work for one function."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components.base import Component

DEAD_LETTER_DAYS = 14
"""As long as SQS keeps anything."""


class WorkQueue(Component):
    """An encrypted queue, and where messages end that its function could not get done.

    Attributes:
        url: URL of the queue.
        arn: ARN of the queue.
        dead_letters: The queue of what was given up.
    """

    TYPE: ClassVar[str] = "spaceport:work_queue:WorkQueue"
    url: pulumi.Output[str]
    arn: pulumi.Output[str]
    dead_letters: aws.sqs.Queue

    def __init__(
        self, name: str, *, tries: int, hidden_seconds: int, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Make the queue.

        Args:
            name: Logical name.
            tries: How often a message comes before it is given up.
            hidden_seconds: After how long one comes again that was neither done nor put off: six times the
                longest call of its function, as AWS advises.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        self.dead_letters = aws.sqs.Queue(
            f"{name}-dead-letters",
            message_retention_seconds=DEAD_LETTER_DAYS * 24 * 3600,
            sqs_managed_sse_enabled=True,
            opts=self._child(),
        )
        queue = aws.sqs.Queue(
            f"{name}-queue",
            visibility_timeout_seconds=hidden_seconds,
            message_retention_seconds=DEAD_LETTER_DAYS * 24 * 3600,
            redrive_policy=pulumi.Output.json_dumps(
                {"deadLetterTargetArn": self.dead_letters.arn, "maxReceiveCount": tries}
            ),
            sqs_managed_sse_enabled=True,
            opts=self._child(),
        )
        self.url = queue.url
        self.arn = queue.arn
        self.register_outputs({"url": self.url, "arn": self.arn})
