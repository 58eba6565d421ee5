"""Lambda handler of the state machine's own steps."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.pipeline_steps.models import QualityGate, StepEvent, WaitForMachine
from functions.pipeline_steps.settings import Settings
from functions.pipeline_steps.steps import Result, Steps
from functions.shared.jobs import JobStore
from functions.shared.links import LinkStore
from functions.shared.observability import logger, tracer
from functions.shared.settings import load_settings
from functions.shared.stores import Table


@cache
def _steps() -> Steps:
    settings = load_settings(Settings)
    return Steps(
        ml_bucket=settings.ml_bucket,
        jobs=JobStore(Table(settings.jobs_table)),
        links=LinkStore(Table(settings.links_table)),
        delivery_url=settings.delivery_url,
    )


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> Result:
    """Do one step; a refusal is an exception whose message is for people."""
    step = StepEvent.validate_python(event)
    logger.append_keys(job_id=step.job_id, action=step.action)
    if isinstance(step, QualityGate):
        return _steps().quality_gate(step)
    if isinstance(step, WaitForMachine):
        return _steps().wait_for_machine(step)
    result = _steps().publish(step)
    logger.info("model published")
    return result
