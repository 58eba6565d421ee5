"""What the state machine's own steps do."""

from dataclasses import dataclass
from typing import Any

from functions.pipeline_steps import logic
from functions.pipeline_steps.models import Publish, QualityGate, WaitForMachine
from functions.shared.aws import s3
from functions.shared.clock import now_ms
from functions.shared.job_names import StepJobName, model_prefix, sfm_report_key
from functions.shared.jobs import WAITING_FOR_MACHINE, JobStore
from functions.shared.links import Link, LinkStore, new_token
from functions.shared.s3_objects import list_objects, read_json

MODEL_CACHE_SECONDS = 3600

Result = dict[str, Any]


@dataclass(frozen=True)
class Steps:
    """The steps.

    Attributes:
        ml_bucket: Where jobs have their folders.
        jobs: The jobs table.
        links: The links table.
        delivery_url: Where links are opened.
    """

    ml_bucket: str
    jobs: JobStore
    links: LinkStore
    delivery_url: str

    def quality_gate(self, event: QualityGate) -> Result:
        """Look at the SfM step's report.

        Raises:
            ReconstructionRejected: Too little was placed for a model.
        """
        return logic.judge_reconstruction(read_json(self.ml_bucket, sfm_report_key(event.source_job_id)))

    def wait_for_machine(self, event: WaitForMachine) -> Result:
        """Keep that the job waits for a machine: Step Functions tells nobody of its waiting."""
        job = StepJobName(event.job_id, event.attempt, event.step, event.retry)
        return {"told": self.jobs.in_stage(job, WAITING_FOR_MACHINE, now_ms(), None) is not None}

    def publish(self, event: Publish) -> Result:
        """Make a complete model reachable by a link; repeating it makes no second link.

        Raises:
            ModelIncomplete: Files are missing or empty.
        """
        prefix = model_prefix(event.job_id)
        files = {listed.key.removeprefix(prefix): listed for listed in list_objects(self.ml_bucket, prefix)}
        logic.check_model({name: listed.size for name, listed in files.items()})
        for name, listed in files.items():
            self._set_content_type(name, listed.key)
        result = logic.summarize(read_json(self.ml_bucket, f"{prefix}report.json") or {})
        job, token = self.jobs.reserve_link(event.job_id, new_token())
        now = now_ms()
        self.links.add(Link(token=token, job_id=job.job_id, owner=job.owner, created_at=now))
        viewer_url = f"{self.delivery_url}/open/{token}"
        self.jobs.published(job.job_id, viewer_url, result, now)
        return {"published": True, "files": len(files)}

    def _set_content_type(self, name: str, key: str) -> None:
        """Tell browsers what a file is: SageMaker uploads all as plain bytes, which they would download."""
        s3().copy_object(
            Bucket=self.ml_bucket,
            Key=key,
            CopySource={"Bucket": self.ml_bucket, "Key": key},
            MetadataDirective="REPLACE",
            ContentType=logic.content_type(name),
            CacheControl=f"private, max-age={MODEL_CACHE_SECONDS}",
        )
