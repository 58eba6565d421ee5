"""Records of plans: what was planned is what comes back, to the last bit."""

import dataclasses
import json

import numpy as np
import pytest

from functions.drone_path.drones import DRONES
from functions.drone_path.plan import BatteryPlan
from functions.drone_path.planner import plan_shape
from functions.drone_path.record import RecordError, from_record, to_record
from functions.drone_path.sizing import plan_largest
from tests.functions.flight_kit import CENTRE, FLAT, Hills, mission

HILLS = Hills(CENTRE, 900, 30, 1100)


@pytest.fixture(scope="module")
def plan():
    return plan_largest(mission(20, slice_overlap=0.1, drone=DRONES["m30t"]), 3, HILLS)


def there_and_back(plan):
    return from_record(json.loads(json.dumps(to_record(plan))))


def assert_same(one, other):
    assert type(one) is type(other)
    if dataclasses.is_dataclass(one):
        for field in dataclasses.fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        assert (one == other).all()
    elif isinstance(one, tuple):
        assert len(one) == len(other)
        for mine, others in zip(one, other, strict=True):
            assert_same(mine, others)
    else:
        assert one == other


def test_a_plan_comes_back_to_the_last_bit(plan):
    assert_same(there_and_back(plan), plan)


def test_a_plan_without_a_battery_does_too(plan):
    unlimited = plan_shape(mission(None), plan.shape, FLAT)
    assert unlimited.mission.battery is None
    assert_same(there_and_back(unlimited), unlimited)


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(BatteryPlan)])
def test_a_record_that_lacks_something_is_refused(plan, field):
    record = to_record(plan)
    del record["batteries"][-1][field]
    with pytest.raises(RecordError):
        from_record(record)


@pytest.mark.parametrize("record", [None, [], {}, {"mission": None}, "plan", {"batteries": 3}])
def test_what_is_no_record_is_refused(record):
    with pytest.raises(RecordError):
        from_record(record)


def test_an_older_record_has_what_was_meant_before_there_was_a_choice(plan):
    record = to_record(dataclasses.replace(plan, mission=mission(20)))
    del record["mission"]["slice_overlap"]
    assert from_record(record).mission.slice_overlap == 0
