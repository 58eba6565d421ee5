"""A stack's config as the CLI would hand it to the program, with stand-ins for what is made elsewhere."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bootstrap.installation import signing_secret
from bootstrap.signing_key import KEY_BITS, PUBLIC_EXPONENT
from local.deploy.config import ConfigError, given_values, read_project
from local.preview.program import PROJECT, ROOT

LOCAL = "local"
PUBLIC_KEY = f"{PROJECT}:deliveryPublicKey"
PRIVATE_KEY_SECRET = f"{PROJECT}:deliveryPrivateKeySecret"
MADE_BY = {PUBLIC_KEY: "bootstrap", PRIVATE_KEY_SECRET: "the local deployer"}
"""Who makes what a stack's file leaves out."""


def stack_names(folder: Path = ROOT) -> list[str]:
    """Names of the stacks that have a file."""
    return sorted(path.name.split(".")[1] for path in folder.glob("Pulumi.*.yaml"))


def stack_config(
    stack: str, extra: Mapping[str, Any] | None = None, *, folder: Path = ROOT
) -> dict[str, str]:
    """A stack's config with the schema's defaults; what is missing or wrong is left for the program to tell.

    Args:
        stack: Name of the stack.
        extra: Values by full key that win over the files.
        folder: Of Pulumi.yaml and Pulumi.<stack>.yaml.

    Raises:
        ConfigError: The stack has no file, or a value that no program gets to see.
    """
    names = stack_names(folder)
    if stack not in names:
        raise ConfigError(
            f"there is no stack {stack}: Pulumi.{stack}.yaml is missing; there are {', '.join(names)}"
        )
    project = read_project(folder)
    values = {key: value for key, (value, _) in given_values(project, folder, stack).items()} | dict(
        extra or {}
    )
    unknown = sorted(
        key for key in values if key.startswith(f"{project.name}:") and key not in project.entries
    )
    if unknown:
        raise ConfigError(f"Pulumi.yaml does not know {', '.join(unknown)}, which stack {stack} sets")
    encrypted = sorted(
        key for key, value in values.items() if isinstance(value, Mapping) and set(value) == {"secure"}
    )
    if encrypted:
        raise ConfigError(
            f"{', '.join(encrypted)} is encrypted in Pulumi.{stack}.yaml: give a value with --config"
        )
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def stand_ins(stack: str, config: Mapping[str, str]) -> dict[str, str]:
    """Values for what a stack's file leaves to others: bootstrap, or for the local stack its deployer.

    Args:
        stack: Name of the stack.
        config: What it has.
    """
    made = {}
    if PUBLIC_KEY not in config:
        made[PUBLIC_KEY] = stand_in_public_key()
    if stack == LOCAL and PRIVATE_KEY_SECRET not in config:
        made[PRIVATE_KEY_SECRET] = signing_secret(LOCAL)
    return made


@cache
def stand_in_public_key() -> str:
    """The public half (PEM) of a key that is made once per process; nobody has the private half."""
    key = rsa.generate_private_key(PUBLIC_EXPONENT, KEY_BITS).public_key()
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()
