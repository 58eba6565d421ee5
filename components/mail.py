"""Where mails come from, and where it is told what became of them."""

from collections.abc import Sequence
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import grants
from components.account import COST_TAG, Account
from components.base import Component

_TOLD = {
    "DELIVERY": "Email Delivered",
    "BOUNCE": "Email Bounced",
    "COMPLAINT": "Email Complaint Received",
    "REJECT": "Email Rejected",
}
"""What is told of a mail: SES's word for it, and EventBridge's."""
_EVENT_DAYS = 4


class Mail(Component):
    """The identity that mails come from, and the queue of what became of them.

    An ephemeral stack makes no identity: its mails come from that of another stack of the account. It hears
    itself what became of them, as every stack does: its mails are those of its configuration set.

    Attributes:
        address: The address itself.
        identities: ARNs of what SES may take as the sender's identity: the address itself or its domain.
        domain_identity: ARN of the domain's.
        dkim_tokens: Names of the DNS records that prove that the domain is ours; none in an ephemeral stack.
        configuration_set: What every mail is sent with.
        events_url: URL of the queue that hears of deliveries, bounces, complaints and rejections.
    """

    TYPE: ClassVar[str] = "spaceport:mail:Mail"
    address: str
    identities: list[pulumi.Output[str]]
    domain_identity: pulumi.Output[str]
    dkim_tokens: pulumi.Output[Sequence[str]]
    configuration_set: aws.sesv2.ConfigurationSet
    events_url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        address: str,
        account: Account,
        ephemeral: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts=opts)
        self.address = address
        domain = address.partition("@")[2]
        if ephemeral:
            self.domain_identity = account.arn("ses", f"identity/{domain}")
            self.dkim_tokens = pulumi.Output.from_input([])
        else:
            identity = aws.sesv2.EmailIdentity(f"{name}-domain", email_identity=domain, opts=self._child())
            self.domain_identity = identity.arn
            self.dkim_tokens = identity.dkim_signing_attributes.tokens
        self.identities = [self.domain_identity, account.arn("ses", f"identity/{address}")]
        self.configuration_set = aws.sesv2.ConfigurationSet(
            f"{name}-configuration-set",
            # One account may hold several stacks.
            configuration_set_name=f"{account.tags[COST_TAG]}-{name}",
            reputation_options={"reputation_metrics_enabled": True},
            opts=self._child(),
        )
        self.events_url = self._events(account).url
        self.register_outputs(
            {
                "domain": self.domain_identity,
                "dkim_tokens": self.dkim_tokens,
                "configuration_set": self.configuration_set.arn,
                "events": self.events_url,
            }
        )

    @property
    def outputs(self) -> dict[str, pulumi.Output[str] | pulumi.Output[Sequence[str]]]:
        """What the stack tells of it."""
        return {"mailDkimTokens": self.dkim_tokens, "mailEventsQueueUrl": self.events_url}

    @property
    def environment(self) -> dict[str, pulumi.Input[str]]:
        """What a function that sends mails reads from its environment."""
        return {
            "MAIL_FROM": self.address,
            "MAIL_CONFIGURATION_SET": self.configuration_set.configuration_set_name,
        }

    def may_send(self) -> grants.Statement:
        """What a function that sends mails may do."""
        return grants.send_mail([*self.identities, self.configuration_set.arn])

    def _events(self, account: Account) -> aws.sqs.Queue:
        """Make the queue, and have everything told to it that becomes of the stack's mails."""
        name, sent_with = self._name, self.configuration_set.configuration_set_name
        queue = aws.sqs.Queue(
            f"{name}-events",
            message_retention_seconds=_EVENT_DAYS * 24 * 3600,
            sqs_managed_sse_enabled=True,
            opts=self._child(),
        )
        rule = aws.cloudwatch.EventRule(
            f"{name}-events-rule",
            description="What became of the stack's mails.",
            event_pattern=pulumi.Output.json_dumps(
                {
                    "source": ["aws.ses"],
                    "detail-type": list(_TOLD.values()),
                    "detail": {"mail": {"tags": {"ses:configuration-set": [sent_with]}}},
                }
            ),
            opts=self._child(),
        )
        may_add = aws.sqs.QueuePolicy(
            f"{name}-events-policy",
            queue_url=queue.url,
            policy=grants.document(grants.take_events(queue.arn, [rule.arn])),
            opts=self._child(),
        )
        target = aws.cloudwatch.EventTarget(
            f"{name}-events-target", rule=rule.name, arn=queue.arn, opts=self._child(depends_on=[may_add])
        )
        aws.sesv2.ConfigurationSetEventDestination(
            f"{name}-events-destination",
            configuration_set_name=sent_with,
            event_destination_name="events",
            event_destination={
                "enabled": True,
                "matching_event_types": list(_TOLD),
                # SES knows no other bus than the default one.
                "event_bridge_destination": {"event_bus_arn": account.arn("events", "event-bus/default")},
            },
            opts=self._child(depends_on=[target]),
        )
        return queue

    def of_cognito(self, *, through_ses: bool) -> aws.cognito.UserPoolEmailConfigurationArgsDict:
        """Say how a user pool sends its mails.

        By itself Cognito sends 50 a day. Through SES it sends as many as SES lets the account; but it refuses
        a domain that is not verified yet, and it cannot be on the first deployment.
        """
        if not through_ses:
            return {"email_sending_account": "COGNITO_DEFAULT"}
        return {
            "email_sending_account": "DEVELOPER",
            "source_arn": self.domain_identity,
            "from_email_address": self.address,
        }
