"""The state machine's definition: complete, patient with AWS, and honest about failures."""

import json
import re
from dataclasses import replace

import pytest

from components.definition import Machines, Parts, build_definition, tagged
from components.job_states import FAILED, LAMBDA_INVOKE, SDK, STOPPED
from functions.capture_check.models import CheckEvent
from functions.pipeline_steps.models import StepEvent
from functions.shared.failures import explain
from functions.shared.job_names import (
    STEPS,
    model_prefix,
    progress_key,
    sfm_report_key,
)
from tests.program.states_language import machines_of, read, states_of

JOB = "00000000-0000-4000-8000-000000000000"
SOURCE = "11111111-0000-4000-8000-000000000000"
PARTS = Parts(
    check_function="the-check-function",
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
    training=("ml.b.large", "ml.b.xlarge"),
    compressor="ml.c.large",
    use_spot=True,
    max_training_seconds=7200,
    spot_wait_seconds=1200,
)
DEFINITION = build_definition(PARTS, MACHINES)
ENDS = ("Succeed", "Fail")
NAMES = {"Sfm": "sfm", "Train3dgs": "3dgs", "Compressor": "compressor"}

STATES = states_of(DEFINITION)
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
JOBS = {
    name.removesuffix("Job"): state for name, state in TASKS.items() if state["Resource"].endswith(".sync")
}
CALLS = {name: state for name, state in TASKS.items() if state["Resource"].startswith(SDK)}


def targets(state):
    steps = [state, *state.get("Choices", []), *state.get("Catch", [])]
    return {step[key] for step in steps for key in ("Next", "Default") if key in step}


def reached_from(name):
    reached, waiting = set(), {name}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= targets(DEFINITION["States"][name]) - reached
    return reached


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


def evaluate(text):
    """What a `States.Format` gives for one job that begins with another's results."""
    template, *arguments = re.fullmatch(r"States\.Format\('(.*)', (.*)\)", text).groups()
    values = {"$.jobId": JOB, "$.sourceJobId": SOURCE}
    return template.format(*(values[name.strip()] for name in arguments[0].split(",")))


def plan(name):
    """What a step's execution begins with."""
    return STATES[f"{name}Plan"]["Result"]


def test_every_target_exists_and_every_state_is_reached():
    for machine in machines_of(DEFINITION):
        reached, waiting = set(), {machine["StartAt"]}
        while waiting:
            name = waiting.pop()
            assert name in machine["States"], name
            reached.add(name)
            waiting |= targets(machine["States"][name]) - reached
        assert reached == set(machine["States"])


def test_no_name_is_used_twice_in_branches():
    assert len(STATES) == sum(len(machine["States"]) for machine in machines_of(DEFINITION))


def test_every_state_goes_on_or_ends():
    for name, state in STATES.items():
        ends = state["Type"] in ENDS or state.get("End") is True
        assert ends == (not targets(state)), name


@pytest.mark.parametrize("name", TASKS)
def test_every_task_is_retried_and_ended(name):
    task = TASKS[name]
    assert task["TimeoutSeconds"] > 0
    assert task["TimeoutSeconds"] < DEFINITION["TimeoutSeconds"]
    assert task["Retry"]
    for retry in task["Retry"]:
        assert retry["MaxAttempts"] >= 3
        assert retry["BackoffRate"] > 1
        assert retry["MaxDelaySeconds"] > retry["IntervalSeconds"]
        # What a container or a check says is final: repeating it would only cost.
        assert not {"States.ALL", "States.TaskFailed", "States.Timeout"} & set(retry["ErrorEquals"])


@pytest.mark.parametrize(
    "name", [n for n, s in DEFINITION["States"].items() if s["Type"] in ("Task", "Parallel", "Map")]
)
def test_every_error_is_caught_and_kept_until_the_end(name):
    state = DEFINITION["States"][name]
    *others, last = state["Catch"]
    assert last["ErrorEquals"] == ["States.ALL"]
    if name.endswith(("TellWaiting", "Stop")):
        # Done as well as may be: the job goes on as if it had been.
        assert last["ResultPath"] is None
        assert last["Next"] == state["Next"]
        return
    assert {catch["ResultPath"] for catch in state["Catch"]} == {"$.failure"}
    assert FAILED in reached_from(last["Next"])
    assert [(catch["ErrorEquals"], catch["Next"]) for catch in others] == [(["States.Timeout"], STOPPED)]


@pytest.mark.parametrize("name", CALLS)
def test_a_call_beside_the_job_never_fails_the_execution(name):
    assert CALLS[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"]


def test_a_failure_keeps_its_error_and_cause():
    failed = STATES[FAILED]
    assert failed["Type"] == "Fail"
    assert (failed["ErrorPath"], failed["CausePath"]) == ("$.failure.Error", "$.failure.Cause")
    assert not {"Error", "Cause"} & set(failed)


def test_people_are_told_that_a_step_took_too_long():
    stopped = STATES[STOPPED]
    told = explain("FAILED", stopped["Error"], stopped["Cause"])
    assert "took longer than it may" in told.sentence


@pytest.mark.parametrize("name", JOBS)
def test_a_job_that_was_stopped_does_not_count_as_done(name):
    choice = STATES[f"{name}Completed"]
    assert STATES[name]["Next"] == f"{name}Completed"
    done = [rule for rule in choice["Choices"] if not rule["Next"].endswith("NextMachine")]
    assert [rule["StringEquals"] for rule in done] == ["Completed"]
    assert "JobStatus" in done[0]["Variable"]
    assert STATES[choice["Default"]]["Type"] == "Fail"


@pytest.mark.parametrize("name", JOBS)
def test_a_quota_that_is_used_up_is_waited_for_for_hours(name):
    delays = plan(name)["delays"]
    assert delays == sorted(delays)
    assert sum(delays) > 6 * 3600
    assert delays[0] < 300
    assert max(delays) <= 3600


@pytest.mark.parametrize("name", JOBS)
def test_a_step_waits_for_its_job_and_the_job_ends_first(name):
    task = JOBS[name]
    kind = "Training" if name == "Train3dgs" else "Processing"
    assert task["Resource"] == f"arn:aws:states:::sagemaker:create{kind}Job.sync"
    for machine in plan(name)["machines"]:
        assert task["TimeoutSeconds"] > max(machine["stopping"].values())
    assert given(task, "EnableNetworkIsolation") == [True]
    assert given(task, "InstanceCount") == [1]
    assert all(size > 0 for size in given(task, "VolumeSizeInGB"))


def test_the_whole_takes_longer_than_its_steps():
    once = sum(task["TimeoutSeconds"] for name, task in TASKS.items() if name not in CALLS)
    waits = sum(sum(plan(name)["delays"]) for name in JOBS)
    machines = sum(
        max(machine["stopping"].values()) for name in JOBS for machine in plan(name)["machines"][1:]
    )
    assert DEFINITION["TimeoutSeconds"] > once + waits + machines


@pytest.mark.parametrize(
    ("name", "events", "function"),
    [
        ("CheckCapture", CheckEvent, PARTS.check_function),
        ("QualityGate", StepEvent, PARTS.steps_function),
        ("Publish", StepEvent, PARTS.steps_function),
        ("SfmTellWaiting", StepEvent, PARTS.steps_function),
    ],
)
def test_function_steps_send_events_that_the_function_takes(name, events, function):
    payload = TASKS[name]["Parameters"]["Payload"]
    data = {
        "jobId": JOB,
        "attempt": "2",
        "sourceJobId": SOURCE,
        "captureUri": "s3://uploads/uploads/owner/capture/",
        "sfm": {"count": {"try": 3}},
    }
    event = {
        key.removesuffix(".$"): read(value, data) if key.endswith(".$") else value
        for key, value in payload.items()
    }
    assert events.validate_python(event).action == event["action"]
    assert TASKS[name]["Parameters"]["FunctionName"] == function
    # The input goes on unchanged to the steps that follow.
    assert TASKS[name]["ResultPath"] is None


def test_each_step_tells_of_its_own_waiting():
    told = {TASKS[f"{name}TellWaiting"]["Parameters"]["Payload"]["step"]: name for name in JOBS}
    assert told == {step: name for name, step in NAMES.items()}
    assert set(told) == set(STEPS)


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
    # A job that starts at a later step reads the results of the job that it begins with.
    assert evaluate(train["/opt/ml/input/data/sfm"]).replace(SOURCE, JOB) == f"{result}/"
    assert (
        compressor["/opt/ml/processing/input/model"] == f"{STATES['Train3dgsResult']['ResultPath']}.artifacts"
    )
    assert evaluate(compressor["/opt/ml/processing/input/sfm"]) == base + sfm_report_key(SOURCE)
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
        place, machine = f"{STATES[f'{name}Plan']['ResultPath']}.job", plan(name)["machines"][0]
        assert given(JOBS[name], "InstanceType") == [f"{place}.machine.instanceType"]
        assert STATES[f"{name}Try"]["ResultPath"] == place
        wanted = {"Sfm": MACHINES.sfm, "Train3dgs": MACHINES.training[0], "Compressor": MACHINES.compressor}
        assert machine["instanceType"] == wanted[name]


@pytest.mark.parametrize("use_spot", [True, False])
@pytest.mark.parametrize("types", [("ml.a.x",), ("ml.a.x", "ml.b.x", "ml.c.x")])
def test_every_machine_of_the_settings_is_tried_and_the_last_one_is_on_demand(use_spot, types):
    machines = replace(MACHINES, training=types, use_spot=use_spot)
    states = build_definition(PARTS, machines)["States"]
    tried = states["Train3dgsPlan"]["Result"]["machines"]
    spot = [machine["spot"] for machine in tried]
    assert [machine["instanceType"] for machine in tried if machine["spot"]] == (
        list(types) if use_spot else []
    )
    assert [machine["instanceType"] for machine in tried if not machine["spot"]] == list(types)
    assert spot == sorted(spot, reverse=True)
    assert ("Branches" in states["Train3dgs"]) is use_spot
    for machine in tried:
        limits = machine["stopping"]
        assert limits["MaxRuntimeInSeconds"] == machines.max_training_seconds
        assert ("MaxWaitTimeInSeconds" in limits) is machine["spot"]
        if machine["spot"]:
            assert limits["MaxWaitTimeInSeconds"] > limits["MaxRuntimeInSeconds"] + machines.spot_wait_seconds


def test_every_try_goes_on_from_the_same_checkpoints():
    place = JOBS["Train3dgs"]["Parameters"]["CheckpointConfig"]
    assert place["LocalPath"] == "/opt/ml/checkpoints"
    assert evaluate(place["S3Uri.$"]) == f"s3://{PARTS.ml_bucket}/jobs/{JOB}/3dgs/checkpoints/"


@pytest.mark.parametrize("seconds", [60, 1200, 24 * 3600])
def test_the_watcher_is_patient_as_long_as_it_should_and_leaves_room_in_the_history(seconds):
    states = build_definition(PARTS, replace(MACHINES, spot_wait_seconds=seconds))["States"]
    (_, watcher) = states["Train3dgs"]["Branches"]
    between = watcher["States"]["Train3dgsWatchWait"]["Seconds"]
    looks = watcher["States"]["Train3dgsWatchPatience"]["Choices"][0]["NumericLessThan"]
    assert seconds <= between * looks < seconds + between
    events = looks * 13 * len(MACHINES.training)
    assert events < 15_000


def test_no_arn_is_written_down():
    written = [text for text in strings(DEFINITION) if "arn:" in text]
    assert set(written) == {LAMBDA_INVOKE, *(task["Resource"] for task in [*JOBS.values(), *CALLS.values()])}
    assert not re.search(r"\d{12}", json.dumps({k: v for k, v in DEFINITION.items() if k != "Comment"}))


def test_it_starts_at_the_step_that_is_asked_for():
    start = STATES[DEFINITION["StartAt"]]
    first = {rule["StringEquals"]: rule["Next"] for rule in start["Choices"]}
    assert set(first) == {"sfm", "3dgs", "compressor"}
    assert all(rule["Variable"] == "$.startAt" for rule in start["Choices"])
    assert STATES[start["Default"]]["Type"] == "Fail"
    assert "Sfm" not in reached_from(first["3dgs"])
    assert "Train3dgs" not in reached_from(first["compressor"])


def test_it_is_plain_json():
    assert json.loads(json.dumps(DEFINITION)) == DEFINITION


def test_tags_reach_every_job_however_deep_it_lies():
    job = {"Resource": JOBS["Train3dgs"]["Resource"], "Parameters": {"RoleArn": "r"}}
    branch = {"StartAt": "Job", "States": {"Job": job}}
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
    bearing = [state for state in states_of(made).values() if "Tags" in state.get("Parameters", {})]
    assert [without_tags(state) for state in bearing] == [
        state for state in STATES.values() if ":sagemaker:create" in state.get("Resource", "")
    ]
