"""What a job will take and cost, before it starts: the model's seconds, what earlier jobs taught, the prices.

Waiting for machines is stated apart: 2.5 minutes per step are what SageMaker usually takes to start one, but
a GPU may take an hour and more when AWS has few. Of a spot machine's time 35 % is taken to be billed: the
usual saving is 65 %, and none where training ends up on demand.
"""

from collections.abc import Iterable, Mapping, Sequence

from functions.ml_jobs.experience import corrected
from functions.ml_jobs.machines import Machines
from functions.ml_jobs.step_times import Options, Photos, step_seconds
from functions.shared.job_names import SFM, STEPS, TRAINING
from functions.shared.prices import EXACT_DIGITS, Prices
from functions.shared.spending import Estimate, Span, StepEstimate

WAITING_SECONDS = Span(low=60, likely=150, high=400)
SPOT_SHARE = (0.3, 0.35, 1.0)
"""What of a spot machine's time is billed; all of it where training ends up on demand."""
TYPICAL_PHOTOS = Photos(150)
"""A usual job's."""


def estimate(
    photos: Photos,
    options: Options,
    *,
    machines: Machines,
    prices: Prices,
    now: int,
    start_at: str = SFM,
    experience: Mapping[str, Sequence[float]] | None = None,
) -> Estimate:
    """Estimate a job.

    Args:
        photos: Its photos.
        options: Of each step, as the containers take them.
        machines: What the steps run on.
        prices: What those cost.
        now: When it would start, epoch milliseconds.
        start_at: Its first step.
        experience: By step, how many times the model's seconds earlier jobs took, from `experience_of`.
    """
    steps: dict[str, StepEstimate] = {}
    seen = experience or {}
    for step in STEPS[STEPS.index(start_at) :]:
        modelled = [step_seconds(step, photos, options, machine) for machine in machines.of(step)]
        steps[step] = _step(step, machines, modelled, seen.get(step, ()), prices)
    seconds = _sum(one.seconds for one in steps.values())
    waiting = _waiting(machines, len(steps), trains=TRAINING in steps)
    costs = [one.usd for one in steps.values()]
    known = [usd for usd in costs if usd is not None]
    unpriced = [machine for step in steps for machine in machines.of(step) if prices.usd(machine, 0) is None]
    return Estimate(
        photos=photos.count,
        megapixels=round(photos.megapixels, 1),
        seconds=seconds,
        waiting_seconds=waiting,
        usd=_sum(known) if len(known) == len(costs) else None,
        usd_reason=prices.unknown(unpriced[0]) if unpriced else None,
        finishes_at=now + round(1000 * (seconds.likely + waiting.likely)),
        steps=steps,
        learned_from=max((len(seen.get(step, ())) for step in steps), default=0),
    )


def _step(
    step: str, machines: Machines, modelled: Sequence[Span], ratios: Sequence[float], prices: Prices
) -> StepEstimate:
    """Correct and price a step; `modelled` has a span for each of its machines."""
    spans = [corrected(span, ratios) for span in modelled]
    first = spans[0]
    names = machines.of(step)
    low, likely, high = SPOT_SHARE if step == TRAINING and machines.use_spot else (1.0, 1.0, 1.0)
    costs = [
        prices.usd(names[0], first.low * low),
        prices.usd(names[0], first.likely * likely),
        *(prices.usd(name, span.high * high) for name, span in zip(names, spans, strict=True)),
    ]
    known = [usd for usd in costs if usd is not None]
    usd = Span(low=known[0], likely=known[1], high=max(known[2:])) if len(known) == len(costs) else None
    return StepEstimate(
        machine=names[0],
        seconds=Span(low=first.low, likely=first.likely, high=max(span.high for span in spans)),
        usd=usd,
        model_seconds=modelled[0].likely,
    )


def _waiting(machines: Machines, steps: int, *, trains: bool) -> Span:
    spot_tries = len(machines.training) if trains and machines.use_spot else 0
    return Span(
        low=steps * WAITING_SECONDS.low,
        likely=steps * WAITING_SECONDS.likely,
        high=steps * WAITING_SECONDS.high + spot_tries * machines.spot_wait_seconds,
    )


def _sum(spans: Iterable[Span]) -> Span:
    """Add spans up as if they went wrong together: a slow capture is slow at every step."""
    all_spans = list(spans)
    return Span(
        low=round(sum(span.low for span in all_spans), EXACT_DIGITS),
        likely=round(sum(span.likely for span in all_spans), EXACT_DIGITS),
        high=round(sum(span.high for span in all_spans), EXACT_DIGITS),
    )
