"""An embedded cloud, and old items of projects in all the forms that they may have."""

import uuid
from decimal import Decimal
from typing import Any

from tests.local.cloud_kit import cloud, kit

__all__ = ["cloud", "kit", "old_item"]

OWNER = "6f0c8a1e-3b1d-4a53-9a55-0f5f3a1f2b10"


def old_item(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 -- any attribute
    """An item as the replaced system wrote it."""
    return {
        "id": uuid.uuid4().hex,
        "userSub": OWNER,
        "projectId": uuid.uuid4().hex,
        "title": "Barn",
        "email": "ada@example.org",
        "status": "draft",
        "progress": Decimal(5),
        "params": {"latitude": Decimal("41.7"), "batteries": Decimal(3)},
        "createdAt": Decimal(1_700_000_000),
        "updatedAt": Decimal(1_700_000_100),
        **fields,
    }
