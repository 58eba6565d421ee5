"""What a job's owner is told of its cost, its estimate and its waiting."""

import pytest

from functions.ml_jobs.account import shares_of, tell_cost, tell_queue, usual_estimate
from functions.ml_jobs.estimate import estimate
from functions.ml_jobs.logic import describe_job
from functions.ml_jobs.machines import REFERENCE
from functions.ml_jobs.presets import options_of
from functions.ml_jobs.step_times import Photos
from functions.shared.amounts import about_dollars, dollars, duration
from functions.shared.jobs import WAITING_FOR_MACHINE, JobRow
from functions.shared.prices import Prices
from functions.shared.spending import MachineUse

PRICES = Prices({"gpu": 3.6, "cpu": 0.36})
NOW = 10_000_000


def use(step, order, seconds, *, billed=None, machine="gpu", usd=1.0):
    return MachineUse(
        step=step,
        order=order,
        instance_type=machine,
        machine_seconds=seconds,
        billed_seconds=seconds if billed is None else billed,
        usd=usd,
    )


def job(**changes: object):
    fields = {
        "job_id": "j",
        "owner": "o",
        "created_at": 1000,
        "capture_uri": "s3://u/c/",
        "capture_id": "c",
        "preset": "standard",
        "status": "RUNNING",
        **changes,
    }
    return JobRow.model_validate(fields)


def running(machine="gpu", seconds=100, **changes: object):
    return job(
        current_stage="3dgs",
        stage_status="Training",
        stage_order=4000,
        stage_running_since=NOW - seconds * 1000,
        stage_machine=machine,
        **changes,
    )


def test_a_job_that_has_had_no_machine_cost_nothing_so_far():
    bill = tell_cost(job(), NOW, PRICES)
    assert (bill.usd, bill.so_far, bill.upper_bound, bill.by_steps) == (0, True, False, {})


def test_tries_and_attempts_of_a_step_add_up():
    machines = [
        use("sfm", 3000, 60, machine="cpu", usd=0.5),
        use("3dgs", 4000, 500, billed=100, usd=0.25),
        use("3dgs", 4001, 200, machine="other gpu", usd=0.75),
        use("3dgs", 7000, 100, usd=1.0),
    ]
    bill = tell_cost(job(status="SUCCEEDED", machines=machines), NOW, PRICES)
    assert (bill.usd, bill.so_far, bill.upper_bound) == (2.5, False, False)
    training = bill.by_steps["3dgs"]
    assert (training.machines, training.seconds) == (["gpu", "other gpu"], 800)
    assert (training.billed_seconds, training.usd) == (400, 2.0)
    assert bill.usd == sum(step.usd for step in bill.by_steps.values())


def test_the_machine_that_works_now_counts_with_all_its_time():
    bill = tell_cost(running(seconds=1000, machines=[use("sfm", 3000, 60, usd=0.5)]), NOW, PRICES)
    assert bill.usd == pytest.approx(0.5 + 1.0)
    assert (bill.so_far, bill.upper_bound) == (True, True)
    assert bill.by_steps["3dgs"].billed_seconds == 1000
    later = tell_cost(running(seconds=2000, machines=[use("sfm", 3000, 60, usd=0.5)]), NOW, PRICES)
    assert later.usd > bill.usd


def test_a_machine_that_is_counted_already_does_not_count_twice():
    """The end of a SageMaker job reaches the row in two steps, and people look in between."""
    bill = tell_cost(running(machines=[use("3dgs", 4000, 90, usd=0.1)]), NOW, PRICES)
    assert (bill.usd, bill.upper_bound) == (0.1, False)


def test_a_job_that_has_ended_has_no_running_machine():
    row = running().model_copy(update={"status": "ABORTED"})
    bill = tell_cost(row, NOW, PRICES)
    assert (bill.usd, bill.so_far, bill.upper_bound) == (0, False, False)


@pytest.mark.parametrize(
    "row",
    [
        running(machine="ml.z9.xlarge"),
        job(
            status="FAILED",
            machines=[use("sfm", 3000, 60), use("3dgs", 4000, 9, machine="ml.z9.xlarge", usd=None)],
        ),
    ],
)
def test_an_unknown_price_is_no_cost_but_a_reason(row):
    bill = tell_cost(row, NOW, PRICES)
    assert bill.usd is None
    assert "ml.z9.xlarge" in bill.reason
    assert bill.by_steps["3dgs"].usd is None
    assert bill.by_steps["3dgs"].seconds > 0


def test_a_model_whose_machines_were_not_counted_did_not_cost_nothing():
    bill = tell_cost(job(status="SUCCEEDED"), NOW, PRICES)
    assert bill.usd is None
    assert bill.reason
    assert tell_cost(job(status="FAILED"), NOW, PRICES).usd == 0


@pytest.mark.parametrize("status", [WAITING_FOR_MACHINE, "Starting", "Pending", "Interrupted"])
def test_a_job_without_a_machine_waits(status):
    row = job(current_stage="3dgs", stage_status=status, stage_event_at=1_000_000)
    queue = tell_queue(row)
    assert (queue.state, queue.since) == ("waiting_for_machine", "1970-01-01T00:16:40+00:00")
    assert queue.sentence


def test_a_processing_job_waits_until_it_has_its_machine():
    row = job(current_stage="sfm", stage_status="InProgress", stage_event_at=1)
    assert tell_queue(row).state == "waiting_for_machine"
    assert tell_queue(row.model_copy(update={"stage_running_since": 2})).state == "none"


@pytest.mark.parametrize(
    "row",
    [
        running(),
        job(),
        job(current_stage="3dgs", stage_status="Completed"),
        job(current_stage="3dgs", stage_status="Stopping"),
        job(status="FAILED", current_stage="failed", stage_status="Starting"),
    ],
)
def test_other_jobs_do_not(row):
    queue = tell_queue(row)
    assert (queue.state, queue.since, queue.sentence) == ("none", None, "")


def test_a_jobs_own_estimate_is_its_truth():
    """Fraction, time left and what is shown all follow the estimate that its owner was given."""
    options = options_of("standard", {"3dgs": {"max_steps": "100000"}})
    long = estimate(Photos(20), options, machines=REFERENCE, prices=Prices.with_overrides("{}"), now=NOW)
    own, usual = job(estimate=long), job()
    assert shares_of(own) == long.shares
    assert shares_of(usual) == usual_estimate("standard").shares
    described = describe_job(own.model_copy(update={"started_at": NOW}), None, NOW, PRICES)
    assert described.progress.seconds_left == pytest.approx(
        long.seconds.likely + long.waiting_seconds.likely, abs=0.1
    )
    assert described.estimate.seconds.likely == round(long.seconds.likely)
    done = [
        describe_job(row.model_copy(update={"current_stage": "compressor"}), None, NOW, PRICES)
        for row in (own, usual)
    ]
    assert done[0].progress.fraction > done[1].progress.fraction


def test_what_a_job_took_stands_beside_what_was_expected():
    ended = job(
        status="SUCCEEDED",
        started_at=1000,
        ended_at=91_000,
        estimate=usual_estimate("standard"),
        machines=[use("sfm", 3000, 60)],
    )
    shown = describe_job(ended, None, NOW, PRICES)
    assert (shown.seconds_taken, shown.cost.usd) == (90, 1)
    assert shown.estimate.usd.likely > 0
    assert describe_job(job(), None, NOW, PRICES).seconds_taken is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 second"), (40, "40 seconds"), (2520, "42 minutes"), (7500, "2 h 5 min"), (10_800, "3 hours")],
)
def test_times_in_words(seconds, words):
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("usd", "words"), [(0, "$0.00"), (0.001, "less than $0.01"), (1.8, "$1.80"), (1234.5, "$1,234.50")]
)
def test_amounts_in_words(usd, words):
    assert dollars(usd) == words
    assert about_dollars(usd) == (words if "less" in words else f"about {words}")


def test_prices_of_a_stack_win_and_others_stay():
    prices = Prices.with_overrides('{"ml.g5.2xlarge": 99, "ml.new.xlarge": 1}')
    known = Prices.with_overrides("{}")
    assert prices.usd("ml.g5.2xlarge", 3600) == 99
    assert prices.usd("ml.new.xlarge", 1800) == 0.5
    assert known.usd("ml.new.xlarge", 1800) is None
    assert known.usd(None, 1800) is None
    assert prices.usd("ml.m5.xlarge", 60) == known.usd("ml.m5.xlarge", 60) > 0
    with pytest.raises(ValueError, match="object"):
        Prices.with_overrides("[]")
