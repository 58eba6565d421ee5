"""How a job tells why it failed: exit code, and a short text whose first line is for people."""

import errno
import traceback
from pathlib import Path

EXIT_INPUT = 1
EXIT_OURS = 2
MAX_BYTES = 1024
"""SageMaker keeps the first 1,024 bytes of the text."""


class InputError(Exception):
    """The input's fault: the job ends with exit code 1 and this message, in plain words."""


class CaptureError(InputError):
    """The capture cannot be used; the message says what is wrong with it and what to do."""


def exit_code(error: BaseException) -> int:
    """The exit code for a job that ended with `error`: 1 for the input's fault, 2 for ours."""
    return EXIT_INPUT if isinstance(error, InputError) else EXIT_OURS


def failure_text(error: BaseException, *, doing: str | None = None) -> str:
    """The text for people and, below it, the exception in short where the fault is ours.

    Args:
        error: What ended the job.
        doing: What the job was doing, in words that follow "while" (for example "matching photos").
    """
    if isinstance(error, InputError):
        return str(error).strip() or "The input cannot be used."
    during = f" (while {doing})" if doing else ""
    short = "".join(traceback.format_exception_only(error)).strip()
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"The machine ran out of disk space{during}. Start the job again on a larger disk.\n{short}"
    if isinstance(error, MemoryError):
        return f"The machine ran out of memory{during}. Start the job again with smaller images.\n{short}"
    return f"Something went wrong on our side{during}. Your photos are safe: start the job again.\n{short}"


def write_failure(path: Path, text: str) -> None:
    """Writes the failure text, cut to 1,024 bytes of UTF-8; a failure already told is left as it is.

    Args:
        path: The failure or message file.
        text: The text; its first line is for people.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as file:
            file.write(shorten(text))
    except FileExistsError:
        return


def shorten(text: str, limit: int = MAX_BYTES) -> bytes:
    """UTF-8 of at most `limit` bytes that never ends inside a character; an ellipsis marks a cut."""
    encoded = text.encode("utf-8", errors="replace")
    if len(encoded) <= limit:
        return encoded
    mark = "…".encode()
    return encoded[: limit - len(mark)].decode("utf-8", errors="ignore").encode() + mark
