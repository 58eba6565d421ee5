"""Lambda handler of the jobs API."""

import json
from functools import cache
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from functions.ml_jobs.answers import (
    ArtifactList,
    Forecast,
    Job,
    JobPage,
    LogPage,
    ModelLink,
    ModelLinks,
    RemovedJob,
    StartedJob,
    StoppedJob,
)
from functions.ml_jobs.artifacts import Artifacts
from functions.ml_jobs.captures import Captures
from functions.ml_jobs.forecasts import Forecasts
from functions.ml_jobs.jobs import Jobs, own_job
from functions.ml_jobs.links import Links
from functions.ml_jobs.logic import in_old_words
from functions.ml_jobs.logs import read_logs
from functions.ml_jobs.machines import Machines
from functions.ml_jobs.models import EstimateJob, RetryJob, ShareModel, StartJob, Step, StopJob
from functions.ml_jobs.quotas import QuotaGate
from functions.ml_jobs.removal import remove_job
from functions.ml_jobs.results import Results
from functions.ml_jobs.settings import Settings
from functions.ml_jobs.starting import Starting
from functions.shared.api import MAX_PAGE, PageCursor, PageLimit, PathId, SignedIn, api_handler, new_router
from functions.shared.capture_checks import CheckStore
from functions.shared.housekeeping import Housekeeping
from functions.shared.idempotency import KEPT_SECONDS, IdempotencyKey, once
from functions.shared.jobs import JobStore
from functions.shared.links import LinkStore
from functions.shared.prices import Prices
from functions.shared.settings import load_settings
from functions.shared.stores import Table
from functions.shared.user_settings import SettingsStore

router = new_router()
DOUBLE_CLICK_SECONDS = 60
"""How long the same request for a job is taken for the same click: equal jobs make equal models."""
StepQuery = Annotated[Step | None, Query(description="Which step; the one that came last when missing.")]
LogLimit = Annotated[int, Query(ge=1, le=1000, description="How many lines at most.")]


@cache
def _store() -> JobStore:
    return JobStore(Table(load_settings(Settings).jobs_table))


@cache
def _jobs() -> Jobs:
    settings = load_settings(Settings)
    prices = Prices.with_overrides(settings.machine_prices)
    return Jobs(store=_store(), ml_bucket=settings.ml_bucket, prices=prices)


@cache
def _forecasts() -> Forecasts:
    settings = load_settings(Settings)
    return Forecasts(
        store=_store(),
        captures=Captures(settings.uploads_bucket),
        checks=CheckStore(Table(settings.uploads_table)),
        prices=Prices.with_overrides(settings.machine_prices),
        machines=Machines.model_validate_json(settings.machines),
    )


@cache
def _starting() -> Starting:
    settings = load_settings(Settings)
    return Starting(
        store=_store(),
        projects=Table(settings.projects_table),
        people=SettingsStore(Table(settings.settings_table)),
        default_quotas=settings.default_quotas,
        gate=QuotaGate(limits=Table(settings.limits_table), jobs=_store()),
        results=Results(settings.ml_bucket),
        forecasts=_forecasts(),
        ml_bucket=settings.ml_bucket,
        state_machine_arn=settings.state_machine_arn,
    )


@cache
def _links() -> Links:
    settings = load_settings(Settings)
    return Links(
        store=LinkStore(Table(settings.links_table)),
        jobs=_store(),
        delivery_url=settings.delivery_url,
    )


@router.post("/start-job")
def start_job(
    request: Annotated[StartJob, Body()], caller: SignedIn, idempotency_key: IdempotencyKey = None
) -> StartedJob:
    """Start a job; without a key, the same request within a minute counts as the same."""
    asked = request.model_dump(mode="json")
    return once(
        lambda: _starting().start(caller, request, idempotency_key),
        answer=StartedJob,
        table=load_settings(Settings).idempotency_table,
        scope=(caller.sub, "start-job"),
        key=idempotency_key or json.dumps(asked, sort_keys=True),
        request=asked,
        context=router.lambda_context,
        kept_seconds=KEPT_SECONDS if idempotency_key else DOUBLE_CLICK_SECONDS,
    )


@router.post("/jobs/<job_id>/retry")
def retry_job(job_id: PathId, request: Annotated[RetryJob, Body()], caller: SignedIn) -> StartedJob:
    """Start a job's next attempt where the last one failed."""
    return _starting().retry(caller, job_id, request)


@router.post("/estimate")
def estimate_job(request: Annotated[EstimateJob, Body()], caller: SignedIn) -> Forecast:
    """Say what a job would take and cost, without starting it."""
    return _forecasts().answer(caller, request)


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
    remove_job(_store(), Housekeeping(load_settings(Settings).housekeeping_arn), caller, job_id)
    return RemovedJob()


@router.get("/jobs/<job_id>/logs")
def show_logs(
    job_id: PathId,
    caller: SignedIn,
    step: StepQuery = None,
    limit: LogLimit = 200,
    cursor: PageCursor = None,
) -> LogPage:
    """Show the end of a step's log, or where a cursor is."""
    return read_logs(own_job(_store(), caller, job_id), step, limit, cursor)


@router.get("/jobs/<job_id>/artifacts")
def list_artifacts(job_id: PathId, caller: SignedIn) -> ArtifactList:
    """List the files that a job has made, with addresses to fetch them at."""
    return Artifacts(load_settings(Settings).ml_bucket).of(own_job(_store(), caller, job_id))


@router.get("/jobs/<job_id>/links")
def list_links(job_id: PathId, caller: SignedIn) -> ModelLinks:
    """List the links to a job's model."""
    return _links().of(own_job(_store(), caller, job_id))


@router.post("/jobs/<job_id>/links")
def share_model(
    job_id: PathId,
    request: Annotated[ShareModel, Body()],
    caller: SignedIn,
    idempotency_key: IdempotencyKey = None,
) -> ModelLink:
    """Make a link to a job's model."""
    job = own_job(_store(), caller, job_id)
    return once(
        lambda: _links().share(job, request),
        answer=ModelLink,
        table=load_settings(Settings).idempotency_table,
        scope=(caller.sub, "links", job_id),
        key=idempotency_key,
        request=request.model_dump(mode="json"),
        context=router.lambda_context,
    )


@router.delete("/jobs/<job_id>/links/<link_id>")
def revoke_link(job_id: PathId, link_id: PathId, caller: SignedIn) -> ModelLink:
    """Withdraw a link; whoever has opened it sees the model for ten minutes more."""
    return _links().revoke(own_job(_store(), caller, job_id), link_id)


@router.get("/api/ml-pipeline/status/<job_id>")
def show_job_in_old_words(job_id: PathId, caller: SignedIn) -> Job:
    """Show a job to an older client."""
    return in_old_words(_jobs().show(caller, job_id))


handler = api_handler(router, Settings)
