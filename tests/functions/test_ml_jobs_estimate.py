"""Estimates: what holds of any of them, what they learn, and that they know the containers' options."""

import re
import statistics
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spaceport_3dgs.options import TrainingOptions
from spaceport_sfm.options import SfmOptions

from functions.ml_jobs.account import tell_estimate, usual_estimate
from functions.ml_jobs.estimate import estimate
from functions.ml_jobs.experience import MOST_JOBS, experience_of, learned_ratio
from functions.ml_jobs.machines import REFERENCE, cpus, family
from functions.ml_jobs.photos import photos_in
from functions.ml_jobs.presets import PRESETS, options_of
from functions.ml_jobs.step_times import DEFAULTS, Photos
from functions.shared.job_names import SFM, STEPS, TRAINING
from functions.shared.jobs import JobRow
from functions.shared.prices import USD_PER_HOUR, Prices
from functions.shared.s3_objects import Listed
from functions.shared.spending import MachineUse

PRICES = Prices.with_overrides("{}")

counts = st.integers(1, 5000)
sizes = st.floats(0.3, 100)
presets = st.sampled_from(list(PRESETS))
machine_sets = st.builds(
    lambda sfm, training, compressor, use_spot: REFERENCE.model_copy(
        update={"sfm": sfm, "training": tuple(training), "compressor": compressor, "use_spot": use_spot}
    ),
    st.sampled_from(["ml.c6i.2xlarge", "ml.c6i.4xlarge", "ml.c5.9xlarge", "ml.m5.large"]),
    st.lists(
        st.sampled_from(["ml.g5.2xlarge", "ml.g6.2xlarge", "ml.g6e.xlarge", "ml.g4dn.xlarge"]),
        min_size=1,
        max_size=3,
        unique=True,
    ),
    st.sampled_from(["ml.m5.xlarge", "ml.m5.2xlarge"]),
    st.booleans(),
)
ratios = st.lists(st.floats(0.01, 100), max_size=30)
experiences = st.fixed_dictionaries(dict.fromkeys(STEPS, ratios))


def made(photos=None, options=None, *, machines=REFERENCE, prices=PRICES, experience=None, start_at=SFM):
    return estimate(
        photos or Photos(150),
        options or options_of("standard", {}),
        machines=machines,
        prices=prices,
        now=0,
        experience=experience,
        start_at=start_at,
    )


def spans(one):
    """Every span of an estimate."""
    yield from (one.seconds, one.waiting_seconds, one.usd)
    for step in one.steps.values():
        yield from (step.seconds, step.usd)


@given(counts, sizes, presets, machine_sets, experiences, st.sampled_from(STEPS))
def test_amounts_are_in_order_and_add_up(count, megapixels, preset, machines_, experience, start_at):
    one = made(
        Photos(count, megapixels),
        options_of(preset, {}),
        machines=machines_,
        experience=experience,
        start_at=start_at,
    )
    for span in spans(one):
        assert 0 < span.low <= span.likely <= span.high
    assert list(one.steps) == list(STEPS[STEPS.index(start_at) :])
    assert one.seconds.likely == pytest.approx(sum(step.seconds.likely for step in one.steps.values()))
    assert one.usd.high == pytest.approx(sum(step.usd.high for step in one.steps.values()))
    assert sum(one.shares.values()) == pytest.approx(1)
    assert one.finishes_at == pytest.approx(1000 * (one.seconds.likely + one.waiting_seconds.likely), abs=1)


def no_less(more, less):
    for larger, smaller in zip(spans(more), spans(less), strict=True):
        assert larger.low >= smaller.low
        assert larger.likely >= smaller.likely
        assert larger.high >= smaller.high


@given(counts, counts, sizes, presets, machine_sets)
def test_more_photos_never_take_less(one, other, megapixels, preset, machines_):
    fewer, more = sorted((one, other))
    options = options_of(preset, {})
    no_less(
        made(Photos(more, megapixels), options, machines=machines_),
        made(Photos(fewer, megapixels), options, machines=machines_),
    )


@given(sizes, sizes, counts, presets)
def test_larger_photos_never_take_less(one, other, count, preset):
    smaller, larger = sorted((one, other))
    options = options_of(preset, {})
    no_less(made(Photos(count, larger), options), made(Photos(count, smaller), options))


@pytest.mark.parametrize(
    ("step", "option", "low", "high"),
    [
        (TRAINING, "max_steps", 1, 100_000),
        (TRAINING, "image_size", 64, 8192),
        (TRAINING, "max_gaussians", 100, 10_000_000),
        (SFM, "feature_image_size", 160, 8192),
        (SFM, "max_num_features", 256, 32_768),
        (SFM, "num_neighbors", 4, 200),
    ],
)
@given(data=st.data())
def test_more_of_an_option_never_takes_less(step, option, low, high, data):
    fewer, more = sorted(data.draw(st.lists(st.integers(low, high), min_size=2, max_size=2)))
    photos = data.draw(st.builds(Photos, counts, sizes))

    def with_option(value):
        return made(photos, options_of("standard", {step: {option: str(value)}}))

    no_less(with_option(more), with_option(fewer))


def test_what_should_matter_does():
    usual = made()
    assert made(Photos(500)).steps[SFM].seconds.likely > 1.5 * usual.steps[SFM].seconds.likely
    for options in ({"max_steps": "60000"}, {"max_gaussians": "6000000"}):
        longer = made(options=options_of("standard", {TRAINING: options}))
        assert longer.steps[TRAINING].seconds.likely > 1.5 * usual.steps[TRAINING].seconds.likely
        assert longer.steps[SFM] == usual.steps[SFM]


def test_presets_take_as_long_as_they_are_good():
    estimates = [usual_estimate(preset) for preset in ("draft", "standard", "high")]
    for less, more in pairwise(estimates):
        assert less.seconds.high > less.seconds.likely
        assert less.seconds.likely < more.seconds.likely
        assert less.usd.likely < more.usd.likely


def test_a_time_limit_of_the_training_holds():
    limited = made(options=options_of("high", {TRAINING: {"max_seconds": "60"}}))
    assert (
        limited.steps[TRAINING].seconds.likely < 0.2 * usual_estimate("high").steps[TRAINING].seconds.likely
    )


def test_a_larger_machine_is_no_slower_and_a_slower_one_only_widens():
    slow = made(machines=REFERENCE.model_copy(update={"sfm": "ml.c6i.2xlarge"}))
    assert slow.steps[SFM].seconds.likely > made().steps[SFM].seconds.likely
    two = made(machines=REFERENCE.model_copy(update={"training": ("ml.g5.2xlarge", "ml.g6.2xlarge")}))
    one = made()
    assert two.steps[TRAINING].seconds.likely == one.steps[TRAINING].seconds.likely
    assert two.steps[TRAINING].seconds.high > one.steps[TRAINING].seconds.high
    assert two.waiting_seconds.high > one.waiting_seconds.high


def test_spot_machines_cost_less_but_may_cost_the_same():
    on_demand = made(machines=REFERENCE.model_copy(update={"use_spot": False}))
    spot = made()
    assert spot.usd.likely < on_demand.usd.likely
    assert spot.usd.high == on_demand.usd.high
    assert spot.seconds == on_demand.seconds
    assert spot.waiting_seconds.high > on_demand.waiting_seconds.high


@pytest.mark.parametrize("which", ["sfm", "training", "compressor"])
def test_without_a_price_there_is_no_cost_but_a_reason(which):
    odd = "ml.z9.xlarge"
    value = ("ml.g5.2xlarge", odd) if which == "training" else odd
    one = made(machines=REFERENCE.model_copy(update={which: value}))
    assert one.usd is None
    assert odd in one.usd_reason
    assert one.seconds.likely > 0
    assert sum(step.usd is None for step in one.steps.values()) == 1
    assert "$" not in tell_estimate(one).sentence
    priced = made(
        machines=REFERENCE.model_copy(update={which: value}), prices=Prices.with_overrides(f'{{"{odd}": 2}}')
    )
    assert priced.usd is not None
    assert priced.usd_reason is None


@pytest.mark.parametrize("preset", PRESETS)
def test_the_docs_show_what_the_estimate_says(preset):
    page = (Path(__file__).parents[2] / "docs" / "costs.md").read_text()
    (row,) = re.findall(rf"^\| {preset} \| (.*) \|$", page, re.MULTILINE)
    told = [float(number) for number in re.findall(r"[\d.]+", row)]
    spot = made(options=options_of(preset, {}))
    on_demand = made(
        options=options_of(preset, {}), machines=REFERENCE.model_copy(update={"use_spot": False})
    )
    seconds = [step.seconds.likely for step in spot.steps.values()]
    seconds += [spot.seconds.likely, spot.seconds.low, spot.seconds.high]
    dollars = [on_demand.usd.likely, spot.usd.likely, spot.usd.low, spot.usd.high]
    assert told == [*(round(one / 60) for one in seconds), *(round(one, 2) for one in dollars)]


def test_an_estimate_survives_its_row():
    one = made()
    row = JobRow(
        job_id="j", owner="o", created_at=1, capture_uri="u", capture_id="c", preset="draft", estimate=one
    )
    assert JobRow.model_validate(row.model_dump(by_alias=True)).estimate == one


# Learning.


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=30))
def test_what_is_learned_lies_between_the_model_and_the_jobs(seen):
    learned = learned_ratio(seen)
    bounds = sorted((1.0, statistics.median(seen)))
    assert bounds[0] - 1e-9 <= learned <= bounds[1] + 1e-9
    assert min(1.0, *seen) - 1e-9 <= learned <= max(1.0, *seen) + 1e-9


@given(st.floats(0.01, 100), st.integers(1, 29))
def test_more_jobs_of_the_same_length_move_it_further(ratio, count):
    less, more = learned_ratio([ratio] * count), learned_ratio([ratio] * (count + 1))
    assert abs(more - ratio) <= abs(less - ratio) + 1e-9
    assert learned_ratio([]) == 1


def test_one_job_gone_wrong_among_many_changes_little():
    assert learned_ratio([1.5] * 9 + [50]) == pytest.approx(learned_ratio([1.5] * 10))


def test_jobs_that_took_twice_as_long_make_the_next_estimate_longer_and_narrower():
    untaught = made()
    taught = made(experience={TRAINING: [2.0] * 10})
    before, after = untaught.steps[TRAINING].seconds, taught.steps[TRAINING].seconds
    assert before.likely * 1.5 < after.likely <= before.likely * 2
    assert after.high / after.low < before.high / before.low
    assert taught.steps[TRAINING].model_seconds == untaught.steps[TRAINING].model_seconds
    assert taught.steps[SFM] == untaught.steps[SFM]
    assert (untaught.learned_from, taught.learned_from) == (0, 10)


def ended(ratio, *, preset="standard", status="SUCCEEDED", estimated=True, tries=1):
    """A job each of whose steps took some times the model's seconds, in several tries."""
    one = made()
    machines_ = [
        MachineUse(
            step=step,
            order=index * 10 + retry,
            instance_type="ml.g5.2xlarge",
            machine_seconds=expected.model_seconds * ratio / tries,
            billed_seconds=1,
            usd=1,
        )
        for index, (step, expected) in enumerate(one.steps.items())
        for retry in range(tries)
    ]
    return JobRow(
        job_id="j",
        owner="o",
        created_at=1,
        capture_uri="u",
        capture_id="c",
        preset=preset,
        status=status,
        estimate=one if estimated else None,
        machines=machines_,
    )


def test_jobs_that_can_be_compared_teach():
    jobs = [
        ended(2.0),
        ended(3.0, tries=3),
        ended(9.0, preset="draft"),
        ended(9.0, status="FAILED"),
        ended(9.0, estimated=False),
    ]
    learned = experience_of(jobs, "standard")
    assert {step: pytest.approx([2.0, 3.0]) for step in STEPS} == learned
    assert len(experience_of([ended(1.0)] * 50, "standard")[SFM]) == MOST_JOBS


def test_a_corrected_estimate_does_not_teach_itself_again():
    """What was learned goes into the estimate, but jobs are compared with the model."""
    taught = made(experience={step: [2.0] * 20 for step in STEPS})
    job = ended(2.0).model_copy(update={"estimate": taught})
    assert experience_of([job], "standard")[TRAINING] == pytest.approx([2.0])


# What it is about.


def test_defaults_are_the_containers():
    for step, model in ((SFM, SfmOptions), (TRAINING, TrainingOptions)):
        for name, value in DEFAULTS[step].items():
            assert model.model_fields[name].default == value, name


@pytest.mark.parametrize("machine", USD_PER_HOUR)
def test_every_priced_machines_size_is_read_from_its_name(machine):
    assert cpus(machine)
    assert f"ml.{family(machine)}." in machine


def test_sizes_of_machines():
    named = ("ml.m5.large", "ml.g5.xlarge", "ml.c6i.4xlarge", "odd")
    assert [cpus(machine) for machine in named] == [2, 4, 16, None]


def listed(key, size):
    return Listed(key, size, e_tag="e", modified_ms=1)


def test_photos_are_counted_and_sized_by_their_files():
    files = [listed(f"c/{i}.JPG", 8_000_000) for i in range(10)] + [
        listed("c/notes.txt", 5),
        listed("c/.a.jpg", 9),
    ]
    photos = photos_in(files)
    assert photos == Photos(10, pytest.approx(20), counted=True)
    assert photos_in(files, megapixels=12).megapixels == 12
    packed = photos_in([listed("c/a.zip", 400_000_000)])
    assert (packed.count, packed.counted) == (50, False)
    both = photos_in([*files, listed("c/a.zip", 400_000_000)])
    assert (both.count, both.counted) == (60, False)
    assert "guessed" in tell_estimate(made(both), counted=both.counted).sentence
    assert "guessed" not in tell_estimate(made(photos), counted=photos.counted).sentence


def test_a_check_knows_better_while_the_capture_is_as_it_was():
    files = [listed("c/a.zip", 400_000_000)]
    check = {
        "lookedAt": {"files": 1, "bytes": 400_000_000},
        "figures": {"files": {"photos": 77}, "resolution": {"medianMegapixels": 12.0}},
    }
    assert photos_in(files, check=check) == Photos(77, 12.0, counted=True)
    assert photos_in(files, 48, check).megapixels == 48
    changed = [*files, listed("c/b.jpg", 8_000_000)]
    assert photos_in(changed, check=check) == photos_in(changed)
    unread = {**check, "figures": {"files": {"photos": 0}}}
    assert photos_in(files, check=unread).count == 1


@given(st.lists(st.builds(listed, st.sampled_from(["a.jpg", "b.png", "c.zip", "d"]), st.integers(0, 10**10))))
def test_any_listing_has_at_least_a_photo(files):
    photos = photos_in(files)
    assert photos.count >= 1
    assert photos.megapixels > 0


def test_the_sentence_says_time_and_money():
    one = made()
    sentence = tell_estimate(one).sentence
    assert f"${one.usd.likely:.2f}" in sentence
    assert f"{round(one.seconds.likely / 60)} minutes" in sentence
