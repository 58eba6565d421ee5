import io
import json
import tarfile

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud_kit import CloudKit, allow, is_gone, until

pytestmark = pytest.mark.cloud

PREAMBLE = """
import json, os, pathlib, signal, sys, time
base = pathlib.Path(os.environ["SPACEPORT_ML_BASE"])
"""


def processing_input(name: str, uri: str) -> dict:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"/opt/ml/processing/input/{name}",
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }


def processing_outputs(**outputs: tuple[str, str]) -> dict:
    return {
        "Outputs": [
            {
                "OutputName": name,
                "S3Output": {
                    "S3Uri": uri,
                    "LocalPath": f"/opt/ml/processing/output/{name}",
                    "S3UploadMode": mode,
                },
            }
            for name, (uri, mode) in outputs.items()
        ]
    }


def channel(name: str, uri: str) -> dict:
    return {
        "ChannelName": name,
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}},
    }


def test_processing_job_moves_files_runs_and_tells(kit: CloudKit):
    bucket = kit.bucket(
        {"in/a.txt": "A", "in/deep/b.txt": "B", "in/": "", "inside/c.txt": "C", "one.json": "{}"}
    )
    script = (
        PREAMBLE
        + """
source = base / "processing/input/photos"
found = sorted(str(p.relative_to(source)) for p in source.rglob("*") if p.is_file())
out = base / "processing/output/result"
(out / "sub").mkdir()
(out / "sub/found.json").write_text(json.dumps({
    "found": found, "args": sys.argv[1:], "env": dict(os.environ),
    "one": (base / "processing/input/one/one.json").read_text(),
    "config": json.loads((base / "input/config/processingjobconfig.json").read_text())["ProcessingJobName"]}))
(out / "link").symlink_to("sub/found.json")
print("first line"); print("second line", file=sys.stderr)
"""
    )
    request = kit.processing_request(
        script,
        kit.job_role(bucket),
        ProcessingInputs=[
            processing_input("photos", f"s3://{bucket}/in/"),
            processing_input("one", f"s3://{bucket}/one.json"),
        ],
        ProcessingOutputConfig=processing_outputs(result=(f"s3://{bucket}/out/", "EndOfJob")),
        Environment={"OWN": "yes"},
    )
    request["AppSpecification"]["ContainerArguments"] = ["--option", "value"]
    job = kit.process(request)
    told = kit.processed(job)
    assert told["ProcessingJobStatus"] == "Completed", told
    assert told["CreationTime"] <= told["ProcessingStartTime"] <= told["ProcessingEndTime"]
    assert kit.keys(bucket, "out/") == {"out/sub/found.json"}
    seen = json.loads(kit.read(bucket, "out/sub/found.json") or "")
    assert seen["found"] == ["a.txt", "deep/b.txt"]
    assert seen["args"] == ["--option", "value"]
    assert seen["config"] == job
    assert seen["one"] == "{}"
    assert seen["env"]["OWN"] == seen["env"]["FROM_IMAGE"] == "yes"
    assert not [name for name in seen["env"] if "KEY" in name or "TOKEN" in name or "RUN_DIR" in name]
    assert kit.log_lines("/aws/sagemaker/ProcessingJobs", f"{job}/") == ["first line", "second line"]
    assert not list((kit.cloud.run_dir / "jobs").rglob(f"{job}*"))


def test_training_job_makes_archives_and_passes_train(kit: CloudKit):
    bucket = kit.bucket({"data/x/points.txt": "points"})
    script = (
        PREAMBLE
        + """
assert sys.argv[1:] == ["train"], sys.argv
config = base / "input/config"
(base / "model/seen.json").write_text(json.dumps({
    "hyperparameters": json.loads((config / "hyperparameters.json").read_text()),
    "channels": list(json.loads((config / "inputdataconfig.json").read_text())),
    "host": json.loads((config / "resourceconfig.json").read_text())["current_host"],
    "points": (base / "input/data/sfm/x/points.txt").read_text()}))
(base / "output/data/extra.txt").write_text("extra")
"""
    )
    request = kit.training_request(
        script,
        kit.job_role(bucket),
        f"s3://{bucket}/jobs/",
        HyperParameters={"max_steps": "7"},
        InputDataConfig=[channel("sfm", f"s3://{bucket}/data")],
    )
    job = kit.train(request)
    told = kit.trained(job)
    assert told["TrainingJobStatus"] == "Completed", told
    assert told["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{bucket}/jobs/{job}/output/model.tar.gz"
    statuses = [transition["Status"] for transition in told["SecondaryStatusTransitions"]]
    assert statuses == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert told["TrainingTimeInSeconds"] >= 1
    body = kit.s3.get_object(Bucket=bucket, Key=f"jobs/{job}/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        member = archive.extractfile("seen.json")
        assert member is not None
        seen = json.load(member)
    assert seen == {
        "hyperparameters": {"max_steps": "7"},
        "channels": ["sfm"],
        "host": "algo-1",
        "points": "points",
    }
    assert f"jobs/{job}/output/output.tar.gz" in kit.keys(bucket)


def test_failing_training_tells_what_it_wrote(kit: CloudKit):
    bucket = kit.bucket()
    script = (
        PREAMBLE
        + """
(base / "model/half.bin").write_text("half")
(base / "output/failure").write_text("The photos do not overlap.\\nFly slower. " + "x" * 3000)
sys.exit(1)
"""
    )
    told = kit.trained(kit.train(kit.training_request(script, kit.job_role(bucket), f"s3://{bucket}/jobs")))
    assert told["TrainingJobStatus"] == "Failed"
    assert told["FailureReason"].startswith("AlgorithmError: The photos do not overlap.\nFly slower.")
    assert len(told["FailureReason"]) <= 1024
    assert "ModelArtifacts" not in told
    assert kit.keys(bucket) == set()


def test_failing_processing_keeps_its_message_and_no_outputs(kit: CloudKit):
    bucket = kit.bucket()
    script = (
        PREAMBLE
        + """
(base / "output/message").write_text("Only 2 photos: take at least 10.")
(base / "processing/output/result/half.txt").write_text("half")
(base / "processing/output/progress/progress.json").write_text("{}")
sys.exit(1)
"""
    )
    request = kit.processing_request(
        script,
        kit.job_role(bucket),
        ProcessingOutputConfig=processing_outputs(
            result=(f"s3://{bucket}/out", "EndOfJob"), progress=(f"s3://{bucket}/progress", "Continuous")
        ),
    )
    told = kit.processed(kit.process(request))
    assert told["ProcessingJobStatus"] == "Failed"
    assert told["ExitMessage"] == "Only 2 photos: take at least 10."
    assert told["FailureReason"].startswith("AlgorithmError")
    assert "exit code: 1" in told["FailureReason"]
    assert kit.keys(bucket) == {"progress/progress.json"}


def test_progress_and_log_are_seen_while_it_runs(kit: CloudKit):
    bucket = kit.bucket()
    script = (
        PREAMBLE
        + """
progress = base / "processing/output/progress/progress.json"
for number in range(100):
    new = progress.with_suffix(".new")
    new.write_text(json.dumps({"number": number, "pad": "x" * 100000}))
    new.replace(progress)
    print("step", number)
    time.sleep(0.7)
"""
    )
    request = kit.processing_request(
        script,
        kit.job_role(bucket),
        ProcessingOutputConfig=processing_outputs(progress=(f"s3://{bucket}/progress", "Continuous")),
    )
    job = kit.process(request)
    seen: list[int] = []

    def two_numbers() -> bool:
        text = kit.read(bucket, "progress/progress.json")
        if text and (number := json.loads(text)["number"]) not in seen:
            seen.append(number)
        return len(seen) >= 2

    until(two_numbers, "progress in S3")
    assert seen == sorted(seen)
    until(lambda: "step 1" in kit.log_lines("/aws/sagemaker/ProcessingJobs", f"{job}/"), "log")
    assert kit.sagemaker.describe_processing_job(ProcessingJobName=job)["ProcessingJobStatus"] == "InProgress"
    kit.sagemaker.stop_processing_job(ProcessingJobName=job)
    assert kit.processed(job)["ProcessingJobStatus"] == "Stopped"


CHECKPOINTING = (
    PREAMBLE
    + """
state = base / "checkpoints/state"
step = int(state.read_text()) if state.exists() else 0
def leave(*_):
    state.write_text(str(step)); (base / "model/step").write_text(str(step)); sys.exit(143)
signal.signal(signal.SIGTERM, leave)
print("from", step)
if step: sys.exit(0)
while True:
    step += 1
    new = state.with_suffix(".new"); new.write_text(str(step)); new.replace(state)
    time.sleep(0.6)
"""
)


def test_stopped_training_resumes_from_its_checkpoint(kit: CloudKit):
    bucket = kit.bucket({"check/points": "other"})
    role = kit.job_role(bucket)
    checkpoints = {"S3Uri": f"s3://{bucket}/check"}
    request = kit.training_request(CHECKPOINTING, role, f"s3://{bucket}/jobs", CheckpointConfig=checkpoints)
    job = kit.train(request)
    until(lambda: kit.read(bucket, "check/state"), "checkpoint in S3 while training")
    kit.sagemaker.stop_training_job(TrainingJobName=job)
    with pytest.raises(ClientError, match="is in status Stop"):
        kit.sagemaker.stop_training_job(TrainingJobName=job)
    told = kit.trained(job)
    assert told["TrainingJobStatus"] == told["SecondaryStatus"] == "Stopped"
    assert "FailureReason" not in told
    # What it saved on SIGTERM is kept: the checkpoint and the model so far.
    saved = kit.read(bucket, "check/state")
    assert told["ModelArtifacts"]["S3ModelArtifacts"].endswith(f"{job}/output/model.tar.gz")
    again = kit.train({**request, "TrainingJobName": kit.name("again")})
    assert kit.trained(again)["TrainingJobStatus"] == "Completed"
    assert kit.log_lines("/aws/sagemaker/TrainingJobs", f"{again}/") == [f"from {saved}"]


def test_job_longer_than_its_time_is_stopped(kit: CloudKit):
    bucket = kit.bucket()
    script = PREAMBLE + "time.sleep(100)"
    request = kit.training_request(script, kit.job_role(bucket), f"s3://{bucket}/jobs")
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": 1}
    told = kit.trained(kit.train(request))
    assert told["TrainingJobStatus"] == "Stopped"
    assert told["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_stopping_a_parent_ends_its_children(kit: CloudKit):
    bucket = kit.bucket()
    script = (
        PREAMBLE
        + """
import subprocess
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
(base / "processing/output/child/pid").write_text(str(child.pid))
time.sleep(300)
"""
    )
    outputs = processing_outputs(child=(f"s3://{bucket}/child", "Continuous"))
    job = kit.process(kit.processing_request(script, kit.job_role(bucket), ProcessingOutputConfig=outputs))
    pid = int(until(lambda: kit.read(bucket, "child/pid"), "start of the child"))
    kit.sagemaker.stop_processing_job(ProcessingJobName=job)
    assert kit.processed(job)["ProcessingJobStatus"] == "Stopped"
    until(lambda: is_gone(pid), "end of the child", 5)


def test_role_without_rights_to_the_data_fails_the_job(kit: CloudKit):
    bucket = kit.bucket({"in/a": "A"})
    request = kit.processing_request(
        "", kit.job_role("another-bucket"), ProcessingInputs=[processing_input("in", f"s3://{bucket}/in")]
    )
    told = kit.processed(kit.process(request))
    assert told["ProcessingJobStatus"] == "Failed"
    assert told["FailureReason"].startswith("ClientError: ")
    assert "AccessDenied (403)" in told["FailureReason"]
    assert "/SageMaker is not authorized to perform: s3:ListBucket" in told["FailureReason"]


def test_role_without_rights_to_the_output_fails_the_job(kit: CloudKit):
    bucket = kit.bucket()
    script = PREAMBLE + '(base / "model/x").write_text("x")'
    told = kit.trained(kit.train(kit.training_request(script, kit.job_role("other"), f"s3://{bucket}/jobs")))
    assert told["TrainingJobStatus"] == "Failed"
    assert "AccessDenied (403)" in told["FailureReason"]
    assert "s3:PutObject" in told["FailureReason"]


def test_missing_data_and_missing_image_are_named(kit: CloudKit):
    bucket = kit.bucket()
    role = kit.job_role(bucket)
    request = kit.processing_request(
        "", role, ProcessingInputs=[processing_input("in", f"s3://{bucket}/none")]
    )
    assert f"s3://{bucket}/none" in kit.processed(kit.process(request))["FailureReason"]
    request = kit.processing_request("", role)
    request["AppSpecification"]["ImageUri"] = "nowhere/image:1"
    reason = kit.processed(kit.process(request))["FailureReason"]
    assert "CannotPull" in reason
    assert "nowhere/image:1" in reason


def test_key_that_leads_out_of_the_folder_is_refused(kit: CloudKit):
    bucket = kit.bucket({"in/../../../escaped": "x"})
    request = kit.processing_request(
        "", kit.job_role(bucket), ProcessingInputs=[processing_input("in", f"s3://{bucket}/in/")]
    )
    assert "out of its folder" in kit.processed(kit.process(request))["FailureReason"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"TrainingJobName": "with space"}, "trainingJobName.*regular expression"),
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role.*nobody"),
        ({"EnableManagedSpotTraining": True}, "MaxWaitTimeInSeconds"),
        ({"Tags": [{"Key": "cost", "Value": "a|b"}]}, "value.*regular expression"),
        ({"HyperParameters": {"a": "x" * 3000}}, "hyperParameters.a.*less than or equal to 2500"),
    ],
)
def test_invalid_request_is_refused(kit: CloudKit, change: dict, message: str):
    request = kit.training_request("", kit.job_role("none"), "s3://bucket/jobs", **change)
    with pytest.raises(ClientError, match=message) as refused:
        kit.sagemaker.create_training_job(**request)
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_tags_of_any_script_are_taken(kit: CloudKit):
    bucket = kit.bucket()
    tags = [{"Key": "cost-center", "Value": "Höhe über Grund: 3+4"}]
    request = kit.training_request("", kit.job_role(bucket), f"s3://{bucket}/jobs", Tags=tags)
    kit.train(request)


def test_what_boto3_would_refuse_is_refused_by_the_service(kit: CloudKit):
    unchecked = kit.unchecked("sagemaker")
    with pytest.raises(ClientError, match="RoleArn") as refused:
        unchecked.create_processing_job(
            ProcessingJobName="name",
            AppSpecification={"ImageUri": "image"},
            ProcessingResources={
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 1}
            },
        )
    assert refused.value.response["Error"]["Code"] == "ValidationException"


def test_role_of_another_service_is_refused(kit: CloudKit):
    request = kit.processing_request("", kit.role("lambda"))
    with pytest.raises(ClientError, match="Could not assume role"):
        kit.process(request)


def test_name_is_used_once(kit: CloudKit):
    request = kit.processing_request("", kit.job_role("none"))
    job = kit.process(request)
    kit.processed(job)
    with pytest.raises(ClientError) as refused:
        kit.process(request)
    assert refused.value.response["Error"]["Code"] == "ResourceInUse"


def test_unknown_job_is_not_found(kit: CloudKit):
    for call in (kit.sagemaker.describe_training_job, kit.sagemaker.stop_training_job):
        with pytest.raises(ClientError, match="Requested resource not found"):
            call(TrainingJobName="nobody")


def test_caller_needs_the_right_to_create_and_to_pass_the_role(kit: CloudKit):
    role = kit.job_role("none")
    jobs = f"arn:aws:sagemaker:*:{kit.cloud.account}:processing-job/*"
    create = allow("sagemaker:CreateProcessingJob", jobs)
    passing = allow("iam:PassRole", role, StringEquals={"iam:PassedToService": "sagemaker.amazonaws.com"})
    elsewhere = allow("iam:PassRole", role, StringEquals={"iam:PassedToService": "ec2.amazonaws.com"})
    for statements, missing in (
        ([passing], "sagemaker:CreateProcessingJob"),
        ([create], "iam:PassRole"),
        ([create, elsewhere], "iam:PassRole"),
    ):
        client = kit.as_user("sagemaker", *statements)
        with pytest.raises(ClientError, match=missing) as refused:
            client.create_processing_job(**kit.processing_request("", role))
        assert "AccessDenied" in refused.value.response["Error"]["Code"]
    client = kit.as_user("sagemaker", create, passing)
    request = kit.processing_request("", role)
    client.create_processing_job(**request)
    assert kit.processed(request["ProcessingJobName"])["ProcessingJobStatus"] == "Completed"


def test_list_filters_and_pages(kit: CloudKit):
    word = kit.name("listed")
    role = kit.job_role("none")
    jobs = []
    for number in range(3):
        request = kit.processing_request("", role)
        request["ProcessingJobName"] = f"{word}-{number}"
        jobs.append(kit.process(request))
        kit.processed(jobs[-1])
    pages = kit.sagemaker.get_paginator("list_processing_jobs").paginate(
        NameContains=word, StatusEquals="Completed", PaginationConfig={"PageSize": 2}
    )
    found = [[job["ProcessingJobName"] for job in page["ProcessingJobSummaries"]] for page in pages]
    assert found == [[jobs[2], jobs[1]], [jobs[0]]]
    failed = kit.sagemaker.list_processing_jobs(NameContains=word, StatusEquals="Failed")
    assert failed["ProcessingJobSummaries"] == []


def test_role_that_may_not_log_still_runs(kit: CloudKit):
    role = kit.role("sagemaker")
    job = kit.process(kit.processing_request("print('words')", role))
    assert kit.processed(job)["ProcessingJobStatus"] == "Completed"


def test_status_changes_are_events(kit: CloudKit):
    queue, queue_arn = kit.queue()
    request = kit.training_request("import time; time.sleep(0.3)", kit.job_role("none"), "s3://none/out")
    job = request["TrainingJobName"]
    kit.rule(
        {"source": ["aws.sagemaker"], "detail": {"TrainingJobName": [job]}},
        queue_arn,
    )
    kit.train(request)
    told = kit.trained(job)
    events: list[dict] = []

    def ended() -> bool:
        events.extend(kit.messages(queue))
        return any(event["detail"]["TrainingJobStatus"] == told["TrainingJobStatus"] for event in events)

    until(ended, "the last event")
    assert {event["detail-type"] for event in events} == {"SageMaker Training Job State Change"}
    assert {event["resources"][0] for event in events} == {told["TrainingJobArn"]}
    secondary = {event["detail"]["SecondaryStatus"] for event in events}
    assert {"Starting", "Training"} <= secondary
    created = told["CreationTime"].timestamp() * 1000
    assert abs(events[0]["detail"]["CreationTime"] - created) < 2
