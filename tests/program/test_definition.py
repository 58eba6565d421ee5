"""The state machine's definition: complete, patient with AWS, and honest about failures."""

import json
import re
from dataclasses import replace

import pytest

from components.definition import (
    FAILED,
    LAMBDA_INVOKE,
    PROCESSING_JOB,
    TRAINING_JOB,
    Machines,
    Parts,
    build_definition,
    tagged,
)
from functions.pipeline_steps.models import StepEvent
from functions.shared.failures import explain
from functions.shared.job_names import (
    StepJobName,
    model_prefix,
    parse_step_job_name,
    progress_key,
    sfm_report_key,
)

JOB = "00000000-0000-4000-8000-000000000000"
PARTS = Parts(
    steps_function="the-steps-function",
    ml_bucket="the-ml-bucket",
    sfm_image="the-sfm-image",
    training_image="the-3dgs-image",
    compressor_image="the-compressor-image",
    sfm_role="the-sfm-role",
    training_role="the-3dgs-role",
    compressor_role="the-compressor-role",
)
MACHINES = Machines(
    sfm="ml.a.large",
    training="ml.b.large",
    compressor="ml.c.large",
    use_spot=True,
    max_training_seconds=7200,
)
DEFINITION = build_definition(PARTS, MACHINES)
STATES = DEFINITION["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
JOBS = {name: state for name, state in TASKS.items() if state["Resource"] != LAMBDA_INVOKE}
ENDS = ("Succeed", "Fail")


def targets(state):
    steps = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {step[key] for step in steps for key in ("Next", "Default") if key in step}


def strings(value):
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def given(state, name):
    """A parameter, at whatever depth, with or without a path's `.$`."""
    found = [
        value
        for holder in dicts(state["Parameters"])
        for key, value in holder.items()
        if key.removesuffix(".$") == name
    ]
    assert found, name
    return found


def dicts(value):
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from dicts(item)
    elif isinstance(value, list):
        for item in value:
            yield from dicts(item)


def evaluate(text, *, retry=0):
    """What a `States.Format` gives for one job."""
    template, *arguments = re.fullmatch(r"States\.Format\('(.*)', (.*)\)", text).groups()
    values = {"$.jobId": JOB, "$.attempt": "2", "$$.State.RetryCount": retry}
    return template.format(*(values[name.strip()] for name in arguments[0].split(",")))


def test_every_target_exists_and_every_state_is_reached():
    reached, waiting = set(), {DEFINITION["StartAt"]}
    while waiting:
        name = waiting.pop()
        assert name in STATES, name
        reached.add(name)
        waiting |= targets(STATES[name]) - reached
    assert reached == set(STATES)


def test_every_state_goes_on_or_ends():
    for name, state in STATES.items():
        assert (state["Type"] in ENDS) == (not targets(state)), name


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_retried_caught_and_ended(name):
    task = TASKS[name]
    assert task["TimeoutSeconds"] > 0
    assert task["TimeoutSeconds"] < DEFINITION["TimeoutSeconds"]
    (catch,) = task["Catch"]
    assert catch == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": FAILED}
    for retry in task["Retry"]:
        assert retry["MaxAttempts"] >= 3
        assert retry["BackoffRate"] > 1
        assert retry["MaxDelaySeconds"] > retry["IntervalSeconds"]
        # What a container or a check says is final: repeating it would only cost.
        assert not {"States.ALL", "States.TaskFailed", "States.Timeout"} & set(retry["ErrorEquals"])


def test_a_failure_keeps_its_error_and_cause():
    failed = STATES[FAILED]
    assert failed["Type"] == "Fail"
    assert (failed["ErrorPath"], failed["CausePath"]) == ("$.failure.Error", "$.failure.Cause")
    assert not {"Error", "Cause"} & set(failed)


@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_was_stopped_does_not_count_as_done(name):
    task = JOBS[name]
    choice = STATES[task["Next"]]
    assert choice["Type"] == "Choice"
    (rule,) = choice["Choices"]
    assert rule["StringEquals"] == "Completed"
    assert rule["Variable"] == f"{task['ResultPath']}.status"
    assert "JobStatus" in task["ResultSelector"]["status.$"]
    assert STATES[choice["Default"]]["Type"] == "Fail"


def test_people_are_told_that_a_step_took_too_long():
    stopped = STATES[STATES[JOBS["Sfm"]["Next"]]["Default"]]
    told = explain("FAILED", stopped["Error"], stopped["Cause"])
    assert "took longer than it may" in told.sentence


@pytest.mark.parametrize("name", JOBS)
def test_a_quota_that_is_used_up_is_waited_for_longer_than_other_errors(name):
    def longest_wait(retry):
        delays = [
            min(retry["IntervalSeconds"] * retry["BackoffRate"] ** count, retry["MaxDelaySeconds"])
            for count in range(retry["MaxAttempts"])
        ]
        return sum(delays)

    waits = {error: longest_wait(retry) for retry in JOBS[name]["Retry"] for error in retry["ErrorEquals"]}
    assert waits["SageMaker.ResourceLimitExceeded"] > 6 * 3600
    assert waits["SageMaker.ThrottlingException"] < 1800


@pytest.mark.parametrize("name", JOBS)
def test_a_step_waits_for_its_job_and_the_job_ends_first(name):
    task = JOBS[name]
    assert task["Resource"] in (PROCESSING_JOB, TRAINING_JOB)
    assert task["Resource"].endswith(".sync")
    limits = task["Parameters"]["StoppingCondition"]
    assert task["TimeoutSeconds"] > max(limits.values())
    assert given(task, "EnableNetworkIsolation") == [True]
    assert given(task, "InstanceCount") == [1]
    assert all(size > 0 for size in given(task, "VolumeSizeInGB"))


def test_the_whole_takes_longer_than_its_steps():
    assert DEFINITION["TimeoutSeconds"] > sum(task["TimeoutSeconds"] for task in TASKS.values())


@pytest.mark.parametrize(
    ("name", "step"), [("Sfm", "sfm"), ("Train3dgs", "3dgs"), ("Compressor", "compressor")]
)
def test_job_names_are_those_that_the_functions_read(name, step):
    (text,) = [
        value
        for key, value in JOBS[name]["Parameters"].items()
        if key in ("ProcessingJobName.$", "TrainingJobName.$")
    ]
    names = [evaluate(text, retry=retry) for retry in (0, 1)]
    assert [parse_step_job_name(one) for one in names] == [
        StepJobName(JOB, 2, step, retry) for retry in (0, 1)
    ]
    assert all(len(one) <= 63 for one in names)


@pytest.mark.parametrize("name", ["CheckCapture", "QualityGate", "Publish"])
def test_function_steps_send_events_that_the_function_takes(name):
    payload = TASKS[name]["Parameters"]["Payload"]
    values = {"$.jobId": JOB, "$.captureUri": "s3://uploads/uploads/owner/capture/"}
    event = {
        key.removesuffix(".$"): values[value] if key.endswith(".$") else value
        for key, value in payload.items()
    }
    assert StepEvent.validate_python(event).action == event["action"]
    assert TASKS[name]["Parameters"]["FunctionName"] == PARTS.steps_function
    # The input goes on unchanged to the steps that follow.
    assert TASKS[name]["ResultPath"] is None


def uris(name):
    """S3 addresses of a job, by the place in the container where they are mounted."""
    place_of = {}
    for holder in dicts(JOBS[name]["Parameters"]):
        if "LocalPath" in holder:
            place_of[holder["LocalPath"]] = holder["S3Uri.$"]
        elif "ChannelName" in holder:
            place_of[f"/opt/ml/input/data/{holder['ChannelName']}"] = holder["DataSource"]["S3DataSource"][
                "S3Uri.$"
            ]
    return place_of


def test_data_flows_from_step_to_step():
    base = f"s3://{PARTS.ml_bucket}/"
    sfm, train, compressor = uris("Sfm"), uris("Train3dgs"), uris("Compressor")
    assert sfm["/opt/ml/processing/input/capture"] == "$.captureUri"
    result = evaluate(sfm["/opt/ml/processing/output/sfm"])
    assert f"{result}/report.json" == base + sfm_report_key(JOB)
    assert evaluate(train["/opt/ml/input/data/sfm"]) == f"{result}/"
    assert compressor["/opt/ml/processing/input/model"] == f"{TASKS['Train3dgs']['ResultPath']}.artifacts"
    assert evaluate(compressor["/opt/ml/processing/input/sfm"]) == base + sfm_report_key(JOB)
    assert evaluate(compressor["/opt/ml/processing/output/model"]) + "/" == base + model_prefix(JOB)


def test_progress_comes_where_the_jobs_api_reads_it():
    base = f"s3://{PARTS.ml_bucket}/"
    for name, step in (("Sfm", "sfm"), ("Compressor", "compressor")):
        folder = evaluate(uris(name)["/opt/ml/processing/output/progress"])
        assert f"{folder}/progress.json" == base + progress_key(JOB, step)
        (output,) = [one for one in given(JOBS[name], "S3Output") if one["LocalPath"].endswith("progress")]
        assert output["S3UploadMode"] == "Continuous"
    checkpoints = JOBS["Train3dgs"]["Parameters"]["CheckpointConfig"]
    assert f"{evaluate(checkpoints['S3Uri.$'])}progress.json" == base + progress_key(JOB, "3dgs")


def test_each_job_runs_its_own_image_as_its_own_role():
    for name, image, role in (
        ("Sfm", PARTS.sfm_image, PARTS.sfm_role),
        ("Train3dgs", PARTS.training_image, PARTS.training_role),
        ("Compressor", PARTS.compressor_image, PARTS.compressor_role),
    ):
        assert image in strings(JOBS[name]["Parameters"])
        assert JOBS[name]["Parameters"]["RoleArn"] == role
    machines = [given(JOBS[name], "InstanceType")[0] for name in ("Sfm", "Train3dgs", "Compressor")]
    assert machines == [MACHINES.sfm, MACHINES.training, MACHINES.compressor]


@pytest.mark.parametrize("use_spot", [True, False])
def test_spot_training_waits_and_goes_on_from_checkpoints(use_spot):
    training = build_definition(PARTS, replace(MACHINES, use_spot=use_spot))["States"]["Train3dgs"][
        "Parameters"
    ]
    limits = training["StoppingCondition"]
    assert training["EnableManagedSpotTraining"] is use_spot
    assert ("MaxWaitTimeInSeconds" in limits) is use_spot
    assert limits.get("MaxWaitTimeInSeconds", limits["MaxRuntimeInSeconds"]) >= limits["MaxRuntimeInSeconds"]
    assert limits["MaxRuntimeInSeconds"] == MACHINES.max_training_seconds
    assert training["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints"


def test_no_arn_is_written_down():
    written = [text for text in strings(DEFINITION) if "arn:" in text]
    assert set(written) == {LAMBDA_INVOKE, PROCESSING_JOB, TRAINING_JOB}
    assert not re.search(r"\d{12}", json.dumps({k: v for k, v in DEFINITION.items() if k != "Comment"}))


def test_it_starts_at_the_step_that_is_asked_for():
    start = STATES[DEFINITION["StartAt"]]
    first = {rule["StringEquals"]: rule["Next"] for rule in start["Choices"]}
    assert set(first) == {"sfm", "3dgs", "compressor"}
    assert all(rule["Variable"] == "$.startAt" for rule in start["Choices"])
    assert STATES[start["Default"]]["Type"] == "Fail"
    assert first["compressor"] == "Compressor"


def test_it_is_plain_json():
    assert json.loads(json.dumps(DEFINITION)) == DEFINITION


def test_tags_reach_every_job_however_deep_it_lies():
    branch = {"StartAt": "Job", "States": {"Job": {"Resource": TRAINING_JOB, "Parameters": {"RoleArn": "r"}}}}
    stop = {"Resource": "arn:aws:states:::aws-sdk:sagemaker:stopTrainingJob", "Parameters": {}}
    start = {"Resource": "arn:aws:states:::aws-sdk:sagemaker:createTrainingJob", "Parameters": {}}
    definition = {
        "States": {"Both": {"Type": "Parallel", "Branches": [branch]}, "Stop": stop, "Start": start}
    }
    made = tagged(definition, {"stack": "prod"})["States"]
    tags = [{"Key": "stack", "Value": "prod"}]
    assert made["Both"]["Branches"][0]["States"]["Job"]["Parameters"] == {"RoleArn": "r", "Tags": tags}
    assert made["Start"]["Parameters"] == {"Tags": tags}
    assert made["Stop"] == stop


def test_tags_change_nothing_else():
    def without_tags(value):
        if isinstance(value, dict):
            return {key: without_tags(item) for key, item in value.items() if key != "Tags"}
        return [without_tags(item) for item in value] if isinstance(value, list) else value

    made = tagged(DEFINITION, {"stack": "prod"})
    assert without_tags(made) == DEFINITION
    assert {name for name, state in made["States"].items() if "Tags" in state.get("Parameters", {})} == set(
        JOBS
    )
