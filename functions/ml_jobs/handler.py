"""Lambda handler of the jobs API."""

from functools import cache
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.ml_jobs.answers import Job, JobPage, RemovedJob, StartedJob, StoppedJob
from functions.ml_jobs.jobs import Jobs
from functions.ml_jobs.logic import in_old_words
from functions.ml_jobs.models import StartJob, StopJob
from functions.ml_jobs.removal import remove_job
from functions.ml_jobs.settings import Settings
from functions.shared.api import MAX_PAGE, PageCursor, PageLimit, PathId, SignedIn, api_handler, new_router
from functions.shared.housekeeping import Housekeeping
from functions.shared.jobs import JobStore
from functions.shared.settings import load_settings
from functions.shared.stores import Table

router = new_router()


@cache
def _jobs() -> Jobs:
    settings = load_settings(Settings)
    return Jobs(
        store=JobStore(Table(settings.jobs_table)),
        projects=Table(settings.projects_table),
        uploads_bucket=settings.uploads_bucket,
        ml_bucket=settings.ml_bucket,
        state_machine_arn=settings.state_machine_arn,
    )


@router.post("/start-job")
def start_job(request: Annotated[StartJob, Body()], caller: SignedIn) -> StartedJob:
    """Start a job."""
    return _jobs().start(caller, request)


@router.post("/stop-job")
def stop_job(request: Annotated[StopJob, Body()], caller: SignedIn) -> StoppedJob:
    """Stop a job."""
    return _jobs().stop(caller, request.job_id)


@router.get("/jobs")
def list_jobs(caller: SignedIn, limit: PageLimit = MAX_PAGE, cursor: PageCursor = None) -> JobPage:
    """List the caller's jobs."""
    return _jobs().page(caller, limit, cursor)


@router.get("/jobs/<job_id>")
def show_job(job_id: PathId, caller: SignedIn) -> Job:
    """Show a job."""
    return _jobs().show(caller, job_id)


@router.delete("/jobs/<job_id>")
def delete_job(job_id: PathId, caller: SignedIn) -> RemovedJob:
    """Delete a job with its model and links."""
    remove_job(_jobs().store, Housekeeping(load_settings(Settings).housekeeping_arn), caller, job_id)
    return RemovedJob()


@router.get("/api/ml-pipeline/status/<job_id>")
def show_job_in_old_words(job_id: PathId, caller: SignedIn) -> Job:
    """Show a job to an older client."""
    return in_old_words(_jobs().show(caller, job_id))


handler = api_handler(router, Settings)
