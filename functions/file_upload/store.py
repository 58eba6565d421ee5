"""The uploads table: one item per capture, one per file of it.

The capture's own item has the sort key `capture`, a file's `file#` and its name in lower case: two names that
differ only in case stay apart too. Only capture items have `createdAt`, so the owner's index lists captures.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from functions.file_upload.models import FileState
from functions.shared.housekeeping import NOT_GOING, is_going
from functions.shared.stores import Table
from functions.shared.tables import CAPTURE_ITEM

FILE_ITEM = "file#"


class CaptureItem(BaseModel):
    """A capture.

    Attributes:
        file_count: Files ever started and not given up.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    capture_id: str
    owner: str
    project_id: str | None = None
    created_at: int
    file_count: int = 0


class FileItem(BaseModel):
    """A file of a capture.

    Attributes:
        file_name: Safe name, the last part of the key.
        original_name: Name on the person's disk.
        size: Bytes, once uploaded.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    capture_id: str
    owner: str
    file_name: str
    original_name: str
    object_key: str
    state: FileState
    upload_id: str = ""
    size: int | None = None
    started_at: int
    uploaded_at: int | None = None


@dataclass(frozen=True)
class UploadStore:
    """Captures and their files."""

    table: Table

    def add_capture(self, capture: CaptureItem) -> None:
        """Write a new capture."""
        self.table.put_new(
            {**capture.model_dump(by_alias=True), "itemId": CAPTURE_ITEM},
            key="captureId",
        )

    def take_place(self, capture_id: str, owner: str, limit: int) -> bool:
        """Count one file more; False when the owner has no such capture or it is full."""
        changed = self.table.update(
            {"captureId": capture_id, "itemId": CAPTURE_ITEM},
            {},
            add={"fileCount": 1},
            condition=f"#owner = :owner AND #fileCount < :limit AND {NOT_GOING}",
            values={"owner": owner, "limit": limit},
        )
        return changed is not None

    def give_place_back(self, capture_id: str) -> None:
        """Count one file less."""
        self.table.update(
            {"captureId": capture_id, "itemId": CAPTURE_ITEM},
            {},
            add={"fileCount": -1},
            condition="attribute_exists(#captureId)",
        )

    def capture(self, capture_id: str, owner: str) -> CaptureItem | None:
        """Read a capture of this owner."""
        item = self.table.get({"captureId": capture_id, "itemId": CAPTURE_ITEM})
        if item is None or item["owner"] != owner or is_going(item):
            return None
        return CaptureItem.model_validate(item)

    def files(self, capture_id: str) -> list[FileItem]:
        """Read all files of a capture, by name."""
        page = self.table.query(
            "#captureId = :captureId AND begins_with(#itemId, :file)",
            {"captureId": capture_id, "file": FILE_ITEM},
        )
        return [FileItem.model_validate(item) for item in page.items]

    def add_file(self, file: FileItem) -> bool:
        """Write a new file; False when its name is taken."""
        item = {**file.model_dump(by_alias=True), "itemId": _item_id(file.file_name)}
        return self.table.put_new(item, key="captureId")

    def file(self, capture_id: str, owner: str, file_name: str) -> FileItem | None:
        """Read a file of this owner."""
        item = self.table.get({"captureId": capture_id, "itemId": _item_id(file_name)})
        return FileItem.model_validate(item) if item and item["owner"] == owner else None

    def change_file(self, file: FileItem, **changes: Any) -> None:  # noqa: ANN401 -- attributes of FileItem
        """Set attributes of a file that is there."""
        self.table.update(
            {"captureId": file.capture_id, "itemId": _item_id(file.file_name)},
            changes,
            condition="attribute_exists(#captureId)",
        )

    def remove_file(self, file: FileItem) -> bool:
        """Forget a file; False when it was forgotten already."""
        return self.table.delete(
            {"captureId": file.capture_id, "itemId": _item_id(file.file_name)},
            condition="attribute_exists(#captureId)",
        )


def _item_id(file_name: str) -> str:
    return FILE_ITEM + file_name.lower()
