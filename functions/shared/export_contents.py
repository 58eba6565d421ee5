"""The stored files that an export of a project holds, and their names in the archive."""

from collections.abc import Iterator
from dataclasses import dataclass

from functions.shared.housekeeping import is_going
from functions.shared.job_names import model_prefix
from functions.shared.project_parts import ProjectParts
from functions.shared.s3_objects import list_objects


@dataclass(frozen=True)
class StoredFile:
    """A file that goes into the archive as it is.

    Attributes:
        name: Its name there.
        bucket: Where it lies.
        key: Its key.
        size: Its bytes.
    """

    name: str
    bucket: str
    key: str
    size: int


@dataclass(frozen=True)
class Contents:
    """Finds the files.

    Attributes:
        parts: What belongs to projects.
        uploads_bucket: Where photos are.
        ml_bucket: Where models are.
    """

    parts: ProjectParts
    uploads_bucket: str
    ml_bucket: str

    def files(self, owner: str, project_id: str) -> Iterator[StoredFile]:
        """List photos as `photos/{captureId}/...` and models as `models/{jobId}/...`."""
        for capture in self.parts.captures(owner, project_id):
            if not is_going(capture):
                capture_id = str(capture["captureId"])
                folder = f"uploads/{owner}/{capture_id}/"
                yield from _below(self.uploads_bucket, folder, f"photos/{capture_id}/")
        for job in self.parts.jobs_of(owner, project_id):
            if not is_going(job):
                job_id = str(job["jobId"])
                yield from _below(self.ml_bucket, model_prefix(job_id), f"models/{job_id}/")


def _below(bucket: str, prefix: str, folder: str) -> Iterator[StoredFile]:
    for listed in list_objects(bucket, prefix):
        name = listed.key.removeprefix(prefix)
        if name and not name.endswith("/"):
            yield StoredFile(f"{folder}{name}", bucket, listed.key, listed.size)
