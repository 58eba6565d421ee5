"""Lambda handler of the file upload API."""

from functools import cache
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.file_upload.captures import Captures
from functions.file_upload.models import (
    Aborted,
    CapturePage,
    CaptureState,
    CompletedUpload,
    CompleteUpload,
    PartUrl,
    PresignPart,
    RemovedCapture,
    StartedUpload,
    StartUpload,
    UploadReference,
)
from functions.file_upload.settings import Settings
from functions.file_upload.store import UploadStore
from functions.file_upload.uploads import Uploads
from functions.shared.api import MAX_PAGE, PageCursor, PageLimit, PathId, SignedIn, api_handler, new_router
from functions.shared.housekeeping import Housekeeping
from functions.shared.settings import load_settings
from functions.shared.stores import Table

router = new_router()


@cache
def _uploads() -> Uploads:
    settings = load_settings(Settings)
    return Uploads(bucket=settings.uploads_bucket, store=UploadStore(Table(settings.uploads_table)))


@cache
def _captures() -> Captures:
    settings = load_settings(Settings)
    return Captures(
        uploads=Table(settings.uploads_table),
        jobs=Table(settings.jobs_table),
        housekeeping=Housekeeping(settings.housekeeping_arn),
    )


@router.post("/start-multipart-upload")
def start_upload(request: Annotated[StartUpload, Body()], caller: SignedIn) -> StartedUpload:
    """Start one file's upload."""
    return StartedUpload.model_validate(_uploads().start(caller, request))


@router.post("/get-presigned-url")
def presign_part(request: Annotated[PresignPart, Body()], caller: SignedIn) -> PartUrl:
    """Give the address of one part."""
    return PartUrl.model_validate(_uploads().presign(caller, request))


@router.post("/complete-multipart-upload")
def complete_upload(request: Annotated[CompleteUpload, Body()], caller: SignedIn) -> CompletedUpload:
    """Put a file together."""
    return CompletedUpload.model_validate(_uploads().complete(caller, request))


@router.post("/abort-multipart-upload")
def abort_upload(request: Annotated[UploadReference, Body()], caller: SignedIn) -> Aborted:
    """Give an upload up."""
    return Aborted.model_validate(_uploads().abort(caller, request))


@router.get("/captures")
def list_captures(caller: SignedIn, limit: PageLimit = MAX_PAGE, cursor: PageCursor = None) -> CapturePage:
    """List the caller's captures."""
    return _captures().page(caller, limit, cursor)


@router.delete("/captures/<capture_id>")
def delete_capture(capture_id: PathId, caller: SignedIn) -> RemovedCapture:
    """Delete a capture with its photos."""
    _captures().remove(caller, capture_id)
    return RemovedCapture()


@router.get("/captures/<capture_id>")
def describe_capture(capture_id: PathId, caller: SignedIn) -> CaptureState:
    """List a capture's files."""
    return CaptureState.model_validate(_uploads().describe(caller, capture_id))


handler = api_handler(router, Settings)
