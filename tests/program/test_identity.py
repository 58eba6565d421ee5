"""The user pools: invited people only, two kinds of handles."""

import pytest

from local.preview import run_program, stack_config

POOL = "aws:cognito/userPool:UserPool"
CLIENT = "aws:cognito/userPoolClient:UserPoolClient"
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


def test_each_pool_has_its_group(stack):
    groups = {
        one.inputs["userPoolId"]: one.inputs["name"] for one in stack.of("aws:cognito/userGroup:UserGroup")
    }
    assert groups == {
        stack.one(POOL, "user-pool-v2").id: "beta-testers-v2",
        stack.one(POOL, "user-pool-v3").id: "beta-testers-v3",
    }


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
