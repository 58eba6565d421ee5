"""What exists before the first `pulumi up`: on AWS bootstrap and people make it, here this module does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bootstrap.boundary import boundary
from bootstrap.iam_items import Policy
from bootstrap.installation import Installation
from bootstrap.signing_key import SigningKey
from bootstrap.work import mend
from local.deploy.config import read_project
from local.deploy.model import Cloud

REPOSITORY = Path(__file__).resolve().parents[2]


def make(
    cloud: Cloud,
    *,
    stack: str = "local",
    folder: Path = REPOSITORY,
    adopted: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, str]:
    """Makes the delivery key and the roles' boundary as bootstrap does, and verifies the sender of mails.

    Args:
        cloud: Where to.
        stack: Whose, and whose sender: an ephemeral stack owns no mail identity, so it needs one that exists.
        folder: Of Pulumi.yaml and Pulumi.<stack>.yaml.
        adopted: What the stack adopts, as its config says it: the roles reach it by its own name.

    Returns:
        Config values for `deploy`: the public half of the key, the name of the private half's secret, and the
        ARN of the boundary.
    """
    _verify_sender(cloud, stack, folder)
    ours = Installation(
        cloud.account,
        cloud.region,
        qualifier=stack.partition("-")[0],
        adopted={name: str(entry["id"]) for name, entry in (adopted or {}).items()},
    )
    key = SigningKey(cloud.client("secretsmanager"), ours.signing_secret, ours.tags)
    bounds = Policy(cloud.client("iam"), ours, f"{ours.own}-boundary", boundary(ours), "permissions boundary")
    mend(key)
    mend(bounds)
    return {
        "spaceport:deliveryPublicKey": key.public_half(),
        "spaceport:deliveryPrivateKeySecret": key.name,
        "spaceport:permissionsBoundary": bounds.arn,
    }


def _verify_sender(cloud: Cloud, stack: str, folder: Path) -> None:
    document: dict[str, Any] = yaml.safe_load((folder / f"Pulumi.{stack}.yaml").read_text()) or {}
    sender = (document.get("config") or {}).get(f"{read_project(folder).name}:mailFrom")
    if sender:
        cloud.client("ses").verify_email_identity(EmailAddress=sender)
