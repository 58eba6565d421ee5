"""The way of a model to a browser: a CloudFront distribution that lets in who has signed cookies."""

from collections.abc import Sequence
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import grants
from components.api import Api
from components.base import Component
from components.bucket import PrivateBucket
from components.settings import DeliverySettings, Domain
from components.storage import JOB

MODELS = f"{JOB}/model/*"
CORS_SECONDS = 3600
BROWSER_CACHE_SECONDS = 3600
HSTS_SECONDS = 2 * 365 * 24 * 3600
# Policies that AWS itself keeps, the same in every account (Amazon CloudFront Developer Guide, "Use managed
# cache policies").
CACHING_OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
_MODELS_ORIGIN = "models"
_LINKS_ORIGIN = "links"


class Delivery(Component):
    """The distribution: models for signed cookies, and the opening of links, which hands the cookies out.

    Attributes:
        url: Address that models are opened at, without a trailing slash.
        domain_name: The distribution's own domain, which a DNS record of ours leads to.
        key_pair_id: Id of the public key, which cookies name.
    """

    TYPE: ClassVar[str] = "spaceport:delivery:Delivery"
    url: pulumi.Output[str]
    domain_name: pulumi.Output[str]
    key_pair_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        bucket: PrivateBucket,
        links_api: Api,
        settings: DeliverySettings,
        allowed_origins: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the distribution and let it, alone, read the models.

        Args:
            name: Logical name.
            bucket: Where models are; its policy is set here.
            links_api: The API that has `GET /open/{token}`; its stage may come later.
            settings: Its key, addresses and price class.
            allowed_origins: Origins whose pages may load and embed models.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        domain = settings.domain
        headers = self._headers(allowed_origins)
        key = aws.cloudfront.PublicKey(f"{name}-key", encoded_key=settings.public_key, opts=self._child())
        trusted = aws.cloudfront.KeyGroup(f"{name}-keys", items=[key.id], opts=self._child())
        access = aws.cloudfront.OriginAccessControl(
            f"{name}-access",
            origin_access_control_origin_type="s3",
            signing_behavior="always",
            signing_protocol="sigv4",
            opts=self._child(),
        )
        distribution = aws.cloudfront.Distribution(
            f"{name}-distribution",
            comment="Models and their viewer.",
            enabled=True,
            is_ipv6_enabled=True,
            http_version="http2and3",
            price_class=settings.price_class,
            aliases=[domain.name] if domain else None,
            # Being rolled out to all edges takes minutes, which nothing here has to wait for.
            wait_for_deployment=False,
            origins=[
                {
                    "origin_id": _MODELS_ORIGIN,
                    "domain_name": bucket.domain,
                    "origin_access_control_id": access.id,
                },
                {
                    "origin_id": _LINKS_ORIGIN,
                    "domain_name": links_api.host,
                    "origin_path": f"/{links_api.stage_name}",
                    "custom_origin_config": {
                        "http_port": 80,
                        "https_port": 443,
                        "origin_protocol_policy": "https-only",
                        "origin_ssl_protocols": ["TLSv1.2"],
                    },
                },
            ],
            default_cache_behavior={
                "target_origin_id": _MODELS_ORIGIN,
                "viewer_protocol_policy": "https-only",
                "allowed_methods": ["GET", "HEAD"],
                "cached_methods": ["GET", "HEAD"],
                "compress": True,
                "cache_policy_id": CACHING_OPTIMIZED,
                "response_headers_policy_id": headers.id,
                "trusted_key_groups": [trusted.id],
            },
            ordered_cache_behaviors=[
                {
                    "path_pattern": "/open/*",
                    "target_origin_id": _LINKS_ORIGIN,
                    "viewer_protocol_policy": "https-only",
                    "allowed_methods": ["GET", "HEAD"],
                    "cached_methods": ["GET", "HEAD"],
                    "compress": True,
                    "cache_policy_id": CACHING_DISABLED,
                }
            ],
            restrictions={"geo_restriction": {"restriction_type": "none"}},
            viewer_certificate=_certificate(domain),
            opts=self._child(),
        )
        bucket.set_policy(grants.deliver_objects(bucket.arn, MODELS, distribution=distribution.arn))
        self.domain_name = distribution.domain_name
        own_url = pulumi.Output.concat("https://", domain.name if domain else self.domain_name)
        self.url = own_url if settings.url is None else pulumi.Output.from_input(settings.url)
        self.key_pair_id = key.id
        self.register_outputs(
            {"url": self.url, "domain_name": self.domain_name, "key_pair_id": self.key_pair_id}
        )

    @property
    def outputs(self) -> dict[str, pulumi.Output[str]]:
        """What the stack tells of it."""
        return {"deliveryUrl": self.url, "deliveryDomainName": self.domain_name}

    def _headers(self, allowed_origins: Sequence[str]) -> aws.cloudfront.ResponseHeadersPolicy:
        embedders = " ".join(["'self'", *allowed_origins])
        return aws.cloudfront.ResponseHeadersPolicy(
            f"{self._name}-headers",
            security_headers_config={
                # The page's own policy is in the page; who may embed it can only be said in a header.
                "content_security_policy": {
                    "content_security_policy": f"frame-ancestors {embedders}",
                    "override": True,
                },
                "content_type_options": {"override": True},
                "referrer_policy": {"referrer_policy": "no-referrer", "override": True},
                "strict_transport_security": {
                    "access_control_max_age_sec": HSTS_SECONDS,
                    "override": True,
                },
            },
            cors_config={
                "access_control_allow_credentials": True,
                "access_control_allow_origins": {"items": list(allowed_origins)},
                "access_control_allow_methods": {"items": ["GET", "HEAD"]},
                "access_control_allow_headers": {"items": ["Range"]},
                "access_control_expose_headers": {"items": ["Accept-Ranges", "Content-Range", "ETag"]},
                "access_control_max_age_sec": CORS_SECONDS,
                "origin_override": True,
            },
            custom_headers_config={
                # Models are private: only the person's own browser keeps them.
                "items": [
                    {
                        "header": "Cache-Control",
                        "value": f"private, max-age={BROWSER_CACHE_SECONDS}",
                        "override": True,
                    }
                ]
            },
            opts=self._child(),
        )


def _certificate(domain: Domain | None) -> aws.cloudfront.DistributionViewerCertificateArgsDict:
    if domain is None:
        return {"cloudfront_default_certificate": True}
    return {
        "acm_certificate_arn": domain.certificate_arn,
        "ssl_support_method": "sni-only",
        "minimum_protocol_version": "TLSv1.2_2021",
    }
