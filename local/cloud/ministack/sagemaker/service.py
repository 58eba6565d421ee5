"""SageMaker's API for training and processing jobs, as a service module of MiniStack."""

import base64
import contextvars
import json
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region

from local.cloud.ministack import faults, iam
from local.cloud.ministack.sagemaker import container, runner, validation
from local.cloud.ministack.sagemaker.errors import ApiError
from local.cloud.ministack.sagemaker.jobs import KINDS, PROCESSING, TERMINAL, TRAINING, Job, JobKind, Status
from local.cloud.ministack.sagemaker.processing import Processing
from local.cloud.ministack.sagemaker.training import Training

SERVICE_PRINCIPAL = "sagemaker.amazonaws.com"
CONTENT_TYPE = "application/x-amz-json-1.1"
DEFAULT_PAGE = 10
WORK = {TRAINING: Training, PROCESSING: Processing}

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]

_jobs = AccountRegionScopedDict()
_lock = threading.Lock()


def create(kind: JobKind, request: Json, caller: iam.Principal) -> Job:
    """Creates a job and starts it.

    Args:
        kind: Training or processing.
        request: The request of the Create call.
        caller: Who asks; must be allowed to pass the job's role.

    Raises:
        ApiError: As SageMaker answers.
    """
    validation.check(validation.operation("Create", kind), request)
    role = request["RoleArn"]
    denied = iam.pass_role_denial(caller, role, SERVICE_PRINCIPAL)
    if denied is not None:
        raise ApiError("AccessDeniedException", denied)
    if not iam.trusts(role, SERVICE_PRINCIPAL):
        message = (
            f"Could not assume role {role}. Please ensure that the role exists and allows principal "
            f"'{SERVICE_PRINCIPAL}' to assume the role."
        )
        raise ApiError("ValidationException", message)
    name = request[kind.name_key]
    job = Job(
        kind, name, kind.arn(name, get_region(), get_account_id()), get_account_id(), get_region(), request
    )
    _check_quota(job)
    with _lock:
        if job.arn in _jobs:
            message = (
                f"{kind.label} job names must be unique within an AWS account and region, and a "
                f"{kind.label.lower()} job with this name already exists ({job.arn})"
            )
            raise ApiError("ResourceInUse", message)
        _jobs[job.arn] = job
    # The thread acts in the request's account and region.
    context = contextvars.copy_context()
    threading.Thread(
        target=context.run, args=(runner.run, job, WORK[kind]), daemon=True, name=job.arn
    ).start()
    return job


def _check_quota(job: Job) -> None:
    reached = faults.plan.take(faults.Kind.QUOTA, instance_type=job.instance_type, spot=job.is_spot)
    if reached is None:
        return
    use = f"{'spot ' if job.is_spot else ''}{job.kind.label.lower()} job usage"
    message = (
        f"The account-level service limit '{job.instance_type} for {use}' is {reached.limit} Instances, with "
        f"current utilization of {reached.limit} Instances and a request delta of 1 Instances. "
        "Please use AWS Service Quotas to request an increase for this quota."
    )
    raise ApiError("ResourceLimitExceeded", message)


def stop(job: Job) -> None:
    """Asks a job to stop; one that has ended stays as it is."""
    with _lock:
        if job.status is Status.IN_PROGRESS:
            job.status = Status.STOPPING
            job.modified = time.time()
        job.stop_requested.set()


def kill_all() -> None:
    """Ends every job's process, for good."""
    container.kill_all()


def reset() -> None:
    """Forgets every job; what runs is asked to stop."""
    for job in list(_jobs.values()):
        stop(job)
    _jobs.clear()
    faults.plan.replace([])


def get_state() -> Json:
    """Returns nothing to persist: a job does not outlive its process."""
    return {}


def load_persisted_state(_: Json) -> None:
    """Restores nothing."""


async def handle_request(
    method: str,  # noqa: ARG001 - MiniStack's signature
    path: str,  # noqa: ARG001
    headers: Mapping[str, str],
    body: bytes,
    query_params: Mapping[str, Any],
) -> Response:
    """Answers a request that is already authenticated and authorized."""
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    try:
        handler, kind = _OPERATIONS[operation]
    except KeyError:
        return _error(
            ApiError("UnknownOperationException", f"The embedded cloud's SageMaker has no {operation}.")
        )
    try:
        request = validation.check(operation, json.loads(body or b"{}"))
        return _answer(handler(kind, request, iam.caller(headers, query_params)))
    except ApiError as error:
        return _error(error)
    except ValueError as error:
        return _error(ApiError("SerializationException", str(error)))


def _answer(content: Json | None) -> Response:
    return 200, {"Content-Type": CONTENT_TYPE}, b"" if content is None else json.dumps(content).encode()


def _error(error: ApiError) -> Response:
    content = json.dumps({"__type": error.code, "message": str(error)}).encode()
    return error.status, {"Content-Type": CONTENT_TYPE, "x-amzn-errortype": error.code}, content


def _find(kind: JobKind, request: Json) -> Job:
    job: Job | None = _jobs.get(kind.arn(request[kind.name_key], get_region(), get_account_id()))
    if job is None:
        raise ApiError("ValidationException", "Requested resource not found.")
    return job


def _create(kind: JobKind, request: Json, caller: iam.Principal) -> Json:
    return {kind.arn_key: create(kind, request, caller).arn}


def _describe(kind: JobKind, request: Json, _: iam.Principal) -> Json:
    return _find(kind, request).describe()


def _stop(kind: JobKind, request: Json, _: iam.Principal) -> None:
    job = _find(kind, request)
    if job.status in TERMINAL or job.status is Status.STOPPING:
        message = (
            f"The request was rejected because the {kind.label.lower()} job is in status {job.status.value}."
        )
        raise ApiError("ValidationException", message)
    stop(job)


def _list(kind: JobKind, request: Json, _: iam.Principal) -> Json:
    jobs = [job for job in _jobs.values() if job.kind is kind and _is_asked_for(job, request)]
    sort_keys: dict[str, Callable[[Job], Any]] = {
        "Name": lambda job: job.name,
        "Status": lambda job: job.status,
    }
    ascending = request.get("SortOrder", "Descending") == "Ascending"
    jobs.sort(key=sort_keys.get(request.get("SortBy", ""), lambda job: job.created), reverse=not ascending)
    first = int(base64.b64decode(request["NextToken"])) if "NextToken" in request else 0
    last = first + request.get("MaxResults", DEFAULT_PAGE)
    page: Json = {f"{kind.label}JobSummaries": [job.summary() for job in jobs[first:last]]}
    if last < len(jobs):
        page["NextToken"] = base64.b64encode(str(last).encode()).decode()
    return page


def _is_asked_for(job: Job, request: Json) -> bool:
    return (
        request.get("NameContains", "") in job.name
        and request.get("StatusEquals", job.status) == job.status
        and job.created >= request.get("CreationTimeAfter", job.created)
        and job.created <= request.get("CreationTimeBefore", job.created)
        and job.modified >= request.get("LastModifiedTimeAfter", job.modified)
        and job.modified <= request.get("LastModifiedTimeBefore", job.modified)
    )


_Handler = Callable[[JobKind, Json, iam.Principal], Json | None]
_VERBS: dict[str, _Handler] = {"Create": _create, "Describe": _describe, "Stop": _stop, "List": _list}
_OPERATIONS: dict[str, tuple[_Handler, JobKind]] = {
    validation.operation(verb, kind): (handler, kind) for verb, handler in _VERBS.items() for kind in KINDS
}
