"""Amazon CloudFront: distributions, their policies and the keys that sign what they deliver."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from local.deploy.inputs import Inputs
from local.deploy.kinds import Kind, Registration, pascal, present

_RENAMES = {
    "defaultTtl": "DefaultTTL",
    "minTtl": "MinTTL",
    "maxTtl": "MaxTTL",
    "errorCachingMinTtl": "ErrorCachingMinTTL",
    "xssProtection": "XSSProtection",
    "httpPort": "HTTPPort",
    "httpsPort": "HTTPSPort",
    "acmCertificateArn": "ACMCertificateArn",
    "iamCertificateId": "IAMCertificateId",
    "cloudfrontDefaultCertificate": "CloudFrontDefaultCertificate",
    "sslSupportMethod": "SSLSupportMethod",
    "functionArn": "FunctionARN",
    "lambdaArn": "LambdaFunctionARN",
}


def counted(items: list[Any]) -> dict[str, Any]:
    """A list as CloudFront takes it."""
    return {"Quantity": len(items), "Items": items} if items else {"Quantity": 0}


def with_counts(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Adds the number of items wherever Pulumi has a bare `Items`."""
    if isinstance(value, Mapping):
        filled = {key: with_counts(item) for key, item in value.items()}
        if isinstance(filled.get("Items"), list):
            filled["Quantity"] = len(filled["Items"])
        return filled
    if isinstance(value, list):
        return [with_counts(item) for item in value]
    return value


class _Policy(Kind):
    """Something of CloudFront that is made from one config, and removed under its ETag."""

    noun: ClassVar[str]
    config: ClassVar[str]
    member: ClassVar[str]

    def create(self, registration: Registration) -> str:
        made = getattr(registration.client("cloudfront"), f"create_{self.noun}")(
            **{self.config: self.settings(registration)}
        )
        made_id: str = made[self.member]["Id"]
        return made_id

    def settings(self, registration: Registration) -> dict[str, Any]:
        raise NotImplementedError

    def read(self, registration: Registration) -> dict[str, Any]:
        return {"etag": self._get(registration)["ETag"], **self.outputs(registration)}

    def outputs(self, registration: Registration) -> dict[str, Any]:  # noqa: ARG002 - for those that have some
        return {}

    def delete(self, registration: Registration) -> None:
        getattr(registration.client("cloudfront"), f"delete_{self.noun}")(
            Id=registration.id, IfMatch=self._get(registration)["ETag"]
        )

    def _get(self, registration: Registration) -> dict[str, Any]:
        found: dict[str, Any] = getattr(registration.client("cloudfront"), f"get_{self.noun}")(
            Id=registration.id
        )
        return found

    @staticmethod
    def arn(registration: Registration, noun: str) -> str:
        return f"arn:aws:cloudfront::{registration.cloud.account}:{noun}/{registration.id}"


class PublicKey(_Policy):
    """The public half of a key that signs addresses or cookies."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudfront/publicKey:PublicKey",)
    noun: ClassVar[str] = "public_key"
    config: ClassVar[str] = "PublicKeyConfig"
    member: ClassVar[str] = "PublicKey"

    def settings(self, registration: Registration) -> dict[str, Any]:
        inputs = registration.inputs
        return {
            "CallerReference": str(uuid.uuid4()),
            "Name": registration.physical_name(limit=128),
            "EncodedKey": inputs["encodedKey"],
            "Comment": inputs.get("comment", ""),
        }

    def outputs(self, registration: Registration) -> dict[str, Any]:
        return {"name": self._get(registration)["PublicKey"]["PublicKeyConfig"]["Name"]}


class KeyGroup(_Policy):
    """Keys that a distribution trusts."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudfront/keyGroup:KeyGroup",)
    noun: ClassVar[str] = "key_group"
    config: ClassVar[str] = "KeyGroupConfig"
    member: ClassVar[str] = "KeyGroup"

    def settings(self, registration: Registration) -> dict[str, Any]:
        inputs = registration.inputs
        return {
            "Name": registration.physical_name(limit=128),
            "Items": inputs["items"],
            "Comment": inputs.get("comment", ""),
        }

    def outputs(self, registration: Registration) -> dict[str, Any]:
        return {"name": self._get(registration)["KeyGroup"]["KeyGroupConfig"]["Name"]}


class OriginAccessControl(_Policy):
    """How a distribution signs its requests to an origin."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudfront/originAccessControl:OriginAccessControl",)
    noun: ClassVar[str] = "origin_access_control"
    config: ClassVar[str] = "OriginAccessControlConfig"
    member: ClassVar[str] = "OriginAccessControl"

    def settings(self, registration: Registration) -> dict[str, Any]:
        inputs = registration.inputs
        return {
            "Name": registration.physical_name(limit=64),
            "Description": inputs.get("description", ""),
            "OriginAccessControlOriginType": inputs["originAccessControlOriginType"],
            "SigningBehavior": inputs["signingBehavior"],
            "SigningProtocol": inputs["signingProtocol"],
        }

    def outputs(self, registration: Registration) -> dict[str, Any]:
        config = self._get(registration)["OriginAccessControl"]["OriginAccessControlConfig"]
        return {"name": config["Name"], "arn": self.arn(registration, "origin-access-control")}


class CachePolicy(_Policy):
    """What a distribution keeps, for how long and under what key."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudfront/cachePolicy:CachePolicy",)
    noun: ClassVar[str] = "cache_policy"
    config: ClassVar[str] = "CachePolicyConfig"
    member: ClassVar[str] = "CachePolicy"

    def settings(self, registration: Registration) -> dict[str, Any]:
        inputs = registration.inputs
        parameters = {
            "enableAcceptEncodingGzip": False,
            "enableAcceptEncodingBrotli": False,
            **inputs.whole("parametersInCacheKeyAndForwardedToOrigin"),
        }
        return {
            "Name": registration.physical_name(limit=128),
            "MinTTL": inputs.get("minTtl", 0),
            "DefaultTTL": inputs.get("defaultTtl", 86_400),
            "MaxTTL": inputs.get("maxTtl", 31_536_000),
            "Comment": inputs.get("comment", ""),
            "ParametersInCacheKeyAndForwardedToOrigin": with_counts(pascal(parameters)),
        }

    def outputs(self, registration: Registration) -> dict[str, Any]:
        config = self._get(registration)["CachePolicy"]["CachePolicyConfig"]
        return {"name": config["Name"], "arn": self.arn(registration, "cache-policy")}


class OriginRequestPolicy(_Policy):
    """What a distribution passes on to an origin."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudfront/originRequestPolicy:OriginRequestPolicy",)
    noun: ClassVar[str] = "origin_request_policy"
    config: ClassVar[str] = "OriginRequestPolicyConfig"
    member: ClassVar[str] = "OriginRequestPolicy"

    def settings(self, registration: Registration) -> dict[str, Any]:
        inputs = registration.inputs
        settings = pascal(inputs.take("cookiesConfig", "headersConfig", "queryStringsConfig"))
        return {
            "Name": registration.physical_name(limit=128),
            "Comment": inputs.get("comment", ""),
            **with_counts(settings),
        }

    def outputs(self, registration: Registration) -> dict[str, Any]:
        config = self._get(registration)["OriginRequestPolicy"]["OriginRequestPolicyConfig"]
        return {"name": config["Name"], "arn": self.arn(registration, "origin-request-policy")}


class ResponseHeadersPolicy(_Policy):
    """Headers that a distribution adds to what it delivers."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",)
    noun: ClassVar[str] = "response_headers_policy"
    config: ClassVar[str] = "ResponseHeadersPolicyConfig"
    member: ClassVar[str] = "ResponseHeadersPolicy"

    def settings(self, registration: Registration) -> dict[str, Any]:
        inputs = registration.inputs
        settings = inputs.take(
            "corsConfig",
            "customHeadersConfig",
            "removeHeadersConfig",
            "securityHeadersConfig",
            "serverTimingHeadersConfig",
        )
        return {
            "Name": registration.physical_name(limit=128),
            "Comment": inputs.get("comment", ""),
            **with_counts(pascal(settings, _RENAMES)),
        }

    def outputs(self, registration: Registration) -> dict[str, Any]:
        config = self._get(registration)["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
        return {"name": config["Name"], "arn": self.arn(registration, "response-headers-policy")}


class Distribution(Kind):
    """A distribution."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:cloudfront/distribution:Distribution",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        made = registration.client("cloudfront").create_distribution_with_tags(
            DistributionConfigWithTags={
                "DistributionConfig": _configuration(inputs),
                "Tags": {"Items": registration.tag_list()},
            }
        )
        inputs.ignore(
            "waitForDeployment", "retainOnDelete", because="a distribution is there at once, and goes at once"
        )
        distribution_id: str = made["Distribution"]["Id"]
        return distribution_id

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("cloudfront").get_distribution(Id=registration.id)
        distribution = found["Distribution"]
        return {
            "arn": distribution["ARN"],
            "domainName": distribution["DomainName"],
            "hostedZoneId": "Z2FDTNDATAQYW2",
            "status": distribution["Status"],
            "etag": found["ETag"],
        }

    def delete(self, registration: Registration) -> None:
        cloudfront = registration.client("cloudfront")
        found = cloudfront.get_distribution_config(Id=registration.id)
        configuration = {**found["DistributionConfig"], "Enabled": False}
        updated = cloudfront.update_distribution(
            Id=registration.id, IfMatch=found["ETag"], DistributionConfig=configuration
        )
        cloudfront.delete_distribution(Id=registration.id, IfMatch=updated["ETag"])


def _configuration(inputs: Inputs) -> dict[str, Any]:
    restriction = inputs["restrictions"]["geoRestriction"]
    configuration: dict[str, Any] = {
        "CallerReference": str(uuid.uuid4()),
        "Comment": inputs.get("comment", ""),
        "Enabled": inputs["enabled"],
        "Aliases": counted(inputs.get("aliases") or []),
        "Origins": counted([_origin(origin) for origin in inputs["origins"]]),
        "DefaultCacheBehavior": _behavior(inputs["defaultCacheBehavior"]),
        "CacheBehaviors": counted(
            [
                {"PathPattern": behavior["pathPattern"], **_behavior(behavior)}
                for behavior in inputs.get("orderedCacheBehaviors") or []
            ]
        ),
        "CustomErrorResponses": counted(
            [_error_response(response) for response in inputs.whole("customErrorResponses") or []]
        ),
        "Restrictions": {
            "GeoRestriction": {
                "RestrictionType": restriction["restrictionType"],
                **counted(restriction.get("locations") or []),
            }
        },
        "ViewerCertificate": pascal(inputs.whole("viewerCertificate"), _RENAMES),
        "PriceClass": inputs.get("priceClass", "PriceClass_All"),
        "HttpVersion": inputs.get("httpVersion", "http2"),
        "IsIPV6Enabled": inputs.get("isIpv6Enabled", False),
        "DefaultRootObject": inputs.get("defaultRootObject", ""),
        "WebACLId": inputs.get("webAclId", ""),
        "Staging": inputs.get("staging", False),
    }
    logging = inputs.get("loggingConfig")
    if logging:
        configuration["Logging"] = {
            "Enabled": True,
            "Bucket": logging["bucket"],
            "Prefix": logging.get("prefix", ""),
            "IncludeCookies": logging.get("includeCookies", False),
        }
    return configuration


def _origin(origin: Inputs) -> dict[str, Any]:
    made: dict[str, Any] = {
        "Id": origin["originId"],
        "DomainName": origin["domainName"],
        "OriginPath": origin.get("originPath", ""),
        "CustomHeaders": counted(
            [
                {"HeaderName": header["name"], "HeaderValue": header["value"]}
                for header in origin.get("customHeaders") or []
            ]
        ),
        **present(
            OriginAccessControlId=origin.get("originAccessControlId"),
            ConnectionAttempts=origin.get("connectionAttempts"),
            ConnectionTimeout=origin.get("connectionTimeout"),
            OriginShield=pascal(origin.whole("originShield")),
        ),
    }
    custom = origin.whole("customOriginConfig")
    if custom:
        made["CustomOriginConfig"] = {
            **pascal(custom, _RENAMES),
            "OriginSslProtocols": counted(custom["originSslProtocols"]),
        }
    else:
        identity = (origin.whole("s3OriginConfig") or {}).get("originAccessIdentity", "")
        made["S3OriginConfig"] = {"OriginAccessIdentity": identity}
    return made


def _behavior(behavior: Inputs) -> dict[str, Any]:
    groups = behavior.get("trustedKeyGroups") or []
    functions = behavior.whole("functionAssociations") or []
    made: dict[str, Any] = {
        "TargetOriginId": behavior["targetOriginId"],
        "ViewerProtocolPolicy": behavior["viewerProtocolPolicy"],
        "AllowedMethods": {
            **counted(behavior["allowedMethods"]),
            "CachedMethods": counted(behavior["cachedMethods"]),
        },
        "Compress": behavior.get("compress", False),
        "SmoothStreaming": behavior.get("smoothStreaming", False),
        "TrustedSigners": {"Enabled": False, "Quantity": 0},
        "TrustedKeyGroups": {"Enabled": bool(groups), **counted(groups)},
        "FunctionAssociations": counted(pascal(functions, _RENAMES)),
        **present(
            CachePolicyId=behavior.get("cachePolicyId"),
            OriginRequestPolicyId=behavior.get("originRequestPolicyId"),
            ResponseHeadersPolicyId=behavior.get("responseHeadersPolicyId"),
            MinTTL=behavior.get("minTtl"),
            DefaultTTL=behavior.get("defaultTtl"),
            MaxTTL=behavior.get("maxTtl"),
        ),
    }
    forwarded = behavior.get("forwardedValues")
    if forwarded:
        cookies = forwarded["cookies"]
        made["ForwardedValues"] = {
            "QueryString": forwarded["queryString"],
            "Headers": counted(forwarded.get("headers") or []),
            "QueryStringCacheKeys": counted(forwarded.get("queryStringCacheKeys") or []),
            "Cookies": {
                "Forward": cookies["forward"],
                "WhitelistedNames": counted(cookies.get("whitelistedNames") or []),
            },
        }
    return made


def _error_response(response: Mapping[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = pascal(response, _RENAMES)
    if "ResponseCode" in made:
        made["ResponseCode"] = str(made["ResponseCode"])
    return made
