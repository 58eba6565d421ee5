"""Lambda handler of the file upload API."""

from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.file_upload.models import (
    CompleteUpload,
    PresignPart,
    PresignParts,
    StartUpload,
    UploadReference,
)
from functions.file_upload.settings import Settings
from functions.file_upload.store import UploadStore
from functions.file_upload.uploads import Answer, Uploads
from functions.shared.api import build_api, caller_of, new_router, parse_body, path_id
from functions.shared.observability import logger, tracer
from functions.shared.settings import load_settings
from functions.shared.stores import Table

router = new_router()


@cache
def _uploads() -> Uploads:
    settings = load_settings(Settings)
    return Uploads(bucket=settings.uploads_bucket, store=UploadStore(Table(settings.uploads_table)))


@cache
def _api() -> APIGatewayRestResolver:
    return build_api(router, load_settings(Settings).allowed_origins)


@router.post("/start-multipart-upload")
def start_upload() -> Answer:
    """Start one file's upload."""
    event = router.current_event
    return _uploads().start(caller_of(event), parse_body(event, StartUpload))


@router.post("/get-presigned-url")
def presign_part() -> Answer:
    """Give the address of one part."""
    event = router.current_event
    return _uploads().presign(caller_of(event), parse_body(event, PresignPart))


@router.post("/get-presigned-urls")
def presign_parts() -> Answer:
    """Give the addresses of many parts."""
    event = router.current_event
    return _uploads().presign_many(caller_of(event), parse_body(event, PresignParts))


@router.post("/list-parts")
def list_parts() -> Answer:
    """Say which parts of a file have arrived."""
    event = router.current_event
    return _uploads().list_parts(caller_of(event), parse_body(event, UploadReference))


@router.post("/complete-multipart-upload")
def complete_upload() -> Answer:
    """Put a file together."""
    event = router.current_event
    return _uploads().complete(caller_of(event), parse_body(event, CompleteUpload))


@router.post("/abort-multipart-upload")
def abort_upload() -> Answer:
    """Give an upload up."""
    event = router.current_event
    return _uploads().abort(caller_of(event), parse_body(event, UploadReference))


@router.get("/captures/<capture_id>")
def describe_capture(capture_id: str) -> Answer:
    """List a capture's files."""
    return _uploads().describe(caller_of(router.current_event), path_id(capture_id, "capture"))


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, clear_state=True)
@tracer.capture_lambda_handler(capture_response=False)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request of the file upload API."""
    return _api().resolve(event, context)
