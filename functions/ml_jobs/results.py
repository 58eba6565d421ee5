"""What a job's steps have left: from which step another attempt, or another job, can go on."""

from dataclasses import dataclass

from functions.shared.job_names import COMPRESSOR, SFM, TRAINING, parse_step_job_name, sfm_report_key
from functions.shared.jobs import JobRow
from functions.shared.s3_objects import list_objects, object_exists

_ARCHIVE = "output/model.tar.gz"
"""What SageMaker packs a training's result into, in the folder of the SageMaker job."""


@dataclass(frozen=True)
class Results:
    """Looks at the folders of jobs.

    Attributes:
        bucket: The ml bucket.
    """

    bucket: str

    def next_step(self, job: JobRow) -> str:
        """Say which step comes next after what is there: the first whose result is missing, or the last."""
        if not self.has_sfm(job):
            return SFM
        return TRAINING if self.training_artifacts(job) is None else COMPRESSOR

    def has_sfm(self, job: JobRow) -> bool:
        """Tell whether the reconstruction that a job goes by is there."""
        return object_exists(self.bucket, sfm_report_key(sfm_job_id(job)))

    def training_artifacts(self, job: JobRow) -> str | None:
        """Give the S3 address of the training result that a job can go on with, or None.

        A stopped training leaves an archive too, of nothing: only what the compressor was given is a result.
        A job that started at the compressor has none of its own: it goes by another job's.
        """
        if job.reached != COMPRESSOR:
            return job.source_artifacts
        folder, found = f"jobs/{job.job_id}/3dgs/", []
        for listed in list_objects(self.bucket, folder):
            name, _, file = listed.key.removeprefix(folder).partition("/")
            step_job = parse_step_job_name(name)
            if step_job is not None and file == _ARCHIVE:
                found.append((step_job.order, listed.key))
        return f"s3://{self.bucket}/{max(found)[1]}" if found else job.source_artifacts


def sfm_job_id(job: JobRow) -> str:
    """Say whose reconstruction a job goes by: its own, or that of the job it was started from."""
    return job.source_job_id or job.job_id
