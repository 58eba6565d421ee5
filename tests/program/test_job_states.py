"""Whatever befalls the training's machines: the state machine run over scripted outcomes of SageMaker."""

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.session import get_session
from hypothesis import given, settings
from hypothesis import strategies as st

from components.definition import build_definition
from components.job_states import LAMBDA_INVOKE, NOT_BEGUN, QUOTA_REACHED, SDK, STOPPED
from functions.shared.failures import explain
from functions.shared.job_names import StepJobName, parse_step_job_name
from tests.program.states_language import Interpreter, StateError
from tests.program.test_definition import JOB, MACHINES, PARTS, SOURCE

INPUT = {
    "jobId": JOB,
    "attempt": "2",
    "owner": "me",
    "captureUri": "s3://uploads/uploads/me/capture/",
    "startAt": "sfm",
    "sourceJobId": JOB,
    "arguments": {"sfm": [], "compressor": []},
    "hyperparameters": {},
}
CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML "
    "instance type."
)
LIMIT = (
    "The account-level service limit 'ml.b.large for spot training job usage' is {} Instances, with current "
    "utilization of {} Instances and a request delta of 1 Instances."
)
ELSEWHERE = ("no spot", "spot lost", "capacity", "internal error", "no quota", "stopped is failed")
"""Outcomes after which another machine may do it."""
AGAIN = ("quota", "fault")
"""Outcomes after which the same machine may do it."""
FINAL = ("completed", "capture", "too long", "timeout")
BEGUN = (
    *("Downloading", "DownloadingTrainingImage", "Training", "Uploading", "Stopping"),
    *("Interrupted", "Updating", "Restarting"),
)
ENDED = ("Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded", "Completed", "Failed")
MACHINES = replace(MACHINES, spot_wait_seconds=120)
TRIED = MACHINES.for_training


def job_error(status: str, reason: str = "") -> StateError:
    """What Step Functions makes of a job that did not complete."""
    description = {"TrainingJobStatus": status, "SecondaryStatus": status, "FailureReason": reason}
    return StateError("States.TaskFailed", json.dumps(description, separators=(",", ":")))


ERRORS = {
    "quota": StateError(QUOTA_REACHED[0], LIMIT.format(2, 2)),
    "no quota": StateError(QUOTA_REACHED[0], LIMIT.format(0, 0)),
    "fault": StateError("SageMaker.AmazonSageMakerException", "Service Unavailable"),
    "capacity": job_error("Failed", CAPACITY),
    "internal error": job_error("Failed", "InternalServerError: We encountered an internal error."),
    "capture": job_error("Failed", 'AlgorithmError: It says "CapacityError: no". Fly again., exit code: 1'),
    "timeout": StateError("States.Timeout"),
    "stopped is failed": job_error("Stopped"),
}


@dataclass
class FakeSageMaker:
    """Answers the tasks of an execution: trainings end as a script says, the rest succeeds.

    Attributes:
        script: Outcomes of one training after another; the last one goes on for ever.
        look_fails: Whether describing a job fails.
        created: Requests that made or would have made a training.
        stopped: Names of the jobs that were stopped.
        told: What the steps function was told.
    """

    script: Sequence[str]
    look_fails: bool = False
    created: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    told: list[dict[str, Any]] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """Outcome of the training that comes next, or that the watcher looks at."""
        return self.script[min(len(self.created), len(self.script) - 1)]

    def __call__(self, resource: str, parameters: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
        if resource == LAMBDA_INVOKE:
            self.told.append(parameters["Payload"])
            return {"Payload": {}}
        if resource == f"{SDK}:describeTrainingJob":
            return self._describe()
        if resource in (f"{SDK}:stopTrainingJob", f"{SDK}:stopProcessingJob"):
            self.stopped.append(parameters["TrainingJobName"])
            return {}
        if "Processing" in resource:
            return {"ProcessingJobStatus": "Completed"}
        return self._train(parameters)

    def _describe(self) -> dict[str, str]:
        if self.look_fails:
            raise StateError("SageMaker.SageMakerException", "Rate exceeded")
        if self.outcome in ("quota", "no quota", "fault"):
            raise StateError("SageMaker.SageMakerException", "Requested resource not found.")
        secondary = "Starting" if self.outcome in ("no spot", "capacity", "stopped is failed") else "Training"
        return {"TrainingJobStatus": "InProgress", "SecondaryStatus": secondary}

    def _train(self, request: dict[str, Any]) -> dict[str, Any]:
        outcome, name = self.outcome, request["TrainingJobName"]
        self.created.append(request)
        if outcome in ERRORS:
            raise ERRORS[outcome]
        if outcome == "completed":
            artifacts = {"S3ModelArtifacts": f"s3://ml/{name}/model.tar.gz"}
            return self._ended("Completed", "Completed", ModelArtifacts=artifacts)
        if outcome == "no spot" and name in self.stopped:
            return self._ended("Stopped", "Stopped")
        return self._ended(
            "Stopped", "MaxRuntimeExceeded" if outcome == "too long" else "MaxWaitTimeExceeded"
        )

    def _ended(self, status: str, secondary: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
        return {"TrainingJobStatus": status, "SecondaryStatus": secondary, **more}


def run(script, machines=MACHINES, data=INPUT, *, look_fails=False):
    """Run an execution; give SageMaker, the interpreter, and the failure if any."""
    fake = FakeSageMaker(script, look_fails)
    interpreter = Interpreter(build_definition(PARTS, machines), fake)
    try:
        interpreter.run(data)
    except StateError as error:
        return fake, interpreter, error
    return fake, interpreter, None


def types(fake):
    return [(one["ResourceConfig"]["InstanceType"], one["EnableManagedSpotTraining"]) for one in fake.created]


def expected(script):
    """Say what should come of a script: whether a model is made, and on which machines it was tried."""
    machine, counts, tried = 0, Counter[str](), []
    for outcome in itertools.chain(script, itertools.repeat(script[-1])):
        tried.append((TRIED[machine].instance_type, TRIED[machine].is_spot))
        counts[outcome] += 1
        if outcome in FINAL:
            return outcome == "completed", tried
        if outcome in AGAIN:
            if counts[outcome] > {"quota": 28, "fault": 5}[outcome]:
                return False, tried
        elif machine == len(TRIED) - 1:
            return False, tried
        else:
            machine += 1
    raise AssertionError


def check(script):
    fake, interpreter, failure = run(script)
    made, tried = expected(script)
    assert (failure is None) == made, (script, failure)
    assert types(fake) == tried, script
    names = [one["TrainingJobName"] for one in fake.created]
    assert len(set(names)) == len(names)
    assert [parse_step_job_name(name) for name in names] == [
        StepJobName(JOB, 2, "3dgs", number) for number in range(len(names))
    ]
    assert all(len(name) <= 63 for name in names)
    for one in fake.created:
        spot = one["EnableManagedSpotTraining"]
        assert ("MaxWaitTimeInSeconds" in one["StoppingCondition"]) is spot
    told = [event["try"] for event in fake.told if event["action"] == "wait_for_machine"]
    refused = [
        index
        for index in range(len(fake.created))
        if script[min(index, len(script) - 1)] == "quota" and (made or index < len(fake.created) - 1)
    ]
    assert told == refused, script
    assert interpreter.waited < interpreter.definition["TimeoutSeconds"]


def possible(script):
    """Tell what can happen: a machine on demand does not wait for spot capacity."""
    spot = sum(machine.is_spot for machine in TRIED)
    moves = 0
    for outcome in itertools.chain(script, script[-1:] * len(TRIED)):
        if outcome in ("no spot", "spot lost") and moves >= spot:
            return False
        moves += outcome in ELSEWHERE
    return True


@pytest.mark.parametrize("first", [*ELSEWHERE, *AGAIN, *FINAL])
def test_any_three_outcomes_are_handled(first):
    outcomes = [*ELSEWHERE, *AGAIN, *FINAL]
    scripts = [(first, *rest) for rest in itertools.product(outcomes, repeat=2)]
    for script in filter(possible, scripts):
        check(script)


@given(st.lists(st.sampled_from([*ELSEWHERE, *AGAIN]), max_size=12), st.sampled_from([*AGAIN, *FINAL]))
@settings(max_examples=100, deadline=None)
def test_long_troubles_are_handled(troubles, last):
    script = (*troubles, last)
    if possible(script):
        check(script)


def test_a_spot_job_that_waits_too_long_is_stopped_and_the_next_machine_takes_over():
    fake, _, failure = run(["no spot", "no spot", "completed"])
    assert failure is None
    assert types(fake) == [("ml.b.large", True), ("ml.b.xlarge", True), ("ml.b.large", False)]
    assert fake.stopped == [one["TrainingJobName"] for one in fake.created[:2]]
    checkpoints = {one["CheckpointConfig"]["S3Uri"] for one in fake.created}
    assert len(checkpoints) == 1


@pytest.mark.parametrize("status", NOT_BEGUN)
def test_every_status_without_a_machine_is_waiting(status, monkeypatch):
    waiting = {"TrainingJobStatus": "InProgress", "SecondaryStatus": status}
    monkeypatch.setattr(FakeSageMaker, "_describe", lambda self: waiting)
    fake, _, _ = run(["no spot", "capture"])
    assert len(fake.created) == 2


def test_every_status_of_sagemaker_is_waiting_or_work_or_an_end():
    known = get_session().get_service_model("sagemaker").shape_for("SecondaryStatus").enum
    assert sorted([*NOT_BEGUN, *BEGUN, *ENDED]) == sorted(known)


@pytest.mark.parametrize("status", BEGUN)
def test_a_job_that_has_begun_is_left_alone_at_the_first_look(status, monkeypatch):
    begun = {"TrainingJobStatus": "InProgress", "SecondaryStatus": status}
    monkeypatch.setattr(FakeSageMaker, "_describe", lambda self: begun)
    fake, interpreter, failure = run(["completed"])
    assert failure is None
    assert fake.stopped == []
    assert interpreter.visited.count("Train3dgsWatchLook") == 1


def test_a_watcher_that_cannot_look_stops_nothing():
    fake, _, failure = run(["completed"], look_fails=True)
    assert failure is None
    assert fake.stopped == []


def test_machines_on_demand_are_not_watched():
    fake, interpreter, failure = run(["completed"], replace(MACHINES, use_spot=False))
    assert failure is None
    assert fake.stopped == []
    assert not [name for name in interpreter.visited if "Watch" in name]


def test_a_request_that_was_not_answered_may_have_made_a_job_which_is_stopped():
    fake, _, failure = run(["fault", "fault", "completed"])
    assert failure is None
    assert fake.stopped == [one["TrainingJobName"] for one in fake.created[:2]]


def test_the_quota_is_waited_for_with_growing_delays():
    _, once, _ = run(["quota", "completed"])
    _, twice, _ = run(["quota", "quota", "completed"])
    watching = run(["completed"])[1].waited
    first, second = once.waited - watching, twice.waited - once.waited
    assert 0 < first < second


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (["quota"], "No machine was free"),
        (["capacity"], "No machine was free"),
        (["no quota"], "No machine was free"),
        (["capture"], "It says"),
        (["too long"], "longer than it may"),
        (["timeout"], "longer than it may"),
        (["fault"], "Something went wrong on our side"),
    ],
)
def test_people_are_told_why(script, words):
    _, interpreter, failure = run(script)
    assert failure is not None
    assert words in explain("FAILED", failure.error, failure.cause).sentence
    assert (interpreter.visited[-1] == STOPPED) == (words == "longer than it may")


def test_a_later_start_uses_the_earlier_jobs_results():
    data = {**INPUT, "startAt": "3dgs", "sourceJobId": SOURCE}
    fake, interpreter, failure = run(["completed"], data=data)
    assert failure is None
    assert "Sfm" not in interpreter.visited
    (channel,) = fake.created[0]["InputDataConfig"]
    assert SOURCE in channel["DataSource"]["S3DataSource"]["S3Uri"]
    assert JOB in fake.created[0]["OutputDataConfig"]["S3OutputPath"]
    data = {**data, "startAt": "compressor", "train": {"artifacts": "s3://ml/earlier/model.tar.gz"}}
    fake, interpreter, failure = run(["capture"], data=data)
    assert failure is None
    assert fake.created == []
    assert interpreter.visited[-1] == "Published"
