"""The check of a capture: from a listing to a verdict that is kept."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from functions.capture_check.archives import read_photos
from functions.capture_check.models import JobCheck, RequestedCheck
from functions.capture_check.reader import PhotoReader
from functions.capture_check.reasons import LEVELS, CaptureRejected, Reason, refusal
from functions.capture_check.rules import Photo, take_photos
from functions.capture_check.verdict import Examined, about, judge, state_of
from functions.shared.capture_checks import CheckStore
from functions.shared.clock import iso, now_ms
from functions.shared.observability import logger
from functions.shared.photo_names import is_archive_name, is_photo_name
from functions.shared.s3_objects import Listed, list_objects, parse_address

RULES = 1
"""Number of the rules: a verdict by other rules is not taken over."""
MAX_REASONS = 24
_CAPTURE_PARTS = 4

Check = dict[str, Any]


@dataclass(frozen=True)
class Checker:
    """Checks captures of one bucket.

    Attributes:
        bucket: The uploads bucket.
        store: Where the verdicts are kept.
    """

    bucket: str
    store: CheckStore

    def for_job(self, event: JobCheck) -> Check:
        """Check the capture of a job; a verdict on the very same files is taken over.

        Raises:
            CaptureRejected: It cannot become a model.
            ValueError: The address is not in the uploads bucket, which is our fault.
        """
        address = parse_address(event.capture_uri)
        if address.bucket != self.bucket:
            raise ValueError(f"{event.capture_uri} is not in {self.bucket}")
        began, listing = now_ms(), list(list_objects(self.bucket, address.key))
        parts = address.key.split("/")
        row = (parts[2], parts[1]) if len(parts) == _CAPTURE_PARTS else None
        check = self.store.last(*row) if row else None
        if check is None or (check["rules"], check["lookedAt"]["digest"]) != (RULES, _digest(listing)):
            check = self._check(address.key, listing)
            if row:
                self.store.keep(*row, check, began)
        refusals = [reason for reason in check["reasons"] if reason["level"] == "refusal"]
        if refusals:
            raise CaptureRejected(
                " ".join(reason["sentence"] for reason in refusals), code=refusals[0]["code"]
            )
        return {"state": check["state"], **check["figures"]["files"]}

    def requested(self, event: RequestedCheck) -> Check:
        """Check a capture as its owner has asked, and keep the verdict."""
        prefix = f"uploads/{event.owner}/{event.capture_id}/"
        # Not before it was asked for, whatever this machine's clock says.
        began = max(now_ms(), event.requested_at)
        check = self._check(prefix, list(list_objects(self.bucket, prefix)))
        kept = self.store.keep(event.capture_id, event.owner, check, began)
        return {"state": check["state"], "kept": kept}

    def _check(self, prefix: str, listing: Sequence[Listed]) -> Check:
        started = now_ms()
        figures, reasons = self._judge(prefix, listing)
        ended = now_ms()
        check: Check = {
            "state": state_of(reasons),
            "checkedAt": iso(ended),
            "rules": RULES,
            "lookedAt": {
                "files": len(listing),
                "bytes": sum(listed.size for listed in listing),
                "newest": iso(max((listed.modified_ms for listed in listing), default=0)),
                "digest": _digest(listing),
            },
            "figures": {**figures, "seconds": round((ended - started) / 1000, 1)},
            "reasons": [reason.described() for reason in reasons[:MAX_REASONS]],
        }
        logger.info(
            "capture checked",
            extra={
                "state": check["state"],
                "codes": [reason.code for reason in reasons],
                "files": len(listing),
                "seconds": check["figures"]["seconds"],
            },
        )
        return check

    def _judge(self, prefix: str, listing: Sequence[Listed]) -> tuple[dict[str, Any], list[Reason]]:
        reader = PhotoReader(self.bucket)
        plain: list[Photo] = []
        archives: dict[str, list[Photo]] = {}
        refused: list[Reason] = []
        for listed in listing:
            name = listed.key.removeprefix(prefix)
            if is_archive_name(name):
                try:
                    archives[name] = read_photos(
                        name, listed.key, listed.size, reader.range_of(listed.key, listed.size)
                    )
                except CaptureRejected as error:
                    refused.append(refusal(error))
            elif is_photo_name(name):
                plain.append(Photo(name, listed.size, listed.key, listed.e_tag))
        files = _files(plain, archives)
        try:
            photos = take_photos(plain, archives) if not refused else []
        except CaptureRejected as error:
            refused.append(refusal(error))
        if refused:
            return {"files": files}, refused
        sizes = {listed.key: listed.size for listed in listing}
        examined = Examined(photos, reader.starts(photos, sizes))
        figures, reasons = judge(examined, reader.looks(examined.sample(), sizes))
        packed = (photo for photos in archives.values() for photo in photos)
        empty = [photo for photo in (*plain, *packed) if photo.size == 0]
        reasons += about("EMPTY_FILES", empty, "Left out, empty", "Upload the original.")
        return {"files": files, **figures}, sorted(reasons, key=lambda reason: LEVELS.index(reason.level))


def _files(plain: Sequence[Photo], archives: Mapping[str, Sequence[Photo]]) -> dict[str, int]:
    photos = [*plain, *(photo for packed in archives.values() for photo in packed)]
    with_content = [photo for photo in photos if photo.size > 0]
    return {
        "photos": len(with_content),
        "empty": len(photos) - len(with_content),
        "archives": len(archives),
        "bytes": sum(photo.size for photo in with_content),
    }


def _digest(listing: Sequence[Listed]) -> str:
    """Give what changes with any file of a capture."""
    state = hashlib.sha256()
    for listed in sorted(listing, key=lambda listed: listed.key):
        state.update(f"{listed.key}\0{listed.size}\0{listed.e_tag}\n".encode())
    return state.hexdigest()[:32]
