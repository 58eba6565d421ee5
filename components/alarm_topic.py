"""The topic that alarms reach people by."""

from collections.abc import Sequence
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import grants
from components.account import Account
from components.base import Component


class AlarmTopic(Component):
    """An encrypted topic with its readers; CloudWatch and Budgets, for this account, are all that publish.

    Each address gets a mail to confirm first. No event of EventBridge comes here: it cannot publish to an
    encrypted topic under a condition on the account, so whoever could point a rule at the topic could use it.

    Attributes:
        arn: ARN of the topic.
    """

    TYPE: ClassVar[str] = "spaceport:alarm_topic:AlarmTopic"
    arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        account: Account,
        recipients: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the topic.

        Args:
            name: Logical name.
            account: Whose alarms and budgets publish.
            recipients: Mail addresses.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        publishers = (grants.CLOUDWATCH, grants.BUDGETS)
        # A key of our own: AWS's key for SNS lets no service publish, and alarms would be lost in silence.
        key = aws.kms.Key(
            f"{name}-key",
            description="Alarms on their way to people.",
            enable_key_rotation=True,
            policy=grants.document(
                grants.manage_key(account.id),
                *(grants.publish_encrypted(service, account=account.id) for service in publishers),
            ),
            opts=self._child(),
        )
        topic = aws.sns.Topic(f"{name}-topic", kms_master_key_id=key.arn, opts=self._child())
        policy = aws.sns.TopicPolicy(
            f"{name}-policy",
            arn=topic.arn,
            policy=grants.document(
                *(grants.publish(service, topic.arn, account=account.id) for service in publishers)
            ),
            opts=self._child(),
        )
        for recipient in recipients:
            aws.sns.TopicSubscription(
                f"{name}-{recipient}",
                topic=topic.arn,
                protocol="email",
                endpoint=recipient,
                opts=self._child(),
            )
        # By way of the policy: what names the topic from here on comes after those who tell it may.
        self.arn = policy.arn
        self.register_outputs({"arn": self.arn})
