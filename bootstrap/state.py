"""The bucket of the stacks' state: nobody but the two roles and the administrators comes near it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bootstrap.iam_items import is_same
from bootstrap.installation import BootstrapError, Installation
from bootstrap.items import Change, Client, Removal, found, pairs

FIRST_REGION = "us-east-1"
"""The one region that S3 does not take as a place."""
STACKS = ".pulumi/stacks/"
"""Where Pulumi keeps stacks in a bucket, as `<project>/<stack>.json`."""
_CLOSED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
_LOCK = "OnlyDeploymentsAndAdministrators"
_DATA = ["s3:*Object*", "s3:DeleteBucket", "s3:ListBucket*", "s3:ListMultipartUploadParts"]
"""What is locked. The policy itself is not: any administrator of IAM can set a wrong one right."""


@dataclass(frozen=True)
class StateBucket:
    """The bucket with its settings.

    Attributes:
        s3: S3.
        installation: Whose.
        caller: ARNs of the user or role that is at work: it is the administrator where none is named.
    """

    s3: Client
    installation: Installation
    caller: tuple[str, ...]

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        return f"state bucket {self.name}"

    @property
    def name(self) -> str:
        """Its name."""
        return self.installation.state_bucket

    def changes(self) -> list[Change]:
        """What differs.

        Raises:
            BootstrapError: The bucket is somebody else's.
        """
        if not self._exists():
            return [Change("made", self._make)]
        changes = []
        if self.s3.get_bucket_versioning(Bucket=self.name).get("Status") != "Enabled":
            changes.append(Change("versions turned on", self._keep_versions))
        if self._block() != _CLOSED:
            changes.append(Change("public access blocked", self._block_public))
        if self._rules() != [self._encryption()]:
            changes.append(Change("encryption set", self._encrypt))
        policy = found(self.s3.get_bucket_policy, "NoSuchBucketPolicy", Bucket=self.name)
        if policy is None or not is_same(policy["Policy"], self._policy(policy)):
            changes.append(Change("locked to the roles and administrators", lambda: self._lock(policy)))
        return changes

    def stacks(self) -> list[str]:
        """Names of the stacks in it, as `project/stack`."""
        if not self._exists():
            return []
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=STACKS)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        names = [key.removeprefix(STACKS).removesuffix(".gz") for key in keys]
        return sorted({name.removesuffix(".json") for name in names if name.endswith(".json")})

    def removal(self) -> Removal | None:
        """What `destroy` does with it, all versions of what was in it included."""
        return Removal("removed", self._remove) if self._exists() else None

    def _exists(self) -> bool:
        try:
            return found(self.s3.head_bucket, "404", "NoSuchBucket", Bucket=self.name) is not None
        except self.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] not in ("403", "AccessDenied"):
                raise
            raise BootstrapError(
                f"the bucket {self.name} is there and closed to you: it is another account's, or you are not "
                "among its administrators; one of them names you with --administrator"
            ) from error

    def _block(self) -> Any:  # noqa: ANN401 - boto3's answer
        told = found(
            self.s3.get_public_access_block, "NoSuchPublicAccessBlockConfiguration", Bucket=self.name
        )
        return told and told["PublicAccessBlockConfiguration"]

    def _rules(self) -> list[Any]:
        told = found(
            self.s3.get_bucket_encryption, "ServerSideEncryptionConfigurationNotFoundError", Bucket=self.name
        )
        rules = told["ServerSideEncryptionConfiguration"]["Rules"] if told else []
        known = ("ApplyServerSideEncryptionByDefault", "BucketKeyEnabled")
        return [{key: rule[key] for key in known if key in rule} for rule in rules]

    def _encryption(self) -> dict[str, Any]:
        ours = self.installation
        return {
            "ApplyServerSideEncryptionByDefault": {
                "SSEAlgorithm": "aws:kms",
                "KMSMasterKeyID": f"arn:aws:kms:{ours.region}:{ours.account}:{ours.key_alias}",
            },
            "BucketKeyEnabled": True,
        }

    def _policy(self, there: Any | None) -> str:  # noqa: ANN401 - boto3's answer
        ours = self.installation
        on = [f"arn:aws:s3:::{self.name}", f"arn:aws:s3:::{self.name}/*"]
        may = [
            f"arn:aws:iam::{ours.account}:root",
            ours.role(ours.deploy_role),
            ours.role(ours.preview_role),
        ]
        administrators = list(ours.administrators) or self._administrators(there, may)
        others = {
            "ArnNotLike": {"aws:PrincipalArn": [*may, *(arn for arn in administrators if arn not in may)]}
        }
        in_clear = {"Bool": {"aws:SecureTransport": "false"}}
        deny = {"Effect": "Deny", "Principal": "*", "Resource": on}
        statements = [
            {"Sid": "OnlyTls", **deny, "Action": "s3:*", "Condition": in_clear},
            {"Sid": _LOCK, **deny, "Action": _DATA, "Condition": others},
        ]
        return json.dumps({"Version": "2012-10-17", "Statement": statements})

    def _administrators(self, there: Any | None, may: Sequence[str]) -> list[str]:  # noqa: ANN401 - boto3's answer
        """Whom the policy names already; else the one who is at work."""
        statements = json.loads(there["Policy"])["Statement"] if there else []
        named = [
            arn
            for statement in statements
            if statement.get("Sid") == _LOCK
            for arn in statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
        ]
        return [arn for arn in named if arn not in may] or list(self.caller)

    def _make(self) -> None:
        region = self.installation.region
        place = (
            {"CreateBucketConfiguration": {"LocationConstraint": region}} if region != FIRST_REGION else {}
        )
        self.s3.create_bucket(Bucket=self.name, **place)
        self.s3.put_bucket_tagging(Bucket=self.name, Tagging={"TagSet": pairs(self.installation.tags)})

    def _keep_versions(self) -> None:
        self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})

    def _block_public(self) -> None:
        self.s3.put_public_access_block(Bucket=self.name, PublicAccessBlockConfiguration=_CLOSED)

    def _encrypt(self) -> None:
        self.s3.put_bucket_encryption(
            Bucket=self.name, ServerSideEncryptionConfiguration={"Rules": [self._encryption()]}
        )

    def _lock(self, there: Any | None) -> None:  # noqa: ANN401 - boto3's answer
        self.s3.put_bucket_policy(Bucket=self.name, Policy=self._policy(there))

    def _remove(self) -> None:
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=self.name):
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                self.s3.delete_object(Bucket=self.name, Key=one["Key"], VersionId=one["VersionId"])
        self.s3.delete_bucket(Bucket=self.name)
