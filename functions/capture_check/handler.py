"""Lambda handler of the capture check: the state machine calls it, the upload API sends it events."""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.capture_check.check import Check, Checker
from functions.capture_check.models import CheckEvent, JobCheck
from functions.capture_check.settings import Settings
from functions.shared.capture_checks import CheckStore
from functions.shared.observability import logger, tracer
from functions.shared.settings import load_settings
from functions.shared.stores import Table


@cache
def _checker() -> Checker:
    settings = load_settings(Settings)
    return Checker(bucket=settings.uploads_bucket, store=CheckStore(Table(settings.uploads_table)))


@logger.inject_lambda_context(clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], _context: LambdaContext) -> Check:
    """Check one capture; to the state machine a refusal is an exception whose message is for people."""
    asked = CheckEvent.validate_python(event)
    if isinstance(asked, JobCheck):
        logger.append_keys(job_id=asked.job_id)
        return _checker().for_job(asked)
    logger.append_keys(capture_id=asked.capture_id)
    return _checker().requested(asked)
