"""Files and captures that are refused, in the words and codes of the API."""

from functions.file_upload import logic
from functions.shared.errors import ApiError, bad_request, too_large


def check_size(name: str, size: int) -> None:
    """Refuse a file that is empty or too large.

    Raises:
        ApiError: 400 when it is empty, 413 when it is too large.
    """
    try:
        logic.check_size(name, size)
    except logic.RefusedFileError as error:
        if size == 0:
            raise bad_request("EMPTY_FILE", str(error)) from error
        raise too_large("FILE_TOO_LARGE", str(error)) from error


def capture_too_large() -> ApiError:
    """413: the capture has no room for a file."""
    gigabytes = logic.MAX_CAPTURE_BYTES / 1e9
    return too_large(
        "CAPTURE_TOO_LARGE", f"A capture holds at most {gigabytes:,.0f} GB. Put the rest into another one."
    )
