"""A flight plan's whole document, as its row in the flight-paths table holds it: packed JSON."""

import json
import zlib
from collections.abc import Mapping
from typing import Any


def pack_plan(document: Mapping[str, Any]) -> bytes:
    """Pack a plan's document or record."""
    return zlib.compress(json.dumps(document, separators=(",", ":")).encode())


def unpack_plan(packed: Any) -> Any:  # noqa: ANN401 -- boto3's Binary, and any JSON
    """Unpack a plan's document or record, as it was read from the table."""
    return json.loads(zlib.decompress(bytes(packed)))
