"""Starts executions of the state machine: new jobs, jobs at a later step, further attempts."""

import json
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from functions.ml_jobs import logic
from functions.ml_jobs.answers import StartedJob
from functions.ml_jobs.forecasts import Forecasts
from functions.ml_jobs.jobs import own_job
from functions.ml_jobs.models import RetryJob, StartJob
from functions.ml_jobs.options import chosen_options
from functions.ml_jobs.quotas import QuotaGate
from functions.ml_jobs.results import Results, sfm_job_id
from functions.shared.aws import s3, step_functions
from functions.shared.claims import Caller
from functions.shared.clock import iso, now_ms
from functions.shared.errors import bad_request, conflict, not_found
from functions.shared.housekeeping import is_going
from functions.shared.job_names import COMPRESSOR, SFM, STEPS, TRAINING, ExecutionName, request_key
from functions.shared.jobs import ACTIVE, JobRow, JobStore
from functions.shared.observability import logger
from functions.shared.outages import take_back
from functions.shared.s3_objects import parse_address, write_json
from functions.shared.stores import Table
from functions.shared.user_settings import Quotas, SettingsStore

_JOB_IDS = uuid.UUID("5f0c8a3e-7f5d-4f0c-9a52-2d7a4e4b1c11")
"""Namespace of the ids of jobs that were asked for with a key."""


@dataclass(frozen=True)
class Starting:
    """Starts jobs of one state machine.

    Attributes:
        store: The jobs table.
        projects: The projects table, only read.
        people: What people have set, and may use.
        default_quotas: What people may use whose row says nothing.
        gate: Counts what they use.
        results: What jobs have left.
        forecasts: Says what jobs will take.
        ml_bucket: Where jobs have their folders.
        state_machine_arn: What does a job.
    """

    store: JobStore
    projects: Table
    people: SettingsStore
    default_quotas: Quotas
    gate: QuotaGate
    results: Results
    forecasts: Forecasts
    ml_bucket: str
    state_machine_arn: str

    def start(self, caller: Caller, request: StartJob, key: str | None) -> StartedJob:
        """Start a job on a capture of the caller, or on what an earlier job of the caller has left.

        Args:
            caller: Whose job it is.
            request: What is asked.
            key: The client's key: a job is started once per key, whatever happens in between.

        Returns:
            The job, of this request or of an earlier one with the same key.

        Raises:
            ApiError: 400 for an address, option or step that cannot be, 404 for a capture, project or job
                that is not there or not the caller's, 409 for an earlier job that has not come so far, 429
                when a quota is used up.
        """
        source = self._source(caller, request)
        options = self._options(caller, request)
        job = JobRow(
            job_id=_job_id(caller, key),
            owner=caller.sub,
            email=caller.email,
            created_at=now_ms(),
            capture_uri=source.capture_uri,
            capture_id=source.capture.capture_id,
            project_id=request.project_id,
            preset=request.preset,
            source_job_id=source.sfm_job_id,
            source_artifacts=source.artifacts,
            start_at=request.pipeline_step,
            options=options,
            estimate=self.forecasts.of(
                caller,
                self.forecasts.photos_of(caller, source.capture),
                options,
                preset=request.preset,
                start_at=request.pipeline_step,
            ),
        )
        if not self.store.add(job):
            return self._started_before(job)
        arn = self._launch_new(job)
        logger.info("job started", extra={"job_id": job.job_id, "capture_id": job.capture_id})
        return StartedJob(job_id=job.job_id, execution_arn=arn, message="The job has started.")

    def retry(self, caller: Caller, job_id: str, request: RetryJob) -> StartedJob:
        """Start a job's next attempt at the step that failed, or at an earlier one.

        Raises:
            ApiError: 400 for a step that the job has not come to, 404 for a job that is not the caller's, 409
                for one that runs or has a model, 429 when a quota is used up.
        """
        job = own_job(self.store, caller, job_id)
        if job.status == "PENDING" and job.execution_arn is None and job.attempt > 1:
            # The request that began this attempt broke off, or is about to start the same execution.
            arn = self._execute_unless_ended(job)
            if arn is not None:
                return self._answer_of_retry(job, arn)
            self.store.ended(job_id, job.attempt, "ABORTED", now_ms(), None)
            job = self.store.get(job_id) or job
        if job.status in ACTIVE:
            raise conflict("JOB_RUNS", "This job still runs: stop it first, or wait for its end.")
        if job.status == "SUCCEEDED":
            raise conflict("JOB_HAS_MODEL", "This job has made its model: start a new one for another.")
        possible = self.results.next_step(job)
        step = request.pipeline_step or possible
        if STEPS.index(step) > STEPS.index(possible) or STEPS.index(step) < STEPS.index(_first_step(job)):
            raise bad_request(
                "INVALID_STEP", f"pipelineStep: this job can go on from {_first_step(job)} to {possible}."
            )
        again = self.store.tried_again(job, step, now_ms())
        if again is None:
            raise conflict("JOB_RUNS", "This job was started again already.")
        try:
            self._admit(again)
        except Exception:
            take_back(lambda: self.store.not_tried_again(job))
            raise
        try:
            arn = self._execute(again)
        except Exception:
            take_back(
                lambda: self.store.not_tried_again(job),
                lambda: self.gate.give_back(again.owner, again.job_id),
                lambda: self._end_unknown(again),
            )
            raise
        logger.info("job started again", extra={"job_id": job_id, "attempt": again.attempt, "step": step})
        return self._answer_of_retry(again, arn)

    @staticmethod
    def _answer_of_retry(job: JobRow, arn: str) -> StartedJob:
        return StartedJob(
            job_id=job.job_id, execution_arn=arn, message=f"The job goes on with {job.start_at}."
        )

    def _source(self, caller: Caller, request: StartJob) -> logic.Source:
        if request.pipeline_step == SFM:
            if request.s3_url is None:
                raise bad_request("INVALID_REQUEST", "s3Url: Field required")
            captures = self.forecasts.captures
            capture = captures.find(caller, request.s3_url)
            return logic.Source(f"s3://{captures.bucket}/{capture.prefix}", capture)
        earlier_id = request.source_job_id or logic.job_of_sfm_uri(
            request.existing_colmap_uri, self.ml_bucket
        )
        if earlier_id is None:
            raise bad_request(
                "INVALID_REQUEST",
                f"sourceJobId: a job that starts with {request.pipeline_step} goes on from an earlier job; "
                "name it.",
            )
        earlier = own_job(self.store, caller, earlier_id)
        artifacts = self.results.training_artifacts(earlier)
        if not self.results.has_sfm(earlier) or (request.pipeline_step == COMPRESSOR and artifacts is None):
            raise conflict(
                "SOURCE_JOB_INCOMPLETE",
                f"The job {earlier_id} has left nothing that {request.pipeline_step} could start from; what "
                "steps leave is kept for 30 days.",
            )
        address = parse_address(earlier.capture_uri)
        return logic.Source(
            earlier.capture_uri,
            logic.Capture(earlier.capture_id, address.key),
            sfm_job_id=sfm_job_id(earlier),
            artifacts=artifacts if request.pipeline_step == COMPRESSOR else None,
        )

    def _options(self, caller: Caller, request: StartJob) -> dict[str, dict[str, str]]:
        options = chosen_options(request.preset, request.hyperparameters)
        if request.project_id is None:
            return options
        project = self.projects.get({"userSub": caller.sub, "projectId": request.project_id})
        if project is None or is_going(project):
            raise not_found("project")
        return logic.with_title(options, str(project.get("title") or ""))

    def _started_before(self, wanted: JobRow) -> StartedJob:
        """Answer for the job that a request of the same key has made, whether or not it came to its end."""
        job = self.store.get(wanted.job_id)
        if job is None:
            raise conflict("JOB_STARTING", "This job is just starting: try again in a few seconds.")
        if logic.request_of(job) != logic.request_of(wanted):
            raise bad_request(
                "IDEMPOTENCY_KEY_USED", "Idempotency-Key: was used for another job; send a new one."
            )
        arn = job.execution_arn or self._launch_new(job)
        return StartedJob(job_id=job.job_id, execution_arn=arn, message="The job has started.")

    def _launch_new(self, job: JobRow) -> str:
        """Write the request and start; whatever fails takes back what was written, the row too."""
        try:
            self._admit(job)
        except Exception:
            take_back(lambda: self.store.withdraw(job.job_id))
            raise
        try:
            write_json(
                self.ml_bucket,
                request_key(job.job_id),
                {**self._input(job), "preset": job.preset, "createdAt": iso(job.created_at)},
            )
            arn = self._execute_unless_ended(job)
        except Exception:
            take_back(*self._steps_back(job), lambda: self._end_unknown(job))
            raise
        if arn is None:
            # A request of the same key has started it and, as it could not record that, ended it.
            take_back(*self._steps_back(job))
            raise conflict("IDEMPOTENCY_KEY_USED", "Idempotency-Key: its request broke off; send a new one.")
        return arn

    def _steps_back(self, job: JobRow) -> list[Callable[[], object]]:
        return [
            lambda: self.store.withdraw(job.job_id),
            lambda: s3().delete_object(Bucket=self.ml_bucket, Key=request_key(job.job_id)),
            lambda: self.gate.give_back(job.owner, job.job_id),
        ]

    def _admit(self, job: JobRow) -> None:
        quotas = self.people.read(job.owner).quotas_over(self.default_quotas)
        self.gate.admit(job.owner, job.job_id, quotas, estimated_usd=job.likely_usd)

    def _execute(self, job: JobRow) -> str:
        """Start the execution; starting it twice is one execution, for its name and input are the same."""
        arn = step_functions().start_execution(
            stateMachineArn=self.state_machine_arn,
            name=str(ExecutionName(job.job_id, job.attempt)),
            input=json.dumps(self._input(job)),
        )["executionArn"]
        self.store.started(job.job_id, arn)
        return arn

    def _execute_unless_ended(self, job: JobRow) -> str | None:
        try:
            return self._execute(job)
        except step_functions().exceptions.ExecutionAlreadyExists:
            return None

    def _end_unknown(self, job: JobRow) -> None:
        """End an execution that may run although nobody heard so: nothing would show it or could stop it."""
        executions = self.state_machine_arn.replace(":stateMachine:", ":execution:")
        with suppress(step_functions().exceptions.ExecutionDoesNotExist):
            step_functions().stop_execution(
                executionArn=f"{executions}:{ExecutionName(job.job_id, job.attempt)}",
                error="NotStarted",
                cause="The job could not be recorded.",
            )

    def _input(self, job: JobRow) -> Mapping[str, Any]:
        artifacts = self.results.training_artifacts(job) if job.start_at == COMPRESSOR else None
        return logic.machine_input(job, artifacts)


def _job_id(caller: Caller, key: str | None) -> str:
    return str(uuid.uuid4() if key is None else uuid.uuid5(_JOB_IDS, f"{caller.sub}/{key}"))


def _first_step(job: JobRow) -> str:
    """Say which step a job began with: earlier ones are another job's."""
    if job.source_artifacts is not None:
        return COMPRESSOR
    return SFM if job.source_job_id is None else TRAINING
