"""Lambda handler of the jobs API."""

from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.ml_jobs.estimate import Machines
from functions.ml_jobs.jobs import Answer, Jobs
from functions.ml_jobs.logic import in_old_words
from functions.ml_jobs.models import EstimateJob, StartJob, StopJob
from functions.ml_jobs.settings import Settings
from functions.shared.api import build_api, caller_of, new_router, page_of, parse_body, path_id
from functions.shared.jobs import JobStore
from functions.shared.observability import logger, tracer
from functions.shared.prices import Prices
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
        prices=Prices.with_overrides(settings.machine_prices),
        machines=Machines.model_validate_json(settings.machines),
    )


@cache
def _api() -> APIGatewayRestResolver:
    return build_api(router, load_settings(Settings).allowed_origins)


@router.post("/start-job")
def start_job() -> Answer:
    """Start a job."""
    event = router.current_event
    return _jobs().start(caller_of(event), parse_body(event, StartJob))


@router.post("/estimate")
def estimate_job() -> Answer:
    """Estimate a job."""
    event = router.current_event
    return _jobs().estimate(caller_of(event), parse_body(event, EstimateJob))


@router.post("/stop-job")
def stop_job() -> Answer:
    """Stop a job."""
    event = router.current_event
    return _jobs().stop(caller_of(event), parse_body(event, StopJob).job_id)


@router.get("/jobs")
def list_jobs() -> Answer:
    """List the caller's jobs."""
    limit, cursor = page_of(router.current_event)
    return _jobs().page(caller_of(router.current_event), limit, cursor)


@router.get("/jobs/<job_id>")
def show_job(job_id: str) -> Answer:
    """Show a job."""
    return _jobs().show(caller_of(router.current_event), path_id(job_id, "job"))


@router.get("/api/ml-pipeline/status/<job_id>")
def show_job_in_old_words(job_id: str) -> Answer:
    """Show a job to an older client."""
    return in_old_words(_jobs().show(caller_of(router.current_event), path_id(job_id, "job")))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of the jobs API."""
    return _api().resolve(event, context)
