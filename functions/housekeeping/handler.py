"""Lambda handler of what other functions ask for and do not wait for."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.housekeeping.export import Exporter
from functions.housekeeping.models import (
    ExportProject,
    RemoveCapture,
    RemoveJob,
    RemoveProject,
    parse_request,
)
from functions.housekeeping.removal import Removal
from functions.housekeeping.settings import Settings
from functions.shared.export_contents import Contents
from functions.shared.observability import logger, tracer
from functions.shared.project_parts import ProjectParts
from functions.shared.removed_spending import RemovedSpending
from functions.shared.settings import load_settings
from functions.shared.stores import Table


@cache
def _parts() -> ProjectParts:
    settings = load_settings(Settings)
    return ProjectParts(
        uploads=Table(settings.uploads_table),
        jobs=Table(settings.jobs_table),
        flight_paths=Table(settings.flight_paths_table),
    )


@cache
def _removal() -> Removal:
    settings = load_settings(Settings)
    return Removal(
        parts=_parts(),
        projects=Table(settings.projects_table),
        links=Table(settings.links_table),
        spending=RemovedSpending(Table(settings.limits_table)),
        uploads_bucket=settings.uploads_bucket,
        ml_bucket=settings.ml_bucket,
    )


@cache
def _exporter() -> Exporter:
    settings = load_settings(Settings)
    return Exporter(
        contents=Contents(_parts(), settings.uploads_bucket, settings.ml_bucket),
        projects=Table(settings.projects_table),
        bucket=settings.ml_bucket,
    )


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    """Do one thing; what fails is to be repeated."""
    request = parse_request(event)
    logger.append_keys(action=request.action)
    match request:
        case RemoveProject():
            _removal().project(request)
        case RemoveCapture():
            _removal().capture(request)
        case RemoveJob():
            _removal().job(request)
        case ExportProject():
            _exporter().export(request, lambda: context.get_remaining_time_in_millis() / 1000)
