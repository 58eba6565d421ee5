"""The jobs API's table of options against the containers' own option models."""

from importlib import import_module
from typing import Any

import pytest
from spaceport_job.options import JobOptions

from functions.ml_jobs.options import OPTIONS, OUR_OPTIONS, Choice, Number, Option, Whole
from functions.shared.job_names import STEPS


def options_class(step: str) -> type[JobOptions]:
    module = import_module(f"spaceport_{step}.options")
    classes = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, JobOptions) and item is not JobOptions
    ]
    assert len(classes) == 1
    return classes[0]


def option_of_schema(schema: dict[str, Any]) -> Option:
    """Read what a JSON schema allows; of an optional value, what it may be besides null."""
    for alternative in schema.get("anyOf", []):
        if alternative.get("type") != "null":
            schema = alternative
    if "enum" in schema:
        return Choice(tuple(schema["enum"]))
    if schema["type"] == "boolean":
        return Choice(("true", "false"))
    kind = Whole if schema["type"] == "integer" else Number
    return kind(schema["minimum"], schema["maximum"])


@pytest.mark.parametrize("step", STEPS)
def test_the_table_allows_what_the_container_allows(step):
    properties = options_class(step).model_json_schema()["properties"]
    theirs = {
        name: option_of_schema(schema) for name, schema in properties.items() if name not in OUR_OPTIONS[step]
    }
    assert theirs == OPTIONS[step]


@pytest.mark.parametrize("step", STEPS)
def test_options_of_ours_exist(step):
    assert set(OUR_OPTIONS[step]) <= set(options_class(step).model_fields)
