"""How a file's upload starts: a place in its capture, a name of its own, a multipart upload of S3.

The multipart upload is made before the file's item, so a start that breaks off leaves no item without one;
what S3 then holds for nobody it drops by itself, as it does every unfinished upload.
"""

import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from functions.file_upload import logic
from functions.file_upload.models import StartUpload
from functions.file_upload.multipart import MultipartUpload
from functions.file_upload.parts import PartPlan
from functions.file_upload.refusals import capture_too_large, check_size
from functions.file_upload.store import CaptureItem, FileItem, Limits, UploadStore
from functions.shared.claims import Caller
from functions.shared.clock import now_ms, now_seconds
from functions.shared.errors import bad_request, conflict, not_found
from functions.shared.outages import take_back

_NAME_ATTEMPTS = 5


def limits() -> Limits:
    """Give what one capture holds."""
    return Limits(files=logic.MAX_FILES, total_bytes=logic.MAX_CAPTURE_BYTES)


@dataclass(frozen=True)
class Starts:
    """Starts uploads into one bucket.

    Attributes:
        bucket: The uploads bucket.
        store: Its account.
    """

    bucket: str
    store: UploadStore

    def start(self, caller: Caller, request: StartUpload) -> FileItem:
        """Start one file's upload, in a new capture when the request names none.

        Raises:
            ApiError: 400 for a type that is not read, 404 for a capture that is not the caller's, 409 when it
                is full or too old, 413 for a file that is too large by itself or for the capture.
        """
        try:
            name = logic.safe_name(request.file_name)
        except logic.RefusedFileError as error:
            raise bad_request("UNSUPPORTED_FILE", str(error)) from error
        if request.size is not None:
            check_size(name, request.size)
        capture = self._capture_with_a_place(caller, request)
        try:
            return self._begin(caller, capture, name, request)
        except Exception:
            if request.capture_id is None:
                take_back(lambda: self.store.remove_capture(capture.capture_id))
            else:
                take_back(lambda: self.store.give_place_back(capture.capture_id, request.size or 0))
            raise

    def _capture_with_a_place(self, caller: Caller, request: StartUpload) -> CaptureItem:
        if request.capture_id is not None:
            return self._place_in(caller, request.capture_id, request.size or 0)
        capture = CaptureItem(
            capture_id=str(uuid.uuid4()),
            owner=caller.sub,
            project_id=request.project_id,
            created_at=now_ms(),
            file_count=1,
            total_bytes=request.size or 0,
            counted_at=now_seconds(),
            expires_at=logic.capture_expires_at(now_seconds()),
        )
        self.store.add_capture(capture)
        return capture

    def _place_in(self, caller: Caller, capture_id: str, size: int) -> CaptureItem:
        outlives = logic.file_expires_at(now_seconds())
        taken = self.store.take_place(capture_id, caller.sub, limits(), size=size, outlives=outlives)
        if taken is not None:
            return taken
        capture = self.store.capture(capture_id, caller.sub)
        if capture is None:
            raise not_found("capture")
        if capture.expires_at is not None and capture.expires_at < outlives:
            raise conflict(
                "CAPTURE_EXPIRED",
                f"In {logic.KEEP_UNFINISHED_DAYS} days no file of this capture has arrived. Start a new one.",
            )
        counted = self.store.recount(capture)
        taken = self.store.take_place(capture_id, caller.sub, limits(), size=size, outlives=outlives)
        if taken is not None:
            return taken
        if counted.file_count >= logic.MAX_FILES:
            raise conflict(
                "CAPTURE_FULL",
                f"A capture holds at most {logic.MAX_FILES:,} files. Upload the photos as .zip archives.",
            )
        raise capture_too_large()

    def _begin(self, caller: Caller, capture: CaptureItem, name: str, request: StartUpload) -> FileItem:
        plan = PartPlan.for_size(request.size) if request.size is not None else None
        for candidate in self._candidates(capture.capture_id, name):
            key = logic.capture_prefix(caller.sub, capture.capture_id) + candidate
            upload = MultipartUpload.begin(
                self.bucket, key, content_type=logic.content_type(name), checksummed=request.checksummed
            )
            file = FileItem(
                capture_id=capture.capture_id,
                owner=caller.sub,
                file_name=candidate,
                original_name=request.file_name,
                object_key=key,
                state="uploading",
                upload_id=upload.upload_id,
                size=request.size,
                part_size=plan.part_size if plan else None,
                checksummed=request.checksummed,
                keeps_capture=capture.expires_at is not None,
                started_at=now_ms(),
                expires_at=logic.file_expires_at(now_seconds()),
            )
            if self._add(file, upload):
                return file
        raise conflict("NAME_TAKEN", f"There are too many files named {name} in this capture.")

    def _candidates(self, capture_id: str, name: str) -> Iterator[str]:
        """Give names to try: the file's own, then free numbers, spread out as more requests want the same."""
        yield name
        for attempt in range(_NAME_ATTEMPTS):
            taken = self.store.names(capture_id, PurePosixPath(name).stem)
            yield logic.numbered_name(name, secrets.choice(logic.free_numbers(name, taken, 2**attempt)))
        yield f"{secrets.token_hex(8)}-{name[-32:]}"

    def _add(self, file: FileItem, upload: MultipartUpload) -> bool:
        added = False
        try:
            added = self.store.add_file(file)
        except Exception:
            # It may have been written although the answer was lost.
            take_back(lambda: self.store.remove_file(file))
            raise
        finally:
            if not added:
                take_back(upload.abort)
        return added
