"""A domain of our own for all REST APIs: one base path each."""

from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components.base import Component
from components.settings import Domain


class ApiDomain(Component):
    """The domain name, with the certificate that stands for it.

    Its DNS record is made where the zone is kept: an alias or CNAME to `target`.

    Attributes:
        domain_name: The domain.
        target: Host name that the DNS record must lead to.
    """

    TYPE: ClassVar[str] = "spaceport:api:ApiDomain"
    domain_name: str
    target: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        domain: Domain,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the domain.

        Args:
            name: Logical name.
            domain: Its name, and a certificate of the APIs' own region.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        self.domain_name = domain.name
        self._domain = aws.apigateway.DomainName(
            f"{name}-name",
            domain_name=domain.name,
            regional_certificate_arn=domain.certificate_arn,
            security_policy="TLS_1_2",
            endpoint_configuration={"types": "REGIONAL"},
            opts=self._child(),
        )
        self.target = self._domain.regional_domain_name
        self.register_outputs({"target": self.target})

    @classmethod
    def where_configured(
        cls, name: str, domain: Domain | None, *, opts: pulumi.ResourceOptions | None = None
    ) -> "ApiDomain | None":
        """Make the domain if the stack has one."""
        return cls(name, domain=domain, opts=opts) if domain else None

    def publish(self, base_path: str, *, rest_api: pulumi.Input[str], stage: pulumi.Input[str]) -> str:
        """Serve a stage below a base path, and return its address there."""
        aws.apigateway.BasePathMapping(
            f"{self._name}-{base_path}",
            domain_name=self._domain.domain_name,
            base_path=base_path,
            rest_api=rest_api,
            stage_name=stage,
            opts=self._child(),
        )
        return self.address(base_path)

    def address(self, base_path: str) -> str:
        """Give the address of what is served below a base path."""
        return f"https://{self.domain_name}/{base_path}"
