"""IAM: every statement comes from grants.py, names what it is about, and no more."""

import inspect
import json
import re
import uuid
from fnmatch import fnmatchcase

import pytest

from components import grants
from components.storage import JOB
from functions.shared.job_names import request_key

NO_RESOURCE_LEVEL = {
    "cloudwatch:PutMetricData",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "sagemaker:ListProcessingJobs",
    "sagemaker:ListTrainingJobs",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
"""Actions whose resource can only be `*` (AWS Service Authorization Reference)."""

PATTERNS = {
    r":sagemaker:.*:(processing|training)-job/\*$": "the jobs are named when an execution runs",
    r":events:.*:rule/StepFunctionsGetEventsForSageMaker\w+JobsRule$": "Step Functions makes these rules",
    r":logs:.*:log-group:/aws/sagemaker/(Processing|Training)Jobs(:\*)?$": "SageMaker makes these groups",
    r":secretsmanager:.*:secret:spaceport/\w+/[\w-]+-\?{6}$": "bootstrap makes the secret",
    r":ses:.*:identity/models@[\w.]+$": "an address that a person has verified",
}
"""Resources that are no resources of the program, each with its reason."""

NAMED_BY_US = {
    "aws:sesv2/configurationSet:ConfigurationSet",
    "aws:sesv2/emailIdentity:EmailIdentity",
}
"""Resources whose names Pulumi does not make."""

KEY = "aws:kms/key:Key"
"""A key's own policy says `*` for the key."""

NOT_IAM = {
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy",
}
POLICY_INPUTS = ("policy", "assumeRolePolicy", "inlinePolicies", "managedPolicyArns", "accessPolicy")


def written(run):
    """Every policy document that reaches a resource, with the resource."""
    for one in run.registrations:
        if one.custom and one.type not in NOT_IAM:
            for name in POLICY_INPUTS:
                if one.inputs.get(name):
                    yield one, one.inputs[name]


def statements(run):
    for one, text in written(run):
        for statement in json.loads(text)["Statement"]:
            yield one, statement


def test_no_policy_is_written_outside_grants(stack):
    found = list(written(stack))
    assert len(found) > 10
    for one, text in found:
        assert text in stack.documents, one.urn
    kinds = {one.type for one, _ in found}
    iam = {one.type for one in stack.registrations if one.type.startswith("aws:iam/") or "Policy" in one.type}
    assert iam - NOT_IAM | {KEY} == kinds, "a type that carries policies is not looked at"


def test_no_action_is_a_wildcard(stack):
    for one, statement in statements(stack):
        if statement["Effect"] == "Allow":
            assert not any("*" in action for action in statement["Action"]), one.urn


def test_every_resource_is_the_programs_own_or_has_a_reason(stack):
    ids = {
        name for one in stack.registrations if one.custom for name in (one.id, one.outputs.get("name", ""))
    }
    physical = {name for name in ids if re.search(r"[0-9a-f]{8}", name)}
    physical |= {one.id for one in stack.registrations if one.type in NAMED_BY_US}
    for one, statement in statements(stack):
        for resource in statement.get("Resource", []):
            if resource == "*" and one.type == KEY:
                assert all(action.startswith("kms:") for action in statement["Action"]), one.urn
            elif resource == "*":
                assert set(statement["Action"]) <= NO_RESOURCE_LEVEL, one.urn
            elif not any(re.search(pattern, resource) for pattern in PATTERNS):
                parts = {resource, *re.split(r"[:/]", resource)}
                parts.add(resource.partition(":log-group:")[2].removesuffix(":*"))
                assert physical & parts, (one.urn, resource)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_exception_is_needed(prod, pattern):
    resources = [r for _, statement in statements(prod) for r in statement.get("Resource", [])]
    assert any(re.search(pattern, resource) for resource in resources)


def test_metrics_are_put_into_one_namespace(stack):
    putting = [(one, s) for one, s in statements(stack) if "cloudwatch:PutMetricData" in s["Action"]]
    assert putting
    for one, statement in putting:
        assert statement["Condition"]["StringEquals"]["cloudwatch:namespace"], one.urn


def test_a_role_is_passed_to_one_service_only(stack):
    passing = [s for _, s in statements(stack) if "iam:PassRole" in s["Action"]]
    assert passing
    roles = {one.outputs["arn"] for one in stack.of("aws:iam/role:Role")}
    for statement in passing:
        assert statement["Condition"]["StringEquals"]["iam:PassedToService"] == grants.SAGEMAKER
        assert set(statement["Resource"]) <= roles


def test_services_that_others_can_point_at_us_act_for_this_account_only(stack):
    for role in stack.of("aws:iam/role:Role"):
        (statement,) = json.loads(role.inputs["assumeRolePolicy"])["Statement"]
        assert statement["Action"] == ["sts:AssumeRole"]
        service = statement["Principal"]["Service"]
        if service != grants.LAMBDA:
            assert statement["Condition"]["StringEquals"]["aws:SourceAccount"], role.urn


def test_objects_are_reached_below_a_prefix_only(stack):
    for one, statement in statements(stack):
        if statement["Effect"] == "Deny" or not any(a.startswith("s3:") for a in statement["Action"]):
            continue
        if statement["Action"] == ["s3:ListBucket"]:
            prefixes = statement["Condition"]["StringLike"]["s3:prefix"]
            assert prefixes, one.urn
            assert all(
                prefix.split("/")[0] in ("uploads", "jobs", "terrain", "exports") for prefix in prefixes
            )
        else:
            keys = [resource.partition("/")[2] for resource in statement["Resource"]]
            assert all(re.match(r"(uploads|jobs|terrain|exports)/", key) for key in keys), one.urn


def test_a_pattern_over_keys_stays_in_its_folder(stack):
    """IAM's `*` reaches over slashes: in the middle of a key, it would be any folder."""
    keys = {
        resource.partition("/")[2]
        for _, statement in statements(stack)
        if statement["Effect"] == "Allow" and any(a.startswith("s3:") for a in statement["Action"])
        for resource in statement["Resource"]
    }
    assert len(keys) > 10
    assert [key for key in keys if "*" in key.removesuffix("*")] == []
    job = str(uuid.uuid4())
    assert fnmatchcase(request_key(job), f"{JOB}/request.json")


def test_each_job_writes_where_its_own_step_does(stack):
    jobs = {f"pipeline-{step}-policy" for step in ("sfm", "3dgs", "compressor")}
    places = {}
    for one, statement in statements(stack):
        if one.name in jobs and "s3:PutObject" in statement["Action"]:
            places[one.name] = {resource.partition("/")[2] for resource in statement["Resource"]}
    assert set(places) == jobs
    seen = [place for written in places.values() for place in written]
    assert len(seen) == len(set(seen))


def test_every_ability_says_what_it_allows_at_worst():
    abilities = [
        function
        for name, function in inspect.getmembers(grants, inspect.isfunction)
        if not name.startswith("_") and function.__module__ == grants.__name__
    ]
    assert len(abilities) > 20
    for ability in abilities:
        assert len(inspect.getdoc(ability) or "") > 30, ability.__name__
