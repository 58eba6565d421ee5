"""Rules of jobs: owners, options, progress."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.ml_jobs import logic
from functions.ml_jobs.account import usual_estimate
from functions.ml_jobs.options import OPTIONS, OptionError, check_options
from functions.ml_jobs.presets import PRESETS, options_of
from functions.shared.clock import iso
from functions.shared.job_names import STEPS
from functions.shared.jobs import WAITING_FOR_MACHINE, JobRow
from functions.shared.prices import Prices
from functions.shared.s3_objects import Address, parse_address

PRICES = Prices.with_overrides("{}")

PRICES = Prices.with_overrides("{}")

JOB = JobRow(
    job_id="6f1c1a52-0d6b-4a7e-9a53-6f6f0f0f0f0f",
    owner="me",
    created_at=1_000_000,
    capture_uri="s3://up/uploads/me/cap/",
    capture_id="cap",
    preset="draft",
)


@pytest.mark.parametrize(
    "url",
    [
        "s3://up/uploads/me/cap/a b.zip",
        "https://up.s3.amazonaws.com/uploads/me/cap/a%20b.zip",
        "https://up.s3.eu-west-1.amazonaws.com/uploads/me/cap/a%20b.zip",
        "https://s3.us-east-1.amazonaws.com/up/uploads/me/cap/a%20b.zip",
    ],
)
def test_all_forms_of_an_address_name_the_same_object(url):
    assert parse_address(url) == Address("up", "uploads/me/cap/a b.zip")


@pytest.mark.parametrize(
    "url", ["", "s3://", "s3://up", "http://up.s3.amazonaws.com/k", "https://evil.org/up/k"]
)
def test_other_addresses_are_refused(url):
    with pytest.raises(ValueError, match="must be s3"):
        parse_address(url)


@given(st.text(alphabet="abme./", max_size=30), st.sampled_from(["up", "other"]))
def test_a_capture_lies_in_its_owners_folder(key, bucket):
    capture = logic.capture_of(Address(bucket, key), "up", "me")
    assert logic.capture_of(Address(bucket, f"uploads/you/{key}"), "up", "me") is None
    if capture is not None:
        assert bucket == "up"
        assert capture.prefix == f"uploads/me/{capture.capture_id}/"
        assert key.startswith(capture.prefix.rstrip("/"))


def test_a_folder_and_a_file_in_it_name_the_same_capture():
    keys = ("uploads/me/cap/", "uploads/me/cap", "uploads/me/cap/a.zip")
    assert {logic.capture_of(Address("up", key), "up", "me") for key in keys} == {
        logic.Capture("cap", "uploads/me/cap/")
    }


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_allowed_options(preset):
    options = options_of(preset, {})
    assert check_options(options) == options


def test_a_better_preset_never_does_less():
    for step, names in OPTIONS.items():
        for name in names:
            values = [float(PRESETS[preset][step].get(name, 0)) for preset in ("draft", "standard", "high")]
            assert values == sorted(values)


def test_a_chosen_option_wins_over_the_preset():
    chosen = check_options({"max_steps": 12, "sfm": {"max_image_size": "640"}})
    options = options_of("high", chosen)
    assert options["3dgs"]["max_steps"] == "12"
    assert options["sfm"]["max_image_size"] == "640"


def test_older_names_of_options_are_understood():
    assert check_options({"MAX_ITERATIONS": "500"}) == check_options({"max_steps": 500})


@pytest.mark.parametrize(
    ("given_options", "names"),
    [
        ({"max_stepz": 1}, ["max_stepz", "max_steps"]),
        ({"max_steps": 0}, ["max_steps", "from 1 to"]),
        ({"max_steps": "many"}, ["max_steps"]),
        ({"max_steps": True}, ["max_steps"]),
        ({"max_steps": 1.5}, ["max_steps"]),
        ({"max_steps": float("nan")}, ["max_steps"]),
        ({"max_steps": float("inf")}, ["max_steps"]),
        ({"max_steps": None}, ["max_steps"]),
        ({"sfm": {"jobId": "x"}}, ["sfm", "jobId"]),
        ({"sfm": 3}, ["sfm"]),
        ({"jobId": "x", "captureUri": "s3://x"}, ["jobId", "captureUri"]),
    ],
)
def test_wrong_options_are_refused_by_name(given_options, names):
    with pytest.raises(OptionError) as refused:
        check_options(given_options)
    assert all(name in str(refused.value) for name in names)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["max_steps", "sfm", "3dgs", "compression"]) | st.text(), json_values))
def test_any_options_are_refused_or_become_strings(given_options):
    try:
        chosen = check_options(given_options)
    except OptionError:
        return
    for step, options in chosen.items():
        assert options.keys() <= OPTIONS[step].keys()
        assert all(isinstance(value, str) for value in options.values())


def test_the_machines_input_is_made_of_strings():
    machine_input = logic.machine_input(JOB.model_copy(update={"options": options_of("draft", {})}))
    words = machine_input["arguments"]["sfm"]
    pairs = dict(zip(words[::2], words[1::2], strict=True))
    assert pairs == {f"--{name}": value for name, value in PRESETS["draft"]["sfm"].items()}
    assert machine_input["hyperparameters"] == PRESETS["draft"]["3dgs"]
    assert machine_input["attempt"] == "1"


def progress_file(step, fraction, *, at=1_000_000, left=30.0):
    return {
        "step": step,
        "stage": "x",
        "fraction": fraction,
        "seconds_left": left,
        "message": "Matching photos",
        "figures": {"photos": 24},
        "updated_at": iso(at),
    }


@pytest.mark.parametrize("preset", PRESETS)
def test_the_whole_grows_with_every_step(preset):
    shares = usual_estimate(preset).shares
    fractions = [
        logic.overall_fraction(step, logic.read_progress(progress_file(step, part), step, 0), shares)
        for step in STEPS
        for part in (0.0, 0.5, 1.0)
    ]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert fractions[-1] == pytest.approx(1)
    assert logic.overall_fraction("completed", None, shares) == 1


def test_a_job_that_starts_at_a_later_step_has_done_nothing_before_it():
    shares = {"3dgs": 0.9, "compressor": 0.1}
    assert logic.overall_fraction("3dgs", None, shares) == 0
    assert logic.overall_fraction("compressor", None, shares) == 0.9


def test_progress_of_an_earlier_attempt_is_not_this_ones():
    file = progress_file("sfm", 0.5, at=1_000_000)
    assert logic.read_progress(file, "sfm", 1_000_000) is not None
    assert logic.read_progress(file, "sfm", 1_001_000) is None
    assert logic.read_progress(file, "3dgs", 0) is None


@given(st.dictionaries(st.sampled_from(list(progress_file("sfm", 1))), json_values))
def test_a_damaged_progress_file_is_none_or_sane(changes):
    progress = logic.read_progress({**progress_file("sfm", 0.5), **changes}, "sfm", 0)
    if progress is not None:
        assert 0 <= progress.fraction <= 1
        assert progress.seconds_left is None or progress.seconds_left >= 0


def test_time_left_follows_the_rate_but_not_below_the_steps_own():
    slow = SimpleNamespace(seconds_left=500.0)
    assert logic.seconds_left(0.5, 100, None, None) == pytest.approx(100)
    assert logic.seconds_left(0.5, 100, slow, None) == 500
    assert logic.seconds_left(0.0, 100, slow, None) is None
    assert logic.seconds_left(1.0, 100, None, None) == 0


def test_time_left_follows_the_estimate_while_there_is_no_rate():
    estimated = usual_estimate("standard")
    work, waiting = estimated.seconds.likely, estimated.waiting_seconds.likely
    assert logic.seconds_left(0.0, 0, None, estimated) == pytest.approx(work + waiting)
    assert logic.seconds_left(0.0, 60, None, estimated) == pytest.approx(work + waiting - 60)
    # However long it has waited: the work itself is all to be done yet.
    assert logic.seconds_left(0.0, 10 * work, None, estimated) == work
    assert logic.seconds_left(0.5, 100, None, estimated) == pytest.approx(100)


def test_a_job_is_described_by_the_later_of_row_and_progress():
    job = JOB.model_copy(update={"status": "RUNNING", "current_stage": "sfm", "started_at": 1_000_000})
    training = logic.read_progress(progress_file("3dgs", 0.5), "3dgs", 0)
    shown = logic.describe_job(job, training, 1_100_000, PRICES)
    assert shown.current_stage == "3dgs"
    assert shown.progress.figures == {"photos": 24}
    assert shown.details == "Matching photos"
    assert shown.elapsed_seconds == 100
    later = job.model_copy(update={"current_stage": "compressor"})
    shown = logic.describe_job(later, training, 1_100_000, PRICES)
    assert shown.current_stage == "compressor"
    assert shown.progress.fraction == pytest.approx(
        1 - usual_estimate(job.preset).shares["compressor"], abs=1e-4
    )
    assert shown.progress.message == ""


def test_waiting_for_a_machine_is_told_whatever_the_last_progress_said():
    training = logic.read_progress(progress_file("3dgs", 0.5), "3dgs", 0)
    waiting = JOB.model_copy(
        update={"status": "RUNNING", "current_stage": "3dgs", "stage_status": WAITING_FOR_MACHINE}
    )
    told = {logic.describe_job(waiting, progress, 2_000_000, PRICES).details for progress in (None, training)}
    (sentence,) = told
    assert "waits" in sentence


def test_older_clients_read_their_own_words():
    job = JOB.model_copy(update={"status": "STOPPING", "current_stage": "compressor"})
    shown = logic.in_old_words(logic.describe_job(job, None, 2_000_000, PRICES))
    assert (shown.status, shown.current_stage) == ("RUNNING", "compression")
