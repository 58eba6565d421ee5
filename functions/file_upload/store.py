"""The uploads table: one item per capture, one per file of it.

The capture's own item has the sort key `capture`, a file's `file#` and its name in lower case: two names that
differ only in case stay apart too. Only capture items have `createdAt`, so the owner's index lists captures.

A file that is never completed has `expiresAt`, and so has a capture until the first file of it is complete:
DynamoDB removes them some time after. Until it does they are not there any more for whoever reads them here.
What DynamoDB removes nobody subtracts from the capture's counts, so those are made anew when they say that
the capture is full, and no request can be between counting a file and writing it.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from functions.file_upload.models import FileState
from functions.shared.capture_checks import CAPTURE_ITEM, capture_key
from functions.shared.clock import now_seconds
from functions.shared.housekeeping import NOT_GOING
from functions.shared.project_parts import is_there
from functions.shared.stores import Item, Table

FILE_ITEM = "file#"
SETTLED_SECONDS = 60
"""After this no request is under way any more: the function ends each after half of it."""


class CaptureItem(BaseModel):
    """A capture.

    Attributes:
        file_count: Files ever started and not given up.
        total_bytes: Their sizes, as far as they are known.
        counted_at: Epoch second at which one of the two has last grown.
        expires_at: Epoch second after which it is forgotten; None once a file is complete.
        check_requested_at: Of the capture check, as the two after it: see `capture_checks`.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    capture_id: str
    owner: str
    project_id: str | None = None
    created_at: int
    file_count: int = 0
    total_bytes: int = 0
    counted_at: int
    expires_at: int | None = None
    check_requested_at: int | None = None
    checked_from: int | None = None
    check: dict[str, Any] | None = None


class FileItem(BaseModel):
    """A file of a capture.

    Attributes:
        file_name: Safe name, the last part of the key.
        original_name: Name on the person's disk.
        size: Bytes, as the start said or once uploaded.
        part_size: Bytes of its parts, where the start said its size.
        checksummed: Whether its parts come with checksums.
        keeps_capture: Whether the capture was still to expire when this file was started.
        expires_at: Epoch second after which it is forgotten; None once it is complete.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)

    capture_id: str
    owner: str
    file_name: str
    original_name: str
    object_key: str
    state: FileState
    upload_id: str
    size: int | None = None
    part_size: int | None = None
    checksummed: bool = False
    keeps_capture: bool = False
    started_at: int
    uploaded_at: int | None = None
    expires_at: int | None = None


@dataclass(frozen=True)
class Limits:
    """What one capture holds.

    Attributes:
        files: Files at most.
        total_bytes: Bytes at most.
    """

    files: int
    total_bytes: int


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

    def take_place(
        self, capture_id: str, owner: str, limits: Limits, *, size: int, outlives: int
    ) -> CaptureItem | None:
        """Count one file more.

        Args:
            capture_id: The capture.
            owner: Whose it must be.
            limits: What it holds.
            size: The file's bytes, 0 when unknown.
            outlives: Epoch second that the capture must not expire before.

        Returns:
            The capture, or None when the owner has no such capture, it is full or it expires too early.
        """
        changed = self.table.update(
            capture_key(capture_id),
            {"countedAt": now_seconds()},
            add={"fileCount": 1, "totalBytes": size},
            condition="#owner = :owner AND #fileCount < :files AND #totalBytes <= :bytes"
            f" AND (attribute_not_exists(#expiresAt) OR #expiresAt >= :outlives) AND {NOT_GOING}",
            values={
                "owner": owner,
                "files": limits.files,
                "bytes": limits.total_bytes - size,
                "outlives": outlives,
            },
        )
        return CaptureItem.model_validate(changed) if changed else None

    def take_bytes(self, capture_id: str, limits: Limits, size: int) -> bool:
        """Count bytes whose file has its place already; False when the capture has no room for them."""
        changed = self.table.update(
            capture_key(capture_id),
            {"countedAt": now_seconds()},
            add={"totalBytes": size},
            condition="attribute_exists(#captureId) AND #totalBytes <= :bytes",
            values={"bytes": limits.total_bytes - size},
        )
        return changed is not None

    def give_place_back(self, capture_id: str, size: int) -> None:
        """Count one file less."""
        self.table.update(
            capture_key(capture_id),
            {},
            add={"fileCount": -1, "totalBytes": -size},
            condition="attribute_exists(#captureId)",
        )

    def recount(self, capture: CaptureItem) -> CaptureItem:
        """Count a capture's files anew, if nobody is adding to them.

        Returns:
            The capture as it is now, as far as this has changed it.
        """
        if capture.counted_at > now_seconds() - SETTLED_SECONDS:
            return capture
        files = self.files(capture.capture_id)
        counts = {"fileCount": len(files), "totalBytes": sum(file.size or 0 for file in files)}
        changed = self.table.update(
            capture_key(capture.capture_id),
            counts,
            condition="#fileCount = :files AND #totalBytes = :bytes AND #countedAt = :counted",
            values={
                "files": capture.file_count,
                "bytes": capture.total_bytes,
                "counted": capture.counted_at,
            },
        )
        return CaptureItem.model_validate(changed) if changed else capture

    def keep_capture(self, capture_id: str) -> None:
        """Let a capture stay for good."""
        self.table.update(
            capture_key(capture_id), {"expiresAt": None}, condition="attribute_exists(#captureId)"
        )

    def remove_capture(self, capture_id: str) -> None:
        """Forget a capture of one file, which has not become one."""
        self.table.delete(capture_key(capture_id), condition="#fileCount = :one", values={"one": 1})

    def capture(self, capture_id: str, owner: str) -> CaptureItem | None:
        """Read a capture of this owner."""
        item = self.table.get(capture_key(capture_id))
        return CaptureItem.model_validate(item) if item and _is_shown_to(owner, item) else None

    def files(self, capture_id: str) -> list[FileItem]:
        """Read all files of a capture, by name."""
        page = self.table.query(
            "#captureId = :captureId AND begins_with(#itemId, :file)",
            {"captureId": capture_id, "file": FILE_ITEM},
        )
        return [FileItem.model_validate(item) for item in page.items if is_there(item)]

    def names(self, capture_id: str, beginning: str) -> frozenset[str]:
        """Read the names, in lower case, that begin so; of expired files too, as long as they are kept."""
        page = self.table.query(
            "#captureId = :captureId AND begins_with(#itemId, :file)",
            {"captureId": capture_id, "file": _item_id(beginning)},
        )
        return frozenset(item["itemId"].removeprefix(FILE_ITEM) for item in page.items)

    def add_file(self, file: FileItem) -> bool:
        """Write a new file; False when its name is taken."""
        item = {**file.model_dump(by_alias=True), "itemId": _item_id(file.file_name)}
        return self.table.put_new(item, key="captureId")

    def file(self, capture_id: str, owner: str, file_name: str) -> FileItem | None:
        """Read a file of this owner."""
        item = self.table.get(_file_key(capture_id, file_name))
        return FileItem.model_validate(item) if item and _is_shown_to(owner, item) else None

    def finish_file(self, file: FileItem, *, size: int, now_ms: int) -> bool:
        """Say that a file is complete; False when it is so already, or gone."""
        changed = self.table.update(
            _file_key(file.capture_id, file.file_name),
            {"state": "uploaded", "size": size, "uploadedAt": now_ms, "expiresAt": None},
            condition="#uploadId = :uploadId AND #state = :uploading",
            values={"uploadId": file.upload_id, "uploading": "uploading"},
        )
        return changed is not None

    def remove_file(self, file: FileItem) -> bool:
        """Forget an unfinished file; False when it was forgotten already, or is complete."""
        return self.table.delete(
            _file_key(file.capture_id, file.file_name),
            condition="#uploadId = :uploadId AND #state = :uploading",
            values={"uploadId": file.upload_id, "uploading": "uploading"},
        )


def _item_id(file_name: str) -> str:
    return FILE_ITEM + file_name.lower()


def _file_key(capture_id: str, file_name: str) -> dict[str, str]:
    return {"captureId": capture_id, "itemId": _item_id(file_name)}


def _is_shown_to(owner: str, item: Item) -> bool:
    return bool(item["owner"] == owner) and is_there(item)
