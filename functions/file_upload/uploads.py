"""What the upload API does: multipart uploads that S3 holds and the uploads table keeps account of."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from functions.file_upload import logic
from functions.file_upload.completion import Completion, plan_of, upload_of
from functions.file_upload.models import (
    FIRST_URLS,
    CompleteUpload,
    PresignPart,
    PresignParts,
    StartUpload,
    UploadReference,
)
from functions.file_upload.multipart import CHECKSUM_HEADER, StoredPart, UploadGoneError
from functions.file_upload.starts import Starts
from functions.file_upload.store import FileItem, UploadStore
from functions.shared.claims import Caller
from functions.shared.clock import iso
from functions.shared.errors import ApiError, bad_request, conflict, not_found

Answer = dict[str, Any]


@dataclass(frozen=True)
class Uploads:
    """Uploads into one bucket.

    Attributes:
        bucket: The uploads bucket.
        store: Its account.
    """

    bucket: str
    store: UploadStore

    def start(self, caller: Caller, request: StartUpload) -> Answer:
        """Start one file's upload and give the addresses of its first parts.

        Raises:
            ApiError: As `Starts.start` does.
        """
        file = Starts(self.bucket, self.store).start(caller, request)
        answer: Answer = {
            "uploadId": file.upload_id,
            "bucketName": self.bucket,
            "objectKey": file.object_key,
            "captureId": file.capture_id,
        }
        plan = plan_of(file)
        if plan is None:
            return answer
        urls = min(plan.count, FIRST_URLS if not file.checksummed else len(request.checksums or ()))
        return answer | {
            "partSize": plan.part_size,
            "partCount": plan.count,
            "parts": self._urls(file, range(1, urls + 1), request.checksums),
        }

    def presign(self, caller: Caller, request: PresignPart) -> Answer:
        """Give the address to which one part, of any length, is PUT within an hour.

        Raises:
            ApiError: 400 for a checksum that is missing or out of place, 404 for an upload that is not the
                caller's, 409 when it is complete.
        """
        file = self._unfinished(caller, request)
        checksums = None if request.checksum is None else [request.checksum]
        self._check_checksums(file, checksums)
        url = upload_of(file, self.bucket).url(request.part_number, checksum=request.checksum)
        return {"url": url, "partNumber": request.part_number}

    def presign_many(self, caller: Caller, request: PresignParts) -> Answer:
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
        return {"parts": self._urls(file, request.part_numbers, request.checksums)}

    def list_parts(self, caller: Caller, request: UploadReference) -> Answer:
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
        return {
            "fileName": file.file_name,
            "state": file.state,
            "size": file.size,
            "partSize": file.part_size,
            "partCount": plan.count if plan else None,
            "parts": [
                {"PartNumber": part.number, "ETag": part.e_tag, "Size": part.size}
                | ({"ChecksumSHA256": part.checksum} if part.checksum else {})
                for part in stored
            ],
            "missing": plan.missing(sizes) if plan and file.state == "uploading" else [],
        }

    def complete(self, caller: Caller, request: CompleteUpload) -> Answer:
        """Put a file together from its parts; completing it again answers the same.

        Raises:
            ApiError: 404 for an upload that is not the caller's; others as `Completion.complete` does.
        """
        file = self._file(caller, request)
        Completion(self.bucket, self.store).complete(file, request.parts)
        return {
            "message": "Upload complete.",
            "location": self._location(file.object_key),
            "objectKey": file.object_key,
            "captureId": file.capture_id,
            "s3Url": self._capture_url(caller, file.capture_id),
        }

    def abort(self, caller: Caller, request: UploadReference) -> Answer:
        """Give an unfinished upload up; giving it up again is no error.

        Raises:
            ApiError: 404 for a key that is not the caller's, 409 when the upload is complete.
        """
        capture_id, name = self._place(caller, request)
        file = self.store.file(capture_id, caller.sub, name)
        if file is None or file.upload_id != request.upload_id:
            return {"message": "Upload aborted."}
        if file.state == "uploaded" or not Completion(self.bucket, self.store).give_up(file):
            raise _complete_already(file)
        return {"message": "Upload aborted."}

    def describe(self, caller: Caller, capture_id: str) -> Answer:
        """List a capture's files and how far they are.

        Raises:
            ApiError: 404 for a capture that is not the caller's.
        """
        capture = self.store.capture(capture_id, caller.sub)
        if capture is None:
            raise not_found("capture")
        files = self.store.files(capture_id)
        open_files = [file for file in files if file.state != "uploaded"]
        return {
            "captureId": capture_id,
            "projectId": capture.project_id,
            "createdAt": iso(capture.created_at),
            "state": "empty" if not files else "uploading" if open_files else "uploaded",
            "s3Url": self._capture_url(caller, capture_id),
            "files": [
                {
                    "fileName": file.file_name,
                    "originalName": file.original_name,
                    "objectKey": file.object_key,
                    "uploadId": file.upload_id,
                    "state": file.state,
                    "size": file.size,
                }
                for file in files
            ],
        }

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

    def _urls(self, file: FileItem, numbers: Sequence[int], checksums: Sequence[str] | None) -> list[Answer]:
        upload, plan = upload_of(file, self.bucket), plan_of(file)
        urls = []
        for number, checksum in zip_longest(numbers, (checksums or ())[: len(numbers)]):
            length = plan.length(number) if plan else None
            url: Answer = {"partNumber": number, "url": upload.url(number, length=length, checksum=checksum)}
            if length is not None:
                url["size"] = length
            if checksum is not None:
                url["headers"] = {CHECKSUM_HEADER: checksum}
            urls.append(url)
        return urls

    def _capture_url(self, caller: Caller, capture_id: str) -> str:
        return f"s3://{self.bucket}/{logic.capture_prefix(caller.sub, capture_id)}"

    def _location(self, object_key: str) -> str:
        return f"https://{self.bucket}.s3.{os.environ['AWS_REGION']}.amazonaws.com/{object_key}"


def _complete_already(file: FileItem) -> ApiError:
    return conflict("UPLOAD_COMPLETE", f"{file.file_name} is uploaded already.")
