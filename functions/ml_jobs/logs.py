"""What a job's containers wrote: the end of the log, and from there on or back."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from functions.ml_jobs.answers import LogLine, LogPage
from functions.shared.aws import cloudwatch_logs
from functions.shared.clock import iso
from functions.shared.errors import bad_request
from functions.shared.job_names import COMPRESSOR, SFM, TRAINING, parse_step_job_name
from functions.shared.jobs import JobRow

GROUPS = {
    SFM: "/aws/sagemaker/ProcessingJobs",
    TRAINING: "/aws/sagemaker/TrainingJobs",
    COMPRESSOR: "/aws/sagemaker/ProcessingJobs",
}
"""Log groups that SageMaker fixes."""


@dataclass(frozen=True)
class _Place:
    """A place in the log of one SageMaker job: the stream, and CloudWatch's token in it."""

    stream: str
    token: str


def read_logs(job: JobRow, step: str | None, limit: int, cursor: str | None) -> LogPage:
    """Read lines of a step's log.

    Args:
        job: The job.
        step: Which step; the one that came last when None.
        limit: How many lines at most.
        cursor: A cursor of an earlier answer; None for the end of the log.

    Returns:
        Lines, the oldest first; none while the step has not run.

    Raises:
        ApiError: 400 for a cursor that is not one of this job's.
    """
    chosen = step or job.reached or SFM
    place = _Place(_latest_stream(job, chosen), "") if cursor is None else _read_cursor(cursor, job)
    if not place.stream:
        return LogPage(step=chosen, lines=[], older_cursor=None, newer_cursor=None)
    name = parse_step_job_name(place.stream.partition("/")[0])
    shown = name.step if name else chosen
    place_in_stream: dict[str, Any] = {"nextToken": place.token} if place.token else {}
    answer = cloudwatch_logs().get_log_events(
        logGroupName=GROUPS[shown],
        logStreamName=place.stream,
        limit=limit,
        startFromHead=False,
        **place_in_stream,
    )
    return LogPage(
        step=shown,
        lines=[LogLine(at=iso(line["timestamp"]), text=line["message"]) for line in answer["events"]],
        older_cursor=_cursor(_Place(place.stream, answer["nextBackwardToken"])),
        newer_cursor=_cursor(_Place(place.stream, answer["nextForwardToken"])),
    )


def _latest_stream(job: JobRow, step: str) -> str:
    """Find the stream of the step's latest SageMaker job; "" when there is none yet."""
    paginator = cloudwatch_logs().get_paginator("describe_log_streams")
    found: list[tuple[int, str]] = []
    try:
        for page in paginator.paginate(logGroupName=GROUPS[step], logStreamNamePrefix=f"{job.job_id}-"):
            for stream in page["logStreams"]:
                name = parse_step_job_name(stream["logStreamName"].partition("/")[0])
                if name is not None and name.step == step:
                    found.append((name.order, stream["logStreamName"]))
    except cloudwatch_logs().exceptions.ResourceNotFoundException:
        return ""
    return max(found)[1] if found else ""


def _cursor(place: _Place) -> str:
    return base64.urlsafe_b64encode(json.dumps([place.stream, place.token]).encode()).decode()


def _read_cursor(cursor: str, job: JobRow) -> _Place:
    try:
        stream, token = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        name = parse_step_job_name(str(stream).partition("/")[0])
    except (ValueError, TypeError) as error:
        raise _bad_cursor() from error
    if name is None or name.job_id != job.job_id or not isinstance(token, str) or len(str(stream)) > 512:  # noqa: PLR2004 -- a limit of CloudWatch
        raise _bad_cursor()
    return _Place(str(stream), token)


def _bad_cursor() -> Exception:
    return bad_request("INVALID_CURSOR", "cursor: not one that this log has given")
