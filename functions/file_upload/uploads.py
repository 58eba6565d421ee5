"""What the upload API does: multipart uploads that S3 holds and the uploads table keeps account of."""

import os
import secrets
import uuid
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from functions.file_upload import logic
from functions.file_upload.models import CompleteUpload, PresignPart, StartUpload, UploadReference
from functions.file_upload.store import CaptureItem, FileItem, UploadStore
from functions.shared.aws import s3
from functions.shared.claims import Caller
from functions.shared.clock import iso, now_ms
from functions.shared.errors import ApiError, bad_request, conflict, not_found, too_large
from functions.shared.outages import take_back
from functions.shared.s3_objects import object_size

_NUMBERED_NAMES = 50
_WRONG_PARTS = frozenset({"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML"})

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
        """Start one file's upload, in a new capture when the request names none.

        Raises:
            ApiError: 400 for a type that is not read, 404 for a capture that is not the caller's, 409 when it
                is full, 413 for a file that is too large.
        """
        try:
            name = logic.safe_name(request.file_name)
        except logic.RefusedFileError as error:
            raise bad_request("UNSUPPORTED_FILE", str(error)) from error
        if request.size is not None:
            self._check_size(name, request.size)
        capture_id = self._capture_with_a_place(caller, request)
        give_back = (
            self.store.give_place_back if request.capture_id is not None else self.store.remove_empty_capture
        )
        try:
            file = self._reserve_name(caller, capture_id, name, request.file_name)
        except Exception:
            take_back(lambda: give_back(capture_id))
            raise
        try:
            upload_id = self._open(file)
        except Exception:
            take_back(lambda: self.store.remove_file(file), lambda: give_back(capture_id))
            raise
        return {
            "uploadId": upload_id,
            "bucketName": self.bucket,
            "objectKey": file.object_key,
            "captureId": capture_id,
        }

    def presign(self, caller: Caller, request: PresignPart) -> Answer:
        """Give the address to which one part is PUT within an hour.

        Raises:
            ApiError: 404 for an upload that is not the caller's, 409 when it is complete.
        """
        file = self._open_file(caller, request)
        if file.state == "uploaded":
            raise conflict("UPLOAD_COMPLETE", f"{file.file_name} is uploaded already.")
        url = s3().generate_presigned_url(
            "upload_part",
            Params={
                "Bucket": self.bucket,
                "Key": file.object_key,
                "UploadId": file.upload_id,
                "PartNumber": request.part_number,
            },
            ExpiresIn=logic.URL_SECONDS,
        )
        return {"url": url, "partNumber": request.part_number}

    def complete(self, caller: Caller, request: CompleteUpload) -> Answer:
        """Put a file together from its parts; completing it again answers the same.

        Raises:
            ApiError: 400 for parts that S3 does not have, 404 for an upload that is not the caller's, 413 for
                a file that turns out too large.
        """
        file = self._open_file(caller, request)
        if file.state != "uploaded":
            try:
                parts = logic.ordered_parts(request.parts)
            except logic.RefusedFileError as error:
                raise bad_request("INVALID_PARTS", str(error)) from error
            try:
                s3().complete_multipart_upload(
                    Bucket=self.bucket,
                    Key=file.object_key,
                    UploadId=file.upload_id,
                    MultipartUpload={
                        "Parts": [{"ETag": p.e_tag, "PartNumber": p.part_number} for p in parts]
                    },
                )
            except ClientError as error:
                self._after_failed_completion(file, error)
            self._accept(file)
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
        place = self._place(caller, request)
        file = self.store.file(place[0], caller.sub, place[1])
        if file is not None and file.upload_id == request.upload_id:
            if file.state == "uploaded":
                raise conflict("UPLOAD_COMPLETE", f"{file.file_name} is uploaded already.")
            try:
                s3().abort_multipart_upload(Bucket=self.bucket, Key=file.object_key, UploadId=file.upload_id)
            except s3().exceptions.NoSuchUpload:
                pass
            self._forget(file)
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
                    "state": "uploaded" if file.state == "uploaded" else "uploading",
                    "size": file.size,
                }
                for file in files
            ],
        }

    def _capture_with_a_place(self, caller: Caller, request: StartUpload) -> str:
        if request.capture_id is None:
            capture = CaptureItem(
                capture_id=str(uuid.uuid4()),
                owner=caller.sub,
                project_id=request.project_id,
                created_at=now_ms(),
                file_count=1,
            )
            self.store.add_capture(capture)
            return capture.capture_id
        if not self.store.take_place(request.capture_id, caller.sub, logic.MAX_FILES):
            if self.store.capture(request.capture_id, caller.sub) is None:
                raise not_found("capture")
            raise conflict(
                "CAPTURE_FULL",
                f"A capture holds at most {logic.MAX_FILES:,} files. Upload the photos as .zip archives.",
            )
        return request.capture_id

    def _reserve_name(self, caller: Caller, capture_id: str, name: str, original_name: str) -> FileItem:
        candidates = [logic.numbered_name(name, number) for number in range(1, _NUMBERED_NAMES + 1)]
        candidates.append(f"{secrets.token_hex(8)}-{name[-32:]}")
        for candidate in candidates:
            file = FileItem(
                capture_id=capture_id,
                owner=caller.sub,
                file_name=candidate,
                original_name=original_name,
                object_key=logic.capture_prefix(caller.sub, capture_id) + candidate,
                state="starting",
                started_at=now_ms(),
            )
            if self.store.add_file(file):
                return file
        raise conflict("NAME_TAKEN", f"There are too many files named {name} in this capture.")

    def _open(self, file: FileItem) -> str:
        """Open the multipart upload and note its id; whatever fails, S3 holds no upload that nobody knows."""
        upload_id = s3().create_multipart_upload(
            Bucket=self.bucket, Key=file.object_key, ContentType=logic.content_type(file.file_name)
        )["UploadId"]
        try:
            self.store.change_file(file, uploadId=upload_id, state="uploading")
        except Exception:
            take_back(
                lambda: s3().abort_multipart_upload(
                    Bucket=self.bucket, Key=file.object_key, UploadId=upload_id
                )
            )
            raise
        return upload_id

    def _place(self, caller: Caller, request: UploadReference) -> tuple[str, str]:
        place = logic.capture_and_name(caller.sub, request.object_key)
        if request.bucket_name != self.bucket or place is None:
            raise not_found("upload")
        return place

    def _open_file(self, caller: Caller, request: UploadReference) -> FileItem:
        capture_id, name = self._place(caller, request)
        file = self.store.file(capture_id, caller.sub, name)
        if file is None or file.upload_id != request.upload_id:
            raise not_found("upload")
        return file

    def _after_failed_completion(self, file: FileItem, error: ClientError) -> None:
        """Go on when another request has completed the upload meanwhile, else say what is wrong."""
        code = error.response["Error"]["Code"]
        if code in _WRONG_PARTS:
            raise bad_request(
                "INVALID_PARTS", "parts: S3 has not received these parts, or one is too small (5 MB)."
            ) from error
        if code != "NoSuchUpload":
            raise error
        if object_size(self.bucket, file.object_key) is None:
            raise not_found("upload") from error

    def _accept(self, file: FileItem) -> None:
        size = object_size(self.bucket, file.object_key) or 0
        try:
            self._check_size(file.file_name, size)
        except ApiError:
            s3().delete_object(Bucket=self.bucket, Key=file.object_key)
            self._forget(file)
            raise
        self.store.change_file(file, state="uploaded", size=size, uploadedAt=now_ms())

    def _forget(self, file: FileItem) -> None:
        if self.store.remove_file(file):
            self.store.give_place_back(file.capture_id)

    def _check_size(self, name: str, size: int) -> None:
        try:
            logic.check_size(name, size)
        except logic.RefusedFileError as error:
            if size == 0:
                raise bad_request("EMPTY_FILE", str(error)) from error
            raise too_large("FILE_TOO_LARGE", str(error)) from error

    def _capture_url(self, caller: Caller, capture_id: str) -> str:
        return f"s3://{self.bucket}/{logic.capture_prefix(caller.sub, capture_id)}"

    def _location(self, object_key: str) -> str:
        return f"https://{self.bucket}.s3.{os.environ['AWS_REGION']}.amazonaws.com/{object_key}"
