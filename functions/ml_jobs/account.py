"""What a job takes and costs, and whether it waits, as its owner is told."""

from collections.abc import Mapping

from functions.ml_jobs.answers import Amounts, Bill, Forecast, Queue, StepBill, StepForecast
from functions.ml_jobs.estimate import TYPICAL_PHOTOS, estimate
from functions.ml_jobs.machines import REFERENCE
from functions.ml_jobs.presets import PRESETS
from functions.shared.amounts import dollars, duration
from functions.shared.clock import iso
from functions.shared.job_names import STEPS
from functions.shared.jobs import ACTIVE, WAITING_FOR_MACHINE, JobRow
from functions.shared.prices import CENT_DIGITS, Prices
from functions.shared.spending import Estimate, MachineUse, Span, cost_of

_NOT_RECORDED = "What this job's machines took was not recorded."
_ALL_IN_USE = "All machines are in use: the job waits for one and goes on by itself."
_BEING_STARTED = "A machine is being started; this takes minutes, and longer when AWS has few of its kind."
_GUESSED = " What is in archives was guessed by their size."
_WAITING_WORDS = frozenset({"Starting", "Pending", "Interrupted"})
"""SageMaker's words for a training whose machine is not there yet, or was taken away."""
_NO_SECOND = "InProgress"
"""All that SageMaker says of a processing job that has not ended."""


def tell_estimate(estimated: Estimate, *, counted: bool = True) -> Forecast:
    """Describe an estimate to whom it was made for.

    Args:
        estimated: The estimate.
        counted: Whether its photos were counted, or guessed by the size of archives.
    """
    return Forecast(
        photos=estimated.photos,
        megapixels=estimated.megapixels,
        seconds=_amounts(estimated.seconds, 0),
        waiting_seconds=_amounts(estimated.waiting_seconds, 0),
        usd=_amounts(estimated.usd, CENT_DIGITS) if estimated.usd else None,
        usd_reason=estimated.usd_reason,
        finishes_at=iso(estimated.finishes_at),
        steps={
            step: StepForecast(
                machine=one.machine,
                seconds=_amounts(one.seconds, 0),
                usd=_amounts(one.usd, CENT_DIGITS) if one.usd else None,
            )
            for step, one in estimated.steps.items()
        },
        learned_from=estimated.learned_from,
        sentence=_sentence(estimated) + ("" if counted else _GUESSED),
    )


def tell_cost(job: JobRow, now: int, prices: Prices) -> Bill:
    """Describe what a job's machines have cost: so far, or altogether.

    Args:
        job: The job.
        now: Epoch milliseconds.
        prices: Of the machine that works now.
    """
    active = job.status in ACTIVE
    if job.status == "SUCCEEDED" and not job.machines:
        # A job from before its machines were counted: a model was made, so there were some.
        return Bill(usd=None, reason=_NOT_RECORDED, so_far=False, upper_bound=False, by_steps={})
    cost = cost_of(job.machines, _running(job, now, prices), so_far=active, prices=prices)
    return Bill(
        usd=_cents(cost.usd),
        reason=cost.reason,
        so_far=cost.so_far,
        upper_bound=cost.upper_bound,
        by_steps={
            step: StepBill(
                machines=list(one.machines),
                seconds=round(one.machine_seconds, 1),
                billed_seconds=round(one.billed_seconds, 1),
                usd=_cents(one.usd),
            )
            for step, one in cost.steps.items()
        },
    )


def tell_queue(job: JobRow) -> Queue:
    """Say whether a job waits for a machine, and since when."""
    if not _waits(job):
        return Queue(state="none", since=None, sentence="")
    sentence = _ALL_IN_USE if job.stage_status == WAITING_FOR_MACHINE else _BEING_STARTED
    since = iso(job.stage_event_at) if job.stage_event_at else None
    return Queue(state="waiting_for_machine", since=since, sentence=sentence)


def shares_of(job: JobRow) -> Mapping[str, float]:
    """Give the share of a job's time that each step takes, by its own estimate or that of a usual job."""
    return (job.estimate or usual_estimate(job.preset)).shares


def usual_estimate(preset: str) -> Estimate:
    """Estimate a usual job on the usual machines; of an unknown preset as of the standard one."""
    return estimate(
        TYPICAL_PHOTOS,
        PRESETS.get(preset, PRESETS["standard"]),
        machines=REFERENCE,
        prices=Prices.with_overrides("{}"),
        now=0,
    )


def _running(job: JobRow, now: int, prices: Prices) -> MachineUse | None:
    """Say what the machine that works now has taken: all counts, until SageMaker says what is billed."""
    counted = {use.order for use in job.machines}
    if job.status not in ACTIVE or job.stage_running_since is None or job.stage_order in counted:
        return None
    seconds = max(0.0, (now - job.stage_running_since) / 1000)
    return MachineUse(
        step=job.current_stage,
        order=job.stage_order,
        instance_type=job.stage_machine,
        machine_seconds=seconds,
        billed_seconds=seconds,
        usd=prices.usd(job.stage_machine, seconds),
    )


def _waits(job: JobRow) -> bool:
    if job.status not in ACTIVE or job.current_stage not in STEPS:
        return False
    if job.stage_status == WAITING_FOR_MACHINE or job.stage_status in _WAITING_WORDS:
        return True
    return job.stage_status == _NO_SECOND and job.stage_running_since is None


def _sentence(estimated: Estimate) -> str:
    seconds, usd = estimated.seconds, estimated.usd
    cost = f" and {dollars(usd.likely)}" if usd else ""
    most = f" and {dollars(usd.high)}" if usd else ""
    return (
        f"About {duration(seconds.likely)}{cost}, at most {duration(seconds.high)}{most}; "
        f"waiting for machines usually adds {duration(estimated.waiting_seconds.likely)} and costs nothing."
    )


def _amounts(span: Span, digits: int) -> Amounts:
    return Amounts(
        low=round(span.low, digits), likely=round(span.likely, digits), high=round(span.high, digits)
    )


def _cents(usd: float | None) -> float | None:
    return None if usd is None else round(usd, CENT_DIGITS)
