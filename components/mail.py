"""Where mails come from."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components.account import Account
from components.base import Component


class Mail(Component):
    """The identity that mails come from.

    An ephemeral stack makes none: its mails come from the identity that another stack of the account owns.

    Attributes:
        address: The address.
        identities: ARNs of what SES may take as the sender's identity: the address itself or its domain.
    """

    TYPE: ClassVar[str] = "spaceport:mail:Mail"
    address: str
    identities: list[pulumi.Output[str]]

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
            domain_identity = account.arn("ses", f"identity/{domain}")
        else:
            domain_identity = aws.sesv2.EmailIdentity(
                f"{name}-domain", email_identity=domain, opts=self._child()
            ).arn
        self.identities = [domain_identity, account.arn("ses", f"identity/{address}")]
        self.register_outputs({"domain": domain_identity})
