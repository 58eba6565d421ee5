"""Removing what people have deleted, in an order that can be broken off anywhere and begun again.

First the links, so that nobody opens half a model; then the objects; then the rows, and last the row that
bears the mark: as long as it is there, the removal can be repeated, and finds what is left. The buckets keep
versions: what is deleted can be restored by their operator until the lifecycle ends it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from functions.housekeeping.models import RemoveCapture, RemoveJob, RemoveProject
from functions.shared.aws import s3
from functions.shared.capture_checks import CAPTURE_ITEM, capture_key
from functions.shared.clock import now_seconds
from functions.shared.exports import exports_prefix
from functions.shared.housekeeping import MARK, unmark
from functions.shared.jobs import ACTIVE, status_among
from functions.shared.observability import logger
from functions.shared.project_parts import ProjectParts, active_jobs, builds_on
from functions.shared.removed_spending import RemovedSpending
from functions.shared.s3_objects import list_objects
from functions.shared.stores import Item, Table
from functions.shared.tables import JOB_INDEX

KEYS_AT_ONCE = 1000
"""What one call of DeleteObjects takes."""
_IS_OWNERS = "#owner = :owner"


class ObjectsNotDeletedError(RuntimeError):
    """S3 has refused to delete some objects: the removal is to be repeated."""


@dataclass(frozen=True)
class Removal:
    """Removes.

    Attributes:
        parts: What belongs to projects.
        projects: The projects table.
        links: The links table.
        spending: What removed jobs have cost.
        uploads_bucket: Where captures are.
        ml_bucket: Where jobs have their folders, and exports.
    """

    parts: ProjectParts
    projects: Table
    links: Table
    spending: RemovedSpending
    uploads_bucket: str
    ml_bucket: str

    def project(self, request: RemoveProject) -> None:
        """Remove a project; what runs was started in the same moment, and brings it back whole."""
        key = {"userSub": request.owner, "projectId": request.project_id}
        if not self._is_marked(self.projects, key, request.deleting_at):
            return
        jobs = self.parts.jobs_of(request.owner, request.project_id)
        captures = self.parts.captures(request.owner, request.project_id)
        if not self._take(request, jobs, captures):
            for table, part in self._keys(jobs, captures):
                unmark(table, part, request.deleting_at)
            unmark(self.projects, key, request.deleting_at)
            logger.warning("project is in use and stays", extra={"project_id": request.project_id})
            return
        job_ids = [str(job["jobId"]) for job in jobs]
        self._remove_links(request.owner, job_ids)
        self._remove_job_objects(job_ids)
        for capture in captures:
            self._remove_capture_objects(request.owner, str(capture["captureId"]))
        self._remove_objects(self.ml_bucket, exports_prefix(request.owner, request.project_id))
        for job in jobs:
            self._remove_job_row(job)
        for capture in captures:
            self._remove_capture_rows(request.owner, str(capture["captureId"]))
        for plan in self.parts.flight_plans(request.owner, request.project_id):
            _remove_row(self.parts.flight_paths, {"id": str(plan["id"])}, request.owner)
        self.projects.delete(key, condition=f"#{MARK} = :at", values={"at": request.deleting_at})
        logger.info(
            "project removed",
            extra={"project_id": request.project_id, "jobs": len(jobs), "captures": len(captures)},
        )

    def capture(self, request: RemoveCapture) -> None:
        """Remove a capture; models made of it stay."""
        key = capture_key(request.capture_id)
        if not self._is_marked(self.parts.uploads, key, request.deleting_at):
            return
        if any(
            job.get("captureId") == request.capture_id for job in active_jobs(self.parts.jobs, request.owner)
        ):
            unmark(self.parts.uploads, key, request.deleting_at)
            logger.warning("capture is in use and stays", extra={"capture_id": request.capture_id})
            return
        self._remove_capture_objects(request.owner, request.capture_id)
        self._remove_capture_rows(request.owner, request.capture_id)
        logger.info("capture removed", extra={"capture_id": request.capture_id})

    def job(self, request: RemoveJob) -> None:
        """Remove a job; its project shows it no longer."""
        key = {"jobId": request.job_id}
        row = self.parts.jobs.get(key)
        if row is None or not self._is_marked(self.parts.jobs, key, request.deleting_at):
            return
        if row["status"] in ACTIVE or builds_on(
            active_jobs(self.parts.jobs, request.owner), {request.job_id}
        ):
            unmark(self.parts.jobs, key, request.deleting_at)
            logger.warning("job is in use and stays", extra={"job_id": request.job_id})
            return
        self._remove_links(request.owner, [request.job_id])
        self._remove_job_objects([request.job_id])
        if row.get("projectId"):
            self.projects.update(
                {"userSub": request.owner, "projectId": str(row["projectId"])},
                {"ml": None, "updatedAt": now_seconds()},
                add={"version": 1},
                condition="#ml.#jobId = :job",
                values={"job": request.job_id},
            )
        self._remove_job_row(row)
        logger.info("job removed", extra={"job_id": request.job_id})

    def _is_marked(self, table: Table, key: dict[str, str], at: int) -> bool:
        """Look whether this is still to be removed: it may be gone, or another thing of the same id."""
        row = table.get(key)
        if row is not None and row.get(MARK) == at:
            return True
        logger.info("nothing to remove", extra={"key": key})
        return False

    def _keys(self, jobs: Iterable[Item], captures: Iterable[Item]) -> Iterator[tuple[Table, dict[str, str]]]:
        yield from ((self.parts.jobs, {"jobId": str(job["jobId"])}) for job in jobs)
        yield from ((self.parts.uploads, capture_key(str(one["captureId"]))) for one in captures)

    def _take(self, request: RemoveProject, jobs: list[Item], captures: list[Item]) -> bool:
        """Mark all parts, so that nothing is started with them any more; False when something runs."""
        is_active, statuses = status_among(ACTIVE)
        for table, key in self._keys(jobs, captures):
            is_job = table is self.parts.jobs
            marked = table.update(
                key,
                {MARK: request.deleting_at},
                condition=f"{_IS_OWNERS} AND NOT ({is_active})" if is_job else _IS_OWNERS,
                values={"owner": request.owner, **(statuses if is_job else {})},
            )
            if marked is None and table.get(key) is not None:
                return False
        return not self.parts.is_in_use(request.owner, request.project_id)

    def _remove_links(self, owner: str, job_ids: Iterable[str]) -> None:
        for job_id in job_ids:
            tokens = {
                str(link["token"])
                for link in self.links.query("#jobId = :job", {"job": job_id}, index=JOB_INDEX).items
            }
            # The index follows the table after a moment; the link that was mailed stands in the job's row.
            mailed = (self.parts.jobs.get({"jobId": job_id}) or {}).get("linkToken")
            for token in tokens | ({str(mailed)} if mailed else set()):
                _remove_row(self.links, {"token": token}, owner)

    def _remove_job_row(self, job: Item) -> None:
        self.spending.keep(job)
        _remove_row(self.parts.jobs, {"jobId": str(job["jobId"])}, str(job["owner"]))

    def _remove_job_objects(self, job_ids: Iterable[str]) -> None:
        for job_id in job_ids:
            self._remove_objects(self.ml_bucket, f"jobs/{job_id}/")

    def _remove_capture_objects(self, owner: str, capture_id: str) -> None:
        """End the capture's unfinished uploads, which could make objects yet, and then delete its objects."""
        for item in self._capture_items(owner, capture_id):
            if item.get("uploadId") and item.get("state") != "uploaded":
                try:
                    s3().abort_multipart_upload(
                        Bucket=self.uploads_bucket, Key=item["objectKey"], UploadId=item["uploadId"]
                    )
                except s3().exceptions.NoSuchUpload:
                    pass
        self._remove_objects(self.uploads_bucket, f"uploads/{owner}/{capture_id}/")

    def _remove_capture_rows(self, owner: str, capture_id: str) -> None:
        """Delete the rows of a capture's files, and its own last."""
        for item in self._capture_items(owner, capture_id):
            if item["itemId"] != CAPTURE_ITEM:
                key = {"captureId": capture_id, "itemId": str(item["itemId"])}
                _remove_row(self.parts.uploads, key, owner)
        _remove_row(self.parts.uploads, capture_key(capture_id), owner)

    def _capture_items(self, owner: str, capture_id: str) -> list[Item]:
        items = self.parts.uploads.query("#captureId = :capture", {"capture": capture_id}).items
        return [item for item in items if item.get("owner") == owner]

    def _remove_objects(self, bucket: str, prefix: str) -> None:
        keys = [listed.key for listed in list_objects(bucket, prefix)]
        for first in range(0, len(keys), KEYS_AT_ONCE):
            some = keys[first : first + KEYS_AT_ONCE]
            answer = s3().delete_objects(
                Bucket=bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True}
            )
            refused = answer.get("Errors")
            if refused:
                raise ObjectsNotDeletedError(f"{len(refused)} below {prefix}: {refused[0].get('Code')}")


def _remove_row(table: Table, key: dict[str, str], owner: str) -> None:
    """Delete a row if it is the owner's; one that is gone already is no error."""
    table.delete(key, condition=_IS_OWNERS, values={"owner": owner})
