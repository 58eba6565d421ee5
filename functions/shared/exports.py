"""Exports of projects: what a project's row tells of the latest one, and where the archive is."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from functions.shared.clock import iso

EXPORT = "export"
"""Attribute of a project's row."""
KEPT_MS = 7 * 24 * 3600 * 1000
"""How long an archive is kept: what the bucket's lifecycle has for `exports/`."""
SILENT_MS = 20 * 60 * 1000
"""An export that has not told of itself for so long, longer than a run may take, has been lost."""
MAX_BYTES = 20 * 10**9
"""What one run writes with time to spare: 15 minutes at 25 MB a second."""
MAX_FILES = 20_000

State = Literal["running", "ready", "failed", "expired"]
LOST = "The export has not come to its end. Start it again."
FAILED = "The export could not be made. Start it again."


class Export(BaseModel):
    """An export.

    Attributes:
        export_id: Its id.
        state: How far it is; `expired` is never written, it comes with time.
        fraction: Part of its bytes that are written, 0 to 1.
        size_bytes: Of all files when it was asked for.
        requested_at: Epoch milliseconds.
        updated_at: When it last told of itself.
        sentence: What went wrong, for people.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    export_id: str
    state: State = "running"
    fraction: float = 0.0
    size_bytes: int = 0
    requested_at: int
    updated_at: int
    sentence: str | None = None

    def stored(self) -> dict[str, Any]:
        """Give it as the project's row has it."""
        return self.model_dump(by_alias=True, exclude_none=True)

    def seen_at(self, now: int) -> "Export":
        """Judge it by the time: it may have been lost, or its archive may have gone.

        Args:
            now: Epoch milliseconds.
        """
        if self.state == "running" and now - self.updated_at > SILENT_MS:
            return self.model_copy(update={"state": "failed", "sentence": LOST})
        if self.state == "ready" and now >= self.expires_at:
            return self.model_copy(update={"state": "expired"})
        return self

    @property
    def expires_at(self) -> int:
        """Epoch milliseconds when a ready archive goes."""
        return self.updated_at + KEPT_MS

    def shown(self) -> dict[str, Any]:
        """Tell its owner of it."""
        return {
            "exportId": self.export_id,
            "state": self.state,
            "fraction": round(self.fraction, 4),
            "sizeBytes": self.size_bytes,
            "requestedAt": iso(self.requested_at),
            "error": self.sentence,
            "expiresAt": iso(self.expires_at) if self.state == "ready" else None,
        }


def export_of(project: Mapping[str, Any]) -> Export | None:
    """Read what a project's row tells of its latest export."""
    return Export.model_validate(project[EXPORT]) if project.get(EXPORT) else None


def exports_prefix(owner: str, project_id: str) -> str:
    """Give the folder of a project's archives in the ml bucket."""
    return f"exports/{owner}/{project_id}/"


def archive_key(owner: str, project_id: str, export_id: str) -> str:
    """Give the key of one archive."""
    return f"{exports_prefix(owner, project_id)}{export_id}.zip"
