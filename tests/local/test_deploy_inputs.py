"""Inputs that remember what was read of them, and the names that resources get."""

import re

import pytest

from local.deploy.config import ConfigError
from local.deploy.inputs import Inputs
from local.deploy.kinds import pascal
from local.deploy.naming import Naming


def test_what_nobody_read_is_told_at_every_depth():
    inputs = Inputs(
        {
            "name": "x",
            "policy": {"length": 8, "symbols": True},
            "rules": [{"id": 1, "filter": "a"}, {"id": 2}],
            "extra": [1, 2],
        }
    )

    assert inputs["name"] == "x"
    assert inputs["policy"]["length"] == 8
    assert [rule["id"] for rule in inputs["rules"]] == [1, 2]

    assert inputs.unused() == ["policy.symbols", "rules[0].filter", "extra"]


def test_taking_something_whole_counts_for_all_of_it():
    inputs = Inputs({"policy": {"length": 8}, "rules": [{"id": 1}], "name": "x"})

    assert inputs.whole("policy") == {"length": 8}
    assert inputs.take("rules", "absent") == {"rules": [{"id": 1}]}
    assert inputs.whole("absent") is None

    assert inputs.unused() == ["name"]


def test_asking_whether_something_is_there_is_not_reading_it():
    inputs = Inputs({"name": "x"})

    assert "name" in inputs
    assert inputs.plain() == {"name": "x"}

    assert inputs.unused() == ["name"]


def test_nothing_is_ignored_without_a_reason():
    inputs = Inputs({"name": "x"})

    with pytest.raises(ValueError, match="name"):
        inputs.ignore("name", because="")
    inputs.ignore("name", because="it has no meaning here")

    assert inputs.unused() == []


def test_keys_become_pascal_case_at_every_depth_and_values_stay():
    value = {"ruleName": "keepMe", "list": [{"maxTtl": 3}], "plain": ["camelCase"]}

    assert pascal(value, {"maxTtl": "MaxTTL"}) == {
        "RuleName": "keepMe",
        "List": [{"MaxTTL": 3}],
        "Plain": ["camelCase"],
    }


PLAIN = Naming("tiny", "local")


def test_names_are_the_logical_one_with_seven_random_digits():
    names = {PLAIN.name("uploads", limit=63) for _ in range(50)}

    assert len(names) == 50
    assert all(re.fullmatch(r"uploads-[0-9a-f]{7}", name) for name in names)


def test_names_follow_the_rules_of_their_type():
    assert PLAIN.name("Uploads", limit=63, lower=True).startswith("uploads-")
    assert PLAIN.name("jobs", limit=80, suffix=".fifo").endswith(".fifo")
    PLAIN.name("x" * 56, limit=64)
    with pytest.raises(ValueError, match="65 characters, and 64"):
        PLAIN.name("x" * 57, limit=64)


def test_names_follow_the_pattern_of_the_stack():
    setting = {"pulumi:autonaming": '{"pattern": "${project}-${stack}-${name}-${hex(3)}"}'}

    name = Naming.of("tiny", "local", setting).name("uploads", limit=63)

    assert re.fullmatch(r"tiny-local-uploads-[0-9a-f]{3}", name)


@pytest.mark.parametrize("setting", ['{"mode": "verbatim"}', '{"pattern": "${organization}-${name}"}'])
def test_a_way_of_naming_that_is_not_known_is_refused(setting: str):
    with pytest.raises(ConfigError, match="autonaming"):
        Naming.of("tiny", "local", {"pulumi:autonaming": setting})
