"""The user pools: invited people only, two kinds of handles."""

import json

import pytest

from components.identity import ADMIN_GROUP
from local.preview import run_program, stack_config

POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
GROUP = "aws:cognito/userGroup:UserGroup"
POOLS = ("user-pool-v2", "user-pool-v3")


def attribute(pool, name):
    (found,) = [one for one in pool.inputs["schemas"] if one["name"] == name]
    return found


@pytest.mark.parametrize("name", POOLS)
def test_people_are_invited_and_known_by_their_mail_address(stack, name):
    pool = stack.one(POOL, name)
    assert pool.inputs["adminCreateUserConfig"]["allowAdminCreateUserOnly"] is True
    assert pool.inputs["aliasAttributes"] == ["email"]
    assert pool.inputs["autoVerifiedAttributes"] == ["email"]
    email = attribute(pool, "email")
    assert (email["required"], email["mutable"]) == (True, True)
    mechanisms = pool.inputs["accountRecoverySetting"]["recoveryMechanisms"]
    assert [one["name"] for one in mechanisms] == ["verified_email"]


def test_the_pools_differ_in_the_handle_alone(stack):
    v2, v3 = (stack.one(POOL, name) for name in POOLS)
    handle = attribute(v2, "preferred_username")
    assert (handle["required"], handle["mutable"]) == (True, False)
    handle = attribute(v3, "preferred_username")
    assert (handle["required"], handle["mutable"]) == (False, True)
    assert {k: v for k, v in v2.inputs.items() if k != "schemas"} == {
        k: v for k, v in v3.inputs.items() if k != "schemas"
    }


@pytest.mark.parametrize("name", POOLS)
def test_passwords_are_never_sent(stack, name):
    client = stack.one(CLIENT, f"{name}-client")
    assert client.inputs["userPoolId"] == stack.one(POOL, name).id
    assert set(client.inputs["explicitAuthFlows"]) == {"ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"}
    assert client.inputs["preventUserExistenceErrors"] == "ENABLED"
    assert client.inputs["enableTokenRevocation"] is True
    assert client.inputs["generateSecret"] is False


@pytest.mark.parametrize("name", POOLS)
def test_a_stolen_token_is_of_use_for_an_hour_at_most(stack, name):
    inputs = stack.one(CLIENT, f"{name}-client").inputs
    seconds = {"minutes": 60, "hours": 3600, "days": 86400}
    access, identity, refresh = (
        inputs[f"{kind}TokenValidity"] * seconds[inputs["tokenValidityUnits"][f"{kind}Token"]]
        for kind in ("access", "id", "refresh")
    )
    assert 0 < access == identity <= 3600 < refresh


@pytest.mark.parametrize("name", POOLS)
def test_passwords_are_long_and_mixed(stack, name):
    policy = stack.one(POOL, name).inputs["passwordPolicy"]
    assert policy["minimumLength"] >= 8
    assert all(policy[f"require{kind}"] is True for kind in ("Lowercase", "Uppercase", "Numbers"))
    assert 0 < policy["temporaryPasswordValidityDays"] <= 7


def test_each_pool_has_its_group_and_its_administrators(stack):
    groups = [(one.inputs["userPoolId"], one.inputs["name"]) for one in stack.of(GROUP)]
    v2, v3 = (stack.one(POOL, name).id for name in POOLS)
    assert sorted(groups) == sorted(
        [(v2, "beta-testers-v2"), (v2, ADMIN_GROUP), (v3, "beta-testers-v3"), (v3, ADMIN_GROUP)]
    )


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_invitations_reach_their_own_pool_alone(stack, version):
    pool = stack.one(POOL, f"user-pool-{version}")
    function = stack.one("aws:lambda/function:Function", f"invites-{version}-function")
    variables = function.inputs["environment"]["variables"]
    assert variables["USER_POOL_ID"] == pool.id
    groups = {one.inputs["name"] for one in stack.of(GROUP) if one.inputs["userPoolId"] == pool.id}
    assert {variables["INVITED_GROUP"], variables["ADMIN_GROUP"]} == groups
    assert variables["HANDLE_REQUIRED"] == str(attribute(pool, "preferred_username")["required"]).lower()
    policies = stack.of("aws:iam/rolePolicy:RolePolicy")
    touched = {
        one.name: {
            resource
            for statement in json.loads(one.inputs["policy"])["Statement"]
            if any(action.startswith("cognito-idp:") for action in statement["Action"])
            for resource in statement["Resource"]
        }
        for one in policies
    }
    assert touched[f"invites-{version}-policy"] == {pool.outputs["arn"]}
    assert {name for name, pools in touched.items() if pools} == {"invites-v2-policy", "invites-v3-policy"}


def test_the_first_origin_is_where_people_sign_in(staging):
    function = staging.one("aws:lambda/function:Function", "invites-v3-function")
    variables = function.inputs["environment"]["variables"]
    assert variables["SIGN_IN_URL"] == variables["ALLOWED_ORIGINS"].split(",")[0]


def test_clients_and_pools_are_exported(stack):
    for version in ("v2", "v3"):
        upper = version.upper()
        assert stack.outputs[f"userPool{upper}Id"] == stack.one(POOL, f"user-pool-{version}").id
        assert (
            stack.outputs[f"userPool{upper}ClientId"] == stack.one(CLIENT, f"user-pool-{version}-client").id
        )


def test_mails_go_through_ses_once_the_domain_is_verified(prod, bootstrap):
    assert all(
        pool.inputs["emailConfiguration"] == {"emailSendingAccount": "COGNITO_DEFAULT"}
        for pool in prod.of(POOL)
    )
    config = stack_config("prod", {**bootstrap, "spaceport:cognitoMailsThroughSes": True})
    run = run_program(config, stack="prod")
    (identity,) = run.of("aws:sesv2/emailIdentity:EmailIdentity")
    for pool in run.of(POOL):
        mails = pool.inputs["emailConfiguration"]
        assert mails["emailSendingAccount"] == "DEVELOPER"
        assert mails["sourceArn"] == identity.outputs["arn"]
        assert mails["fromEmailAddress"].endswith("@" + identity.inputs["emailIdentity"])
