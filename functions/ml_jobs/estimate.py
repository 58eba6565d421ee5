"""What a job will take and cost, before it starts: a model of the three steps, corrected by earlier jobs.

The seconds are those of the machines that a stack has by default (ml.c6i.4xlarge, ml.g5.2xlarge,
ml.m5.xlarge); others are faster or slower by their virtual CPUs or their family's GPU. No job has run on
AWS yet. The figures come from (with how far the truth may be away):

- Features, 1.3 CPU seconds per megapixel looked at; matching, 0.08 CPU seconds per pair at 6,144 features:
  18 real photos at 1,600 pixels on two virtual CPUs took 31 and 13 CPU seconds (half to twice; CPUs
  differ).
- Mapping, 0.27 seconds per photo, growing with the power 1.3 of their number: the same job took 5 s, 176
  photos took DroneAI's incremental mapping 55 s (up to three times: captures differ, and failed ones are
  tried again).
- Decoding, 0.04 CPU seconds per megapixel: JPEG decoders do some 50 megapixels a second, twice per photo.
- A step of training, 18 ms, 10.5 ms per megapixel and 20.7 ms per million Gaussians: gsplat's own figures
  with 1, 2 and 3 million on an A100 (31, 44, 55 ms at some 1.3 megapixels), an A10G taken as 1.7 times
  slower; 220 to 250 ms at 16.5 megapixels were measured on an A10G (0.6 to 1.8 times: our trainer is not
  gsplat's example).
- Other GPUs by their memory's speed: L4 1.6 times an A10G's time, T4 2.5, L40S 0.5 (a third).
- Compressor, 25 s and 60 s per million Gaussians: a million takes 20 CPU seconds to write on these CPUs,
  and the model is drawn and compared with its photos (half to twice).
- Images and data, 2 minutes per step; waiting for a machine, 2.5 minutes per step: what SageMaker usually
  takes. A GPU may take an hour and more when AWS has few.
- Of a spot machine's time 35 % is billed: the usual saving is 65 % (30 % to all of it).

More photos, pixels or steps never take less, and low <= likely <= high, whatever the figures are.
"""

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from functions.shared.job_names import STEPS
from functions.shared.jobs import JobRow
from functions.shared.prices import Prices
from functions.shared.spending import Estimate, Span, StepEstimate

SFM, TRAINING, COMPRESSOR = STEPS
Options = Mapping[str, Mapping[str, str]]

TYPICAL_MEGAPIXELS = 20.0
"""Of a drone's photo."""
BYTES_PER_PIXEL = 0.4
"""Of a drone's JPEG: 8 MB for 20 megapixels."""

DEFAULTS: Mapping[str, Mapping[str, float]] = {
    SFM: {
        "max_image_size": 1600,
        "feature_image_size": 1600,
        "max_num_features": 6144,
        "exhaustive_limit": 80,
        "num_neighbors": 24,
    },
    TRAINING: {"max_steps": 7000, "image_size": 1600, "max_gaussians": 1_000_000, "max_seconds": 0},
}
"""Of the containers' options that count here."""

FEATURES_CPU_SECONDS = 1.3
PAIR_CPU_SECONDS = 0.08
PAIR_FEATURES = 6144
MAPPING_SECONDS = 0.27
MAPPING_POWER, MAPPING_PHOTOS = 1.3, 18
DECODE_CPU_SECONDS = 0.04
NEIGHBOR_SHARE = 0.7
"""Pairs per photo and neighbor: many are each other's."""
PARALLEL_SHARE = 0.7
"""How much of its virtual CPUs a machine makes of work that could use all."""
PHOTO_HEIGHT = 0.75
"""Of a photo, by its width."""

STEP_SECONDS = 0.018
STEP_SECONDS_PER_MEGAPIXEL = 0.0105
STEP_SECONDS_PER_MILLION = 0.0207
MEAN_GAUSSIANS = 0.9
"""Of the most, over a training: they grow to it in its first fifth."""
LOAD_SECONDS_PER_PHOTO = 0.1
GPU_SLOWNESS = {"g4dn": 2.5, "g5": 1.0, "g6": 1.6, "g6e": 0.5}
"""Times an A10G's time; of others it is taken to be the same."""

COMPRESSOR_SECONDS, COMPRESSOR_SECONDS_PER_MILLION = 25.0, 60.0
REFERENCE_CPUS = {SFM: 16, COMPRESSOR: 4}

SPREAD = {SFM: (0.5, 2.5), TRAINING: (0.6, 1.8), COMPRESSOR: (0.5, 2.0)}
"""Low and high of a step's work, times the likely."""
SETUP_SECONDS = Span(low=60, likely=120, high=300)
WAITING_SECONDS = Span(low=60, likely=150, high=400)
SPOT_SHARE = (0.3, 0.35, 1.0)
"""What of a spot machine's time is billed; all of it where training ends up on demand."""

PRIOR_JOBS = 3
"""How many jobs this model counts as, against those that have been seen."""
MOST_JOBS = 20
NARROWEST = 0.4
"""What of the spread is left, however many jobs have been seen."""

_SIZE = re.compile(r"ml\.(?P<family>[a-z0-9-]+)\.(?:(?P<times>\d*)xlarge|large)")


class Machines(BaseModel):
    """What the steps run on, as the stack tells it.

    Attributes:
        sfm: Machine of the SfM step.
        training: Machines of the 3DGS step, the preferred one first.
        compressor: Machine of the compressor step.
        use_spot: Whether training tries spot machines first.
        spot_wait_seconds: How long it waits for each of them.
    """

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    sfm: str
    training: tuple[str, ...]
    compressor: str
    use_spot: bool
    spot_wait_seconds: int

    def of(self, step: str) -> tuple[str, ...]:
        """Give the machines of a step, the preferred one first."""
        return {SFM: (self.sfm,), TRAINING: self.training, COMPRESSOR: (self.compressor,)}[step]


REFERENCE = Machines(
    sfm="ml.c6i.4xlarge",
    training=("ml.g5.2xlarge",),
    compressor="ml.m5.xlarge",
    use_spot=True,
    spot_wait_seconds=1200,
)


@dataclass(frozen=True)
class Photos:
    """What a job has to work on.

    Attributes:
        count: How many photos.
        megapixels: Of each.
        counted: Whether they were counted, or guessed by the size of archives.
    """

    count: int
    megapixels: float = TYPICAL_MEGAPIXELS
    counted: bool = True


TYPICAL_PHOTOS = Photos(150)


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
        modelled = [_modelled(step, photos, options, machine) for machine in machines.of(step)]
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


def experience_of(jobs: Iterable[JobRow], preset: str) -> dict[str, list[float]]:
    """Take from earlier jobs how many times the model's seconds they took.

    Args:
        jobs: Jobs, the latest first.
        preset: Only those with this preset count.

    Returns:
        Ratios by step, of at most `MOST_JOBS` jobs that succeeded.
    """
    ratios: dict[str, list[float]] = {step: [] for step in STEPS}
    like = (job for job in jobs if job.status == "SUCCEEDED" and job.preset == preset and job.estimate)
    for job in list(like)[:MOST_JOBS]:
        for step, expected in job.estimate.steps.items() if job.estimate else ():
            taken = sum(use.machine_seconds for use in job.machines if use.step == step)
            if taken > 0 and expected.model_seconds > 0:
                ratios[step].append(taken / expected.model_seconds)
    return ratios


def learned_ratio(ratios: Sequence[float]) -> float:
    """Say how many times the model's seconds a step will take.

    Args:
        ratios: What earlier jobs took, in the same terms; all above 0.

    Returns:
        Their median, drawn towards 1 while there are few: the model counts as `PRIOR_JOBS` jobs.
    """
    if not ratios:
        return 1.0
    return exp(log(statistics.median(ratios)) * len(ratios) / (len(ratios) + PRIOR_JOBS))


def _modelled(step: str, photos: Photos, options: Options, machine: str) -> Span:
    """Give a step's seconds on a machine, by the model alone."""
    work = {SFM: _sfm_seconds, TRAINING: _training_seconds, COMPRESSOR: _compressor_seconds}[step](
        photos, options, machine
    )
    low, high = SPREAD[step]
    return Span(
        low=SETUP_SECONDS.low + low * work,
        likely=SETUP_SECONDS.likely + work,
        high=SETUP_SECONDS.high + high * work,
    )


def _step(
    step: str, machines: Machines, modelled: Sequence[Span], ratios: Sequence[float], prices: Prices
) -> StepEstimate:
    """Correct and price a step; `modelled` has a span for each of its machines."""
    spans = [_corrected(span, ratios) for span in modelled]
    first = spans[0]
    names = machines.of(step)
    share_low, share_likely, share_high = (
        SPOT_SHARE if step == TRAINING and machines.use_spot else (1.0,) * len(SPOT_SHARE)
    )
    worst = [prices.usd(name, span.high * share_high) for name, span in zip(names, spans, strict=True)]
    low, likely = (
        prices.usd(names[0], first.low * share_low),
        prices.usd(names[0], first.likely * share_likely),
    )
    priced = [usd for usd in worst if usd is not None]
    usd = None
    if low is not None and likely is not None and len(priced) == len(worst):
        usd = Span(low=low, likely=likely, high=max(priced))
    return StepEstimate(
        machine=names[0],
        seconds=Span(low=first.low, likely=first.likely, high=max(span.high for span in spans)),
        usd=usd,
        model_seconds=modelled[0].likely,
    )


def _corrected(span: Span, ratios: Sequence[float]) -> Span:
    """Move a span to what was learned, and narrow it by how much was."""
    kept = max(NARROWEST, PRIOR_JOBS / (len(ratios) + PRIOR_JOBS))
    likely = span.likely * learned_ratio(ratios)
    return Span(
        low=round(likely * (span.low / span.likely) ** kept, 1),
        likely=round(likely, 1),
        high=round(likely * (span.high / span.likely) ** kept, 1),
    )


def _sfm_seconds(photos: Photos, options: Options, machine: str) -> float:
    count = photos.count
    looked_at = _megapixels(photos, _option(options, SFM, "feature_image_size"))
    features = _option(options, SFM, "max_num_features") / PAIR_FEATURES
    cpu_seconds = (
        count * looked_at * FEATURES_CPU_SECONDS
        + _pairs(count, options) * features**2 * PAIR_CPU_SECONDS
        + count * photos.megapixels * DECODE_CPU_SECONDS
    )
    # One thread's work: no machine of more CPUs does it faster.
    mapping = count * MAPPING_SECONDS * max(1.0, count / MAPPING_PHOTOS) ** (MAPPING_POWER - 1)
    return mapping + cpu_seconds / (PARALLEL_SHARE * _cpus(machine, SFM))


def _pairs(count: int, options: Options) -> float:
    """Pairs of photos that are compared.

    Beyond the limit for all pairs there are fewer at first; here there are not, lest one more photo would
    seem to save time.
    """
    every = count * (count - 1) / 2
    matching = options.get(SFM, {}).get("matching", "auto")
    limit = _option(options, SFM, "exhaustive_limit")
    near = count * _option(options, SFM, "num_neighbors") * NEIGHBOR_SHARE
    if matching == "exhaustive" or (matching == "auto" and count <= limit):
        return every
    return min(every, near if matching == "neighbors" else max(near, limit * (limit - 1) / 2))


def _training_seconds(photos: Photos, options: Options, machine: str) -> float:
    side = min(_option(options, TRAINING, "image_size"), _option(options, SFM, "max_image_size"))
    per_step = (
        STEP_SECONDS
        + STEP_SECONDS_PER_MEGAPIXEL * _megapixels(photos, side)
        + STEP_SECONDS_PER_MILLION * MEAN_GAUSSIANS * _option(options, TRAINING, "max_gaussians") / 1e6
    )
    seconds = _option(options, TRAINING, "max_steps") * per_step * GPU_SLOWNESS.get(_family(machine), 1.0)
    longest = _option(options, TRAINING, "max_seconds")
    return photos.count * LOAD_SECONDS_PER_PHOTO + (min(seconds, longest) if longest > 0 else seconds)


def _compressor_seconds(_photos: Photos, options: Options, machine: str) -> float:
    millions = _option(options, TRAINING, "max_gaussians") / 1e6
    seconds = COMPRESSOR_SECONDS + COMPRESSOR_SECONDS_PER_MILLION * millions
    return seconds * REFERENCE_CPUS[COMPRESSOR] / _cpus(machine, COMPRESSOR)


def _waiting(machines: Machines, steps: int, *, trains: bool) -> Span:
    spot_tries = len(machines.training) if trains and machines.use_spot else 0
    return Span(
        low=steps * WAITING_SECONDS.low,
        likely=steps * WAITING_SECONDS.likely,
        high=steps * WAITING_SECONDS.high + spot_tries * machines.spot_wait_seconds,
    )


def _option(options: Options, step: str, name: str) -> float:
    return float(options.get(step, {}).get(name, DEFAULTS[step][name]))


def _megapixels(photos: Photos, side: float) -> float:
    """Megapixels of a photo whose longest side is at most so long."""
    return min(photos.megapixels, side * side * PHOTO_HEIGHT / 1e6)


def _cpus(machine: str, step: str) -> int:
    """Virtual CPUs of a machine, by the size in its name; of an odd one those that the step has by default."""
    found = _SIZE.fullmatch(machine)
    if not found:
        return REFERENCE_CPUS[step]
    return 2 if found["times"] is None else 4 * int(found["times"] or 1)


def _family(machine: str) -> str:
    found = _SIZE.fullmatch(machine)
    return found["family"] if found else ""


def _sum(spans: Iterable[Span]) -> Span:
    """Add spans up as if they went wrong together: a slow capture is slow at every step."""
    all_spans = list(spans)
    return Span(
        low=round(sum(span.low for span in all_spans), 4),
        likely=round(sum(span.likely for span in all_spans), 4),
        high=round(sum(span.high for span in all_spans), 4),
    )
