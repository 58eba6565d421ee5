"""Where a stack is: its outputs, from Pulumi or from a file."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.client import Addresses
from local.preview import ROOT


class OutputsError(Exception):
    """Nobody says where the stack is; the message tells why and what to do."""


@dataclass(frozen=True)
class Stack:
    """A deployed stack.

    Attributes:
        name: Its name.
        addresses: Where its APIs are and who signs in.
        mail_events: URL of the queue that hears what became of mails.
        uploads_bucket: Name of the bucket of photos.
        ml_bucket: Name of the bucket of models.
        projects_table: Name of the table whose row of a project goes last.
    """

    name: str
    addresses: Addresses
    mail_events: str
    uploads_bucket: str
    ml_bucket: str
    projects_table: str

    @property
    def region(self) -> str:
        """Its AWS region, which the id of a user pool begins with."""
        return self.addresses.user_pool_id.partition("_")[0]

    @classmethod
    def of(cls, name: str, outputs: Mapping[str, Any]) -> "Stack":
        """Reads the outputs of a stack.

        Raises:
            OutputsError: One is not there.
        """
        try:
            return cls(
                name=name,
                addresses=Addresses.from_outputs(outputs),
                mail_events=outputs["mailEventsQueueUrl"],
                uploads_bucket=outputs["uploadsBucket"],
                ml_bucket=outputs["mlBucket"],
                projects_table=outputs["projectsTable"],
            )
        except KeyError as missing:
            message = f"The stack {name} has no output {missing}: deploy this version of the program first."
            raise OutputsError(message) from None


def find_stack(name: str, file: Path | None) -> Stack:
    """Finds out where a stack is.

    Args:
        name: Its name.
        file: What `pulumi stack output --json` has written; None to ask Pulumi now.

    Raises:
        OutputsError: Neither says it.
    """
    return Stack.of(name, _from_file(file) if file else _from_pulumi(name))


def _from_file(file: Path) -> Any:  # noqa: ANN401 - any JSON
    try:
        return _parsed(file.read_text(), str(file))
    except OSError as error:
        raise OutputsError(f"The outputs cannot be read from {file}: {error.strerror}.") from error


def _from_pulumi(name: str) -> Any:  # noqa: ANN401 - any JSON
    pulumi = shutil.which("pulumi")
    if not pulumi:
        raise OutputsError(
            "There is no pulumi CLI on the PATH: install it (https://www.pulumi.com/docs/install/), or write "
            f"`pulumi stack output --json --stack {name}` into a file elsewhere and give it with --outputs."
        )
    asked = subprocess.run(
        [pulumi, "stack", "output", "--json", "--stack", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        said = (asked.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise OutputsError(f"Pulumi does not tell the outputs of {name}: {said}")
    return _parsed(asked.stdout, "pulumi's answer")


def _parsed(text: str, where: str) -> Any:  # noqa: ANN401 - any JSON
    try:
        outputs = json.loads(text)
    except ValueError as error:
        raise OutputsError(f"There is no JSON in {where}: {error}.") from error
    if not isinstance(outputs, dict):
        raise OutputsError(f"In {where} there is no object of outputs.")
    return outputs
