"""Where data lives: the buckets and the tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import grants
from components.adopt import Retention
from components.base import Component

OWNER_INDEX = "owner-index"
PROJECT_INDEX = "project-index"
ABORT_UPLOADS_AFTER_DAYS = 7
KEEP_OLD_VERSIONS_DAYS = 30
TIER_ORIGINALS_AFTER_DAYS = 30
EXPIRE_INTERMEDIATES_AFTER_DAYS = 30
INTERMEDIATE = ("spaceport-kept", "for-a-while")
"""Tag of what a job leaves behind besides its model; a job's folder cannot be told by a prefix."""
_PREFLIGHT_SECONDS = 3600

LifecycleRule = aws.s3.BucketLifecycleConfigurationRuleArgsDict

_TIER_ORIGINALS: LifecycleRule = {
    "id": "tier-originals",
    "status": "Enabled",
    "filter": {"prefix": "uploads/"},
    "transitions": [{"days": TIER_ORIGINALS_AFTER_DAYS, "storage_class": "INTELLIGENT_TIERING"}],
}
_EXPIRE_INTERMEDIATES: LifecycleRule = {
    "id": "expire-intermediates",
    "status": "Enabled",
    "filter": {"tag": {"key": INTERMEDIATE[0], "value": INTERMEDIATE[1]}},
    "expiration": {"days": EXPIRE_INTERMEDIATES_AFTER_DAYS},
}


class PrivateBucket(Component):
    """A bucket that nobody outside reaches: encrypted, versioned, owned by the account, closed to the public.

    Its one policy is set apart, by `set_policy`: it may name what reads the bucket and is made later.

    Attributes:
        name: Name of the bucket.
        arn: Its ARN.
        domain: Its regional domain name, for CloudFront.
    """

    TYPE: ClassVar[str] = "spaceport:storage:PrivateBucket"
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    domain: pulumi.Output[str]

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
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self._setting("versioning"),
        )
        aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=versioning.bucket,
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
        aws.s3.BucketCorsConfiguration(
            f"{name}-cors",
            bucket=bucket.bucket,
            cors_rules=[
                {
                    "allowed_origins": list(allowed_origins),
                    "allowed_methods": list(allowed_methods),
                    "allowed_headers": ["*"],
                    "expose_headers": ["ETag"],
                    "max_age_seconds": _PREFLIGHT_SECONDS,
                }
            ],
            opts=self._setting("cors"),
        )
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


@dataclass(frozen=True)
class Key:
    """An attribute of a table that is part of a key.

    Attributes:
        name: Its name.
        type: `S` for text, `N` for numbers.
    """

    name: str
    type: str = "S"


@dataclass(frozen=True)
class Index:
    """A secondary index over all attributes."""

    name: str
    partition: Key
    sort: Key


class Storage(Component):
    """The buckets and tables of the platform; `functions/shared/tables.py` says what the keys mean.

    Attributes:
        uploads_bucket: Captures: `uploads/{owner}/{captureId}/`.
        ml_bucket: Jobs: `jobs/{jobId}/`; elevation tiles: `terrain/`. Its policy is set by the delivery,
            which reads it.
        uploads_table: Captures and their files.
        projects_table: Projects by owner.
        jobs_table: Jobs, also by owner and by project.
        links_table: Links to models; expired ones go by themselves.
        waitlist_table: People who wait for a place.
        feedback_table: What people have said.
        limits_table: Counts of the day; earlier ones go by themselves.
        flight_paths_table: Saved flight plans, also by owner.
        tables: All tables by logical name.
        indexes: Names of each table's indexes.
    """

    TYPE: ClassVar[str] = "spaceport:storage:Storage"
    uploads_bucket: PrivateBucket
    ml_bucket: PrivateBucket
    uploads_table: aws.dynamodb.Table
    projects_table: aws.dynamodb.Table
    jobs_table: aws.dynamodb.Table
    links_table: aws.dynamodb.Table
    waitlist_table: aws.dynamodb.Table
    feedback_table: aws.dynamodb.Table
    limits_table: aws.dynamodb.Table
    flight_paths_table: aws.dynamodb.Table
    tables: dict[str, aws.dynamodb.Table]
    indexes: dict[str, tuple[str, ...]]

    def __init__(
        self,
        name: str,
        *,
        allowed_origins: Sequence[str],
        retention: Retention,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts=opts)
        self._retention = retention
        self.tables = {}
        self.indexes = {}
        self.uploads_bucket = PrivateBucket(
            "uploads-bucket",
            allowed_origins=allowed_origins,
            allowed_methods=["GET", "HEAD", "PUT"],
            lifecycle=[_TIER_ORIGINALS],
            retention=retention,
            opts=self._child(),
        )
        self.uploads_bucket.set_policy()
        self.ml_bucket = PrivateBucket(
            "ml-bucket",
            allowed_origins=allowed_origins,
            allowed_methods=["GET", "HEAD"],
            lifecycle=[_EXPIRE_INTERMEDIATES],
            retention=retention,
            opts=self._child(),
        )
        created_at = Key("createdAt", "N")
        by_owner = Index(OWNER_INDEX, Key("owner"), created_at)
        self.uploads_table = self._table("uploads-table", Key("captureId"), Key("itemId"), indexes=[by_owner])
        self.projects_table = self._table("projects-table", Key("userSub"), Key("projectId"))
        by_project = Index(PROJECT_INDEX, Key("projectId"), created_at)
        self.jobs_table = self._table("jobs-table", Key("jobId"), indexes=[by_owner, by_project])
        self.links_table = self._table("links-table", Key("token"), expires_at="expiresAt")
        self.waitlist_table = self._table("waitlist-table", Key("email"))
        self.feedback_table = self._table("feedback-table", Key("feedbackId"))
        self.limits_table = self._table("limits-table", Key("limitId"), expires_at="expiresAt")
        self.flight_paths_table = self._table("flight-paths-table", Key("id"), indexes=[by_owner])
        self.register_outputs(
            {
                "uploads_bucket": self.uploads_bucket.name,
                "ml_bucket": self.ml_bucket.name,
                "uploads_table": self.uploads_table.name,
                "projects_table": self.projects_table.name,
                "jobs_table": self.jobs_table.name,
                "links_table": self.links_table.name,
                "waitlist_table": self.waitlist_table.name,
                "feedback_table": self.feedback_table.name,
                "limits_table": self.limits_table.name,
                "flight_paths_table": self.flight_paths_table.name,
            }
        )

    @property
    def outputs(self) -> dict[str, pulumi.Output[str]]:
        """What the stack tells of it."""
        return {"uploadsBucket": self.uploads_bucket.name, "mlBucket": self.ml_bucket.name}

    def _table(
        self,
        name: str,
        partition: Key,
        sort: Key | None = None,
        *,
        indexes: Sequence[Index] = (),
        expires_at: str | None = None,
    ) -> aws.dynamodb.Table:
        keys = {key for index in indexes for key in (index.partition, index.sort)} | {partition}
        if sort is not None:
            keys.add(sort)
        self.indexes[name] = tuple(index.name for index in indexes)
        self.tables[name] = aws.dynamodb.Table(
            name,
            billing_mode="PAY_PER_REQUEST",
            hash_key=partition.name,
            range_key=sort.name if sort else None,
            attributes=[
                {"name": key.name, "type": key.type} for key in sorted(keys, key=lambda key: key.name)
            ],
            global_secondary_indexes=[
                {
                    "name": index.name,
                    "hash_key": index.partition.name,
                    "range_key": index.sort.name,
                    "projection_type": "ALL",
                }
                for index in indexes
            ],
            ttl={"attribute_name": expires_at, "enabled": True} if expires_at else None,
            point_in_time_recovery={"enabled": not self._retention.ephemeral},
            deletion_protection_enabled=not self._retention.ephemeral,
            opts=self._retention.stateful(name, parent=self),
        )
        return self.tables[name]
