"""Lambda handler of the file upload API."""

from functools import cache
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body

from functions.file_upload.captures import Captures
from functions.file_upload.checking import Checking
from functions.file_upload.models import (
    Aborted,
    BegunUpload,
    CapturePage,
    CaptureState,
    CheckedCapture,
    CompletedUpload,
    CompleteUpload,
    PartList,
    PartUrl,
    PartUrls,
    PresignPart,
    PresignParts,
    RemovedCapture,
    StartedUpload,
    StartUpload,
    UploadReference,
)
from functions.file_upload.settings import Settings
from functions.file_upload.store import UploadStore
from functions.file_upload.uploads import Uploads
from functions.shared.api import MAX_PAGE, PageCursor, PageLimit, PathId, SignedIn, api_handler, new_router
from functions.shared.capture_checks import CheckStore
from functions.shared.housekeeping import Housekeeping
from functions.shared.idempotency import IdempotencyKey, once
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


@cache
def _checking() -> Checking:
    settings = load_settings(Settings)
    table = Table(settings.uploads_table)
    return Checking(UploadStore(table), CheckStore(table), settings.capture_check_arn)


@router.post("/start-multipart-upload")
def start_upload(
    request: Annotated[StartUpload, Body()], caller: SignedIn, key: IdempotencyKey = None
) -> StartedUpload:
    """Start one file's upload."""
    uploads = _uploads()
    # What is kept under the key has no signed address in it.
    begun = once(
        lambda: uploads.start(caller, request),
        answer=BegunUpload,
        table=load_settings(Settings).idempotency_table,
        scope=(caller.sub, "POST /start-multipart-upload"),
        key=key,
        request=request.model_dump(mode="json"),
        context=router.lambda_context,
    )
    return uploads.with_first_parts(begun, request)


@router.post("/get-presigned-url")
def presign_part(request: Annotated[PresignPart, Body()], caller: SignedIn) -> PartUrl:
    """Give the address of one part."""
    return _uploads().presign(caller, request)


@router.post("/get-presigned-urls")
def presign_parts(request: Annotated[PresignParts, Body()], caller: SignedIn) -> PartUrls:
    """Give the addresses of many parts."""
    return _uploads().presign_many(caller, request)


@router.post("/list-parts")
def list_parts(request: Annotated[UploadReference, Body()], caller: SignedIn) -> PartList:
    """Say which parts of a file have arrived."""
    return _uploads().list_parts(caller, request)


@router.post("/complete-multipart-upload")
def complete_upload(request: Annotated[CompleteUpload, Body()], caller: SignedIn) -> CompletedUpload:
    """Put a file together."""
    return _uploads().complete(caller, request)


@router.post("/abort-multipart-upload")
def abort_upload(request: Annotated[UploadReference, Body()], caller: SignedIn) -> Aborted:
    """Give an upload up."""
    return _uploads().abort(caller, request)


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
    return _uploads().describe(caller, capture_id)


@router.post("/captures/<capture_id>/check")
def check_capture(capture_id: PathId, caller: SignedIn) -> CheckedCapture:
    """Begin a check of a capture; while one runs, another one is not begun."""
    return _checking().begin(caller, capture_id)


handler = api_handler(router, Settings)
