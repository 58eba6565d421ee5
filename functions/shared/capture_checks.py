"""Checks of captures in the uploads table: who has asked for one, and what the last one found.

They are in the capture's own row:

| Attribute | Meaning |
|---|---|
| checkRequestedAt | when somebody last asked for a check, epoch milliseconds |
| checkRequestId | which request that was |
| checkedFrom | when the check that `check` tells of began, epoch milliseconds; not before it was asked for |
| check | what it found: `state` (passed, warned, refused), `checkedAt`, `lookedAt`, `figures`, `reasons` |

A check that was asked for runs until `checkedFrom` has reached its request, or is given up after a while.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.shared.clock import iso
from functions.shared.stores import Item, Table

CAPTURE_ITEM = "capture"
"""Sort key of a capture's row."""
GIVEN_UP_AFTER_MS = 15 * 60 * 1000
"""A check takes at most 5 minutes; a failed one is tried again after one and after two minutes."""

_FAILED = {
    "level": "warning",
    "code": "CHECK_FAILED",
    "sentence": "The check came to no end, which is our fault. Start it again.",
}


def capture_key(capture_id: str) -> dict[str, str]:
    """Key of a capture's row."""
    return {"captureId": capture_id, "itemId": CAPTURE_ITEM}


@dataclass(frozen=True)
class Contents:
    """What is in a capture.

    Attributes:
        files: How many files.
        bytes: Of all of them.
        newest: When the last one came, epoch milliseconds.
    """

    files: int
    bytes: int
    newest: int


@dataclass(frozen=True)
class CheckStore:
    """Checks in the rows of captures.

    Attributes:
        table: The uploads table.
    """

    table: Table

    def request(self, capture_id: str, owner: str, now: int) -> bool:
        """Ask for a check.

        Returns:
            False when there is no such capture of this owner, or a check runs.
        """
        # The SDK repeats a request whose answer was lost: its own mark must not keep it from going on.
        request_id = str(uuid.uuid4())
        asked = self.table.update(
            capture_key(capture_id),
            {"checkRequestedAt": now, "checkRequestId": request_id},
            condition=(
                "#owner = :owner AND (attribute_not_exists(#checkRequestedAt) OR #checkRequestId = :id "
                "OR #checkRequestedAt <= :givenUp OR #checkedFrom >= #checkRequestedAt)"
            ),
            values={"owner": owner, "id": request_id, "givenUp": now - GIVEN_UP_AFTER_MS},
        )
        return asked is not None

    def withdraw(self, capture_id: str, requested_at: int) -> None:
        """Take back a request that nobody could be told of."""
        self.table.update(
            capture_key(capture_id),
            {"checkRequestedAt": None, "checkRequestId": None},
            condition="#checkRequestedAt = :requestedAt",
            values={"requestedAt": requested_at},
        )

    def last(self, capture_id: str, owner: str) -> dict[str, Any] | None:
        """Read what the last check found; None when there was none."""
        row = self.table.get(capture_key(capture_id))
        found = row.get("check") if row and row["owner"] == owner else None
        return dict(found) if isinstance(found, Mapping) else None

    def keep(self, capture_id: str, owner: str, check: Mapping[str, Any], began: int) -> bool:
        """Keep what a check found.

        Returns:
            False when there is no such capture of this owner, or a check that began later was kept.
        """
        kept = self.table.update(
            capture_key(capture_id),
            {"check": check, "checkedFrom": began},
            condition="#owner = :owner AND (attribute_not_exists(#checkedFrom) OR #checkedFrom <= :began)",
            values={"owner": owner, "began": began},
        )
        return kept is not None


def shown(row: Item, contents: Contents, now: int) -> dict[str, Any] | None:
    """Describe a capture's check to its owner.

    Args:
        row: The capture's row.
        contents: What is in the capture now.
        now: Epoch milliseconds.

    Returns:
        The check, with `stale` where the capture has changed since; `{"state": "running", ...}` while one
        runs, `{"state": "failed", ...}` when it came to no end; None when nobody has asked for one.
    """
    requested, began = row.get("checkRequestedAt"), row.get("checkedFrom")
    if requested is not None and (began is None or began < requested):
        asked = {"requestedAt": iso(requested)}
        if now - requested < GIVEN_UP_AFTER_MS:
            return {"state": "running", **asked}
        return {"state": "failed", **asked, "reasons": [_FAILED]}
    found = row.get("check")
    if not isinstance(found, Mapping) or began is None:
        return None
    looked_at = found["lookedAt"]
    return {
        **{name: found[name] for name in ("state", "checkedAt", "figures", "reasons")},
        "lookedAt": {name: looked_at[name] for name in ("files", "bytes", "newest")},
        "stale": not has_seen(found, contents.files, contents.bytes) or contents.newest > began,
    }


def has_seen(check: Mapping[str, Any], files: int, size: int) -> bool:
    """Tell whether a check has looked at as many files and bytes as there are now."""
    looked_at = check["lookedAt"]
    return bool((looked_at["files"], looked_at["bytes"]) == (files, size))
