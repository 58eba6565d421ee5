"""Exporting a project: all its files in one archive, and in its row how far that is."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from functions.housekeeping.archive import ArchiveWriter
from functions.housekeeping.models import ExportProject
from functions.housekeeping.multipart import MultipartWriter
from functions.housekeeping.reading import read_in_turn
from functions.shared.clock import now_ms
from functions.shared.export_contents import Contents
from functions.shared.exports import EXPORT, FAILED, Export, archive_key, export_of
from functions.shared.housekeeping import NOT_GOING, is_going
from functions.shared.observability import logger
from functions.shared.plan_documents import unpack_plan
from functions.shared.projects import shown_project
from functions.shared.stores import Item, Table
from functions.shared.summaries import CaptureSummary, FlightPlanSummary, JobSummary

TELL_EVERY_MS = 2000
RESERVE_SECONDS = 30.0
"""Left of a run's time when it gives up: to give up takes some, too."""


class NotWantedError(Exception):
    """The project is going, or a newer export of it was asked for."""


class TooSlowError(RuntimeError):
    """The run's time is over before the archive is written."""


@dataclass(frozen=True)
class Exporter:
    """Writes exports.

    Attributes:
        contents: What is in them.
        projects: The projects table.
        bucket: The ml bucket.
    """

    contents: Contents
    projects: Table
    bucket: str

    def export(self, request: ExportProject, seconds_left: Callable[[], float]) -> None:
        """Write the archive; what fails is told in the row and leaves no object.

        Args:
            request: Which export.
            seconds_left: Gives how long this run may still take.
        """
        key = {"userSub": request.owner, "projectId": request.project_id}
        project = self.projects.get(key)
        export = export_of(project) if project and not is_going(project) else None
        if (
            project is None
            or export is None
            or export.export_id != request.export_id
            or export.state == "ready"
        ):
            logger.info("nothing to export", extra={"project_id": request.project_id})
            return
        tells = _Tells(self.projects, key, export)
        try:
            tells.that(state="running", fraction=0.0, sentence=None)
            self._write(request, project, tells, seconds_left)
            tells.that(state="ready", fraction=1.0)
        except NotWantedError:
            logger.info("export is not wanted any more", extra={"project_id": request.project_id})
        except Exception:
            with suppress(NotWantedError):
                tells.that(state="failed", sentence=FAILED)
            raise
        else:
            logger.info("project exported", extra={"project_id": request.project_id})

    def _write(
        self, request: ExportProject, project: Item, tells: "_Tells", seconds_left: Callable[[], float]
    ) -> None:
        files = list(self.contents.files(request.owner, request.project_id))
        total = sum(file.size for file in files)
        where = archive_key(request.owner, request.project_id, request.export_id)
        done = 0
        with MultipartWriter(self.bucket, where, "application/zip") as target:
            archive = ArchiveWriter(target, at=datetime.now(UTC))
            for name, document in self._documents(request, project):
                text = json.dumps(document, indent=2, ensure_ascii=False).encode()
                archive.add(name, len(text), (text,))
            for file, chunks in read_in_turn(files):
                counted = _Counted(chunks)
                archive.add(file.name, file.size, self._watched(counted, done, total, tells, seconds_left))
                done += counted.bytes
            archive.close()

    def _watched(
        self,
        chunks: "_Counted",
        done: int,
        total: int,
        tells: "_Tells",
        seconds_left: Callable[[], float],
    ) -> Iterator[bytes]:
        """Pass chunks on, tell how far the whole is, and give up in time."""
        for chunk in chunks:
            if seconds_left() < RESERVE_SECONDS:
                raise TooSlowError(f"{done + chunks.bytes} of {total} bytes are written")
            tells.now_and_then((done + chunks.bytes) / max(total, 1))
            yield chunk

    def _documents(self, request: ExportProject, project: Item) -> Iterator[tuple[str, dict[str, Any]]]:
        owner, project_id = request.owner, request.project_id
        parts = self.contents.parts
        plans = parts.flight_plans(owner, project_id)
        captures = [row for row in parts.captures(owner, project_id) if not is_going(row)]
        jobs = [row for row in parts.jobs_of(owner, project_id) if not is_going(row)]
        yield (
            "project.json",
            {
                "project": shown_project(project),
                "captures": [CaptureSummary.of(row).model_dump() for row in captures],
                "flightPlans": [FlightPlanSummary.of(row).model_dump() for row in plans],
                "jobs": [JobSummary.of(row).model_dump() for row in jobs],
            },
        )
        for plan in plans:
            yield (
                f"flight-plans/{plan['id']}.json",
                {**FlightPlanSummary.of(plan).model_dump(), "plan": unpack_plan(plan["document"])},
            )


class _Counted:
    """Chunks, counted as they are taken."""

    def __init__(self, chunks: Any) -> None:  # noqa: ANN401
        self._chunks = chunks
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.bytes += len(chunk)
            yield chunk


class _Tells:
    """Tells in the project's row how far an export is; the project's version stays."""

    def __init__(self, projects: Table, key: dict[str, str], export: Export) -> None:
        self._projects = projects
        self._key = key
        self._export = export

    def now_and_then(self, fraction: float) -> None:
        if now_ms() - self._export.updated_at >= TELL_EVERY_MS:
            self.that(fraction=min(fraction, 1.0))

    def that(self, **changes: Any) -> None:  # noqa: ANN401 -- attributes of Export
        self._export = self._export.model_copy(update={**changes, "updated_at": now_ms()})
        told = self._projects.update(
            self._key,
            {EXPORT: self._export.stored()},
            condition=f"#{EXPORT}.#exportId = :id AND {NOT_GOING}",
            values={"id": self._export.export_id},
        )
        if told is None:
            raise NotWantedError
