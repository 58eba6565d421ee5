"""What the upload API does: multipart uploads that S3 holds and the uploads table keeps account of."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from functions.file_upload import logic
from functions.file_upload.checking import shown_check
from functions.file_upload.completion import Completion, plan_of, upload_of
from functions.file_upload.models import (
    FIRST_URLS,
    Aborted,
    BegunUpload,
    CaptureState,
    CompletedUpload,
    CompleteUpload,
    FileDescription,
    KnownPart,
    PartList,
    PartUrl,
    PartUrls,
    PresignPart,
    PresignParts,
    StartedUpload,
    StartUpload,
    UploadReference,
)
from functions.file_upload.multipart import CHECKSUM_HEADER, MultipartUpload, StoredPart, UploadGoneError
from functions.file_upload.parts import PartPlan
from functions.file_upload.starts import Starts
from functions.file_upload.store import FileItem, UploadStore
from functions.shared.claims import Caller
from functions.shared.clock import iso
from functions.shared.errors import ApiError, bad_request, conflict, not_found

_ABORTED = Aborted(message="Upload aborted.")


@dataclass(frozen=True)
class Uploads:
    """Uploads into one bucket.

    Attributes:
        bucket: The uploads bucket.
        store: Its account.
    """

    bucket: str
    store: UploadStore

    def start(self, caller: Caller, request: StartUpload) -> BegunUpload:
        """Start one file's upload.

        Raises:
            ApiError: As `Starts.start` does.
        """
        file = Starts(self.bucket, self.store).start(caller, request)
        plan = plan_of(file)
        return BegunUpload(
            upload_id=file.upload_id,
            bucket_name=self.bucket,
            object_key=file.object_key,
            capture_id=file.capture_id,
            part_size=plan.part_size if plan else None,
            part_count=plan.count if plan else None,
        )

    def with_first_parts(self, begun: BegunUpload, request: StartUpload) -> StartedUpload:
        """Add where to PUT the first parts to what a start answers."""
        urls: list[PartUrl] = []
        if request.size is not None and begun.part_size is not None:
            plan = PartPlan(request.size, begun.part_size)
            most = len(request.checksums or ()) if request.checksummed else FIRST_URLS
            upload = MultipartUpload(self.bucket, begun.object_key, begun.upload_id)
            urls = _urls(upload, plan, range(1, min(plan.count, most) + 1), request.checksums)
        return StartedUpload(**begun.model_dump(by_alias=False), parts=urls)

    def presign(self, caller: Caller, request: PresignPart) -> PartUrl:
        """Give the address to which one part, of any length, is PUT within an hour.

        Raises:
            ApiError: 400 for a checksum that is missing or out of place, 404 for an upload that is not the
                caller's, 409 when it is complete.
        """
        file = self._unfinished(caller, request)
        checksums = None if request.checksum is None else [request.checksum]
        self._check_checksums(file, checksums)
        (url,) = _urls(upload_of(file, self.bucket), None, [request.part_number], checksums)
        return url

    def presign_many(self, caller: Caller, request: PresignParts) -> PartUrls:
        """Give the addresses to which parts, cut as the start said, are PUT within an hour.

        Raises:
            ApiError: 400 for a part that the file does not have and a checksum that is missing or out of
                place, 404 for an upload that is not the caller's, 409 when it is complete.
        """
        file = self._unfinished(caller, request)
        self._check_checksums(file, request.checksums)
        plan = plan_of(file)
        beyond = [number for number in request.part_numbers if plan and number > plan.count]
        if plan and beyond:
            raise bad_request("INVALID_PARTS", f"partNumbers: the file has parts 1 to {plan.count:,}.")
        urls = _urls(upload_of(file, self.bucket), plan, request.part_numbers, request.checksums)
        return PartUrls(parts=urls)

    def list_parts(self, caller: Caller, request: UploadReference) -> PartList:
        """Say what S3 has of a file and what is missing, to go on after a reload.

        Raises:
            ApiError: 404 for an upload that is not the caller's, was given up or has expired.
        """
        file = self._file(caller, request)
        stored: list[StoredPart] = []
        if file.state == "uploading":
            try:
                stored = upload_of(file, self.bucket).parts()
            except UploadGoneError as error:
                file = Completion(self.bucket, self.store).settle(file, error)
        plan = plan_of(file)
        sizes = {part.number: part.size or 0 for part in stored}
        return PartList(
            file_name=file.file_name,
            state=file.state,
            size=file.size,
            part_size=file.part_size,
            part_count=plan.count if plan else None,
            parts=[
                KnownPart(
                    part_number=part.number, e_tag=part.e_tag, size=sizes[part.number], checksum=part.checksum
                )
                for part in stored
            ],
            missing=plan.missing(sizes) if plan and file.state == "uploading" else [],
        )

    def complete(self, caller: Caller, request: CompleteUpload) -> CompletedUpload:
        """Put a file together from its parts; completing it again answers the same.

        Raises:
            ApiError: 404 for an upload that is not the caller's; others as `Completion.complete` does.
        """
        file = self._file(caller, request)
        Completion(self.bucket, self.store).complete(file, request.parts)
        return CompletedUpload(
            message="Upload complete.",
            location=self._location(file.object_key),
            object_key=file.object_key,
            capture_id=file.capture_id,
            s3_url=self._capture_url(caller, file.capture_id),
        )

    def abort(self, caller: Caller, request: UploadReference) -> Aborted:
        """Give an unfinished upload up; giving it up again is no error.

        Raises:
            ApiError: 404 for a key that is not the caller's, 409 when the upload is complete.
        """
        capture_id, name = self._place(caller, request)
        file = self.store.file(capture_id, caller.sub, name)
        if file is None or file.upload_id != request.upload_id:
            return _ABORTED
        if file.state == "uploaded" or not Completion(self.bucket, self.store).give_up(file):
            raise _complete_already(file)
        return _ABORTED

    def describe(self, caller: Caller, capture_id: str) -> CaptureState:
        """List a capture's files and how far they are.

        Raises:
            ApiError: 404 for a capture that is not the caller's.
        """
        capture = self.store.capture(capture_id, caller.sub)
        if capture is None:
            raise not_found("capture")
        files = self.store.files(capture_id)
        open_files = [file for file in files if file.state != "uploaded"]
        return CaptureState(
            capture_id=capture_id,
            project_id=capture.project_id,
            created_at=iso(capture.created_at),
            state="empty" if not files else "uploading" if open_files else "uploaded",
            s3_url=self._capture_url(caller, capture_id),
            files=[
                FileDescription(
                    file_name=file.file_name,
                    original_name=file.original_name,
                    object_key=file.object_key,
                    upload_id=file.upload_id,
                    state=file.state,
                    size=file.size,
                )
                for file in files
            ],
            check=shown_check(capture, files),
        )

    def _place(self, caller: Caller, request: UploadReference) -> tuple[str, str]:
        place = logic.capture_and_name(caller.sub, request.object_key)
        if request.bucket_name != self.bucket or place is None:
            raise not_found("upload")
        return place

    def _file(self, caller: Caller, request: UploadReference) -> FileItem:
        capture_id, name = self._place(caller, request)
        file = self.store.file(capture_id, caller.sub, name)
        if file is None or file.upload_id != request.upload_id:
            raise not_found("upload")
        return file

    def _unfinished(self, caller: Caller, request: UploadReference) -> FileItem:
        file = self._file(caller, request)
        if file.state == "uploaded":
            raise _complete_already(file)
        return file

    def _check_checksums(self, file: FileItem, checksums: Sequence[str] | None) -> None:
        if file.checksummed and checksums is None:
            raise bad_request(
                "CHECKSUM_NEEDED", "checksums: this upload takes parts with their SHA-256 only."
            )
        if not file.checksummed and checksums is not None:
            raise bad_request(
                "CHECKSUM_UNEXPECTED", "checksums: name checksumAlgorithm when you start the upload."
            )

    def _capture_url(self, caller: Caller, capture_id: str) -> str:
        return f"s3://{self.bucket}/{logic.capture_prefix(caller.sub, capture_id)}"

    def _location(self, object_key: str) -> str:
        return f"https://{self.bucket}.s3.{os.environ['AWS_REGION']}.amazonaws.com/{object_key}"


def _complete_already(file: FileItem) -> ApiError:
    return conflict("UPLOAD_COMPLETE", f"{file.file_name} is uploaded already.")


def _urls(
    upload: MultipartUpload, plan: PartPlan | None, numbers: Sequence[int], checksums: Sequence[str] | None
) -> list[PartUrl]:
    """Sign addresses; with a plan, of parts of its lengths alone."""
    urls = []
    for number, checksum in zip_longest(numbers, (checksums or ())[: len(numbers)]):
        length = plan.length(number) if plan else None
        urls.append(
            PartUrl(
                url=upload.url(number, length=length, checksum=checksum),
                part_number=number,
                size=length,
                headers={CHECKSUM_HEADER: checksum} if checksum else {},
            )
        )
    return urls
