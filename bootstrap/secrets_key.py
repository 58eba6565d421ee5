"""The key that encrypts the stacks' secrets and state."""

import json
from dataclasses import dataclass
from typing import Any

from bootstrap.iam_items import is_same
from bootstrap.installation import Installation
from bootstrap.items import Change, Client, Removal, found, pairs

NOT_FOUND = "NotFoundException"
DELETION_DAYS = 7
"""The shortest wait that KMS knows: until then the deletion can be taken back."""


@dataclass(frozen=True)
class SecretsKey:
    """A KMS key with an alias.

    Attributes:
        kms: KMS.
        installation: Whose.
    """

    kms: Client
    installation: Installation

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        return f"key {self.installation.key_alias}"

    @property
    def arn(self) -> str:
        """Its ARN; before it is made, that of a key which nobody has."""
        there = self._there()
        here = f"arn:aws:kms:{self.installation.region}:{self.installation.account}:key"
        return str(there["Arn"]) if there else f"{here}/not-made-yet"

    def changes(self) -> list[Change]:
        """What differs."""
        there = self._there()
        if there is None:
            return [Change("made", self._make)]
        key, changes = there["KeyId"], []
        if there["KeyState"] == "PendingDeletion":
            changes.append(Change("deletion taken back", lambda: self.kms.cancel_key_deletion(KeyId=key)))
        if there["KeyState"] != "Enabled":
            changes.append(Change("turned on", lambda: self.kms.enable_key(KeyId=key)))
            return changes
        if not self.kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]:
            changes.append(
                Change("yearly rotation turned on", lambda: self.kms.enable_key_rotation(KeyId=key))
            )
        if not is_same(self.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"], self._policy()):
            changes.append(Change("policy written anew", lambda: self._write_policy(key)))
        return changes

    def removal(self) -> Removal | None:
        """What `destroy` does with it."""
        there = self._there()
        if there is None:
            return None
        return Removal(f"will be deleted in {DELETION_DAYS} days", lambda: self._remove(there["KeyId"]))

    def _there(self) -> Any | None:  # noqa: ANN401 - boto3's answer
        told = found(self.kms.describe_key, NOT_FOUND, KeyId=self.installation.key_alias)
        return told and told["KeyMetadata"]

    def _policy(self) -> str:
        """The account's IAM says who may use it: no other account, and here the two roles."""
        root = {"AWS": f"arn:aws:iam::{self.installation.account}:root"}
        statement = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
        return json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def _make(self) -> None:
        key = self.kms.create_key(
            Description=f"Secrets and state of the stacks of {self.installation.qualifier}",
            Policy=self._policy(),
            Tags=pairs(self.installation.tags, "TagKey", "TagValue"),
        )["KeyMetadata"]["KeyId"]
        self.kms.create_alias(AliasName=self.installation.key_alias, TargetKeyId=key)

    def _write_policy(self, key: str) -> None:
        self.kms.put_key_policy(KeyId=key, PolicyName="default", Policy=self._policy())

    def _remove(self, key: str) -> None:
        self.kms.delete_alias(AliasName=self.installation.key_alias)
        self.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=DELETION_DAYS)
