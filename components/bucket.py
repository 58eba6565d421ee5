"""A bucket that nobody outside reaches."""

from collections.abc import Sequence
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import grants
from components.adopt import Retention
from components.base import Component

ABORT_UPLOADS_AFTER_DAYS = 7
KEEP_OLD_VERSIONS_DAYS = 30
_PREFLIGHT_SECONDS = 3600

LifecycleRule = aws.s3.BucketLifecycleConfigurationRuleArgsDict


class PrivateBucket(Component):
    """A bucket that nobody outside reaches: encrypted, versioned, owned by the account, closed to the public.

    Its one policy is set apart, by `set_policy`: it may name what reads the bucket and is made later.

    Attributes:
        name: Name of the bucket.
        arn: Its ARN.
        domain: Its regional domain name, for CloudFront.
        versioning: Until it is there, objects have no version.
    """

    TYPE: ClassVar[str] = "spaceport:storage:PrivateBucket"
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    domain: pulumi.Output[str]
    versioning: aws.s3.BucketVersioning

    def __init__(
        self,
        name: str,
        *,
        allowed_origins: Sequence[str],
        allowed_methods: Sequence[str],
        lifecycle: Sequence[LifecycleRule],
        retention: Retention,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the bucket.

        Args:
            name: Logical name.
            allowed_origins: Origins whose pages may reach it.
            allowed_methods: What those pages may do; nothing for none.
            lifecycle: What becomes of its objects, besides what holds for every bucket.
            retention: How it is kept.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        self._retention = retention
        bucket = aws.s3.Bucket(
            name, force_destroy=retention.ephemeral, opts=retention.stateful(name, parent=self)
        )
        self.name = bucket.bucket
        self.arn = bucket.arn
        self.domain = bucket.bucket_regional_domain_name
        self._public_access = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._setting("public-access"),
        )
        aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._setting("ownership"),
        )
        aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.bucket,
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=self._setting("encryption"),
        )
        self.versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self._setting("versioning"),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=self.versioning.bucket,
            rules=[
                {
                    "id": "abort-incomplete-uploads",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {"days_after_initiation": ABORT_UPLOADS_AFTER_DAYS},
                },
                {
                    "id": "expire-old-versions",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "noncurrent_version_expiration": {"noncurrent_days": KEEP_OLD_VERSIONS_DAYS},
                    # A marker whose versions are all gone is only clutter.
                    "expiration": {"expired_object_delete_marker": True},
                },
                *lifecycle,
            ],
            opts=self._setting("lifecycle"),
        )
        if allowed_methods:
            self._allow_pages(allowed_origins, allowed_methods)
        self.register_outputs({"name": self.name, "arn": self.arn, "domain": self.domain})

    def set_policy(self, *statements: grants.Statement) -> None:
        """Set the bucket's policy: TLS only, and what the statements allow. To be called once."""
        options = self._setting("policy")
        options.depends_on = [self._public_access]
        aws.s3.BucketPolicy(
            f"{self._name}-policy",
            bucket=self.name,
            policy=grants.document(grants.refuse_plain_http(self.arn), *statements),
            opts=options,
        )

    def _setting(self, setting: str) -> pulumi.ResourceOptions:
        return self._retention.bucket_setting(self._name, setting, parent=self)

    def _allow_pages(self, origins: Sequence[str], methods: Sequence[str]) -> None:
        aws.s3.BucketCorsConfiguration(
            f"{self._name}-cors",
            bucket=self.name,
            cors_rules=[
                {
                    "allowed_origins": list(origins),
                    "allowed_methods": list(methods),
                    "allowed_headers": ["*"],
                    "expose_headers": ["ETag"],
                    "max_age_seconds": _PREFLIGHT_SECONDS,
                }
            ],
            opts=self._setting("cors"),
        )
