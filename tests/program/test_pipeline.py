"""The pipeline as deployed: its definition's parts, its logs, and who is told of what."""

import json
import re

import pytest

from components.alarms import STAGE_RUNNING_SECONDS
from functions.ml_jobs.machines import Machines
from functions.shared.prices import Prices
from local.preview import run_program, stack_config
from tests.program.states_language import states_of

RULE = "aws:cloudwatch/eventRule:EventRule"
JOB_EVENTS = "spaceport:pipeline:JobEvents"


def machine(run):
    (found,) = run.of("aws:sfn/stateMachine:StateMachine")
    return found


def test_the_definition_names_this_programs_resources(stack):
    text = machine(stack).inputs["definition"]
    states = states_of(json.loads(text))
    for state, function in (("CheckCapture", "capture-check"), ("QualityGate", "pipeline-steps")):
        alias = stack.one("aws:lambda/alias:Alias", f"{function}-alias")
        assert states[state]["Parameters"]["FunctionName"] == alias.outputs["arn"]
    images = {one.name: one.outputs["imageUri"] for one in stack.of("awsx:ecr:Image")}
    assert states["Sfm"]["Parameters"]["AppSpecification"]["ImageUri"] == images["sfm-build"]
    assert (
        states["Train3dgsJob"]["Parameters"]["AlgorithmSpecification"]["TrainingImage"]
        == images["3dgs-build"]
    )
    assert states["Compressor"]["Parameters"]["AppSpecification"]["ImageUri"] == images["compressor-build"]
    roles = {one.name: one.outputs["arn"] for one in stack.of("aws:iam/role:Role")}
    for state, role in (("Sfm", "sfm"), ("Train3dgsJob", "3dgs"), ("Compressor", "compressor")):
        assert states[state]["Parameters"]["RoleArn"] == roles[f"pipeline-{role}-role"]
    assert stack.outputs["mlBucket"] in text


def test_the_machines_role_may_use_what_the_definition_names(stack):
    definition = json.loads(machine(stack).inputs["definition"])
    policy = stack.one("aws:iam/rolePolicy:RolePolicy", "pipeline-machine-policy").inputs["policy"]
    allowed = {
        (action, resource)
        for statement in json.loads(policy)["Statement"]
        for action in statement["Action"]
        for resource in statement["Resource"]
    }
    for state in states_of(definition).values():
        if "RoleArn" in state.get("Parameters", {}):
            assert ("iam:PassRole", state["Parameters"]["RoleArn"]) in allowed
        if "FunctionName" in state.get("Parameters", {}):
            assert ("lambda:InvokeFunction", state["Parameters"]["FunctionName"]) in allowed
    for kind in ("Training", "Processing"):
        for verb in ("Create", "Describe", "Stop"):
            (resource,) = [where for action, where in allowed if action == f"sagemaker:{verb}{kind}Job"]
            assert resource.endswith(f":{kind.lower()}-job/*")
    called = {
        state["Resource"].rpartition(":")[2]
        for state in states_of(definition).values()
        if ":aws-sdk:sagemaker:" in state.get("Resource", "")
    }
    assert called == {"describeTrainingJob", "stopTrainingJob", "stopProcessingJob"}


def test_the_machine_hears_of_the_jobs_that_it_waits_for(stack):
    definition = machine(stack).inputs["definition"]
    policy = stack.one("aws:iam/rolePolicy:RolePolicy", "pipeline-machine-policy").inputs["policy"]
    rules = {
        resource.rpartition("/")[2]: set(statement["Action"])
        for statement in json.loads(policy)["Statement"]
        for resource in statement["Resource"]
        if ":rule/" in resource
    }
    for kind in ("Processing", "Training"):
        assert f"sagemaker:create{kind}Job.sync" in definition
        needed = {"events:DescribeRule", "events:PutRule", "events:PutTargets"}
        assert rules[f"StepFunctionsGetEventsForSageMaker{kind}JobsRule"] == needed


@pytest.mark.parametrize("use_spot", [True, False])
def test_training_takes_spot_machines_where_the_config_says_so(bootstrap, use_spot):
    config = stack_config("prod", {**bootstrap, "spaceport:useSpot": use_spot})
    definition = machine(run_program(config, stack="prod")).inputs["definition"]
    assert ('"spot": true' in definition) is use_spot


@pytest.mark.parametrize("name", ["prod", "staging"])
def test_jobs_run_on_the_configured_machines(request, name):
    config = stack_config(name)
    wanted = {config[f"spaceport:{step}InstanceType"] for step in ("processing", "compressor")}
    wanted |= set(json.loads(config["spaceport:trainingInstanceTypes"]))
    definition = machine(request.getfixturevalue(name)).inputs["definition"]
    assert wanted <= set(re.findall(r'"(ml\.[\w.]+)"', definition))


def variables(run, function):
    """Environment of the one function whose code is in a folder."""
    (one,) = (
        one
        for one in run.of("aws:lambda/function:Function")
        if one.inputs["handler"] == f"functions.{function}.handler.handler"
    )
    return one.inputs["environment"]["variables"]


def test_an_estimate_is_made_for_the_machines_that_jobs_run_on(stack):
    told = Machines.model_validate_json(variables(stack, "ml_jobs")["MACHINES"])
    definition = machine(stack).inputs["definition"]
    used = re.findall(r'"(ml\.[\w.]+)"', definition)
    assert {told.sfm, *told.training, told.compressor} == set(used)
    assert [one for one in dict.fromkeys(used) if one in told.training] == list(told.training)
    assert told.use_spot is ('"spot": true' in definition)


def test_prices_of_the_config_reach_whoever_counts_costs(bootstrap):
    given = {"ml.g5.2xlarge": 1.9, "ml.g5.4xlarge": 3}
    run = run_program(stack_config("prod", {**bootstrap, "spaceport:machinePrices": given}), stack="prod")
    for function in ("ml_jobs", "job_events"):
        prices = Prices.with_overrides(variables(run, function)["MACHINE_PRICES"])
        assert prices.usd("ml.g5.2xlarge", 3600) == 1.9
        assert prices.usd("ml.g5.4xlarge", 3600) == 3


def test_every_machine_of_a_stack_has_a_price(stack):
    told = Machines.model_validate_json(variables(stack, "ml_jobs")["MACHINES"])
    prices = Prices.with_overrides(variables(stack, "ml_jobs")["MACHINE_PRICES"])
    for one in (told.sfm, *told.training, told.compressor):
        assert prices.usd(one, 3600), one


def test_executions_are_logged_and_traced(stack):
    inputs = machine(stack).inputs
    groups = {one.outputs["arn"] for one in stack.of("aws:cloudwatch/logGroup:LogGroup")}
    assert inputs["loggingConfiguration"]["logDestination"].removesuffix(":*") in groups
    assert inputs["loggingConfiguration"]["level"] == "ERROR"
    assert inputs["tracingConfiguration"]["enabled"] is True
    # The input names its owner; and what is logged stays as long as the logs.
    assert inputs["loggingConfiguration"]["includeExecutionData"] is False


def test_the_logs_name_leaves_the_accounts_resource_policy_alone(stack):
    """Step Functions adds every other group to a policy that has room for about twenty."""
    destination = machine(stack).inputs["loggingConfiguration"]["logDestination"].removesuffix(":*")
    (group,) = [
        one for one in stack.of("aws:cloudwatch/logGroup:LogGroup") if one.outputs["arn"] == destination
    ]
    assert group.outputs["name"].startswith("/aws/vendedlogs/")


def test_the_machine_waits_for_its_roles_policy(stack):
    policy = stack.one("aws:iam/rolePolicy:RolePolicy", "pipeline-machine-policy")
    assert policy.urn in machine(stack).dependencies


def test_events_of_this_pipeline_alone_reach_the_function(stack):
    patterns = {
        one.name: json.loads(one.inputs["eventPattern"])
        for one in stack.of(RULE)
        if "eventPattern" in one.inputs and JOB_EVENTS in one.urn
    }
    executions = patterns["job-changes-executions-rule"]
    jobs = patterns["job-changes-jobs-rule"]
    assert len(patterns) == 2
    assert executions["source"] == ["aws.states"]
    assert executions["detail-type"] == ["Step Functions Execution Status Change"]
    assert executions["detail"] == {"stateMachineArn": [stack.outputs["stateMachineArn"]]}
    assert jobs["source"] == ["aws.sagemaker"]
    assert set(jobs["detail-type"]) == {
        "SageMaker Training Job State Change",
        "SageMaker Processing Job State Change",
    }
    states = states_of(json.loads(machine(stack).inputs["definition"])).values()
    used = {state["Parameters"]["RoleArn"] for state in states if "RoleArn" in state.get("Parameters", {})}
    assert set(jobs["detail"]["RoleArn"]) == used


def test_the_function_looks_at_what_runs_more_often_than_its_alarm_gathers(stack):
    (rule,) = [one for one in stack.of(RULE) if "scheduleExpression" in one.inputs]
    minutes = int(re.fullmatch(r"rate\((\d+) minutes\)", rule.inputs["scheduleExpression"])[1])
    (alarm,) = [
        one
        for one in stack.of("aws:cloudwatch/metricAlarm:MetricAlarm")
        if one.inputs["metricName"] == STAGE_RUNNING_SECONDS
    ]
    assert 2 * minutes * 60 <= alarm.inputs["period"]


def test_every_job_bears_the_tags_that_its_cost_is_counted_by(stack):
    (provider,) = stack.of("pulumi:providers:aws")
    tags = json.loads(provider.inputs["defaultTags"])["tags"]
    jobs = [
        state["Parameters"]["Tags"]
        for state in states_of(json.loads(machine(stack).inputs["definition"])).values()
        if ":sagemaker:create" in state.get("Resource", "")
    ]
    assert len(jobs) >= 3
    for listed in jobs:
        assert {tag["Key"]: tag["Value"] for tag in listed} == tags


def test_the_rules_call_the_function_and_may(stack):
    alias = stack.one("aws:lambda/alias:Alias", "job-events-alias")
    targets = [one for one in stack.of("aws:cloudwatch/eventTarget:EventTarget") if JOB_EVENTS in one.urn]
    rules = {one.outputs["name"]: one.outputs["arn"] for one in stack.of(RULE) if JOB_EVENTS in one.urn}
    assert len(rules) >= 3
    assert {one.inputs["rule"] for one in targets} == set(rules)
    assert {one.inputs["arn"] for one in targets} == {alias.outputs["arn"]}
    permissions = {
        one.inputs["sourceArn"]
        for one in stack.of("aws:lambda/permission:Permission")
        if one.inputs["principal"] == "events.amazonaws.com"
        and one.inputs["function"] == alias.inputs["functionName"]
    }
    assert permissions == set(rules.values())
