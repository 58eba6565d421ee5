"""Exports of a project: asked for here, written by housekeeping."""

import uuid
from dataclasses import dataclass

from functions.projects.models import ExportState
from functions.projects.store import ProjectStore, project_key
from functions.shared.clock import iso, now_ms
from functions.shared.errors import conflict, not_found, too_large
from functions.shared.export_contents import Contents
from functions.shared.exports import EXPORT, MAX_BYTES, MAX_FILES, Export, archive_key, export_of
from functions.shared.housekeeping import NOT_GOING, SIGNED, Housekeeping
from functions.shared.outages import take_back
from functions.shared.s3_objects import download_url

URL_SECONDS = 3600


@dataclass(frozen=True)
class Exports:
    """Exports of projects.

    Attributes:
        store: The projects.
        contents: What is exported.
        housekeeping: Who writes the archives.
        bucket: Where they are: the ml bucket.
    """

    store: ProjectStore
    contents: Contents
    housekeeping: Housekeeping
    bucket: str

    def start(self, owner: str, project_id: str) -> ExportState:
        """Ask for an export; one that runs is answered as it is.

        Raises:
            ApiError: 404 when there is no such project, 413 when it is too large for one archive.
        """
        project = self.store.get(owner, project_id)
        if project is None:
            raise not_found("project")
        now = now_ms()
        before = export_of(project)
        if before is not None and before.seen_at(now).state == "running":
            return self._shown(owner, project_id, before, now)
        size = self._size(owner, project_id)
        export = Export(export_id=str(uuid.uuid4()), size_bytes=size, requested_at=now, updated_at=now)
        if not self._put(owner, project_id, export, instead_of=before):
            raise conflict("EXPORT_STARTING", "An export of this project is just starting: look at it again.")
        try:
            self.housekeeping.ask("export_project", owner, projectId=project_id, exportId=export.export_id)
        except Exception:
            take_back(lambda: self._withdraw(owner, project_id, export, before))
            raise
        return self._shown(owner, project_id, export, now)

    def show(self, owner: str, project_id: str) -> ExportState:
        """Say how far the latest export is, and where its archive is.

        Raises:
            ApiError: 404 when there is no such project, or no export of it.
        """
        project = self.store.get(owner, project_id)
        if project is None:
            raise not_found("project")
        export = export_of(project)
        if export is None:
            raise not_found("export")
        return self._shown(owner, project_id, export, now_ms())

    def _size(self, owner: str, project_id: str) -> int:
        count = size = 0
        for file in self.contents.files(owner, project_id):
            count, size = count + 1, size + file.size
            if count > MAX_FILES or size > MAX_BYTES:
                raise too_large(
                    "EXPORT_TOO_LARGE",
                    f"One archive takes {MAX_FILES:,} files and {MAX_BYTES / 1e9:.0f} GB; this project has "
                    "more. Fetch models from their jobs' artifacts instead, or delete what you do not need.",
                )
        return size

    def _put(self, owner: str, project_id: str, export: Export, *, instead_of: Export | None) -> bool:
        """Write what the project's row tells of its export, unless another request was faster."""
        as_read = f"#{EXPORT}.#exportId = :before" if instead_of else f"attribute_not_exists(#{EXPORT})"
        put = self.store.table.update(
            project_key(owner, project_id),
            {EXPORT: export.stored()},
            condition=f"attribute_exists(#projectId) AND {NOT_GOING} AND {as_read}",
            values={"before": instead_of.export_id} if instead_of else {},
            signed=SIGNED,
        )
        return put is not None

    def _withdraw(self, owner: str, project_id: str, export: Export, before: Export | None) -> None:
        self.store.table.update(
            project_key(owner, project_id),
            {EXPORT: before.stored() if before else None, SIGNED: None},
            condition=f"#{EXPORT}.#exportId = :mine",
            values={"mine": export.export_id},
        )

    def _shown(self, owner: str, project_id: str, export: Export, now: int) -> ExportState:
        seen = export.seen_at(now)
        shown = ExportState.model_validate(seen.shown())
        if seen.state != "ready":
            return shown
        seconds = max(1, min(URL_SECONDS, (seen.expires_at - now) // 1000))
        url = download_url(
            self.bucket,
            archive_key(owner, project_id, seen.export_id),
            file_name=f"{project_id}.zip",
            seconds=seconds,
        )
        return shown.model_copy(update={"url": url, "url_expires_at": iso(now + seconds * 1000)})
