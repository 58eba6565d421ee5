"""Why a job ended, in words for the person who flew: from what Step Functions keeps as error and cause.

A Lambda step's cause is JSON with `errorType` and `errorMessage`; a SageMaker step's is the description of
the job, with `FailureReason` and, for processing, `ExitMessage`, whose first line the containers write for
people. Whatever else stands there is ours to read, not theirs: it stays in the log.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

REFUSALS = frozenset({"CaptureRejected", "ReconstructionRejected", "ModelIncomplete"})
"""Exceptions of our Lambda steps whose messages are written for people."""
MAX_SENTENCE = 600

_OURS = "Something went wrong on our side."
_AGAIN = "Your photos are kept: start the job again, and write to us if it fails a second time."
_CORRECT = "Correct the capture and start a new job: your uploaded photos are kept."
_ALGORITHM_ERROR = re.compile(r"^AlgorithmError:\s*(?P<text>.*?)(?:,?\s*exit code:\s*-?\d+\s*)?$", re.DOTALL)
_NO_REASON = ("See job logs", "Please use")


@dataclass(frozen=True)
class Failure:
    """Why a job ended without a model.

    Attributes:
        sentence: What happened.
        next_step: What the person can do.
    """

    sentence: str
    next_step: str


_TOO_LONG = Failure("The job took longer than it may.", _AGAIN)
_NO_MACHINE = Failure("No machine was free for this job.", "Start the job again later: your photos are kept.")
_BY_ERROR = {
    "JobStopped": _TOO_LONG,
    "SageMaker.ResourceLimitExceeded": _NO_MACHINE,
    "SageMaker.ResourceLimitExceededException": _NO_MACHINE,
    "States.Timeout": _TOO_LONG,
}
"""Errors that say all: `JobStopped` is the state machine's own, for a step at its time limit."""


def explain(status: str, error: str | None, cause: str | None) -> Failure | None:
    """Explain how an execution ended.

    Args:
        status: Its status.
        error: Its error name, if any.
        cause: Its cause, if any.

    Returns:
        The explanation; None for an execution that runs or succeeded.
    """
    if status == "ABORTED":
        return Failure("You stopped this job.", "Start a new job whenever you like: your photos are kept.")
    if status == "TIMED_OUT":
        return _TOO_LONG
    if status != "FAILED":
        return None
    return _from_cause(error or "", cause or "")


def _from_cause(error: str, cause: str) -> Failure:
    if error in _BY_ERROR:
        return _BY_ERROR[error]
    document = _json_object(cause)
    if document is None:
        return _from_refusal(error, cause) or _unknown()
    if isinstance(document.get("Cause"), str):
        return _from_cause(str(document.get("Error", error)), document["Cause"])
    return (
        _from_refusal(str(document.get("errorType", error)), str(document.get("errorMessage") or ""))
        or _from_container(str(document.get("ExitMessage") or ""))
        or _from_failure_reason(str(document.get("FailureReason") or ""))
        or _unknown()
    )


def _from_refusal(error: str, message: str) -> Failure | None:
    return Failure(_line(message), _CORRECT) if error in REFUSALS and message.strip() else None


def _from_failure_reason(reason: str) -> Failure | None:
    if reason.startswith(("CapacityError", "ResourceLimitExceeded")):
        return _NO_MACHINE
    match = _ALGORITHM_ERROR.match(reason)
    return _from_container(match["text"]) if match else None


def _from_container(text: str) -> Failure | None:
    if not text.strip() or text.startswith(_NO_REASON):
        return None
    sentence = _line(text)
    ours = sentence.startswith((_OURS.rstrip("."), "The machine ran out"))
    return Failure(sentence, _AGAIN if ours else _CORRECT)


def _unknown() -> Failure:
    return Failure(_OURS, _AGAIN)


def _line(text: str) -> str:
    return text.strip().splitlines()[0].strip()[:MAX_SENTENCE]


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
