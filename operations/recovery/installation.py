"""Which tables and buckets a stack has, and what their restored copies are called."""

from collections.abc import Mapping
from dataclasses import dataclass

from components.adopt import BUCKETS, TABLES
from local.aws import Clients
from local.preview import PROJECT

RESTORED = tuple(name for name in BUCKETS if name != "artifacts-bucket")
"""Buckets that hold people's things; a deployment makes the others' content anew."""


class RecoveryError(Exception):
    """Something cannot be restored; the message says what, and what to do."""


@dataclass(frozen=True)
class Copies:
    """What is restored to what.

    Attributes:
        tables: Names of tables and of their copies, by our name.
        buckets: Names of buckets and of their copies, by our name.
    """

    tables: Mapping[str, tuple[str, str]]
    buckets: Mapping[str, tuple[str, str]]

    @property
    def ids(self) -> dict[str, str]:
        """The copies by our name: what the fresh stack adopts."""
        return {name: copy for name, (_, copy) in [*self.tables.items(), *self.buckets.items()]}


def copies(clients: Clients, stack: str, adopted: Mapping[str, str], *, into: str) -> Copies:
    """Finds what a stack has. Only reads.

    Args:
        clients: Gives the boto3 client of a service.
        stack: Name of the stack.
        adopted: Names of what it has adopted, by our name.
        into: Name of the stack that takes the copies.

    Raises:
        RecoveryError: A table or bucket is not there.
    """
    pages = clients("dynamodb").get_paginator("list_tables").paginate()
    tables = [name for page in pages for name in page["TableNames"]]
    buckets = [bucket["Name"] for bucket in clients("s3").list_buckets()["Buckets"]]
    account = clients("sts").get_caller_identity()["Account"]
    return Copies(
        tables={
            name: (_find(name, stack, adopted, tables), f"{PROJECT}-{into}-{name}-restored")
            for name in TABLES
        },
        buckets={
            # Names of buckets are everybody's.
            name: (_find(name, stack, adopted, buckets), f"{PROJECT}-{into}-{name}-{account}")
            for name in RESTORED
        },
    )


def _find(name: str, stack: str, adopted: Mapping[str, str], existing: list[str]) -> str:
    if name in adopted:
        return adopted[name]
    # Pulumi ends a name with seven digits of its own.
    beginning = f"{PROJECT}-{stack}-{name}-"
    found = [one for one in existing if one.startswith(beginning) and "-" not in one.removeprefix(beginning)]
    found = [one for one in found if not one.endswith("-restored")]
    if len(found) != 1:
        what = "is none" if not found else f"are {len(found)} ({', '.join(found)})"
        raise RecoveryError(
            f"there {what} that begins with {beginning}: say which one it is, EXISTING='{name}=<name>'"
        )
    return found[0]
