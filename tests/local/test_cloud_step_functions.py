import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud_kit import CloudKit, allow, until

pytestmark = pytest.mark.cloud

SAGEMAKER = "arn:aws:states:::sagemaker"


def single(resource: str, parameters: dict, **more: object) -> dict:
    return {
        "StartAt": "Work",
        "States": {
            "Work": {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more},
        },
    }


@pytest.fixture(scope="module")
def job_role(kit: CloudKit) -> str:
    return kit.role("sagemaker", allow("s3:*", "*"), allow("logs:*", "*"))


@pytest.fixture(scope="module")
def machine_role(kit: CloudKit, job_role: str) -> str:
    jobs = f"arn:aws:sagemaker:us-east-1:{kit.cloud.account}"
    return kit.machine_role(
        allow(["sagemaker:CreateTrainingJob", "sagemaker:StopTrainingJob"], f"{jobs}:training-job/*"),
        allow(["sagemaker:CreateProcessingJob", "sagemaker:StopProcessingJob"], f"{jobs}:processing-job/*"),
        allow("iam:PassRole", job_role, StringEquals={"iam:PassedToService": "sagemaker.amazonaws.com"}),
    )


@pytest.mark.parametrize("kind", ["Training", "Processing"])
def test_sync_task_returns_what_describe_says(kit: CloudKit, machine_role: str, job_role: str, kind: str):
    bucket = kit.bucket()
    if kind == "Training":
        request = kit.training_request("", job_role, f"s3://{bucket}/jobs")
    else:
        request = kit.processing_request("", job_role)
    machine = kit.machine(machine_role, single(f"{SAGEMAKER}:create{kind}Job.sync", request))
    told = kit.executed(kit.execute(machine))
    assert told["status"] == "SUCCEEDED", told
    output = json.loads(told["output"])
    assert output[f"{kind}JobStatus"] == "Completed"
    assert output[f"{kind}JobName"] == request[f"{kind}JobName"]
    # Times are whole milliseconds.
    assert output[f"{kind}StartTime"] > 10**12
    assert isinstance(output["CreationTime"], int)


def test_without_sync_the_task_returns_at_once(kit: CloudKit, machine_role: str, job_role: str):
    request = kit.processing_request("import time; time.sleep(3)", job_role)
    machine = kit.machine(machine_role, single(f"{SAGEMAKER}:createProcessingJob", request))
    told = kit.executed(kit.execute(machine))
    job = request["ProcessingJobName"]
    assert list(json.loads(told["output"])) == ["ProcessingJobArn"]
    assert kit.sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "InProgress"
    kit.sagemaker.stop_processing_job(ProcessingJobName=job)


def test_failed_job_is_caught_with_its_reason(kit: CloudKit, machine_role: str, job_role: str):
    script = """
import os, pathlib, sys
(pathlib.Path(os.environ["SPACEPORT_ML_BASE"]) / "output/failure").write_text("Too dark.")
sys.exit(1)
"""
    request = kit.training_request(script, job_role, f"s3://{kit.bucket()}/jobs")
    definition = single(
        f"{SAGEMAKER}:createTrainingJob.sync",
        request,
        Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught", "ResultPath": "$.error"}],
    )
    definition["States"]["Caught"] = {"Type": "Pass", "End": True}
    told = kit.executed(kit.execute(kit.machine(machine_role, definition)))
    assert told["status"] == "SUCCEEDED", told
    error = json.loads(told["output"])["error"]
    assert error["Error"] == "States.TaskFailed"
    cause = json.loads(error["Cause"])
    assert cause["TrainingJobStatus"] == "Failed"
    assert cause["FailureReason"].startswith("AlgorithmError: Too dark.")


def test_stopped_job_goes_on_with_its_status(kit: CloudKit, machine_role: str, job_role: str):
    request = kit.processing_request("import time; time.sleep(100)", job_role)
    machine = kit.machine(machine_role, single(f"{SAGEMAKER}:createProcessingJob.sync", request))
    execution = kit.execute(machine)
    stop_when_running(kit, request["ProcessingJobName"])
    told = kit.executed(execution)
    assert told["status"] == "SUCCEEDED"
    assert json.loads(told["output"])["ProcessingJobStatus"] == "Stopped"


def running(kit: CloudKit, job: str) -> bool:
    try:
        return "ProcessingStartTime" in kit.sagemaker.describe_processing_job(ProcessingJobName=job)
    except ClientError:
        return False


def stop_when_running(kit: CloudKit, job: str) -> None:
    until(lambda: running(kit, job), "start of the job")
    kit.sagemaker.stop_processing_job(ProcessingJobName=job)


def test_stopped_execution_stops_its_job_and_stays_aborted(kit: CloudKit, machine_role: str, job_role: str):
    request = kit.processing_request("import time; time.sleep(100)", job_role)
    definition = single(
        f"{SAGEMAKER}:createProcessingJob.sync",
        request,
        Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}],
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
    )
    definition["States"]["Caught"] = {"Type": "Pass", "End": True}
    execution = kit.execute(kit.machine(machine_role, definition))
    job = request["ProcessingJobName"]
    until(lambda: running(kit, job), "start of the job")
    kit.states.stop_execution(executionArn=execution, error="Stopped", cause="by the pilot")
    assert kit.processed(job)["ProcessingJobStatus"] == "Stopped"
    told = kit.states.describe_execution(executionArn=execution)
    assert told["status"] == "ABORTED"
    assert told["cause"] == "by the pilot"


@pytest.mark.parametrize("where", ["machine", "state"])
def test_execution_out_of_time_stops_its_job(kit: CloudKit, machine_role: str, job_role: str, where: str):
    queue, queue_arn = kit.queue()
    request = kit.processing_request("import time; time.sleep(100)", job_role)
    definition = single(f"{SAGEMAKER}:createProcessingJob.sync", request)
    (definition if where == "machine" else definition["States"]["Work"])["TimeoutSeconds"] = 2
    machine = kit.machine(machine_role, definition)
    kit.rule({"source": ["aws.states"], "detail": {"stateMachineArn": [machine]}}, queue_arn)
    told = kit.executed(kit.execute(machine))
    assert told["status"] == ("TIMED_OUT" if where == "machine" else "FAILED")
    assert told["error"] == "States.Timeout"
    assert kit.processed(request["ProcessingJobName"])["ProcessingJobStatus"] == "Stopped"
    statuses: list[str] = []

    def told_of_end() -> bool:
        statuses.extend(event["detail"]["status"] for event in kit.messages(queue))
        return told["status"] in statuses

    until(told_of_end, "the event of the end")
    assert sorted(statuses) == sorted(["RUNNING", told["status"]])


@pytest.mark.parametrize(
    ("statements", "missing"),
    [
        ([], "sagemaker:CreateProcessingJob"),
        ([allow("sagemaker:CreateProcessingJob", "*")], "iam:PassRole"),
        (
            [
                allow("sagemaker:CreateProcessingJob", "*"),
                allow("iam:PassRole", "*", StringEquals={"iam:PassedToService": "lambda.amazonaws.com"}),
            ],
            "iam:PassRole",
        ),
    ],
)
def test_machine_needs_the_right_to_run_jobs(kit: CloudKit, job_role: str, statements: list, missing: str):
    role = kit.machine_role(*statements)
    request = kit.processing_request("", job_role)
    machine = kit.machine(role, single(f"{SAGEMAKER}:createProcessingJob.sync", request))
    told = kit.executed(kit.execute(machine))
    assert told["status"] == "FAILED"
    assert told["error"] == "SageMaker.AmazonSageMakerException"
    assert f"assumed-role/{role.rpartition('/')[2]}/" in told["cause"]
    assert f"is not authorized to perform: {missing} on resource:" in told["cause"]
    with pytest.raises(ClientError, match="not found"):
        kit.sagemaker.describe_processing_job(ProcessingJobName=request["ProcessingJobName"])


def test_sync_machine_needs_the_right_to_its_rule(kit: CloudKit, job_role: str):
    role = kit.role("states", allow("sagemaker:*", "*"), allow("iam:PassRole", "*"))
    request = kit.processing_request("", job_role)
    with pytest.raises(ClientError, match=f"{role}' is not authorized to create managed-rule"):
        kit.machine(role, single(f"{SAGEMAKER}:createProcessingJob.sync", request))


def test_request_sagemaker_refuses_fails_the_state(kit: CloudKit, machine_role: str, job_role: str):
    request = {**kit.processing_request("", job_role), "Typo": 1}
    machine = kit.machine(machine_role, single(f"{SAGEMAKER}:createProcessingJob.sync", request))
    told = kit.executed(kit.execute(machine))
    assert told["error"] == "SageMaker.AmazonSageMakerException"
    assert "Typo" in told["cause"]


def test_used_name_is_an_error_of_its_own(kit: CloudKit, machine_role: str, job_role: str):
    request = kit.processing_request("", job_role)
    machine = kit.machine(machine_role, single(f"{SAGEMAKER}:createProcessingJob.sync", request))
    assert kit.executed(kit.execute(machine))["status"] == "SUCCEEDED"
    assert kit.executed(kit.execute(machine))["error"] == "SageMaker.ResourceInUseException"


ECHO = "def handler(event, context):\n    return {'echo': event}\n"


def test_machine_needs_the_right_to_invoke(kit: CloudKit):
    function, other = kit.function(ECHO), kit.function(ECHO)
    role = kit.role("states", allow("lambda:InvokeFunction", function))
    for target, expected in ((function, "SUCCEEDED"), (other, "FAILED")):
        parameters = {"FunctionName": target, "Payload": {"a": 1}}
        optimized = kit.machine(role, single("arn:aws:states:::lambda:invoke", parameters))
        direct = kit.machine(role, single(target, {"a": 1}))
        for machine in (optimized, direct):
            told = kit.executed(kit.execute(machine))
            assert told["status"] == expected, told
            if expected == "FAILED":
                assert told["error"] == "Lambda.AWSLambdaException"
                assert f"lambda:InvokeFunction on resource: {other}" in told["cause"]


def test_role_counts_within_maps_and_for_other_services(kit: CloudKit):
    queue, queue_arn = kit.queue()
    other, _ = kit.queue()
    role = kit.role("states", allow("sqs:SendMessage", queue_arn))
    send = single("arn:aws:states:::sqs:sendMessage", {"QueueUrl.$": "$", "MessageBody": '"sent"'})
    definition = {
        "StartAt": "Each",
        "States": {"Each": {"Type": "Map", "ItemsPath": "$.queues", "Iterator": send, "End": True}},
    }
    machine = kit.machine(role, definition)
    assert kit.executed(kit.execute(machine, {"queues": [queue, queue]}))["status"] == "SUCCEEDED"
    until(lambda: kit.messages(queue), "the message")
    told = kit.executed(kit.execute(machine, {"queues": [queue, other]}))
    assert told["status"] == "FAILED"
    assert "sqs:SendMessage" in told["cause"]


def test_repeated_start_is_the_same_execution_only_with_the_same_input(kit: CloudKit):
    machine = kit.machine(
        kit.role("states"),
        {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 5, "End": True}}},
    )
    name = kit.name("once")
    first = kit.states.start_execution(stateMachineArn=machine, name=name, input='{"a": 1}')
    again = kit.states.start_execution(stateMachineArn=machine, name=name, input='{"a": 1}')
    assert again["executionArn"] == first["executionArn"]
    assert again["startDate"] == first["startDate"]
    with pytest.raises(kit.states.exceptions.ExecutionAlreadyExists):
        kit.states.start_execution(stateMachineArn=machine, name=name, input='{"a": 2}')
    kit.states.stop_execution(executionArn=first["executionArn"])
    with pytest.raises(kit.states.exceptions.ExecutionAlreadyExists):
        kit.states.start_execution(stateMachineArn=machine, name=name, input='{"a": 1}')


def test_task_that_fails_after_the_end_changes_nothing(kit: CloudKit):
    code = "import time\ndef handler(event, context):\n    time.sleep(1)\n    raise ValueError('late')\n"
    function = kit.function(code, Timeout=20)
    machine = kit.machine(kit.role("states", allow("lambda:InvokeFunction", function)), single(function, {}))
    execution = kit.execute(machine)

    def scheduled() -> bool:
        events = kit.states.get_execution_history(executionArn=execution)["events"]
        return any(event["type"].endswith("Scheduled") for event in events)

    until(scheduled, "start of the task")
    kit.states.stop_execution(executionArn=execution)
    name = function.rpartition(":")[2]
    until(lambda: "late" in "".join(log_of(kit, name)), "end of the function")
    time.sleep(0.3)
    assert kit.states.describe_execution(executionArn=execution)["status"] == "ABORTED"


def log_of(kit: CloudKit, function: str) -> list[str]:
    try:
        return kit.log_lines(f"/aws/lambda/{function}")
    except kit.logs.exceptions.ResourceNotFoundException:
        return []
