"""Finds the captures that requests name."""

from dataclasses import dataclass

from functions.ml_jobs import logic
from functions.shared.claims import Caller
from functions.shared.errors import bad_request, not_found
from functions.shared.s3_objects import parse_address, prefix_exists


@dataclass(frozen=True)
class Captures:
    """Captures of all people.

    Attributes:
        bucket: The uploads bucket.
    """

    bucket: str

    def find(self, caller: Caller, s3_url: str) -> logic.Capture:
        """Find a capture of the caller.

        Raises:
            ApiError: 400 for an address that cannot be, 404 for a capture that is not there or not the
                caller's.
        """
        try:
            address = parse_address(s3_url)
        except ValueError as error:
            raise bad_request("INVALID_ADDRESS", f"s3Url: {error}") from error
        capture = logic.capture_of(address, self.bucket, caller.sub)
        if capture is None or not prefix_exists(self.bucket, address.key):
            raise not_found("capture")
        return capture
