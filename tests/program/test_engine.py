"""What the real engine and provider would dislike and mocks alone do not show."""

import ast
import json
import os
import re
import subprocess
import sys

import pulumi
import pulumi_aws as aws
import pytest

from local.preview import ROOT, run_program, stack_config
from local.preview.differences import compare
from local.preview.symbols import symbolic
from tests.program import sdk_schema

FUNCTION = "aws:lambda/function:Function"
CHANGES_BY_ITSELF = {"datetime", "getpass", "os", "platform", "random", "secrets", "socket", "time", "uuid"}
REACHES_OUT = {"boto3", "botocore", "http", "httpx", "requests", "subprocess", "urllib"}
SECRET_TEXT = re.compile(r"PRIVATE KEY|AKIA[0-9A-Z]{16}|-----BEGIN (?!PUBLIC KEY)")
NAMES_OF_SECRETS = re.compile(r"SECRET|PASSWORD|PRIVATE_KEY|_TOKEN$")


def resources(run):
    return [one for one in run.registrations if not one.type.startswith("spaceport:")]


# A second run changes nothing.


@pytest.mark.parametrize("name", ["prod", "staging"])
def test_a_second_run_asks_for_the_same(request, bootstrap, name):
    again = run_program(stack_config(name, bootstrap), stack=name)
    differences = compare(symbolic(request.getfixturevalue(name)), symbolic(again))
    assert not differences.only_ours
    assert not differences.only_theirs
    assert not differences.changed
    assert not differences.outputs


@pytest.mark.slow
def test_the_order_of_sets_reaches_no_resource(bootstrap):
    """Sets of texts are in another order in each process: their order in a list would be a change."""
    options = [f"--config={key}={value}" for key, value in bootstrap.items()]
    command = [sys.executable, "-m", "local.preview", "prod", "--json", *options]
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2)
    ]
    first, second = (process.communicate()[0] for process in processes)
    assert all(process.returncode == 0 for process in processes)
    assert len(json.loads(first)["registrations"]) > 100
    assert first == second


@pytest.mark.parametrize("path", sorted((ROOT / "components").glob("*.py")), ids=lambda path: path.stem)
def test_a_component_knows_neither_time_nor_chance_nor_the_network(path):
    imported = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            imported.add((node.module or "").partition(".")[0])
    assert not imported & (CHANGES_BY_ITSELF | REACHES_OUT)


# A first preview, in which no output is known, shows what an update makes.


@pytest.fixture(scope="module", params=["prod", "staging"])
def known_and_unknown(request, bootstrap):
    unknown = run_program(stack_config(request.param, bootstrap), stack=request.param, unknown=True)
    return request.getfixturevalue(request.param), unknown


def test_a_first_preview_shows_every_resource(known_and_unknown):
    known, unknown = ({one.urn for one in run.registrations} for run in known_and_unknown)
    assert unknown == known


def test_no_input_or_option_comes_or_goes_with_an_output(known_and_unknown):
    known, unknown = (
        {
            one.urn: (
                frozenset(one.inputs),
                one.protect,
                one.retain_on_delete,
                one.import_id,
                one.ignore_changes,
                one.dependencies,
            )
            for one in run.registrations
        }
        for run in known_and_unknown
    )
    assert unknown == known


def test_a_first_preview_knows_the_names_of_the_outputs(known_and_unknown):
    known, unknown = known_and_unknown
    assert set(unknown.outputs) == set(known.outputs)


def test_a_resource_in_an_apply_is_missed_by_a_preview():
    """What the tests above would see."""

    def program():
        opts = pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-west-2"))
        bucket = aws.s3.Bucket("photos", opts=opts)
        bucket.arn.apply(lambda _: aws.s3.Bucket("videos", opts=opts))

    known, unknown = (
        {one.name for one in run_program({}, stack="test", program=program, unknown=flag).registrations}
        for flag in (False, True)
    )
    assert known - unknown == {"videos"}


# The provider takes every input.


def test_every_input_is_one_that_the_provider_takes(stack):
    assert len(resources(stack)) > 100
    refused = {one.name: sdk_schema.problems(one.type, one.inputs) for one in resources(stack)}
    assert {name: problems for name, problems in refused.items() if problems} == {}


@pytest.mark.parametrize(
    ("token", "inputs", "problem"),
    [
        ("aws:s3/bucket:Bucket", {"forceDestroy": "yes"}, "forceDestroy: must be bool, not 'yes'"),
        ("aws:s3/bucket:Bucket", {"force_destroy": True}, r"force_destroy: BucketArgs has no such input.*"),
        ("aws:s3/bucket:Bucket", {"tags": ["a"]}, r"tags: must be a map, not \['a'\]"),
        ("aws:s3/bucketVersioning:BucketVersioning", {"bucket": "b"}, "versioningConfiguration: .* needs it"),
        (
            "aws:s3/bucketVersioning:BucketVersioning",
            {"bucket": "b", "versioningConfiguration": {"status": "Enabled", "state": "Enabled"}},
            "versioningConfiguration.state: .* has no such input; there are mfaDelete, status",
        ),
        (
            "aws:dynamodb/table:Table",
            {"hashKey": "a", "attributes": [{"name": "a", "type": "S"}, {"name": "b"}]},
            r"attributes\[1\].type: .* needs it",
        ),
        ("aws:lambda/function:Function", {"role": "r", "timeout": 0.5}, "timeout: must be int, not 0.5"),
        (
            "aws:lambda/function:Function",
            {"role": "r", "environment": {"variables": {"A": {"B": "c"}}}},
            "environment.variables.A: must be str, not {'B': 'c'}",
        ),
        (
            "pulumi:providers:aws",
            {"region": "us-west-2", "defaultTags": '{"tag": {}}'},
            "defaultTags.tag: .*",
        ),
    ],
)
def test_an_input_that_the_provider_would_refuse_is_told(token, inputs, problem):
    (told,) = sdk_schema.problems(token, inputs)
    assert re.fullmatch(problem, told)


# Secrets stay secret.


def test_no_secret_travels_in_the_open(stack):
    for one in resources(stack):
        for name in set(one.inputs) - one.secret_inputs:
            assert not SECRET_TEXT.search(str(one.inputs[name])), (one.urn, name)
    assert not SECRET_TEXT.search(str(stack.outputs))


def test_functions_get_names_of_secrets_and_never_secrets(stack):
    seen = 0
    policies = {one.inputs["role"]: one.inputs["policy"] for one in stack.of("aws:iam/rolePolicy:RolePolicy")}
    roles = {one.outputs["arn"]: one.outputs["name"] for one in stack.of("aws:iam/role:Role")}
    for one in stack.of(FUNCTION):
        for name, value in one.inputs["environment"]["variables"].items():
            if NAMES_OF_SECRETS.search(name):
                seen += 1
                assert f":secret:{value}-??????" in policies[roles[one.inputs["role"]]], (one.urn, name)
    assert seen


def test_what_is_marked_as_secret_is_recorded_as_such():
    def program():
        aws.lambda_.Function(
            "photos",
            role="r",
            environment={"variables": {"A": pulumi.Output.secret("s")}},
            opts=pulumi.ResourceOptions(provider=aws.Provider("aws", region="us-west-2")),
        )

    made = run_program({}, stack="test", program=program).one(FUNCTION, "photos")
    assert made.secret_inputs == {"environment"}
    assert made.inputs["environment"] == {"variables": {"A": "s"}}
