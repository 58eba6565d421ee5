"""Makes a state machine's tasks act with its role, as AWS does: what the role may not do, fails."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region

from local.cloud.ministack import executions, iam, patch_points, sagemaker_service
from local.cloud.ministack.patch_points import JsonValue

OPTIMIZED = "arn:aws:states:::"
DENIED_ERRORS = {
    "lambda": "Lambda.AWSLambdaException",
    "sagemaker": "SageMaker.AmazonSageMakerException",
    "dynamodb": "DynamoDB.AmazonDynamoDBException",
    "sqs": "SQS.AmazonSQSException",
    "sns": "SNS.AmazonSNSException",
    "events": "EventBridge.AmazonEventBridgeException",
    "states": "StepFunctions.AWSStepFunctionsException",
}
MANAGED_RULES = {
    "createTrainingJob": "StepFunctionsGetEventsForSageMakerTrainingJobsRule",
    "createProcessingJob": "StepFunctionsGetEventsForSageMakerProcessingJobsRule",
}

Json = dict[str, Any]
Response = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Call:
    """What a task does in AWS.

    Attributes:
        service: The service's IAM namespace.
        action: The IAM action without its namespace.
        resource: The ARN it is done to.
        passed_role: A role that it gives to the service.
    """

    service: str
    action: str
    resource: str
    passed_role: str | None = None


def install() -> None:
    """Puts the check in front of every task."""
    machines = patch_points.module("services.stepfunctions")
    _check_tasks(machines)
    for operation in ("_create_state_machine", "_update_state_machine"):
        _check_managed_rules(machines, operation)


def _role_of(machines: ModuleType, execution: Json) -> str:
    return str(patch_points.value(machines, "_state_machines")[execution["stateMachineArn"]]["roleArn"])


def _check_tasks(machines: ModuleType) -> None:
    for name, leading in (
        ("_invoke_resource", ("resource", "input_data")),
        ("_invoke_with_callback", ("resource", "input_data", "token", "state_def")),
    ):
        original = patch_points.function(machines, name, leading)

        def invoke(
            resource: str, data: JsonValue, *others: JsonValue, original: Callable[..., Any] = original
        ) -> JsonValue:
            task = executions.current_task()
            if task is not None:
                _authorize(machines, task.execution, resource, data)
            return original(resource, data, *others)

        patch_points.replace(machines, name, invoke)


def _authorize(machines: ModuleType, execution: Json, resource: str, data: JsonValue) -> None:
    role = _role_of(machines, execution)
    principal = iam.principal_of_role(role, execution["name"])
    for call in calls(resource, data if isinstance(data, dict) else {}):
        denied = iam.denial(principal, f"{call.service}:{call.action}", call.resource)
        if denied is None and call.passed_role is not None:
            denied = iam.pass_role_denial(principal, call.passed_role, f"{call.service}.amazonaws.com")
        if denied is not None:
            error = DENIED_ERRORS.get(call.service, f"{call.service.capitalize()}.AccessDeniedException")
            cause = f"{denied} (Status Code: 403; Error Code: AccessDeniedException)"
            raise executions.ExecutionError(error, cause)


def calls(resource: str, data: Json) -> Iterator[Call]:
    """Yields what a task calls.

    Args:
        resource: The task's `Resource`.
        data: Its evaluated parameters.
    """
    name = resource.removesuffix(".waitForTaskToken").removesuffix(":2").removesuffix(".sync")
    if resource.startswith("arn:aws:lambda:"):
        yield Call("lambda", "InvokeFunction", resource)
    elif name.startswith(f"{OPTIMIZED}aws-sdk:"):
        service, action = name.removeprefix(f"{OPTIMIZED}aws-sdk:").split(":")[:2]
        yield _sdk_call(service.lower(), action[0].upper() + action[1:], data)
    elif name.startswith(OPTIMIZED):
        service, action = name.removeprefix(OPTIMIZED).split(":")[:2]
        yield from _optimized_calls(service, action[0].upper() + action[1:], data)


def _optimized_calls(service: str, action: str, data: Json) -> Iterator[Call]:
    region, account = get_region(), get_account_id()
    if service == "lambda":
        yield Call("lambda", "InvokeFunction", _function_arn(str(data.get("FunctionName", ""))))
    elif service == "sagemaker":
        yield Call(
            service, action, sagemaker_service.resource_arn(data, region, account), data.get("RoleArn")
        )
    elif service == "states":
        yield Call(service, action, str(data.get("StateMachineArn", "*")))
    elif service == "dynamodb":
        yield Call(service, action, f"arn:aws:dynamodb:{region}:{account}:table/{data.get('TableName')}")
    elif service == "sqs":
        queue = str(data.get("QueueUrl", "")).rpartition("/")[2]
        yield Call(service, action, f"arn:aws:sqs:{region}:{account}:{queue}")
    elif service == "sns":
        yield Call(service, action, str(data.get("TopicArn", "*")))
    elif service == "events":
        for bus in {str(entry.get("EventBusName", "default")) for entry in data.get("Entries", [])}:
            arn = bus if bus.startswith("arn:") else f"arn:aws:events:{region}:{account}:event-bus/{bus}"
            yield Call(service, action, arn)
    else:
        yield Call(service, action, "*")


def _function_arn(reference: str) -> str:
    if reference.startswith("arn:"):
        return reference
    name = reference.rpartition("function:")[2]
    return f"arn:aws:lambda:{get_region()}:{get_account_id()}:function:{name}"


def _sdk_call(service: str, action: str, data: Json) -> Call:
    namespace = {"sfn": "states", "cloudwatchlogs": "logs", "eventbridge": "events"}.get(service, service)
    if service == "s3":
        # S3's listing and head calls have actions of other names than the calls.
        action = {"ListObjectsV2": "ListBucket", "ListObjects": "ListBucket", "HeadObject": "GetObject"}.get(
            action, action
        )
        key = data.get("Key")
        return Call(service, action, f"arn:aws:s3:::{data.get('Bucket')}" + (f"/{key}" if key else ""))
    if service == "lambda" and action == "Invoke":
        return Call(service, "InvokeFunction", _function_arn(str(data.get("FunctionName", ""))))
    resource = iam_actions.extract_resource_arn(
        namespace,
        "POST",
        "/",
        {"x-amz-target": f"{namespace}.{action}"},
        json.dumps(data).encode(),
        {},
        get_region(),
        get_account_id(),
    )
    return Call(namespace, action, resource, data.get("RoleArn") if service == "sagemaker" else None)


def _check_managed_rules(machines: ModuleType, operation: str) -> None:
    """Refuses a machine with SageMaker `.sync` tasks whose role may not manage the rule for their events."""
    original: Callable[[Json], Response] = patch_points.function(machines, operation, ("data",))

    def save(data: Json) -> Response:
        machine = patch_points.value(machines, "_state_machines").get(data.get("stateMachineArn")) or {}
        role = data.get("roleArn") or machine.get("roleArn", "")
        definition = data.get("definition") or machine.get("definition", "{}")
        for action, rule in MANAGED_RULES.items():
            if f"sagemaker:{action}.sync" in definition and not _may_manage(role, rule):
                message = f"'{role}' is not authorized to create managed-rule."
                body = json.dumps({"__type": "AccessDeniedException", "message": message}).encode()
                return 400, {"Content-Type": "application/x-amz-json-1.0"}, body
        return original(data)

    patch_points.replace(machines, operation, save)


def _may_manage(role: str, rule: str) -> bool:
    principal = iam.principal_of_role(role, "states")
    arn = f"arn:aws:events:{get_region()}:{get_account_id()}:rule/{rule}"
    actions = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
    return all(iam.denial(principal, action, arn) is None for action in actions)
