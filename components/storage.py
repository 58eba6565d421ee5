"""Where data lives: the buckets, the tables and the queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components.adopt import Retention
from components.base import Component
from components.bucket import LifecycleRule, PrivateBucket
from components.work_queue import WorkQueue

OWNER_INDEX = "owner-index"
PROJECT_INDEX = "project-index"
JOB_INDEX = "job-index"
TIER_ORIGINALS_AFTER_DAYS = 30
EXPIRE_INTERMEDIATES_AFTER_DAYS = 30
EXPIRE_EXPORTS_AFTER_DAYS = 7
EXPORTS = "exports/"
"""Folder of the archives that people have made of their projects, copies of what lies elsewhere."""
JOB = f"jobs/{'?' * 36}"
"""Folder of a job in IAM's patterns: its id is a UUID; `*` would reach over slashes into other folders."""
INTERMEDIATE = ("spaceport-kept", "for-a-while")
"""Tag of what a job leaves behind besides its model; a job's folder cannot be told by a prefix."""
WEBHOOK_TRIES = 6
WEBHOOK_SECONDS = 60
"""Longest call of the function that posts to a webhook."""

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
_EXPIRE_EXPORTS: LifecycleRule = {
    "id": "expire-exports",
    "status": "Enabled",
    "filter": {"prefix": EXPORTS},
    "expiration": {"days": EXPIRE_EXPORTS_AFTER_DAYS},
    # Nobody needs a copy's old versions; the shorter of two rules counts.
    "noncurrent_version_expiration": {"noncurrent_days": 1},
}


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
    """The buckets, tables and queues of the platform; `functions/shared/tables.py` says what the keys mean.

    Attributes:
        artifacts_bucket: What the deployment and CI build: `layers/`.
        uploads_bucket: Captures: `uploads/{owner}/{captureId}/`.
        ml_bucket: Jobs: `jobs/{jobId}/`; elevation tiles: `terrain/`; exported projects: `exports/`. Its
            policy is set by the delivery, which reads it.
        uploads_table: Captures and their files, also by owner and by project; what was never completed goes
            by itself.
        projects_table: Projects by owner.
        jobs_table: Jobs, also by owner and by project.
        links_table: Links to models, also by job; expired ones go by themselves.
        waitlist_table: People who wait for a place.
        feedback_table: What people have said.
        limits_table: Counts of the day; earlier ones go by themselves.
        flight_paths_table: Saved flight plans, also by owner and by project.
        settings_table: What people have set for themselves, and what they may use.
        idempotency_table: Answers to requests that may come twice; they go by themselves.
        webhook_queue: Events on their way to people's webhooks.
        tables: All tables by logical name.
        indexes: Names of each table's indexes.
    """

    TYPE: ClassVar[str] = "spaceport:storage:Storage"
    artifacts_bucket: PrivateBucket
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
    settings_table: aws.dynamodb.Table
    idempotency_table: aws.dynamodb.Table
    webhook_queue: WorkQueue
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
        self.artifacts_bucket = PrivateBucket(
            "artifacts-bucket",
            allowed_origins=allowed_origins,
            allowed_methods=[],
            lifecycle=[],
            retention=retention,
            opts=self._child(),
        )
        self.artifacts_bucket.set_policy()
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
            lifecycle=[_EXPIRE_INTERMEDIATES, _EXPIRE_EXPORTS],
            retention=retention,
            opts=self._child(),
        )
        created_at = Key("createdAt", "N")
        by_owner = Index(OWNER_INDEX, Key("owner"), created_at)
        by_project = Index(PROJECT_INDEX, Key("projectId"), created_at)
        by_job = Index(JOB_INDEX, Key("jobId"), created_at)
        self.uploads_table = self._table(
            "uploads-table",
            Key("captureId"),
            Key("itemId"),
            indexes=[by_owner, by_project],
            expires_at="expiresAt",
        )
        self.projects_table = self._table("projects-table", Key("userSub"), Key("projectId"))
        self.jobs_table = self._table("jobs-table", Key("jobId"), indexes=[by_owner, by_project])
        self.links_table = self._table("links-table", Key("token"), indexes=[by_job], expires_at="expiresAt")
        self.waitlist_table = self._table("waitlist-table", Key("email"))
        self.feedback_table = self._table("feedback-table", Key("feedbackId"))
        self.limits_table = self._table("limits-table", Key("limitId"), expires_at="expiresAt")
        self.flight_paths_table = self._table("flight-paths-table", Key("id"), indexes=[by_owner, by_project])
        self.settings_table = self._table("settings-table", Key("userSub"))
        self.idempotency_table = self._table("idempotency-table", Key("id"), expires_at="expiration")
        self.webhook_queue = WorkQueue(
            "webhooks", tries=WEBHOOK_TRIES, hidden_seconds=6 * WEBHOOK_SECONDS, opts=self._child()
        )
        self.register_outputs(
            {
                "artifacts_bucket": self.artifacts_bucket.name,
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
                "settings_table": self.settings_table.name,
                "idempotency_table": self.idempotency_table.name,
            }
        )

    @property
    def outputs(self) -> dict[str, pulumi.Output[str]]:
        """What the stack tells of it."""
        return {
            "artifactsBucket": self.artifacts_bucket.name,
            "uploadsBucket": self.uploads_bucket.name,
            "mlBucket": self.ml_bucket.name,
            "projectsTable": self.projects_table.name,
        }

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
