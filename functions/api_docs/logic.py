"""The documents as they lie in the function's archive."""

import json
from pathlib import Path
from typing import Any

DOCUMENTS = Path(__file__).with_name("documents")
"""Made by `functions.openapi` when the program is deployed."""


def document(api: str, address: str, *, folder: Path = DOCUMENTS) -> dict[str, Any]:
    """Read an API's document, with the address that the API has here.

    Args:
        api: The API's name.
        address: Where its routes are, without a trailing slash.
        folder: Where the documents are.
    """
    read: dict[str, Any] = json.loads((folder / f"{api}.json").read_text())
    return {**read, "servers": [{"url": address}]}
