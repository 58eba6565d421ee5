"""The AWS provider itself: where its resources are made and what tags they bear."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

import json
from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration


class Provider(Kind):
    """An explicit provider: its default tags reach every resource made with it."""

    tokens: ClassVar[tuple[str, ...]] = ("pulumi:providers:aws", "pulumi:providers:awsx")
    importable: ClassVar[bool] = False

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        region = inputs.get("region", registration.cloud.region)
        if region != registration.cloud.region:
            raise ValueError(
                f"the provider is for {region}, and the embedded cloud is in {registration.cloud.region}"
            )
        allowed = json.loads(inputs.get("allowedAccountIds", "[]"))
        if allowed and registration.cloud.account not in allowed:
            raise ValueError(
                f"the provider allows {', '.join(allowed)}, not the account {registration.cloud.account}"
            )
        default_tags = json.loads(inputs.get("defaultTags", "{}"))
        registration.notes["default_tags"] = default_tags.get("tags", {})
        inputs.ignore(
            "skipCredentialsValidation",
            "skipMetadataApiCheck",
            "skipRegionValidation",
            "skipRequestingAccountId",
            "maxRetries",
            "profile",
            because="they shape how the real provider reaches AWS",
        )
        return registration.name

    def read(self, registration: Registration) -> dict[str, Any]:
        return {"region": registration.cloud.region}

    def delete(self, registration: Registration) -> None:
        """Nothing exists of a provider."""
