"""Where the program deploys to: the account, its region and the provider that every component gets."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

COST_TAG = "cost-center"
"""Tag that is one stack's alone, so that its costs can be told from those of others in the account."""


@dataclass(frozen=True)
class Account:
    """An AWS account and region.

    Attributes:
        provider: Provider with the default tags. The default provider is not used: its tags are invisible to
            tests and to awsx.
        region: Name of the region.
        id: Number of the account.
        tags: The default tags, for what AWS services make on behalf of the program.
        permissions_boundary: ARN of the policy that bounds every role; None where none is asked for.
    """

    provider: aws.Provider
    region: str
    id: pulumi.Output[str]
    tags: Mapping[str, str]
    permissions_boundary: str | None

    @classmethod
    def open(cls, *, region: str, environment: str, permissions_boundary: str | None) -> "Account":
        """Make the provider and look up whose account its credentials are for.

        Args:
            region: Name of the region.
            environment: Name of the environment, a tag of every resource.
            permissions_boundary: ARN of the policy that bounds every role.
        """
        project, stack = pulumi.get_project(), pulumi.get_stack()
        tags = {
            "project": project,
            "stack": stack,
            "environment": environment,
            "managed-by": "pulumi",
            COST_TAG: f"{project}-{stack}",
        }
        provider = aws.Provider("aws", region=region, default_tags={"tags": tags})
        identity = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=provider))
        return cls(
            provider=provider,
            region=region,
            id=identity.account_id,
            tags=tags,
            permissions_boundary=permissions_boundary,
        )

    def arn(self, service: str, resource: pulumi.Input[str]) -> pulumi.Output[str]:
        """The ARN of something of this account and region.

        Only for what is not a resource of this program, such as SageMaker's jobs: else use its own output.
        """
        return pulumi.Output.concat("arn:aws:", service, ":", self.region, ":", self.id, ":", resource)

    def log_group(self, name: str) -> list[pulumi.Input[str]]:
        """The ARNs of a log group that AWS fixes, as policies name it: without and with streams."""
        return [self.arn("logs", f"log-group:{name}"), self.arn("logs", f"log-group:{name}:*")]
