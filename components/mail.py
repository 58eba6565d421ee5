"""Where mails come from."""

from collections.abc import Sequence
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.base import Component


class Mail(Component):
    """The identity that mails come from.

    An ephemeral stack makes none: its mails come from the identity that another stack of the account owns.

    Attributes:
        address: The address itself.
        identities: ARNs of what SES may take as the sender's identity: the address itself or its domain.
        domain_identity: ARN of the domain's.
        dkim_tokens: Names of the DNS records that prove that the domain is ours; none in an ephemeral stack.
    """

    TYPE: ClassVar[str] = "spaceport:mail:Mail"
    address: str
    identities: list[pulumi.Output[str]]
    domain_identity: pulumi.Output[str]
    dkim_tokens: pulumi.Output[Sequence[str]]

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
        self.register_outputs({"domain": self.domain_identity, "dkim_tokens": self.dkim_tokens})

    @property
    def outputs(self) -> dict[str, pulumi.Output[Sequence[str]]]:
        """What the stack tells of it."""
        return {"mailDkimTokens": self.dkim_tokens}

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
