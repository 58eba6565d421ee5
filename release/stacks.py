"""Stacks of pull requests: their names, their config, their end."""

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

BASE = "staging"
OVERLAY = Path("release") / "pull-request-stack.yaml"
LONGEST_LIFE = timedelta(days=14)
_NAME = re.compile(r"pr-[1-9]\d*")
_OF_AN_INSTALLATION = (
    "spaceport:deliveryPublicKey",
    "spaceport:deliveryPrivateKeySecret",
    "spaceport:permissionsBoundary",
)
"""What bootstrap makes for one installation, and another one must not use."""
_ALWAYS = _OF_AN_INSTALLATION[:2]
_ONCE_ONLY = (
    "spaceport:apiDomain",
    "spaceport:apiCertificateArn",
    "spaceport:deliveryDomain",
    "spaceport:deliveryCertificateArn",
    "spaceport:deliveryUrl",
)
"""Addresses that only one stack can have."""


class StackError(ValueError):
    """A stack of a pull request cannot be; the message says why."""


def stack_of(number: int) -> str:
    """Name of the stack of a pull request.

    Raises:
        StackError: There is no such number.
    """
    name = f"pr-{number}"
    if not _NAME.fullmatch(name):
        raise StackError(f"{number} is no number of a pull request")
    return name


def region(folder: Path, stack: str) -> str:
    """Region of a stack, as its file says it.

    Raises:
        StackError: There is no such file, or it does not say it.
    """
    path = folder / f"Pulumi.{stack}.yaml"
    try:
        return str(yaml.safe_load(path.read_text())["config"]["aws:region"])
    except (OSError, KeyError, TypeError) as error:
        raise StackError(f"{path} does not say aws:region") from error


def config_of(folder: Path, *, secrets_provider: str = "") -> str:
    """Write the file of a pull request's stack: staging's, with what such stacks have otherwise.

    Args:
        folder: Of the program.
        secrets_provider: What encrypts the stack's secrets.

    Raises:
        StackError: What bootstrap has made for these stacks is not in their overlay.
    """
    base, overlay = (_config(folder / name) for name in (f"Pulumi.{BASE}.yaml", OVERLAY))
    # The boundary is wanted where staging has one.
    wanted = [key for key in _OF_AN_INSTALLATION if key in base or key in _ALWAYS]
    missing = [key for key in wanted if key not in overlay]
    if missing:
        raise StackError(
            f"{OVERLAY} lacks {', '.join(missing)}, which `make bootstrap` prints for these stacks"
        )
    kept = {key: value for key, value in base.items() if key not in (*_OF_AN_INSTALLATION, *_ONCE_ONLY)}
    document: dict[str, Any] = {"config": {**kept, **overlay}}
    if secrets_provider:
        document["secretsprovider"] = secrets_provider
    return yaml.safe_dump(document, sort_keys=False)


def _config(path: Path) -> Mapping[str, Any]:
    config = yaml.safe_load(path.read_text())["config"]
    return dict(config)


def listed(folder: Path) -> list[Mapping[str, Any]]:
    """Ask Pulumi for the stacks that there are.

    Args:
        folder: Of the program.

    Raises:
        StackError: Pulumi fails.
    """
    found: list[Mapping[str, Any]] = json.loads(_pulumi(folder, "stack", "ls", "--json"))
    return found


def overdue(stacks: Iterable[Mapping[str, Any]], now: datetime) -> list[str]:
    """Name the pull requests' stacks that nothing has changed for longer than they may stay.

    Args:
        stacks: As `pulumi stack ls --json` lists them.
        now: The time.
    """
    names = []
    for stack in stacks:
        if _NAME.fullmatch(stack["name"]) and not stack.get("updateInProgress"):
            updated = stack.get("lastUpdate")
            # One that was never deployed has no date, and nothing that somebody could miss.
            if not updated or now - _time(updated) > LONGEST_LIFE:
                names.append(stack["name"])
    return sorted(names)


def _time(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def remove(folder: Path, name: str) -> None:
    """Remove a pull request's stack with all that is in it.

    Raises:
        StackError: It is another stack, or Pulumi fails.
    """
    if not _NAME.fullmatch(name):
        raise StackError(f"{name} is no stack of a pull request, and is not removed")
    _pulumi(folder, "destroy", "--yes", "--non-interactive", "--skip-preview", "--stack", name)
    _pulumi(folder, "stack", "rm", "--yes", "--non-interactive", "--stack", name)


def _pulumi(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["pulumi", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"`pulumi {' '.join(arguments)}`:\n{done.stdout}{done.stderr}")
    return done.stdout
