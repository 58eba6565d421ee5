"""AWS Secrets Manager."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration, pascal, present


class Secret(Kind):
    """A secret without a value yet."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:secretsmanager/secret:Secret",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        made = registration.client("secretsmanager").create_secret(
            Name=registration.physical_name(limit=512),
            Tags=registration.tag_list(),
            **pascal(inputs.take("description", "kmsKeyId")),
        )
        inputs.ignore(
            "recoveryWindowInDays", "forceOverwriteReplicaSecret", because="secrets here are removed at once"
        )
        arn: str = made["ARN"]
        return arn

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("secretsmanager").describe_secret(SecretId=registration.id)
        return {"arn": found["ARN"], "name": found["Name"]}

    def delete(self, registration: Registration) -> None:
        registration.client("secretsmanager").delete_secret(
            SecretId=registration.id, ForceDeleteWithoutRecovery=True
        )


class SecretVersion(Kind):
    """A secret's value."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:secretsmanager/secretVersion:SecretVersion",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        secret = inputs["secretId"]
        made = registration.client("secretsmanager").put_secret_value(
            SecretId=secret,
            SecretString=inputs["secretString"],
            **present(VersionStages=inputs.get("versionStages")),
        )
        return f"{secret}|{made['VersionId']}"

    def read(self, registration: Registration) -> dict[str, Any]:
        secret, _, version = registration.id.partition("|")
        found = registration.client("secretsmanager").get_secret_value(SecretId=secret, VersionId=version)
        return {"arn": found["ARN"], "versionId": found["VersionId"]}

    def delete(self, registration: Registration) -> None:
        """It goes with the secret."""
