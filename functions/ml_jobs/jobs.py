"""What the jobs API does: start, show, list and stop executions of the state machine."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

from functions.ml_jobs import logic
from functions.ml_jobs.answers import Job, JobPage, StartedJob, StoppedJob
from functions.ml_jobs.models import StartJob
from functions.ml_jobs.options import OptionError, check_options
from functions.ml_jobs.presets import options_of
from functions.shared.aws import s3, step_functions
from functions.shared.claims import Caller
from functions.shared.clock import iso, now_ms, to_ms
from functions.shared.errors import bad_request, conflict, not_found
from functions.shared.failures import explain
from functions.shared.housekeeping import is_going
from functions.shared.job_names import STEPS, ExecutionName, progress_key, request_key
from functions.shared.jobs import ACTIVE, ENDED, JobRow, JobStore
from functions.shared.observability import logger
from functions.shared.s3_objects import parse_address, prefix_exists, read_json, write_json
from functions.shared.stores import Table


@dataclass(frozen=True)
class Jobs:
    """Jobs of one state machine.

    Attributes:
        store: The jobs table.
        projects: The projects table, only read.
        uploads_bucket: Where captures are.
        ml_bucket: Where jobs have their folders.
        state_machine_arn: What does a job.
    """

    store: JobStore
    projects: Table
    uploads_bucket: str
    ml_bucket: str
    state_machine_arn: str

    def start(self, caller: Caller, request: StartJob) -> StartedJob:
        """Start a job on a capture of the caller.

        Raises:
            ApiError: 400 for an address, option or step that cannot be, 404 for a capture or project that is
                not there or not the caller's.
        """
        capture = self._capture(caller, request.s3_url)
        try:
            options = options_of(request.preset, check_options(request.hyperparameters))
        except OptionError as error:
            raise bad_request("INVALID_OPTIONS", str(error)) from error
        if request.pipeline_step != STEPS[0]:
            raise bad_request(
                "INVALID_STEP", f"pipelineStep: a new job starts with {STEPS[0]}; leave this field out."
            )
        if request.project_id is not None:
            options = logic.with_title(options, self._project_title(caller, request.project_id))
        job = JobRow(
            job_id=str(uuid.uuid4()),
            owner=caller.sub,
            email=caller.email,
            created_at=now_ms(),
            capture_uri=f"s3://{self.uploads_bucket}/{capture.prefix}",
            capture_id=capture.capture_id,
            project_id=request.project_id,
            preset=request.preset,
        )
        machine_input = logic.machine_input(job, options, request.pipeline_step)
        arn = self._launch(job, machine_input)
        logger.info("job started", extra={"job_id": job.job_id, "capture_id": job.capture_id})
        return StartedJob(job_id=job.job_id, execution_arn=arn, message="The job has started.")

    def show(self, caller: Caller, job_id: str) -> Job:
        """Describe a job and how far it is.

        Raises:
            ApiError: 404 for a job that is not the caller's.
        """
        job = self.store.of_owner(job_id, caller.sub)
        if job is None:
            raise not_found("job")
        if job.status in ACTIVE:
            job = self._with_real_status(job)
        progress = self._progress(job) if job.status in ACTIVE else None
        return logic.describe_job(job, progress, now_ms())

    def page(self, caller: Caller, limit: int, cursor: str | None) -> JobPage:
        """List the caller's jobs, newest first, as their rows stand."""
        page = self.store.page(caller.sub, limit, cursor)
        rows = [JobRow.model_validate(item) for item in page.items]
        jobs = [logic.describe_job(row, None, now_ms()) for row in rows]
        return JobPage(jobs=jobs, next_cursor=page.cursor)

    def stop(self, caller: Caller, job_id: str) -> StoppedJob:
        """Stop a job and the machine that works on it; stopping it twice is no error.

        Raises:
            ApiError: 404 for a job that is not the caller's, 409 when it has ended.
        """
        job = self.store.of_owner(job_id, caller.sub)
        if job is None:
            raise not_found("job")
        if job.execution_arn is None:
            raise conflict("JOB_STARTING", "This job is just starting: try again in a few seconds.")
        if self.store.stopping(job_id) is None:
            raise conflict("JOB_ENDED", "This job has ended already.")
        step_functions().stop_execution(
            executionArn=job.execution_arn, error="StoppedByOwner", cause="Stopped by its owner."
        )
        logger.info("job stopped", extra={"job_id": job_id})
        return StoppedJob(
            message="The job is being stopped.", job_id=job_id, stopped_resources=[job.execution_arn]
        )

    def _capture(self, caller: Caller, s3_url: str) -> logic.Capture:
        try:
            address = parse_address(s3_url)
        except ValueError as error:
            raise bad_request("INVALID_ADDRESS", f"s3Url: {error}") from error
        capture = logic.capture_of(address, self.uploads_bucket, caller.sub)
        if capture is None:
            raise not_found("capture")
        if not prefix_exists(self.uploads_bucket, address.key):
            raise not_found("capture")
        return capture

    def _project_title(self, caller: Caller, project_id: str) -> str:
        project = self.projects.get({"userSub": caller.sub, "projectId": project_id})
        if project is None or is_going(project):
            raise not_found("project")
        return str(project.get("title") or "")

    def _launch(self, job: JobRow, machine_input: dict[str, Any]) -> str:
        """Write the row, then the request, then start; whatever fails takes back what was written."""
        self.store.add(job)
        try:
            write_json(
                self.ml_bucket,
                request_key(job.job_id),
                {**machine_input, "preset": job.preset, "createdAt": iso(job.created_at)},
            )
            arn = step_functions().start_execution(
                stateMachineArn=self.state_machine_arn,
                name=str(ExecutionName(job.job_id, job.attempt)),
                input=json.dumps(machine_input),
            )["executionArn"]
        except Exception:
            self.store.withdraw(job.job_id)
            s3().delete_object(Bucket=self.ml_bucket, Key=request_key(job.job_id))
            raise
        self.store.started(job.job_id, arn)
        return arn

    def _with_real_status(self, job: JobRow) -> JobRow:
        """Look at the execution itself: the event that tells of its end may be late or lost."""
        if job.execution_arn is None:
            return job
        execution = step_functions().describe_execution(executionArn=job.execution_arn)
        status = execution["status"]
        if status not in ENDED:
            return job
        failure = explain(status, execution.get("error"), execution.get("cause"))
        return job.model_copy(
            update={
                "status": status,
                "current_stage": "completed" if status == "SUCCEEDED" else "failed",
                "ended_at": to_ms(execution["stopDate"]),
                "failure_sentence": failure.sentence if failure else None,
                "failure_next_step": failure.next_step if failure else None,
            }
        )

    def _progress(self, job: JobRow) -> logic.StepProgress | None:
        """Read the progress of the latest step that has any."""
        since = job.started_at or job.created_at
        for step in reversed(STEPS):
            document = self._progress_document(job.job_id, step)
            progress = logic.read_progress(document, step, since)
            if progress is not None:
                return progress
        return None

    def _progress_document(self, job_id: str, step: str) -> dict[str, Any] | None:
        try:
            return read_json(self.ml_bucket, progress_key(job_id, step))
        except ValueError:
            logger.warning("unreadable progress", extra={"job_id": job_id, "step": step})
            return None
