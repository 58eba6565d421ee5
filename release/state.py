"""What a stack's state says of what is deployed."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.definition import STEPS
from components.images import Image

_REPOSITORY = "aws:ecr/repository:Repository"
_ALIAS = "aws:lambda/alias:Alias"


class StateError(Exception):
    """The state cannot be read; the message says what to do."""


@dataclass(frozen=True)
class Deployed:
    """What is deployed of a stack.

    Attributes:
        repositories: Address of each image's repository, by step; empty before the first deployment.
        digests: Digest of the image that runs, by step.
        functions: Version that each function's alias leads to, by the function's physical name and alias.
    """

    repositories: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[tuple[str, str], str] = field(default_factory=dict)


def read(text: str) -> Deployed:
    """Read what `pulumi stack export` prints.

    Raises:
        StateError: It is no exported state.
    """
    try:
        resources = json.loads(text)["deployment"].get("resources") or []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StateError("this is no state as `pulumi stack export` prints it") from error
    uris = {name: str(outputs.get("uri", "")) for name, outputs in _of(resources, Image.TYPE)}
    return Deployed(
        repositories={
            step: outputs["repositoryUrl"]
            for name, outputs in _of(resources, _REPOSITORY)
            for step in STEPS
            if name == f"{step}-repository"
        },
        digests={
            step: uris[f"{step}-image"].partition("@")[2]
            for step in STEPS
            if "@" in uris.get(f"{step}-image", "")
        },
        functions={
            (outputs["functionName"], outputs["name"]): outputs["functionVersion"]
            for _, outputs in _of(resources, _ALIAS)
        },
    )


def _of(resources: list[Any], token: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in resources:
        if one["type"] == token and not one.get("delete"):
            yield one["urn"].rpartition("::")[2], one.get("outputs") or {}


def export(stack: str, folder: Path) -> Deployed:
    """Ask Pulumi for a stack's state.

    Args:
        stack: Name of the stack.
        folder: Of the program.

    Raises:
        StateError: There is no Pulumi, or it gives none.
    """
    if shutil.which("pulumi") is None:
        raise StateError("there is no Pulumi CLI here, which knows what is deployed: install it")
    done = subprocess.run(
        ["pulumi", "stack", "export", "--stack", stack],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StateError(f"`pulumi stack export --stack {stack}`: {done.stderr.strip()}")
    return read(done.stdout)
