"""The functions: each gets the variables that its settings model wants, its code, its logs and its traces."""

import ast
import importlib
from pathlib import PurePosixPath

import pytest

from components.code import function_files
from functions.shared.settings import EnvSettings
from tests.program.pulumi_mocks import ROOT

FUNCTION = "aws:lambda/function:Function"
COMMON = {"POWERTOOLS_SERVICE_NAME", "LOG_LEVEL"}
FOLDERS = sorted(
    path.parent.name for path in (ROOT / "functions").glob("*/settings.py") if path.parent.name != "shared"
)


def settings_of(folder) -> type[EnvSettings]:
    return importlib.import_module(f"functions.{folder}.settings").Settings


def function(run, folder):
    return run.one(FUNCTION, f"{folder.replace('_', '-')}-function")


def test_every_function_is_deployed(stack):
    handlers = {one.inputs["handler"] for one in stack.of(FUNCTION)}
    assert handlers == {f"functions.{folder}.handler.handler" for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_environment_is_what_the_settings_model_wants(stack, folder):
    variables = function(stack, folder).inputs["environment"]["variables"]
    wanted = {field.upper() for field in settings_of(folder).model_fields}
    assert set(variables) - COMMON == wanted
    assert set(variables) >= COMMON


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_settings_model_takes_the_values(stack, folder):
    variables = function(stack, folder).inputs["environment"]["variables"]
    settings_of(folder).model_validate({name.lower(): value for name, value in variables.items()})


def test_variables_name_the_resources_that_they_say(stack):
    tables = {one.name: one.outputs["name"] for one in stack.of("aws:dynamodb/table:Table")}
    buckets = {one.name: one.outputs["bucket"] for one in stack.of("aws:s3/bucket:Bucket")}
    expected = {name.upper().replace("-", "_"): value for name, value in {**tables, **buckets}.items()}
    expected["STATE_MACHINE_ARN"] = stack.outputs["stateMachineArn"]
    expected["DELIVERY_URL"] = stack.outputs["deliveryUrl"]
    seen = set()
    for one in stack.of(FUNCTION):
        for name, value in one.inputs["environment"]["variables"].items():
            if name in expected:
                assert value == expected[name], (one.name, name)
                seen.add(name)
    assert seen == set(expected)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_archive_has_every_module_that_the_function_imports(folder):
    files = set(function_files(folder))
    assert not [name for name in files if "__pycache__" in name or name.endswith(".pyc")]
    for name in files:
        if name.endswith(".py"):
            for module in imported(ROOT / name):
                assert {f"{module}.py", f"{module}/__init__.py"} & files, (name, module)


def imported(path):
    """Modules of the functions that a file imports, as paths."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("functions"):
            names = [node.module]
            package = ROOT / node.module.replace(".", "/")
            names += [f"{node.module}.{a.name}" for a in node.names if (package / f"{a.name}.py").is_file()]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.startswith("functions")]
        yield from (str(PurePosixPath(*name.split("."))) for name in names)


def test_the_archive_leaves_other_functions_out():
    others = {name.split("/")[1] for name in function_files("projects")} - {"__init__.py"}
    assert others == {"projects", "shared"}


def test_compiled_files_are_left_out(tmp_path):
    for name in ("functions/shared/a.py", "functions/x/handler.py", "functions/x/__pycache__/handler.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files = function_files("x", root=tmp_path)
    assert files == ["functions/__init__.py", "functions/shared/a.py", "functions/x/handler.py"]


def test_a_function_without_a_handler_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"functions/lost/handler\.py"):
        function_files("lost", root=tmp_path)


def test_logs_are_the_functions_own_and_end(stack):
    groups = {one.outputs["name"]: one for one in stack.of("aws:cloudwatch/logGroup:LogGroup")}
    used = [one.inputs["loggingConfig"]["logGroup"] for one in stack.of(FUNCTION)]
    assert len(set(used)) == len(used)
    assert set(used) <= set(groups)
    assert all(group.inputs["retentionInDays"] > 0 for group in groups.values())


def test_calls_are_traced_and_end_before_the_gateway_gives_up(stack):
    behind_apis = {one.inputs["uri"] for one in stack.of("aws:apigateway/integration:Integration")}
    for one in stack.of(FUNCTION):
        assert one.inputs["tracingConfig"]["mode"] == "Active"
        if one.outputs["invokeArn"] in behind_apis:
            assert one.inputs["timeout"] <= 29


def test_a_function_is_not_there_before_it_may_do_its_work(stack):
    policies = {one.inputs["role"]: one.urn for one in stack.of("aws:iam/rolePolicy:RolePolicy")}
    roles = {one.outputs["arn"]: one.outputs["name"] for one in stack.of("aws:iam/role:Role")}
    for one in stack.of(FUNCTION):
        assert policies[roles[one.inputs["role"]]] in one.dependencies


def test_the_layers_are_built_for_what_the_functions_run_on(stack):
    layers = {one.outputs["arn"]: one for one in stack.of("aws:lambda/layerVersion:LayerVersion")}
    base = stack.one("aws:lambda/layerVersion:LayerVersion", "functions-base-layer").outputs["arn"]
    for one in stack.of(FUNCTION):
        assert one.inputs["layers"][0] == base
        for layer in (layers[arn] for arn in one.inputs["layers"]):
            assert [one.inputs["runtime"]] == layer.inputs["compatibleRuntimes"]
            assert one.inputs["architectures"] == layer.inputs["compatibleArchitectures"]
    for layer in layers.values():
        kind = layer.name.removeprefix("functions-").removesuffix("-layer")
        runtime = layer.inputs["compatibleRuntimes"][0]
        architecture = layer.inputs["compatibleArchitectures"][0]
        assert layer.inputs["code"].path == f"build/layers/{kind}-{runtime}-{architecture}.zip"
