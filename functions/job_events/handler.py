"""Lambda handler of the events of jobs."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.job_events.events import Events
from functions.job_events.intermediates import Intermediates
from functions.job_events.metrics import StageMetrics
from functions.job_events.models import ExecutionEvent, LookEvent, StepJobEvent, parse_event
from functions.job_events.settings import Settings
from functions.job_events.step_jobs import StepJobs
from functions.shared.jobs import JobStore
from functions.shared.mail import Sender
from functions.shared.observability import logger, tracer
from functions.shared.prices import Prices
from functions.shared.settings import load_settings
from functions.shared.stores import Table
from functions.shared.user_settings import SettingsStore
from functions.shared.webhook_events import WebhookQueue


@cache
def _events() -> Events:
    settings = load_settings(Settings)
    return Events(
        jobs=JobStore(Table(settings.jobs_table)),
        projects=Table(settings.projects_table),
        settings=SettingsStore(Table(settings.settings_table)),
        webhooks=WebhookQueue(settings.webhook_queue_url),
        metrics=StageMetrics(settings.metrics_service),
        step_jobs=StepJobs(Prices.with_overrides(settings.machine_prices)),
        state_machine_arn=settings.state_machine_arn,
        mail_from=Sender(settings.mail_from, settings.mail_configuration_set),
        intermediates=Intermediates(settings.ml_bucket, settings.intermediate_tag),
    )


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> None:
    """Take one event in."""
    parsed = parse_event(event)
    match parsed:
        case ExecutionEvent():
            _events().execution_changed(parsed)
        case StepJobEvent():
            _events().step_job_changed(parsed)
        case LookEvent():
            _events().look(parsed.at)
