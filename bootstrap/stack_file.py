"""What a stack's file tells bootstrap: its region, its machines, and what it adopts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bootstrap.installation import PROJECT, BootstrapError
from local.deploy.config import ConfigError, read_project
from local.deploy.config import stack_config as config_of

ROOT = Path(__file__).resolve().parent.parent
_MADE_HERE = ("deliveryPublicKey", "deliveryPrivateKeySecret")
"""Settings that the file lacks until bootstrap has made what they name."""


def read_stack(stack: str, folder: Path = ROOT) -> dict[str, Any] | None:
    """Read a stack's settings by their names in Pulumi.yaml, and `aws:region`; None where it has no file.

    Raises:
        BootstrapError: The file does not fit Pulumi.yaml.
    """
    if not (folder / f"Pulumi.{stack}.yaml").exists():
        return None
    try:
        types = {key: entry.type for key, entry in read_project(folder).entries.items()}
        given = config_of(folder, stack, config={}, machine=dict.fromkeys(_MADE_HERE, "made here"))
    except ConfigError as error:
        raise BootstrapError(str(error)) from error
    return {
        key.removeprefix(f"{PROJECT}:"): text if types.get(key) in ("string", None) else json.loads(text)
        for key, text in given.items()
    }


def adopted(settings: Mapping[str, Any]) -> dict[str, str]:
    """Ids of what a stack adopts, by our names; an ephemeral one adopts nothing."""
    if settings["ephemeral"]:
        return {}
    return {name: str(entry["id"]) for name, entry in settings["adopt"].items()}
