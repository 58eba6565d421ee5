"""The functions: each gets the variables that its settings model wants, its code, its logs and its traces."""

import ast
import importlib
import json
import re
from pathlib import PurePosixPath

import pytest

from components.code import function_files
from functions.shared.settings import EnvSettings
from functions.webhooks.delivery import DELAYS_SECONDS
from local.preview import ROOT, run_program, stack_config

FUNCTION = "aws:lambda/function:Function"
ALIAS = "aws:lambda/alias:Alias"
EVENTS = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
RULE = "aws:cloudwatch/eventRule:EventRule"
QUEUE_POLICY = "aws:sqs/queuePolicy:QueuePolicy"
MAPPING = "aws:lambda/eventSourceMapping:EventSourceMapping"
COMMON = {"POWERTOOLS_SERVICE_NAME", "LOG_LEVEL"}
FOLDERS = sorted(
    path.parent.name for path in (ROOT / "functions").glob("*/settings.py") if path.parent.name != "shared"
)


def settings_of(folder) -> type[EnvSettings]:
    return importlib.import_module(f"functions.{folder}.settings").Settings


def deployed(run, folder):
    """The functions that a folder's code is deployed as; mostly one."""
    handler = f"functions.{folder}.handler.handler"
    found = [one for one in run.of(FUNCTION) if one.inputs["handler"] == handler]
    assert found, folder
    return found


def test_every_function_is_deployed(stack):
    handlers = {one.inputs["handler"] for one in stack.of(FUNCTION)}
    assert handlers == {f"functions.{folder}.handler.handler" for folder in FOLDERS}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_environment_is_what_the_settings_model_wants(stack, folder):
    fields = settings_of(folder).model_fields
    required = {name.upper() for name, field in fields.items() if field.is_required()}
    for one in deployed(stack, folder):
        variables = set(one.inputs["environment"]["variables"])
        assert required <= variables - COMMON <= {name.upper() for name in fields}
        assert variables >= COMMON


def test_every_setting_is_given_somewhere(prod):
    for folder in FOLDERS:
        given = {name for one in deployed(prod, folder) for name in one.inputs["environment"]["variables"]}
        assert given - COMMON == {name.upper() for name in settings_of(folder).model_fields}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_settings_model_takes_the_values(stack, folder):
    for one in deployed(stack, folder):
        variables = one.inputs["environment"]["variables"]
        settings_of(folder).model_validate({name.lower(): value for name, value in variables.items()})


def test_variables_name_the_resources_that_they_say(stack):
    tables = {one.name: one.outputs["name"] for one in stack.of("aws:dynamodb/table:Table")}
    buckets = {one.name: one.outputs["bucket"] for one in stack.of("aws:s3/bucket:Bucket")}
    expected = {name.upper().replace("-", "_"): value for name, value in {**tables, **buckets}.items()}
    del expected["ARTIFACTS_BUCKET"]  # no function's affair
    expected["STATE_MACHINE_ARN"] = stack.outputs["stateMachineArn"]
    expected["DELIVERY_URL"] = stack.outputs["deliveryUrl"]
    expected["HOUSEKEEPING_ARN"] = stack.one(ALIAS, "housekeeping-alias").outputs["arn"]
    expected["WEBHOOK_QUEUE_URL"] = stack.one("aws:sqs/queue:Queue", "webhooks-queue").outputs["url"]
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


@pytest.mark.parametrize("name", ["prod", "staging"])
def test_logs_are_kept_as_long_as_the_config_says(request, name):
    groups = request.getfixturevalue(name).of("aws:cloudwatch/logGroup:LogGroup")
    days = {one.inputs["retentionInDays"] for one in groups}
    assert days == {int(stack_config(name)["spaceport:logRetentionDays"])}


def test_calls_are_traced_and_end_before_the_gateway_gives_up(stack):
    behind_apis = {one.inputs["uri"] for one in stack.of("aws:apigateway/integration:Integration")}
    invoked = {one.inputs["functionName"]: one.outputs["invokeArn"] for one in stack.of(ALIAS)}
    assert behind_apis < set(invoked.values())
    for one in stack.of(FUNCTION):
        assert one.inputs["tracingConfig"]["mode"] == "Active"
        if invoked[one.outputs["name"]] in behind_apis:
            assert one.inputs["timeout"] <= 29


def test_a_function_is_not_there_before_it_may_do_its_work(stack):
    policies = {one.inputs["role"]: one.urn for one in stack.of("aws:iam/rolePolicy:RolePolicy")}
    roles = {one.outputs["arn"]: one.outputs["name"] for one in stack.of("aws:iam/role:Role")}
    for one in stack.of(FUNCTION):
        assert policies[roles[one.inputs["role"]]] in one.dependencies


def test_the_layers_are_built_for_what_the_functions_run_on(stack):
    layers = {one.outputs["arn"]: one for one in stack.of("aws:lambda/layerVersion:LayerVersion")}
    archives = stack.of("aws:s3/bucketObjectv2:BucketObjectv2")
    versioning = stack.one("aws:s3/bucketVersioning:BucketVersioning", "artifacts-bucket-versioning")
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
        (archive,) = [one for one in archives if one.outputs["versionId"] == layer.inputs["s3ObjectVersion"]]
        assert (archive.inputs["bucket"], archive.inputs["key"]) == (
            layer.inputs["s3Bucket"],
            layer.inputs["s3Key"],
        )
        assert archive.inputs["source"].path == f"build/layers/{kind}-{runtime}-{architecture}.zip"
        assert versioning.urn in archive.dependencies


def test_everything_calls_a_function_by_its_alias(stack):
    aliases = {one.inputs["functionName"]: one for one in stack.of(ALIAS)}
    for one in stack.of(FUNCTION):
        alias = aliases[one.outputs["name"]]
        assert one.inputs["publish"] is True
        assert alias.inputs["functionVersion"] == one.outputs["version"]
        unqualified = re.escape(one.outputs["arn"])
        for other in stack.registrations:
            if other.custom and other is not alias:
                seen = re.search(rf"{unqualified}(?!:{alias.outputs['name']})", str(other.inputs))
                assert not seen, other.urn
    for permission in stack.of("aws:lambda/permission:Permission"):
        assert permission.inputs["qualifier"] == aliases[permission.inputs["function"]].outputs["name"]


def sent_events(run):
    """ARNs of what rules and functions send events to; functions name it in a variable."""
    by_rules = {one.inputs["arn"] for one in run.of("aws:cloudwatch/eventTarget:EventTarget")}
    told = {v for one in run.of(FUNCTION) for v in one.inputs["environment"]["variables"].values()}
    return by_rules | (told & {alias.outputs["arn"] for alias in run.of(ALIAS)})


def test_what_events_could_not_tell_is_kept(stack):
    called_by_events = sent_events(stack)
    assert len(called_by_events) > 1
    queues = {one.outputs["arn"]: one for one in stack.of("aws:sqs/queue:Queue")}
    settings = {one.inputs["functionName"]: one.inputs for one in stack.of(EVENTS)}
    policies = {one.inputs["queueUrl"]: json.loads(one.inputs["policy"]) for one in stack.of(QUEUE_POLICY)}
    used = set()
    for alias in stack.of(ALIAS):
        if alias.outputs["arn"] in called_by_events:
            given_up = settings[alias.inputs["functionName"]]
            queue = given_up["destinationConfig"]["onFailure"]["destination"]
            assert given_up["qualifier"] == alias.outputs["name"]
            assert 0 < given_up["maximumRetryAttempts"] <= 2
            assert queues[queue].inputs["sqsManagedSseEnabled"] is True
            used.add(queue)
    targets = stack.of("aws:cloudwatch/eventTarget:EventTarget")
    told = {target.inputs["arn"] for target in targets} & set(queues)
    assert used == set(queues) - queues_of_work(stack) - told
    rules = {one.outputs["name"]: one.outputs["arn"] for one in stack.of(RULE)}
    for target in targets:
        if target.inputs["arn"] in told:
            continue
        queue = queues[target.inputs["deadLetterConfig"]["arn"]]
        (statement,) = policies[queue.outputs["url"]]["Statement"]
        assert rules[target.inputs["rule"]] in statement["Condition"]["ArnEquals"]["aws:SourceArn"]


def redrive_of(queue):
    return json.loads(queue.inputs["redrivePolicy"])


def queues_of_work(stack):
    """ARNs of the queues that functions work off, and of where their messages end."""
    sources = {one.inputs["eventSourceArn"] for one in stack.of(MAPPING)}
    queues = [one for one in stack.of("aws:sqs/queue:Queue") if one.outputs["arn"] in sources]
    return sources | {redrive_of(one)["deadLetterTargetArn"] for one in queues}


def test_a_queue_is_worked_off_message_by_message_until_it_gives_one_up(stack):
    queues = {one.outputs["arn"]: one for one in stack.of("aws:sqs/queue:Queue")}
    functions = {one.outputs["name"]: one for one in stack.of(FUNCTION)}
    callers = {one.outputs["arn"]: functions[one.inputs["functionName"]] for one in stack.of(ALIAS)}
    assert stack.of(MAPPING)
    for mapping in stack.of(MAPPING):
        queue, function = queues[mapping.inputs["eventSourceArn"]], callers[mapping.inputs["functionName"]]
        assert mapping.inputs["functionResponseTypes"] == ["ReportBatchItemFailures"]
        # An error of ours in one message would else repeat what was done with the others.
        assert mapping.inputs["batchSize"] == 1
        assert queue.inputs["visibilityTimeoutSeconds"] >= 6 * function.inputs["timeout"]
        dead_letters = queues[redrive_of(queue)["deadLetterTargetArn"]]
        for one in (queue, dead_letters):
            assert one.inputs["sqsManagedSseEnabled"] is True
        assert dead_letters.inputs["messageRetentionSeconds"] >= queue.inputs["messageRetentionSeconds"]


def test_a_webhooks_event_is_given_up_after_its_last_try_and_not_before(stack):
    queue = stack.one("aws:sqs/queue:Queue", "webhooks-queue")
    assert redrive_of(queue)["maxReceiveCount"] == len(DELAYS_SECONDS) + 1
    assert queue.inputs["messageRetentionSeconds"] > 2 * sum(DELAYS_SECONDS)


def test_uploads_and_jobs_are_checked_by_one_function(stack):
    (check,) = [one for one in stack.of(ALIAS) if one.name == "capture-check-alias"]
    variables = stack.one(FUNCTION, "file-upload-function").inputs["environment"]["variables"]
    assert variables["CAPTURE_CHECK_ARN"] == check.outputs["arn"]
    policy = json.loads(stack.one("aws:iam/rolePolicy:RolePolicy", "file-upload-policy").inputs["policy"])
    invoked = [s["Resource"] for s in policy["Statement"] if s["Action"] == ["lambda:InvokeFunction"]]
    assert [check.outputs["arn"]] in invoked
    (machine,) = stack.of("aws:sfn/stateMachine:StateMachine")
    checked = json.loads(machine.inputs["definition"])["States"]["CheckCapture"]
    assert checked["Parameters"]["FunctionName"] == check.outputs["arn"]
    function = stack.one(FUNCTION, "capture-check-function").inputs
    assert function["timeout"] < checked["TimeoutSeconds"]


def test_a_share_of_the_concurrency_is_given_only_where_it_is_asked_for(prod, bootstrap):
    assert not [one for one in prod.of(FUNCTION) if "reservedConcurrentExecutions" in one.inputs]
    config = stack_config("prod", {**bootstrap, "spaceport:reservedConcurrency": {"ml_jobs": 20}})
    run = run_program(config, stack="prod")
    shares = {one.name: one.inputs.get("reservedConcurrentExecutions") for one in run.of(FUNCTION)}
    assert {name: share for name, share in shares.items() if share} == {"ml-jobs-function": 20}
