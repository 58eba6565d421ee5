"""How long each step has its machine: a model, before anything is learned from jobs that have run.

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
- Compressor, 8 s and 60 s per million Gaussians: 30,000 took 6 s, a million takes 20 CPU seconds to write on
  these CPUs, and the model is drawn and compared with its photos (half to twice).
- Images and data, 2 minutes per step: what SageMaker usually takes (1 to 5).

More photos, pixels or steps never take less.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from functions.ml_jobs.machines import cpus, family
from functions.shared.job_names import COMPRESSOR, SFM, TRAINING
from functions.shared.spending import Span

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

COMPRESSOR_SECONDS, COMPRESSOR_SECONDS_PER_MILLION = 8.0, 60.0
REFERENCE_CPUS = {SFM: 16, COMPRESSOR: 4}

SPREAD = {SFM: (0.5, 2.5), TRAINING: (0.6, 1.8), COMPRESSOR: (0.5, 2.0)}
"""Low and high of a step's work, times the likely."""
SETUP_SECONDS = Span(low=60, likely=120, high=300)


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


def step_seconds(step: str, photos: Photos, options: Options, machine: str) -> Span:
    """Give a step's seconds on a machine, by the model alone; without waiting for the machine."""
    work = {SFM: _sfm_seconds, TRAINING: _training_seconds, COMPRESSOR: _compressor_seconds}[step](
        photos, options, machine
    )
    low, high = SPREAD[step]
    return Span(
        low=SETUP_SECONDS.low + low * work,
        likely=SETUP_SECONDS.likely + work,
        high=SETUP_SECONDS.high + high * work,
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
    mapping: float = count * MAPPING_SECONDS * max(1.0, count / MAPPING_PHOTOS) ** (MAPPING_POWER - 1)
    return mapping + cpu_seconds / (PARALLEL_SHARE * (cpus(machine) or REFERENCE_CPUS[SFM]))


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
    seconds = _option(options, TRAINING, "max_steps") * per_step * GPU_SLOWNESS.get(family(machine), 1.0)
    longest = _option(options, TRAINING, "max_seconds")
    return photos.count * LOAD_SECONDS_PER_PHOTO + (min(seconds, longest) if longest > 0 else seconds)


def _compressor_seconds(_photos: Photos, options: Options, machine: str) -> float:
    millions = _option(options, TRAINING, "max_gaussians") / 1e6
    seconds = COMPRESSOR_SECONDS + COMPRESSOR_SECONDS_PER_MILLION * millions
    return seconds * REFERENCE_CPUS[COMPRESSOR] / (cpus(machine) or REFERENCE_CPUS[COMPRESSOR])


def _option(options: Options, step: str, name: str) -> float:
    return float(options.get(step, {}).get(name, DEFAULTS[step][name]))


def _megapixels(photos: Photos, side: float) -> float:
    """Megapixels of a photo whose longest side is at most so long."""
    return min(photos.megapixels, side * side * PHOTO_HEIGHT / 1e6)
