"""AWS KMS keys and aliases."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.kinds import Kind, MissingResourceError, Registration, pascal, present


class Key(Kind):
    """A key."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:kms/key:Key",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        kms = registration.client("kms")
        made = kms.create_key(
            Tags=registration.tag_list("TagKey", "TagValue"),
            **pascal(inputs.take("description", "keyUsage", "multiRegion")),
            **present(KeySpec=inputs.get("customerMasterKeySpec"), Policy=registration.document("policy")),
        )["KeyMetadata"]
        if inputs.get("enableKeyRotation"):
            kms.enable_key_rotation(KeyId=made["KeyId"])
        registration.notes["window"] = inputs.get("deletionWindowInDays", 7)
        key_id: str = made["KeyId"]
        return key_id

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("kms").describe_key(KeyId=registration.id)["KeyMetadata"]
        return {"keyId": found["KeyId"], "arn": found["Arn"]}

    def delete(self, registration: Registration) -> None:
        registration.client("kms").schedule_key_deletion(
            KeyId=registration.id, PendingWindowInDays=registration.notes.get("window", 7)
        )


class Alias(Kind):
    """A name for a key."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:kms/alias:Alias",)

    def create(self, registration: Registration) -> str:
        name = registration.inputs.get("name") or f"alias/{registration.physical_name('', limit=250)}"
        registration.client("kms").create_alias(
            AliasName=name, TargetKeyId=registration.inputs["targetKeyId"]
        )
        return str(name)

    def read(self, registration: Registration) -> dict[str, Any]:
        for alias in registration.client("kms").list_aliases()["Aliases"]:
            if alias["AliasName"] == registration.id:
                return {"name": registration.id, "arn": alias["AliasArn"]}
        raise MissingResourceError(f"there is no alias {registration.id}")

    def delete(self, registration: Registration) -> None:
        registration.client("kms").delete_alias(AliasName=registration.id)
