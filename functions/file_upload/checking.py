"""Checks of captures: begun here, made by a function of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.file_upload.models import CaptureCheck, CheckedCapture
from functions.file_upload.store import CaptureItem, FileItem, UploadStore
from functions.shared.capture_checks import CheckStore, Contents, shown
from functions.shared.claims import Caller
from functions.shared.clock import now_ms
from functions.shared.errors import conflict, not_found
from functions.shared.invocations import invoke_later


@dataclass(frozen=True)
class Checking:
    """Begins checks.

    Attributes:
        store: Captures and their files.
        checks: What is known of checks.
        function: ARN of the function that makes them.
    """

    store: UploadStore
    checks: CheckStore
    function: str

    def begin(self, caller: Caller, capture_id: str) -> CheckedCapture:
        """Begin a check of a capture, which takes seconds to minutes; the capture tells what it has found.

        Raises:
            ApiError: 404 for a capture that is not the caller's, 409 while there is nothing to check in it.
        """
        self._refuse_unfinished(caller, capture_id)
        now = now_ms()
        if self.checks.request(capture_id, caller.sub, now):
            event = {"captureId": capture_id, "owner": caller.sub, "requestedAt": now}
            try:
                invoke_later(self.function, event)
            except Exception:
                self.checks.withdraw(capture_id, now)
                raise
        capture = self.store.capture(capture_id, caller.sub)
        check = shown_check(capture, self.store.files(capture_id)) if capture else None
        if check is None:
            raise not_found("capture")
        return CheckedCapture(capture_id=capture_id, check=check)

    def _refuse_unfinished(self, caller: Caller, capture_id: str) -> None:
        if self.store.capture(capture_id, caller.sub) is None:
            raise not_found("capture")
        files = self.store.files(capture_id)
        if not files:
            raise conflict("CAPTURE_EMPTY", "There are no photos in this capture yet. Upload some first.")
        still_open = [file.file_name for file in files if file.state != "uploaded"]
        if still_open:
            raise conflict(
                "CAPTURE_INCOMPLETE",
                f"{len(still_open)} of {len(files)} files are still being uploaded, {still_open[0]} among "
                "them. Complete them or give them up, then check the capture.",
            )


def shown_check(capture: CaptureItem, files: Sequence[FileItem]) -> CaptureCheck | None:
    """Give the last check of a capture as its owner is told; None when nobody has asked for one."""
    there = [file for file in files if file.state == "uploaded"]
    contents = Contents(
        files=len(there),
        bytes=sum(file.size or 0 for file in there),
        newest=max((file.uploaded_at or 0 for file in there), default=0),
    )
    check = shown(capture.model_dump(by_alias=True), contents, now_ms())
    return None if check is None else CaptureCheck.model_validate(check)
