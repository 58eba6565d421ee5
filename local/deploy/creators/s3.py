"""Amazon S3: buckets and the settings that Pulumi keeps as resources of their own."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

import json
from typing import Any, ClassVar
from urllib.parse import urlencode

from local.deploy.archives import read_asset
from local.deploy.kinds import Kind, Registration, pascal
from local.deploy.properties import Asset

_RENAMES = {"id": "ID", "sseAlgorithm": "SSEAlgorithm", "kmsMasterKeyId": "KMSMasterKeyID"}


class Bucket(Kind):
    """A bucket."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:s3/bucket:Bucket", "aws:s3/bucketV2:BucketV2")

    def create(self, registration: Registration) -> str:
        s3 = registration.client("s3")
        name = registration.physical_name("bucket", limit=63, lower=True)
        s3.create_bucket(Bucket=name)
        if registration.tags:
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": registration.tag_list()})
        registration.notes["force_destroy"] = registration.inputs.get("forceDestroy", False)
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        name = registration.id
        registration.client("s3").head_bucket(Bucket=name)
        return {
            "arn": f"arn:aws:s3:::{name}",
            "bucket": name,
            "region": registration.cloud.region,
            "bucketDomainName": f"{name}.s3.amazonaws.com",
            "bucketRegionalDomainName": f"{name}.s3.{registration.cloud.region}.amazonaws.com",
            "hostedZoneId": "Z3AQBSTGFYJSTF",
            "tagsAll": registration.tags,
        }

    def delete(self, registration: Registration) -> None:
        s3 = registration.client("s3")
        if registration.notes.get("force_destroy"):
            self._empty(s3, registration.id)
        s3.delete_bucket(Bucket=registration.id)

    @staticmethod
    def _empty(s3: Any, bucket: str) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for item in page.get("Contents", []):
                s3.delete_object(Bucket=bucket, Key=item["Key"])
        for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
            for upload in page.get("Uploads", []):
                s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])


class _BucketSetting(Kind):
    """One setting of a bucket: its id is the bucket's name."""

    getter: ClassVar[str]
    remover: ClassVar[str | None]

    def create(self, registration: Registration) -> str:
        bucket: str = registration.inputs["bucket"]
        self.put(registration.client("s3"), bucket, registration)
        return bucket

    def put(self, s3: Any, bucket: str, registration: Registration) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        raise NotImplementedError

    def read(self, registration: Registration) -> dict[str, Any]:
        getattr(registration.client("s3"), self.getter)(Bucket=registration.id)
        return {"bucket": registration.id}

    def delete(self, registration: Registration) -> None:
        if self.remover is not None:
            getattr(registration.client("s3"), self.remover)(Bucket=registration.id)


class BucketVersioning(_BucketSetting):
    """Whether a bucket keeps old versions; cannot be taken away again, only suspended with the bucket."""

    tokens: ClassVar[tuple[str, ...]] = (
        "aws:s3/bucketVersioning:BucketVersioning",
        "aws:s3/bucketVersioningV2:BucketVersioningV2",
    )
    getter: ClassVar[str] = "get_bucket_versioning"
    remover: ClassVar[str | None] = None

    def put(self, s3: Any, bucket: str, registration: Registration) -> None:  # noqa: ANN401 - as above
        settings = registration.inputs.whole("versioningConfiguration")
        s3.put_bucket_versioning(
            Bucket=bucket, VersioningConfiguration=pascal(settings, {"mfaDelete": "MFADelete"})
        )


class BucketEncryption(_BucketSetting):
    """How a bucket encrypts what it stores."""

    tokens: ClassVar[tuple[str, ...]] = (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        "aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
    )
    getter: ClassVar[str] = "get_bucket_encryption"
    remover: ClassVar[str | None] = "delete_bucket_encryption"

    def put(self, s3: Any, bucket: str, registration: Registration) -> None:  # noqa: ANN401 - as above
        rules = pascal(registration.inputs.whole("rules"), _RENAMES)
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


class BucketPublicAccessBlock(_BucketSetting):
    """What of public access a bucket refuses."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",)
    getter: ClassVar[str] = "get_public_access_block"
    remover: ClassVar[str | None] = "delete_public_access_block"

    def put(self, s3: Any, bucket: str, registration: Registration) -> None:  # noqa: ANN401 - as above
        names = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
        settings = {name: registration.inputs.get(name, False) for name in names}
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=pascal(settings))
        registration.inputs.ignore("skipDestroy", because="it says how to leave AWS, not what to make")


class BucketOwnershipControls(_BucketSetting):
    """Who owns what is put into a bucket."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:s3/bucketOwnershipControls:BucketOwnershipControls",)
    getter: ClassVar[str] = "get_bucket_ownership_controls"
    remover: ClassVar[str | None] = "delete_bucket_ownership_controls"

    def put(self, s3: Any, bucket: str, registration: Registration) -> None:  # noqa: ANN401 - as above
        rule = registration.inputs.whole("rule")
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls={"Rules": [pascal(rule)]})


class BucketCors(_BucketSetting):
    """Which pages may reach a bucket from a browser."""

    tokens: ClassVar[tuple[str, ...]] = (
        "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration",
        "aws:s3/bucketCorsConfigurationV2:BucketCorsConfigurationV2",
    )
    getter: ClassVar[str] = "get_bucket_cors"
    remover: ClassVar[str | None] = "delete_bucket_cors"

    def put(self, s3: Any, bucket: str, registration: Registration) -> None:  # noqa: ANN401 - as above
        rules = pascal(registration.inputs.whole("corsRules"), _RENAMES)
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})


class BucketLifecycle(_BucketSetting):
    """When a bucket moves or deletes what it stores."""

    tokens: ClassVar[tuple[str, ...]] = (
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2",
    )
    getter: ClassVar[str] = "get_bucket_lifecycle_configuration"
    remover: ClassVar[str | None] = "delete_bucket_lifecycle"

    def put(self, s3: Any, bucket: str, registration: Registration) -> None:  # noqa: ANN401 - as above
        rules = [{"filter": {}, **rule} for rule in registration.inputs.whole("rules")]
        for rule in rules:
            conditions = rule["filter"].get("and")
            if conditions and "tags" in conditions:
                tags = [{"key": key, "value": value} for key, value in conditions["tags"].items()]
                rule["filter"] = {"and": {**conditions, "tags": tags}}
        configuration = {"Rules": pascal(rules, _RENAMES)}
        s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=configuration)
        registration.inputs.ignore(
            "transitionDefaultMinimumObjectSize", because="the embedded cloud has one storage class"
        )


class BucketPolicy(_BucketSetting):
    """Who may do what with a bucket."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:s3/bucketPolicy:BucketPolicy",)
    getter: ClassVar[str] = "get_bucket_policy"
    remover: ClassVar[str | None] = "delete_bucket_policy"

    def put(self, s3: Any, bucket: str, registration: Registration) -> None:  # noqa: ANN401 - as above
        s3.put_bucket_policy(Bucket=bucket, Policy=registration.document("policy"))


class BucketNotification(_BucketSetting):
    """Where a bucket tells of changes."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:s3/bucketNotification:BucketNotification",)
    getter: ClassVar[str] = "get_bucket_notification_configuration"
    remover: ClassVar[str | None] = None

    def put(self, s3: Any, bucket: str, registration: Registration) -> None:  # noqa: ANN401 - as above
        configuration: dict[str, Any] = (
            {"EventBridgeConfiguration": {}} if registration.inputs.get("eventbridge") else {}
        )
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=configuration)


class BucketObject(Kind):
    """A small object that the program itself puts into a bucket."""

    tokens: ClassVar[tuple[str, ...]] = (
        "aws:s3/bucketObject:BucketObject",
        "aws:s3/bucketObjectv2:BucketObjectv2",
    )

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        source = inputs.whole("source") or Asset(text=inputs.whole("content"))
        key: str = inputs.get("key", registration.name)
        registration.client("s3").put_object(
            Bucket=inputs["bucket"],
            Key=key,
            Body=read_asset(source, registration.project_dir),
            Tagging=urlencode(registration.tags),
            **pascal(inputs.take("contentType", "cacheControl", "metadata")),
        )
        return key

    def read(self, registration: Registration) -> dict[str, Any]:
        bucket = registration.inputs["bucket"]
        head = registration.client("s3").head_object(Bucket=bucket, Key=registration.id)
        return {
            "key": registration.id,
            "bucket": bucket,
            "etag": json.loads(head["ETag"]),
            "versionId": head.get("VersionId", ""),
        }

    def delete(self, registration: Registration) -> None:
        registration.client("s3").delete_object(Bucket=registration.inputs["bucket"], Key=registration.id)
