"""What holds for every component and for the program's file."""

import ast
import importlib
import pkgutil
import re

import pytest

import components
from components.api_domain import ApiDomain
from components.base import Component
from local.preview import ROOT

OWN = "spaceport:"
ON_REQUEST = {ApiDomain.TYPE}
"""Components of stacks with a domain of their own."""
EXPECTED_OUTPUTS = {
    "fileUploadApiUrl",
    "projectsApiUrl",
    "dronePathApiUrl",
    "mlApiUrl",
    "inviteV2ApiUrl",
    "inviteV3ApiUrl",
    "waitlistApiUrl",
    "userPoolV2Id",
    "userPoolV2ClientId",
    "userPoolV3Id",
    "userPoolV3ClientId",
    "artifactsBucket",
    "deliveryDomainName",
    "deliveryUrl",
    "uploadsBucket",
    "mailDkimTokens",
    "mailEventsQueueUrl",
    "mlBucket",
    "projectsTable",
    "stateMachineArn",
}


def all_components():
    for module in pkgutil.iter_modules(components.__path__):
        importlib.import_module(f"components.{module.name}")
    return Component.__subclasses__()


def test_type_tokens_are_stated_and_unique():
    tokens = [component.__dict__["TYPE"] for component in all_components()]
    assert len(set(tokens)) == len(tokens) > 5
    assert all(re.fullmatch(r"spaceport:[a-z_]+:[A-Z][A-Za-z]+", token) for token in tokens)


def test_every_component_is_used(stack):
    used = {one.type for one in stack.registrations if one.type.startswith(OWN)}
    assert used == {component.TYPE for component in all_components()} - ON_REQUEST


def test_every_resource_belongs_to_a_component_and_is_named_after_it(stack):
    for one in stack.registrations:
        if one.custom and not one.type.startswith("pulumi:providers:"):
            owner = one.parent.split("::")[2].split("$")[-1]
            assert owner.startswith(OWN), one.urn
    named_otherwise = {
        one.name
        for one in stack.registrations
        if one.custom and not one.name.startswith(one.component.removesuffix("-image"))
    }
    tables = {one.name for one in stack.of("aws:dynamodb/table:Table")}
    assert named_otherwise - tables == {"aws"}


def test_everything_is_made_with_the_provider_that_tags(stack):
    (provider,) = stack.of("pulumi:providers:aws")
    tags = stack.of("pulumi:providers:aws")[0].inputs["defaultTags"]
    tags = ast.literal_eval(tags) if isinstance(tags, str) else tags
    assert {"project", "stack", "environment", "managed-by"} <= set(tags["tags"])
    others = [one for one in stack.registrations if one is not provider and not one.type.startswith(OWN)]
    assert others
    for one in others:
        assert one.provider == f"{provider.urn}::{provider.id}", one.urn


def test_no_missing_output_became_a_text(stack):
    for one in stack.registrations:
        assert not re.search(r"\bNone\b", str({k: v for k, v in one.inputs.items() if isinstance(v, str)})), (
            one.urn
        )


def test_the_outputs_that_others_need_are_there(stack):
    assert set(stack.outputs) == EXPECTED_OUTPUTS
    assert all(stack.outputs.values())
    assert stack.outputs["projectsApiUrl"].endswith("/prod/projects")
    assert stack.outputs["inviteV2ApiUrl"].endswith("/prod/invite")
    assert stack.outputs["inviteV3ApiUrl"].endswith("/prod/invite")
    assert not any(str(value).endswith("/") for value in stack.outputs.values())


def test_staging_and_prod_are_made_of_the_same(prod, staging):
    def shape(run):
        return {(one.type, one.name) for one in run.registrations}

    assert shape(prod) == shape(staging)


@pytest.mark.parametrize("node", [ast.For, ast.While, ast.If, ast.FunctionDef, ast.Lambda, ast.comprehension])
def test_the_program_only_wires(node):
    tree = ast.parse((ROOT / "__main__.py").read_text())
    assert not [one for one in ast.walk(tree) if isinstance(one, node)]


def test_the_program_is_short_and_makes_no_resource_itself():
    text = (ROOT / "__main__.py").read_text()
    assert len(text.splitlines()) < 100
    assert "pulumi_aws" not in text
    assert "grants" not in text
