"""The role that API Gateway writes its logs with: one setting for the account and region, shared by all."""

import json
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from bootstrap.iam_items import NO_ENTITY, Role
from bootstrap.installation import OWN, SHARED_TAGS, Installation
from bootstrap.items import Change, Client, Removal, found

NAME = f"{OWN}-api-gateway-logs"
POLICY = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
_TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "apigateway.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
_TRIES = 10
_WAIT_SECONDS = 3.0
"""A new role is known to API Gateway only after some seconds."""


@dataclass(frozen=True)
class GatewayLogs:
    """The setting and its role; where another role is set already, that one stays.

    Attributes:
        gateway: API Gateway.
        iam: IAM.
        installation: The one at hand.
        others: Qualifiers and regions of the other installations in the account.
    """

    gateway: Client
    iam: Client
    installation: Installation
    others: Sequence[tuple[str, str]]

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        return f"log role of API Gateway {NAME}"

    def changes(self) -> list[Change]:
        """What differs."""
        set_already = self._set()
        if set_already and set_already != self._arn:
            return []
        changes = self._role().changes()
        if not set_already and found(self.iam.get_role, NO_ENTITY, RoleName=NAME):
            changes.append(Change(f"set in {self.installation.region}", self._set_ours))
        return changes

    def removal(self) -> Removal | None:
        """What `destroy` does with it."""
        set_already, there = self._set(), found(self.iam.get_role, NO_ENTITY, RoleName=NAME)
        if set_already and set_already != self._arn:
            return Removal(f"kept: it is {set_already}, which bootstrap has not made")
        if not set_already and there is None:
            return None
        here = [qualifier for qualifier, region in self.others if region == self.installation.region]
        if here:
            return Removal(f"kept: {', '.join(here)} uses it")
        if self.others:
            return Removal("unset here; the role is kept for other regions", self._unset)
        return Removal("removed", self._remove)

    @property
    def _arn(self) -> str:
        return self.installation.role(NAME)

    def _role(self) -> Role:
        return Role(self.iam, NAME, "Lets API Gateway write logs.", "log role", _TRUST, [POLICY], SHARED_TAGS)

    def _set(self) -> str | None:
        arn: str | None = self.gateway.get_account().get("cloudwatchRoleArn")
        return arn or None

    def _set_ours(self) -> None:
        for _ in range(_TRIES - 1):
            with suppress(self.gateway.exceptions.BadRequestException):
                return self._update(self._arn)
            time.sleep(_WAIT_SECONDS)
        return self._update(self._arn)

    def _unset(self) -> None:
        if self._set():
            self._update("")

    def _update(self, arn: str) -> None:
        self.gateway.update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": arn}]
        )

    def _remove(self) -> None:
        self._unset()
        removal = self._role().removal()
        if removal and removal.do:
            removal.do()
