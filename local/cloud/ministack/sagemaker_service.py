"""Makes our SageMaker known to MiniStack: as a service, to IAM and to Step Functions."""

import json
import sys
from collections.abc import Callable
from typing import Any

from local.cloud.ministack import executions, iam, patch_points
from local.cloud.ministack.sagemaker import service
from local.cloud.ministack.sagemaker.errors import ApiError
from local.cloud.ministack.sagemaker.jobs import KINDS, Job, JobKind, Status

POLL_SECONDS = 0.2
MODELED_ERRORS = {
    "ResourceInUse": "SageMaker.ResourceInUseException",
    "ResourceLimitExceeded": "SageMaker.ResourceLimitExceededException",
    "ResourceNotFound": "SageMaker.ResourceNotFoundException",
    "ConflictException": "SageMaker.ConflictException",
}

Json = dict[str, Any]


def install() -> None:
    """Registers the service."""
    app = patch_points.module("app")
    router = patch_points.module("core.router")
    actions = patch_points.module("core.iam_actions")
    lazy_handler = patch_points.function(app, "_lazy_handler", ("module_name",))
    # MiniStack imports a service's module by this name, resets it and asks it for its state.
    sys.modules["ministack.services.sagemaker"] = service
    patch_points.value(app, "SERVICE_REGISTRY", dict)["sagemaker"] = {"module": "sagemaker"}
    patch_points.value(app, "SERVICE_HANDLERS", dict)["sagemaker"] = lazy_handler("sagemaker")
    patch_points.value(router, "SERVICE_PATTERNS", dict)["sagemaker"] = {
        "target_prefixes": ["SageMaker."],
        "host_patterns": [r"api\.sagemaker\."],
    }
    patch_points.value(actions, "SERVICE_TO_IAM_NAMESPACE", dict)["sagemaker"] = "sagemaker"
    _name_resources(actions)
    _integrate()


def resource_arn(request: Json, region: str, account: str) -> str:
    """Returns the ARN of the job that a request names, or `*` where it names none."""
    for kind in KINDS:
        if isinstance(name := request.get(kind.name_key), str):
            return kind.arn(name, region, account)
    # The calls about tags name the job by its ARN.
    return str(request.get("ResourceArn", "*"))


def _name_resources(actions: patch_points.MiniStack) -> None:
    original = patch_points.function(
        actions,
        "extract_resource_arn",
        ("service", "method", "path", "headers", "body", "query_params", "region"),
    )

    def extract(
        name: str,
        method: str,
        path: str,
        headers: Json,
        body: bytes,
        query: Json,
        region: str,
        account_id: str,
    ) -> str:
        if name != "sagemaker":
            return str(original(name, method, path, headers, body, query, region, account_id))
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return "*"
        return resource_arn(request, region, account_id) if isinstance(request, dict) else "*"

    patch_points.replace(actions, "extract_resource_arn", extract)


def _integrate() -> None:
    machines = patch_points.module("services.stepfunctions")
    optimized = patch_points.value(machines, "_SERVICE_DISPATCH", dict)
    for kind in KINDS:
        optimized[f"arn:aws:states:::sagemaker:create{kind.label}Job"] = _task(machines, kind)
    patch_points.value(machines, "_AWS_SDK_SERVICE_MAP", dict)["sagemaker"] = {
        "target_prefix": "SageMaker",
        "protocol": "json",
    }
    patch_points.value(machines, "_AWS_SDK_ERROR_PREFIX", dict)["sagemaker"] = "SageMaker"


def _task(machines: patch_points.MiniStack, kind: JobKind) -> Callable[[str, Json], Json]:
    def run(resource: str, data: Json) -> Json:
        task = executions.current_task()
        if task is None:
            msg = "A SageMaker task runs only within an execution."
            raise RuntimeError(msg)
        role = patch_points.value(machines, "_state_machines")[task.execution["stateMachineArn"]]["roleArn"]
        caller = iam.principal_of_role(role, task.execution["name"])
        try:
            job = service.create(kind, data, caller)
        except ApiError as error:
            name = MODELED_ERRORS.get(error.code, "SageMaker.AmazonSageMakerException")
            cause = (
                f"{error} (Service: AmazonSageMaker; Status Code: {error.status}; Error Code: {error.code})"
            )
            raise executions.ExecutionError(name, cause) from error
        if ".sync" not in resource:
            return {kind.arn_key: job.arn}
        _wait(job, task, caller)
        described = job.describe(milliseconds=True)
        if job.status is Status.FAILED:
            raise executions.ExecutionError("States.TaskFailed", json.dumps(described, separators=(",", ":")))
        # A stopped job did not fail: its state goes on, and the machine looks at the status.
        return described

    return run


def _wait(job: Job, task: executions.Task, caller: iam.Principal) -> None:
    """Waits for the job; stops it where its execution ended or the state's time ran out, if the role may."""
    while not job.finished.wait(POLL_SECONDS):
        if not task.is_over():
            continue
        if iam.denial(caller, f"sagemaker:Stop{job.kind.label}Job", job.arn) is None:
            service.stop(job)
        raise executions.ExecutionEnded
