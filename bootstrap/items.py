"""What bootstrap keeps in an account: items that know what differs from how they should be."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

Client = Any
"""A boto3 client, whose class is made at run time."""


@dataclass(frozen=True)
class Change:
    """Something that is not as it should be.

    Attributes:
        done: What has happened once it is mended, in words that also say what would happen: `made`.
        do: Mends it.
    """

    done: str
    do: Callable[[], object]


@dataclass(frozen=True)
class Removal:
    """What becomes of an item that is there.

    Attributes:
        done: What has happened: `removed`, or why it stays.
        do: Removes it; None where it stays.
    """

    done: str
    do: Callable[[], object] | None = None


class Titled(Protocol):
    """One thing in the account.

    Attributes:
        title: What it is called on the screen.
    """

    @property
    def title(self) -> str: ...  # noqa: D102 - see the class


class Kept(Titled, Protocol):
    """A thing that is made and mended."""

    def changes(self) -> list[Change]:
        """What differs from how it should be; of what is missing altogether only that."""


class Leaving(Titled, Protocol):
    """A thing that may end."""

    def removal(self) -> Removal | None:
        """What `destroy` does with it; None where it is not there."""


class Item(Kept, Leaving, Protocol):
    """A thing that is made, mended and removed."""


@contextmanager
def absent(*codes: str) -> Iterator[None]:
    """Let pass that something is not there, by AWS's codes for it."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise


def found(call: Callable[..., Any], *codes: str, **arguments: Any) -> Any | None:  # noqa: ANN401 - any boto3 call
    """Call AWS; None where it says by one of the codes that there is nothing."""
    with absent(*codes):
        return call(**arguments)
    return None


def pairs(tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
    """Write tags as a list of pairs."""
    return [{key: name, value: text} for name, text in tags.items()]
