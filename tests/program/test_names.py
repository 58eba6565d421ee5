"""Names and bounds: what tells a stack's resources from those of others in the account."""

import pytest

from components.settings import MAX_STACK_NAME, SettingsError
from local.deploy.naming import Naming
from local.preview import PROJECT, Run, run_program, stack_config

BOUNDARY = "arn:aws:iam::123456789012:policy/spaceport-bootstrap/prod-boundary"
ROLE = "aws:iam/role:Role"
LONGEST = {
    ROLE: 64,
    "aws:lambda/function:Function": 64,
    "aws:cloudwatch/eventRule:EventRule": 64,
    "aws:cloudfront/originAccessControl:OriginAccessControl": 64,
    "aws:s3/bucket:Bucket": 63,
    "aws:sfn/stateMachine:StateMachine": 80,
    "aws:sqs/queue:Queue": 80,
}
"""Characters that AWS takes of a name, where they are few."""
LOGS, LAYER = "aws:cloudwatch/logGroup:LogGroup", "aws:lambda/layerVersion:LayerVersion"
ALARM, DASHBOARD = "aws:cloudwatch/metricAlarm:MetricAlarm", "aws:cloudwatch/dashboard:Dashboard"


def test_every_role_bears_the_boundary_that_the_stack_names(bootstrap):
    run = run_program(
        stack_config("prod", {**bootstrap, "spaceport:permissionsBoundary": BOUNDARY}), stack="prod"
    )
    assert {role.inputs.get("permissionsBoundary") for role in run.of(ROLE)} == {BOUNDARY}


def test_without_a_boundary_no_role_bears_one(prod: Run):
    assert {role.inputs.get("permissionsBoundary") for role in prod.of(ROLE)} == {None}


def test_names_that_pulumi_does_not_make_begin_with_project_and_stack(prod: Run):
    given = [one.inputs["namePrefix"] for one in prod.of(LOGS)]
    assert all(name.rpartition("/")[2].startswith(f"{PROJECT}-prod-") for name in given)
    given = [one.inputs["layerName"] for one in prod.of(LAYER)] + [
        one.inputs["name"] for one in prod.of(ALARM)
    ]
    assert all(name.startswith(f"{PROJECT}-prod-") for name in given)
    assert [one.inputs["dashboardName"] for one in prod.of(DASHBOARD)] == [f"{PROJECT}-prod"]


def test_names_that_pulumi_makes_begin_with_project_and_stack():
    naming = Naming.of(PROJECT, "prod", stack_config("prod"))
    assert naming.name("jobs-table", limit=255).startswith(f"{PROJECT}-prod-jobs-table-")


def test_the_names_of_the_longest_stack_fit(prod: Run):
    naming = Naming.of(PROJECT, "s" * MAX_STACK_NAME, stack_config("prod"))
    for type_, limit in LONGEST.items():
        assert prod.of(type_)
        for one in prod.of(type_):
            naming.name(one.name, limit=limit)


def test_a_stack_with_a_longer_name_is_refused(bootstrap):
    with pytest.raises(SettingsError, match="stack's name"):
        run_program(stack_config("prod", bootstrap), stack="s" * (MAX_STACK_NAME + 1))
