"""Files that a job has made, with addresses at which they can be fetched for an hour."""

from collections.abc import Iterator
from dataclasses import dataclass

from functions.ml_jobs.answers import Artifact, ArtifactList
from functions.shared.clock import iso, now_ms
from functions.shared.job_names import model_prefix
from functions.shared.jobs import JobRow
from functions.shared.s3_objects import Listed, download_url, list_objects

URL_SECONDS = 3600
_IMAGES = "sfm/images/"
_CHECKPOINTS = "3dgs/checkpoints/"


@dataclass(frozen=True)
class Artifacts:
    """Files of jobs.

    Attributes:
        bucket: The ml bucket.
    """

    bucket: str

    def of(self, job: JobRow) -> ArtifactList:
        """List what a job has made so far: the model, and what its steps have left.

        Undistorted images and checkpoints are left out: hundreds of files that follow from the rest.
        """
        until = now_ms() + URL_SECONDS * 1000
        return ArtifactList(
            artifacts=[
                Artifact(
                    name=name,
                    bytes=listed.size,
                    url=download_url(
                        self.bucket,
                        listed.key,
                        file_name=listed.key.rpartition("/")[2],
                        seconds=URL_SECONDS,
                    ),
                )
                for name, listed in self._files(job)
            ],
            urls_expire_at=iso(until),
        )

    def _files(self, job: JobRow) -> Iterator[tuple[str, Listed]]:
        folder = f"jobs/{job.job_id}/"
        for prefix in (model_prefix(job.job_id), f"{folder}sfm/", f"{folder}3dgs/"):
            for listed in list_objects(self.bucket, prefix):
                name = listed.key.removeprefix(folder)
                if not name.startswith((_IMAGES, _CHECKPOINTS)):
                    yield name, listed
