"""What runs on this machine for a container image."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.cloud.ministack.sagemaker.errors import JobError

REGISTRY = "images.json"


@dataclass(frozen=True)
class Image:
    """A container image's stand-in.

    Attributes:
        argv: Its entry point; the first word is the interpreter of its code.
        pythonpath: Folders that its Python imports from.
        env: Its environment variables.
    """

    argv: tuple[str, ...]
    pythonpath: tuple[str, ...]
    env: dict[str, str]

    def command(self, entrypoint: Sequence[str], arguments: Sequence[str]) -> list[str]:
        """Returns the command of a container.

        Args:
            entrypoint: What replaces the image's entry point, if anything; `python` in it is the image's.
            arguments: What follows it.
        """
        if not entrypoint:
            return [*self.argv, *arguments]
        program = self.argv[0] if entrypoint[0] in ("python", "python3") else entrypoint[0]
        return [program, *entrypoint[1:], *arguments]


def find(uri: str) -> Image:
    """Looks an image up in the registry.

    Raises:
        JobError: It is not there.
    """
    registry = json.loads((Path(os.environ["SPACEPORT_RUN_DIR"]) / REGISTRY).read_text())
    entry = registry.get(uri)
    if entry is None:
        known = ", ".join(sorted(registry)) or "none"
        msg = f"ClientError: CannotPullContainerError: {uri}: not found in the registry (it has: {known})."
        raise JobError(msg)
    return Image(tuple(entry["argv"]), tuple(entry.get("pythonpath", ())), dict(entry.get("env", {})))
