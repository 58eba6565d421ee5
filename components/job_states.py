"""States around one SageMaker job: which machine it gets, and what happens while there is none.

For a step `X` whose data is at `$.x`:

    XPlan -> XTry -> X -> XCompleted -> the following step
              ^      |        |
              |      v        | waited in vain for a spot machine
              |   XError      |
              |      |        |
              +------+--------+-- no machine: XNextMachine
              +------+----------- quota used up: XTellWaiting, XQuotaWait, XNextWait
              +------+----------- AWS did not answer: XStop, XPause, XNextFault
                     +----------- anything else: Failed

`$.x.count` counts tries, machines, waits and faults; `$.x.job` has the name and the machine of the running
try. Each way back to `XTry` raises a counter that has a limit, so that no path goes on for ever; `try` grows
with all of them, so that no job's name is used twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]
States = dict[str, State]

LAMBDA_INVOKE = "arn:aws:states:::lambda:invoke"
SDK = "arn:aws:states:::aws-sdk:sagemaker"
FAILED = "Failed"
STOPPED = "Stopped"

FUNCTION_SECONDS = 330
CALL_SECONDS = 60
QUOTA_DELAYS = (60, 120, 240, 480, 960, *[1800] * 24)
"""Seconds after each try while the account's quota of machines is used up: 12 hours, none after the last."""
MAX_FAULTS = 5
"""How often AWS may fail to answer before the step fails."""
FAULT_PAUSE_SECONDS = 60
LOOK_SECONDS = 30
MAX_LOOKS = 1000
"""The watcher's looks over all machines: each is 13 events of the 25,000 that an execution may have."""

JOB_FAILED = "States.TaskFailed"
QUOTA_REACHED = ("SageMaker.ResourceLimitExceededException", "SageMaker.ResourceLimitExceeded")
NO_QUOTA = "*is 0 Instances*"
"""In the message about a quota that was never granted: no waiting frees it."""
TRANSIENT = (
    "SageMaker.AmazonSageMakerException",
    "SageMaker.InternalServerException",
    "SageMaker.SdkClientException",
    "SageMaker.ServiceUnavailable",
    "SageMaker.ThrottlingException",
)
NO_MACHINE = (
    '*"FailureReason":"CapacityError:*',
    '*"FailureReason":"InternalServerError:*',
    # AWS does not say whether `.sync` takes a stopped job for a failed one: these are for the case it does.
    '*"SecondaryStatus":"Stopped"*',
    '*"SecondaryStatus":"MaxWaitTimeExceeded"*',
)
"""In the description of a job that failed for want of a machine, not by what its container did."""
NOT_BEGUN = ("Starting", "LaunchingMLInstances", "PreparingTrainingStack", "Pending")
"""Secondary statuses of a training job that has no machine yet."""


@dataclass(frozen=True)
class Machine:
    """A machine to try.

    Attributes:
        instance_type: Its type.
        seconds: Longest run of the job.
        wait_seconds: Longest run with all waiting for spot capacity; None for a machine on demand.
    """

    instance_type: str
    seconds: int
    wait_seconds: int | None = None

    @property
    def is_spot(self) -> bool:
        """Whether it is a managed spot machine."""
        return self.wait_seconds is not None

    @property
    def longest_seconds(self) -> int:
        """When SageMaker ends the job at the latest."""
        return self.wait_seconds or self.seconds

    def described(self) -> State:
        """Give what `$.x.job.machine` is for this machine."""
        stopping = {"MaxRuntimeInSeconds": self.seconds}
        if self.wait_seconds is not None:
            stopping["MaxWaitTimeInSeconds"] = self.wait_seconds
        return {"instanceType": self.instance_type, "spot": self.is_spot, "stopping": stopping}


@dataclass(frozen=True)
class JobStep:
    """A step of the pipeline that is a SageMaker job.

    Attributes:
        state: Name of its state, and the beginning of the names around it.
        step: Its word in the names of jobs.
        data: Where the execution keeps its data, such as `$.train`.
        kind: Training or Processing.
        parameters: The job's request without its name; what the machine decides is at `<data>.job.machine`.
        machines: What to try in turn.
        margin_seconds: What SageMaker takes around the job's own time.
        spot_wait_seconds: How long a job may wait for a spot machine before the next machine is tried.
        steps_function: The function that is told of waiting.
        following: The state after it.
    """

    state: str
    step: str
    data: str
    kind: str
    parameters: State
    machines: Sequence[Machine]
    margin_seconds: int
    spot_wait_seconds: int
    steps_function: str
    following: str

    @property
    def timeout_seconds(self) -> int:
        """When Step Functions gives a job up; SageMaker ends it before."""
        return max(machine.longest_seconds for machine in self.machines) + self.margin_seconds

    @property
    def total_seconds(self) -> int:
        """Longest time of the step: every machine, every wait and every fault."""
        machines = sum(machine.longest_seconds + self.margin_seconds for machine in self.machines)
        waits = sum(delay + FUNCTION_SECONDS for delay in QUOTA_DELAYS)
        return machines + waits + MAX_FAULTS * (self.timeout_seconds + FAULT_PAUSE_SECONDS + CALL_SECONDS)


def job_states(step: JobStep) -> States:
    """Build the states of a step; it begins at `<state>Plan`."""
    name = step.state
    states = {
        f"{name}Plan": _pass(step.data, _first_data(step), f"{name}Try", constant=True),
        f"{name}Try": _pass(f"{step.data}.job", _this_try(step), name),
        name: _run(step),
        f"{name}Completed": _judge_end(step),
        f"{name}Error": _judge_error(step),
        f"{name}TellWaiting": _tell_waiting(step),
        f"{name}QuotaWait": {
            "Type": "Wait",
            "SecondsPath": f"{step.data}.job.delay",
            "Next": f"{name}NextWait",
        },
        f"{name}NextWait": _count(step, "waits"),
        f"{name}Stop": _best_effort(
            f"{SDK}:stop{step.kind}Job", step, f"{name}Pause", after_failure=f"{name}Pause"
        ),
        f"{name}Pause": {"Type": "Wait", "Seconds": FAULT_PAUSE_SECONDS, "Next": f"{name}NextFault"},
        f"{name}NextFault": _count(step, "faults"),
    }
    if len(step.machines) > 1:
        states[f"{name}NextMachine"] = _count(step, "machine")
    return states


def retry(*errors: str, seconds: int, attempts: int) -> State:
    """Repeat a call after some errors, with growing pauses."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": seconds,
        "MaxAttempts": attempts,
        "BackoffRate": 2.0,
        "MaxDelaySeconds": 300,
        "JitterStrategy": "FULL",
    }


def catch(following: str = FAILED) -> list[State]:
    """Go on after an error, kept at `$.failure`; a timeout has no cause to keep and says so itself."""
    return [
        {"ErrorEquals": ["States.Timeout"], "ResultPath": "$.failure", "Next": STOPPED},
        {"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Next": following},
    ]


def invoke_function(function: str, payload: State) -> State:
    """Call a Lambda function; what it answers is not kept."""
    return {
        "Type": "Task",
        "Resource": LAMBDA_INVOKE,
        "Parameters": {"FunctionName": function, "Payload": payload},
        "ResultPath": None,
        "TimeoutSeconds": FUNCTION_SECONDS,
        "Retry": [
            retry(
                "Lambda.ClientExecutionTimeoutException",
                "Lambda.ServiceException",
                "Lambda.AWSLambdaException",
                "Lambda.SdkClientException",
                "Lambda.TooManyRequestsException",
                seconds=2,
                attempts=6,
            )
        ],
    }


def _first_data(step: JobStep) -> State:
    return {
        "machines": [machine.described() for machine in step.machines],
        "delays": list(QUOTA_DELAYS),
        "count": {"try": 0, "machine": 0, "waits": 0, "faults": 0},
    }


def _this_try(step: JobStep) -> State:
    count = f"{step.data}.count"
    return {
        "name.$": f"States.Format('{{}}-{{}}-{step.step}-{{}}', $.jobId, $.attempt, {count}.try)",
        "machine.$": f"States.ArrayGetItem({step.data}.machines, {count}.machine)",
        "delay.$": f"States.ArrayGetItem({step.data}.delays, {count}.waits)",
    }


def _count(step: JobStep, counted: str) -> State:
    """Raise a counter, and the one that makes names new."""
    raised = {"try", counted}
    count = {
        f"{name}.$": f"States.MathAdd({step.data}.count.{name}, 1)"
        if name in raised
        else f"{step.data}.count.{name}"
        for name in ("try", "machine", "waits", "faults")
    }
    return _pass(f"{step.data}.count", count, f"{step.state}Try")


def _run(step: JobStep) -> State:
    job = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::sagemaker:create{step.kind}Job.sync",
        "Parameters": {f"{step.kind}JobName.$": f"{step.data}.job.name", **step.parameters},
        "TimeoutSeconds": step.timeout_seconds,
        # A throttled request made no job, so that its name is still new.
        "Retry": [retry("SageMaker.ThrottlingException", seconds=5, attempts=6)],
    }
    goes_on = {
        "ResultPath": f"{step.data}.ended",
        "Catch": catch(f"{step.state}Error"),
        "Next": f"{step.state}Completed",
    }
    if not any(machine.is_spot for machine in step.machines):
        return {**job, "ResultSelector": {"job.$": "$"}, **goes_on}
    # The watcher ends with the first look at a job that has begun, and at once with a job that fails.
    return {
        "Type": "Parallel",
        "Branches": [
            {"StartAt": f"{step.state}Job", "States": {f"{step.state}Job": {**job, "End": True}}},
            {"StartAt": f"{step.state}Watch", "States": _watcher(step)},
        ],
        "ResultSelector": {"job.$": "$[0]", "watcher.$": "$[1]"},
        **goes_on,
    }


def _watcher(step: JobStep) -> States:
    """Look at a spot job until it has begun; stop it when that takes too long."""
    name, seen = f"{step.state}Watch", "$.watch.seen"
    seconds, looks = _looks(step)
    waits = {"Or": [_equals(f"{seen}.secondary", status) for status in NOT_BEGUN]}
    return {
        name: {
            "Type": "Choice",
            "Choices": [
                {"Variable": f"{step.data}.job.machine.spot", "BooleanEquals": True, "Next": f"{name}Start"}
            ],
            "Default": f"{name}End",
        },
        f"{name}Start": _pass("$.watch", {"count": {"looks": 0}}, f"{name}Wait", constant=True),
        f"{name}Wait": {"Type": "Wait", "Seconds": seconds, "Next": f"{name}Look"},
        f"{name}Look": {
            **_best_effort(
                f"{SDK}:describe{step.kind}Job", step, f"{name}Judge", after_failure=f"{name}Count"
            ),
            "ResultSelector": {
                "status.$": f"$.{step.kind}JobStatus",
                "secondary.$": "$.SecondaryStatus",
            },
            "ResultPath": seen,
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": seen, "Next": f"{name}Count"}],
        },
        f"{name}Judge": {
            "Type": "Choice",
            "Choices": [{"And": [_equals(f"{seen}.status", "InProgress"), waits], "Next": f"{name}Count"}],
            "Default": f"{name}End",
        },
        f"{name}Count": _pass(
            "$.watch.count", {"looks.$": "States.MathAdd($.watch.count.looks, 1)"}, f"{name}Patience"
        ),
        f"{name}Patience": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.watch.count.looks", "NumericLessThan": looks, "Next": f"{name}Wait"},
                # Whoever could not look must not stop a job that may be at work.
                {"Variable": f"{seen}.secondary", "IsPresent": True, "Next": f"{name}Stop"},
            ],
            "Default": f"{name}End",
        },
        f"{name}Stop": _best_effort(
            f"{SDK}:stop{step.kind}Job", step, f"{name}GaveUp", after_failure=f"{name}End"
        ),
        f"{name}GaveUp": {"Type": "Pass", "Result": {"gaveUp": True}, "End": True},
        f"{name}End": {"Type": "Pass", "Result": {"gaveUp": False}, "End": True},
    }


def _looks(step: JobStep) -> tuple[int, int]:
    """Give the seconds between looks, and how many there are for one machine."""
    spot_machines = sum(machine.is_spot for machine in step.machines)
    seconds = max(LOOK_SECONDS, -(-step.spot_wait_seconds * spot_machines // MAX_LOOKS))
    return seconds, max(1, -(-step.spot_wait_seconds // seconds))


def _judge_end(step: JobStep) -> State:
    """Look at a job's status: one that was stopped, as at its time limit, is no error to Step Functions."""
    ended = f"{step.data}.ended"
    choices = [{**_equals(f"{ended}.job.{step.kind}JobStatus", "Completed"), "Next": step.following}]
    if any(machine.is_spot for machine in step.machines):
        in_vain = [
            {"Variable": f"{ended}.watcher.gaveUp", "BooleanEquals": True},
            _equals(f"{ended}.job.SecondaryStatus", "MaxWaitTimeExceeded"),
        ]
        choices.append(
            {"And": [_has_next_machine(step), {"Or": in_vain}], "Next": f"{step.state}NextMachine"}
        )
    return {"Type": "Choice", "Choices": choices, "Default": STOPPED}


def _judge_error(step: JobStep) -> State:
    quota_reached = {"Or": [_equals("$.failure.Error", error) for error in QUOTA_REACHED]}
    no_quota = {"Variable": "$.failure.Cause", "StringMatches": NO_QUOTA}
    no_machine = {
        "And": [
            _equals("$.failure.Error", JOB_FAILED),
            {"Or": [{"Variable": "$.failure.Cause", "StringMatches": pattern} for pattern in NO_MACHINE]},
        ]
    }
    transient = {"Or": [_equals("$.failure.Error", error) for error in TRANSIENT]}
    count = f"{step.data}.count"
    choices = [
        {
            "And": [
                {"Variable": f"{count}.waits", "NumericLessThan": len(QUOTA_DELAYS) - 1},
                quota_reached,
                {"Not": no_quota},
            ],
            "Next": f"{step.state}TellWaiting",
        },
        {
            "And": [{"Variable": f"{count}.faults", "NumericLessThan": MAX_FAULTS}, transient],
            "Next": f"{step.state}Stop",
        },
    ]
    if len(step.machines) > 1:
        elsewhere = {"Or": [no_machine, {"And": [quota_reached, no_quota]}]}
        choices.append({"And": [_has_next_machine(step), elsewhere], "Next": f"{step.state}NextMachine"})
    return {"Type": "Choice", "Choices": choices, "Default": FAILED}


def _has_next_machine(step: JobStep) -> State:
    return {"Variable": f"{step.data}.count.machine", "NumericLessThan": len(step.machines) - 1}


def _tell_waiting(step: JobStep) -> State:
    """Tell the person that the job waits; a job whose waiting could not be told waits all the same."""
    payload = {
        "action": "wait_for_machine",
        "jobId.$": "$.jobId",
        "attempt.$": "$.attempt",
        "step": step.step,
        "try.$": f"{step.data}.count.try",
    }
    following = f"{step.state}QuotaWait"
    return {
        **invoke_function(step.steps_function, payload),
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": following}],
        "Next": following,
    }


def _best_effort(resource: str, step: JobStep, following: str, *, after_failure: str) -> State:
    """Call SageMaker about the job of this try, and go on whatever it answers."""
    return {
        "Type": "Task",
        "Resource": resource,
        "Parameters": {f"{step.kind}JobName.$": f"{step.data}.job.name"},
        "ResultPath": None,
        "TimeoutSeconds": CALL_SECONDS,
        "Retry": [
            retry(
                "SageMaker.SageMakerException",
                "SageMaker.SdkClientException",
                "SageMaker.ThrottlingException",
                seconds=2,
                attempts=3,
            )
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": after_failure}],
        "Next": following,
    }


def _pass(place: str, content: State, following: str, *, constant: bool = False) -> State:
    return {
        "Type": "Pass",
        "Result" if constant else "Parameters": content,
        "ResultPath": place,
        "Next": following,
    }


def _equals(variable: str, value: str) -> State:
    return {"Variable": variable, "StringEquals": value}
