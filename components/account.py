"""Where the program deploys to: the account, its region and the provider that every component gets."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws


@dataclass(frozen=True)
class Account:
    """An AWS account and region.

    Attributes:
        provider: Provider with the default tags. The default provider is not used: its tags are invisible to
            tests and to awsx.
        region: Name of the region.
        id: Number of the account.
    """

    provider: aws.Provider
    region: str
    id: pulumi.Output[str]

    @classmethod
    def open(cls, *, region: str, tags: dict[str, str]) -> "Account":
        """Make the provider and look up whose account its credentials are for.

        Args:
            region: Name of the region.
            tags: Tags of every resource.
        """
        provider = aws.Provider("aws", region=region, default_tags={"tags": tags})
        identity = aws.get_caller_identity_output(opts=pulumi.InvokeOutputOptions(provider=provider))
        return cls(provider=provider, region=region, id=identity.account_id)

    def arn(self, service: str, resource: pulumi.Input[str]) -> pulumi.Output[str]:
        """The ARN of something of this account and region.

        Only for what is not a resource of this program, such as SageMaker's jobs: else use its own output.
        """
        return pulumi.Output.concat("arn:aws:", service, ":", self.region, ":", self.id, ":", resource)
