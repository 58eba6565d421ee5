"""The stack's configuration: what the Pulumi CLI would hand to the program, and what it would refuse."""

import json
from pathlib import Path

import pytest

from local.deploy.config import ConfigError, stack_config

PROJECT = """
name: tiny
runtime: {name: python}
config:
  environment: {type: string}
  minutes: {type: integer, default: 240}
  spot: {type: boolean, default: true}
  origins: {type: array, items: {type: string}, default: []}
  adopt: {type: object, default: {}}
  runtime: {type: string, default: python3.13}
  aws:region: {value: us-east-1}
"""
STACK = "config: {tiny:environment: test}"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    (tmp_path / "Pulumi.test.yaml").write_text(STACK)
    return tmp_path


def test_values_come_from_the_call_then_the_machine_then_the_stack_then_the_default(folder: Path):
    (folder / "Pulumi.test.yaml").write_text(
        "config: {tiny:environment: stack, tiny:runtime: stack, tiny:minutes: 1, aws:region: eu-west-1}"
    )
    machine = {"runtime": "machine", "environment": "machine", "unheard": "of"}

    config = stack_config(folder, "test", config={"environment": "call"}, machine=machine)

    assert config == {
        "tiny:environment": "call",
        "tiny:runtime": "machine",
        "tiny:minutes": "1",
        "tiny:spot": "true",
        "tiny:origins": "[]",
        "tiny:adopt": "{}",
        "aws:region": "eu-west-1",
    }


def test_lists_and_maps_reach_the_program_as_json(folder: Path):
    origins, adopt = ["https://a.example", "https://b.example"], {"bucket": {"id": "x"}}

    config = stack_config(folder, "test", config={"origins": origins, "adopt": json.dumps(adopt)})

    assert json.loads(config["tiny:origins"]) == origins
    assert json.loads(config["tiny:adopt"]) == adopt


@pytest.mark.parametrize(
    ("key", "value", "kind"),
    [
        ("minutes", "many", "integer"),
        ("minutes", "1.5", "integer"),
        ("minutes", True, "integer"),
        ("spot", "yes", "boolean"),
        ("spot", 1, "boolean"),
        ("origins", "https://a.example", "array"),
        ("origins", [1], "string"),
        ("adopt", "[]", "object"),
        ("environment", 3, "string"),
    ],
)
def test_a_value_of_another_type_is_refused_by_name(folder: Path, key: str, value: object, kind: str):
    with pytest.raises(ConfigError, match=rf"tiny:{key}.* no {kind}"):
        stack_config(folder, "test", config={key: value})


def test_a_missing_value_is_named(folder: Path):
    (folder / "Pulumi.test.yaml").write_text("config: {}")

    with pytest.raises(ConfigError, match=r"no value for tiny:environment.*Pulumi\.test\.yaml"):
        stack_config(folder, "test", config={})


@pytest.mark.parametrize("where", ["stack", "call"])
def test_a_key_that_the_project_does_not_know_is_refused_with_those_it_knows(folder: Path, where: str):
    if where == "stack":
        (folder / "Pulumi.test.yaml").write_text("config: {tiny:environment: x, tiny:minuets: 3}")

    with pytest.raises(ConfigError, match=r"tiny:minuets.*minutes"):
        stack_config(folder, "test", config={"minuets": 3} if where == "call" else {})


def test_keys_of_other_namespaces_are_handed_on(folder: Path):
    assert stack_config(folder, "test", config={"aws:profile": "x"})["aws:profile"] == "x"


def test_an_encrypted_value_must_be_given_in_the_clear(folder: Path):
    (folder / "Pulumi.test.yaml").write_text("config: {tiny:environment: {secure: AAAB}}")

    with pytest.raises(ConfigError, match="tiny:environment is encrypted"):
        stack_config(folder, "test", config={})
    assert stack_config(folder, "test", config={"environment": "x"})["tiny:environment"] == "x"


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ("{a: {type: text}}", "tiny:a has type 'text'"),
        ("{a: {type: integer, default: x}}", "tiny:a to 'x', which is no integer"),
        ("{a: {type: array}}", "tiny:a is an array"),
        ("{a: {kind: string}}", "tiny:a has unknown fields kind"),
        ("{aws:region: {type: string}}", "aws:region is not the project's own"),
        ("[a]", "config must be a map"),
    ],
)
def test_a_schema_that_pulumi_would_refuse_is_refused(folder: Path, section: str, complaint: str):
    (folder / "Pulumi.yaml").write_text(f"name: tiny\nruntime: python\nconfig: {section}")

    with pytest.raises(ConfigError, match=complaint):
        stack_config(folder, "test", config={})


def test_a_stack_without_a_file_is_named(folder: Path):
    with pytest.raises(ConfigError, match=r"Pulumi\.nowhere\.yaml is missing"):
        stack_config(folder, "nowhere", config={})
