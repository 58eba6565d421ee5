"""How a file is put together, and how far it is: S3's list of parts is the truth."""

from collections.abc import Sequence
from dataclasses import dataclass

from functions.file_upload import logic
from functions.file_upload.models import UploadedPart
from functions.file_upload.multipart import MultipartUpload, StoredPart, UploadGoneError, WrongPartsError
from functions.file_upload.parts import PartPlan, in_words
from functions.file_upload.refusals import capture_too_large, check_size
from functions.file_upload.starts import limits
from functions.file_upload.store import FileItem, UploadStore
from functions.shared.aws import s3
from functions.shared.clock import now_ms
from functions.shared.errors import ApiError, bad_request, conflict, not_found
from functions.shared.s3_objects import object_size


def upload_of(file: FileItem, bucket: str) -> MultipartUpload:
    """Give the multipart upload of a file."""
    return MultipartUpload(bucket, file.object_key, file.upload_id)


def plan_of(file: FileItem) -> PartPlan | None:
    """Give how a file is cut, None when its start said no size."""
    return (
        PartPlan(file.size, file.part_size) if file.size is not None and file.part_size is not None else None
    )


@dataclass(frozen=True)
class Completion:
    """Puts files together.

    Attributes:
        bucket: The uploads bucket.
        store: Its account.
    """

    bucket: str
    store: UploadStore

    def complete(self, file: FileItem, named: Sequence[UploadedPart] | None) -> None:
        """Put a file together; nothing happens to one that is complete.

        Args:
            file: The file.
            named: The parts that the client names; None for all that S3 has.

        Raises:
            ApiError: 400 for parts that S3 does not have and for an empty file, 404 when the upload is gone,
                409 while parts are missing (they can still be sent), 413 for a file that turns out too large
                by itself or for the capture.
        """
        if file.state == "uploaded":
            return
        upload = upload_of(file, self.bucket)
        try:
            parts, size = self._parts_and_size(file, upload, named)
            upload.complete(parts, size)
        except UploadGoneError as error:
            self.settle(file, error)
            return
        except WrongPartsError as error:
            raise self._what_is_wrong(file, upload) from error
        self._accept(file, size)

    def settle(self, file: FileItem, gone: UploadGoneError) -> FileItem:
        """Accept a file whose upload S3 knows no more: a request has completed it, and perhaps broken off.

        Returns:
            The file as it is now.

        Raises:
            ApiError: 404 when there is no object either: the upload was given up or has expired.
        """
        size = object_size(self.bucket, file.object_key)
        if size is None:
            raise not_found("upload") from gone
        self._accept(file, size)
        return file.model_copy(update={"state": "uploaded", "size": size})

    def give_up(self, file: FileItem) -> bool:
        """Forget an unfinished file and what S3 has of it; False when S3 has put it together already."""
        upload_of(file, self.bucket).abort()
        size = object_size(self.bucket, file.object_key)
        if size is not None:
            self._accept(file, size)
            return False
        self._forget(file)
        return True

    def _parts_and_size(
        self, file: FileItem, upload: MultipartUpload, named: Sequence[UploadedPart] | None
    ) -> tuple[list[StoredPart], int]:
        parts = _in_order(named) if named is not None else None
        told = parts is not None and (not file.checksummed or all(part.checksum for part in parts))
        if parts is not None and told and file.size is not None:
            # S3 itself holds them to this size: no need to ask it first.
            return parts, file.size
        stored = upload.parts()
        if parts is not None:
            stored = _chosen(parts, stored)
        size = sum(part.size or 0 for part in stored)
        if not stored or (file.size is not None and size != file.size):
            raise incomplete(file, stored)
        if file.size is None:
            self._check_unannounced(file, upload, size)
        return stored, size

    def _check_unannounced(self, file: FileItem, upload: MultipartUpload, size: int) -> None:
        """Hold a file to the limits whose start said no size."""
        try:
            check_size(file.file_name, size)
            if not self._has_room(file, size):
                raise capture_too_large()
        except ApiError:
            upload.abort()
            self._forget(file)
            raise

    def _has_room(self, file: FileItem, size: int) -> bool:
        if self.store.take_bytes(file.capture_id, limits(), size):
            return True
        capture = self.store.capture(file.capture_id, file.owner)
        if capture is None:
            raise not_found("upload")
        self.store.recount(capture)
        return self.store.take_bytes(file.capture_id, limits(), size)

    def _what_is_wrong(self, file: FileItem, upload: MultipartUpload) -> ApiError:
        try:
            stored = upload.parts()
        except UploadGoneError:
            return not_found("upload")
        if file.size is not None and sum(part.size or 0 for part in stored) != file.size:
            return incomplete(file, stored)
        return bad_request(
            "INVALID_PARTS", "parts: S3 has not received these parts, or one is too small (5 MiB)."
        )

    def _accept(self, file: FileItem, size: int) -> None:
        if file.keeps_capture:
            self.store.keep_capture(file.capture_id)
        if self.store.finish_file(file, size=size, now_ms=now_ms()):
            return
        now = self.store.file(file.capture_id, file.owner, file.file_name)
        if now is None:
            # Given up while S3 put it together: nobody knows of the object.
            s3().delete_object(Bucket=self.bucket, Key=file.object_key)
        if now is None or now.upload_id != file.upload_id:
            raise not_found("upload")

    def _forget(self, file: FileItem) -> None:
        if self.store.remove_file(file):
            self.store.give_place_back(file.capture_id, file.size or 0)


def incomplete(file: FileItem, stored: Sequence[StoredPart]) -> ApiError:
    """409: parts are missing; the upload stays open for them."""
    plan = plan_of(file)
    missing = plan.missing({part.number: part.size or 0 for part in stored}) if plan else []
    sentence = f"{file.file_name} is not whole yet."
    if missing:
        sentence = f"{file.file_name} is not whole yet. Send these parts (again): {in_words(missing)}."
    return conflict("INCOMPLETE_UPLOAD", sentence)


def _in_order(named: Sequence[UploadedPart]) -> list[StoredPart]:
    try:
        parts = logic.ordered_parts(named)
    except logic.RefusedFileError as error:
        raise bad_request("INVALID_PARTS", str(error)) from error
    return [
        StoredPart(number=part.part_number, e_tag=part.e_tag, size=None, checksum=part.checksum)
        for part in parts
    ]


def _chosen(named: Sequence[StoredPart], stored: Sequence[StoredPart]) -> list[StoredPart]:
    """Give S3's own account of the parts that a client names."""
    known = {part.number: part for part in stored}
    chosen = [known.get(part.number) for part in named]
    wrong = [
        part.number
        for part, found in zip(named, chosen, strict=True)
        if found is None or found.e_tag.strip('"') != part.e_tag.strip('"')
    ]
    if wrong:
        raise bad_request("INVALID_PARTS", f"parts: S3 has no such parts: {in_words(wrong)}.")
    return [part for part in chosen if part is not None]
