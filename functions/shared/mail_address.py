"""E-mail addresses as people type them."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema

MAX_CHARACTERS = 254
_WORD = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ADDRESS = re.compile(rf"(?=.{{1,64}}@){_WORD}(?:\.{_WORD})*@(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")


def normalise(text: str) -> str:
    """Write an address in the one form that keys and comparisons use: in lower case.

    Raises:
        ValueError: It is no address that a mail could be sent to.
    """
    address = text.lower()
    # Some letters of other scripts become ASCII in lower case, and the address another person's.
    if not text.isascii() or not _ADDRESS.fullmatch(address):
        raise ValueError("must be an e-mail address such as name@example.com")
    return address


def mailbox(address: str) -> str:
    """Name the mailbox that an address most likely leads to: what follows a plus sign is its owner's choice.

    For counting only: not every provider reads addresses so, and the mail goes to the address itself.

    Args:
        address: In lower case.
    """
    local, _, domain = address.rpartition("@")
    return f"{local.partition('+')[0] or '+'}@{domain}"


MailAddress = Annotated[
    str,
    Field(max_length=MAX_CHARACTERS),
    AfterValidator(normalise),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": MAX_CHARACTERS}),
]
"""A field of a request; compared and kept in lower case."""
