import json
import time

import pytest
from botocore.exceptions import ClientError

from local.cloud import CloudError, EmbeddedCloud
from local.cloud.ministack.faults import Fault, FaultPlan, Kind, copies_of_event, plan
from tests.local.cloud_kit import CloudKit, allow, until

SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
}
PREAMBLE = """
import json, os, pathlib, signal, sys, time
base = pathlib.Path(os.environ["SPACEPORT_ML_BASE"])
"""


@pytest.fixture
def faulty(cloud: EmbeddedCloud):
    yield cloud
    cloud.plan_faults()


def spot_request(kit: CloudKit) -> dict:
    bucket = kit.bucket()
    return kit.training_request("", kit.job_role(bucket), f"s3://{bucket}/jobs", **SPOT)


def test_a_fault_happens_as_often_as_it_is_planned_and_to_whom_it_concerns():
    planned = FaultPlan()
    planned.replace([Fault.parse({"fault": "quota", "instanceType": "ml.a.x", "spot": True, "times": 2})])
    assert planned.take(Kind.QUOTA, instance_type="ml.b.x", spot=True) is None
    assert planned.take(Kind.QUOTA, instance_type="ml.a.x", spot=False) is None
    assert planned.take(Kind.INTERRUPTION, instance_type="ml.a.x") is None
    taken = [planned.take(Kind.QUOTA, instance_type="ml.a.x", spot=True) for _ in range(3)]
    assert [fault is not None for fault in taken] == [True, True, False]


def test_a_fault_may_spare_the_first_calls_and_concern_one_of_several_names():
    planned = FaultPlan()
    planned.replace([Fault.parse({"fault": "api-error", "resource": "jobs", "after": 1, "times": 1})])
    assert planned.take(Kind.API_ERROR, resource=frozenset({"links"})) is None
    taken = [planned.take(Kind.API_ERROR, resource=frozenset({"jobs", "index"})) for _ in range(3)]
    assert [fault is not None for fault in taken] == [False, True, False]


def test_events_are_lost_or_doubled_by_any_status_that_they_tell():
    lost = {"fault": "lost-event", "source": "aws.sagemaker", "status": "Training"}
    plan.replace([Fault.parse(lost), Fault.parse({"fault": "doubled-event"})])
    assert copies_of_event("aws.sagemaker", "InProgress", "Training") == 0
    assert copies_of_event("aws.states", "RUNNING") == 2
    assert copies_of_event("aws.sagemaker", "InProgress", "Training") == 1
    plan.replace([])


@pytest.mark.parametrize(
    ("described", "word"),
    [
        ({"fault": "fire"}, "no-capacity"),
        ("quota", "fault"),
        ({"fault": "quota", "afterSeconds": 1}, "afterSeconds"),
        ({"fault": "quota", "times": "two"}, "times"),
        ({"fault": "no-capacity", "spot": 1}, "spot"),
        ({"fault": "lost-answer", "error": "SlowDown"}, "error"),
    ],
)
@pytest.mark.cloud
def test_a_fault_that_is_not_understood_is_refused(faulty: EmbeddedCloud, described, word):
    with pytest.raises(CloudError, match=word):
        faulty.plan_faults(described)


@pytest.mark.cloud
def test_a_spot_job_without_capacity_waits_until_it_is_stopped(kit: CloudKit, faulty: EmbeddedCloud):
    faulty.plan_faults({"fault": "no-capacity", "instanceType": "ml.g5.xlarge", "spot": True})
    job = kit.train(spot_request(kit))
    time.sleep(1)
    told = kit.sagemaker.describe_training_job(TrainingJobName=job)
    assert (told["TrainingJobStatus"], told["SecondaryStatus"]) == ("InProgress", "Starting")
    kit.sagemaker.stop_training_job(TrainingJobName=job)
    told = kit.trained(job)
    assert (told["TrainingJobStatus"], told["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert "TrainingStartTime" not in told


@pytest.mark.cloud
def test_a_spot_job_starts_when_capacity_comes_back(kit: CloudKit, faulty: EmbeddedCloud):
    faulty.plan_faults({"fault": "no-capacity", "spot": True})
    job = kit.train(spot_request(kit))
    time.sleep(0.5)
    faulty.plan_faults()
    assert kit.trained(job)["TrainingJobStatus"] == "Completed"


@pytest.mark.cloud
def test_a_spot_job_gives_up_at_its_longest_wait(kit: CloudKit, faulty: EmbeddedCloud):
    faulty.plan_faults({"fault": "no-capacity"})
    request = spot_request(kit)
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 2}
    told = kit.trained(kit.train(request))
    assert (told["TrainingJobStatus"], told["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


@pytest.mark.cloud
@pytest.mark.parametrize("kind", ["training", "processing"])
def test_a_job_on_demand_fails_for_want_of_capacity(kit: CloudKit, faulty: EmbeddedCloud, kind: str):
    faulty.plan_faults({"fault": "no-capacity", "spot": False})
    bucket = kit.bucket()
    role = kit.job_role(bucket)
    if kind == "training":
        told = kit.trained(kit.train(kit.training_request("", role, f"s3://{bucket}/jobs")))
    else:
        told = kit.processed(kit.process(kit.processing_request("", role)))
    assert told["FailureReason"].startswith("CapacityError: Unable to provision")


@pytest.mark.cloud
def test_a_new_machine_has_the_checkpoints_and_nothing_else(kit: CloudKit, faulty: EmbeddedCloud):
    faulty.plan_faults({"fault": "interruption", "afterSeconds": 0.5, "times": 2})
    bucket = kit.bucket({"keep": ""})
    script = (
        PREAMBLE
        + """
log = base / "checkpoints/log.json"
log.parent.mkdir(exist_ok=True)
seen = json.loads(log.read_text()) if log.exists() else []
seen.append(sorted(str(p.relative_to(base)) for p in base.rglob("left-*")))
(base / "model/left-model").write_text("half a model")
(base / "output/data/left-data").write_text("half a result")
(base / "checkpoints/left-checkpoint").write_text("checkpoint")
def leave(*_):
    log.write_text(json.dumps(seen))
    sys.exit(143)
signal.signal(signal.SIGTERM, leave)
if len(seen) < 3:
    time.sleep(100)
(base / "model/seen.json").write_text(json.dumps(seen))
(base / "checkpoints/end.json").write_text(json.dumps(seen))
"""
    )
    checkpoints = {"S3Uri": f"s3://{bucket}/checkpoints", "LocalPath": "/opt/ml/checkpoints"}
    request = kit.training_request(
        script, kit.job_role(bucket), f"s3://{bucket}/jobs", CheckpointConfig=checkpoints, **SPOT
    )
    told = kit.trained(kit.train(request))
    assert told["TrainingJobStatus"] == "Completed", told
    statuses = [transition["Status"] for transition in told["SecondaryStatusTransitions"]]
    assert statuses.count("Interrupted") == 2
    assert statuses.count("Starting") == 3
    seen = json.loads(kit.read(bucket, "checkpoints/end.json") or "")
    assert seen == [[], ["checkpoints/left-checkpoint"], ["checkpoints/left-checkpoint"]]


@pytest.mark.cloud
def test_a_reached_quota_refuses_so_many_requests(kit: CloudKit, faulty: EmbeddedCloud):
    faulty.plan_faults({"fault": "quota", "instanceType": "ml.g5.xlarge", "times": 2})
    bucket = kit.bucket()
    request = kit.training_request("", kit.job_role(bucket), f"s3://{bucket}/jobs")
    for _ in range(2):
        with pytest.raises(
            kit.sagemaker.exceptions.ResourceLimitExceeded, match=r"'ml\.g5\.xlarge for train"
        ):
            kit.train(request)
    assert kit.trained(kit.train(request))["TrainingJobStatus"] == "Completed"


@pytest.mark.cloud
def test_a_failing_branch_ends_the_others_and_their_jobs(kit: CloudKit):
    bucket = kit.bucket()
    job_role = kit.role("sagemaker", allow("s3:*", "*"), allow("logs:*", "*"))
    request = kit.training_request("import time; time.sleep(100)", job_role, f"s3://{bucket}/jobs")
    machine_role = kit.machine_role(
        allow(["sagemaker:CreateTrainingJob", "sagemaker:StopTrainingJob"], "*"),
        allow("iam:PassRole", job_role),
    )

    def branch(states: dict) -> dict:
        return {"StartAt": next(iter(states)), "States": states}

    work = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": request,
        "End": True,
    }
    definition = branch(
        {
            "Both": {
                "Type": "Parallel",
                "Branches": [
                    branch({"Work": work}),
                    branch({"Rest": {"Type": "Wait", "Seconds": 100, "End": True}}),
                    branch(
                        {
                            "Pause": {"Type": "Wait", "Seconds": 2, "Next": "Break"},
                            "Break": {"Type": "Fail", "Error": "Broken", "Cause": "by the test"},
                        }
                    ),
                ],
                "Catch": [{"ErrorEquals": ["Broken"], "Next": "Caught", "ResultPath": "$.failure"}],
                "End": True,
            },
            "Caught": {"Type": "Pass", "End": True},
        }
    )
    started = time.monotonic()
    told = kit.executed(kit.execute(kit.machine(machine_role, definition)))
    assert told["status"] == "SUCCEEDED", told
    assert json.loads(told["output"])["failure"] == {"Error": "Broken", "Cause": "by the test"}
    assert time.monotonic() - started < 20
    assert kit.trained(request["TrainingJobName"])["TrainingJobStatus"] == "Stopped"


@pytest.mark.cloud
def test_a_stop_wakes_the_branches_of_an_execution(kit: CloudKit):
    wait = {"StartAt": "Rest", "States": {"Rest": {"Type": "Wait", "Seconds": 2, "Next": "On"}}}
    queue_url, queue = kit.queue()
    send = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage",
        "Parameters": {"QueueUrl": queue_url, "MessageBody": "{}"},
        "End": True,
    }
    wait["States"]["On"] = send
    definition = {"StartAt": "All", "States": {"All": {"Type": "Parallel", "Branches": [wait], "End": True}}}
    role = kit.machine_role(allow("sqs:SendMessage", queue))
    execution = kit.execute(kit.machine(role, definition))
    until(lambda: kit.states.describe_execution(executionArn=execution)["status"] == "RUNNING", "the start")
    time.sleep(1)
    kit.states.stop_execution(executionArn=execution)
    time.sleep(2)
    assert kit.messages(queue_url) == []
    assert kit.executed(execution)["status"] == "ABORTED"


CALLS = {
    "s3": ("s3", "PutObject", lambda client, name: client.put_object(Bucket=name, Key="a/b", Body=b"1")),
    "s3 list": ("s3", "ListObjectsV2", lambda client, name: client.list_objects_v2(Bucket=name)),
    "s3 upload": (
        "s3",
        "CreateMultipartUpload",
        lambda client, name: client.create_multipart_upload(Bucket=name, Key="c"),
    ),
    "s3 head": ("s3", "HeadObject", lambda client, name: client.head_object(Bucket=name, Key="a/b")),
    "dynamodb": ("dynamodb", "ListTables", lambda client, _: client.list_tables()),
    "stepfunctions": ("states", "ListStateMachines", lambda client, _: client.list_state_machines()),
    "cognito-idp": ("cognito-idp", "ListUserPools", lambda client, _: client.list_user_pools(MaxResults=1)),
    "sesv2": ("ses", "ListEmailIdentities", lambda client, _: client.list_email_identities()),
    "secretsmanager": ("secretsmanager", "ListSecrets", lambda client, _: client.list_secrets()),
    "lambda": ("lambda", "ListFunctions", lambda client, _: client.list_functions()),
    "sns": ("sns", "ListTopics", lambda client, _: client.list_topics()),
    "events": ("events", "ListRules", lambda client, _: client.list_rules()),
}


@pytest.mark.cloud
@pytest.mark.parametrize("name", CALLS)
def test_a_refused_call_is_one_that_botocore_repeats(kit: CloudKit, faulty: EmbeddedCloud, name: str):
    service, action, call = CALLS[name]
    client, bucket = faulty.client(name.partition(" ")[0]), kit.bucket({"a/b": "1"})
    faulty.plan_faults({"fault": "api-error", "service": service, "action": action, "times": 1})
    assert call(client, bucket)["ResponseMetadata"]["RetryAttempts"] == 1
    faulty.plan_faults({"fault": "api-error", "service": service, "action": action})
    with pytest.raises(ClientError, match=r"SlowDown|503|Throttling|TooManyRequests|Throughput") as refused:
        call(client, bucket)
    assert refused.value.response["ResponseMetadata"]["RetryAttempts"] == 1
    faulty.plan_faults({"fault": "api-error", "service": service, "action": "Other"})
    assert call(client, bucket)["ResponseMetadata"]["RetryAttempts"] == 0


@pytest.mark.cloud
def test_a_call_is_refused_with_the_error_and_for_the_thing_that_were_planned(
    kit: CloudKit, faulty: EmbeddedCloud
):
    one, other = kit.bucket(), kit.bucket()
    faulty.plan_faults({"fault": "api-error", "service": "s3", "resource": one, "error": "InternalError"})
    with pytest.raises(ClientError, match="InternalError") as refused:
        kit.s3.put_object(Bucket=one, Key="a", Body=b"1")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    kit.s3.put_object(Bucket=other, Key="a", Body=b"1")
    faulty.plan_faults()
    assert kit.keys(one) == set()


@pytest.mark.cloud
def test_a_call_whose_answer_is_lost_has_taken_effect(kit: CloudKit, faulty: EmbeddedCloud):
    bucket = kit.bucket()
    faulty.plan_faults({"fault": "lost-answer", "service": "s3", "action": "PutObject", "times": 9})
    with pytest.raises(ClientError, match="InternalError"):
        kit.s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    assert kit.keys(bucket) == {"a"}


@pytest.mark.cloud
def test_who_may_not_call_is_told_so_first(kit: CloudKit, faulty: EmbeddedCloud):
    bucket = kit.bucket()
    faulty.plan_faults({"fault": "api-error", "service": "s3"})
    with pytest.raises(ClientError, match="AccessDenied"):
        kit.as_user("s3", allow("s3:GetObject", "*")).put_object(Bucket=bucket, Key="a", Body=b"1")
