"""Bootstrap in an account: what it makes, mends, leaves alone and removes."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bootstrap.gateway_logs import NAME as LOG_ROLE
from bootstrap.installation import GITHUB_HOST, OWN
from bootstrap.show import AS_IT_SHOULD_BE
from local.cloud import EmbeddedCloud
from tests.bootstrap.account_kit import REPOSITORY, AccountKit, Client, is_refused, token
from tests.local.cloud_kit import CloudKit, allow

pytestmark = pytest.mark.cloud


@pytest.fixture
def cloud() -> Iterator[EmbeddedCloud]:
    """An account with nothing in it, for each test."""
    with EmbeddedCloud() as cloud:
        yield cloud


EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)


def snapshot(cloud: EmbeddedCloud) -> dict[str, Any]:
    """Everything of the kinds that bootstrap makes, as far as one can see it."""
    iam, kms = cloud.client("iam"), cloud.client("kms")
    s3, secrets = cloud.client("s3"), cloud.client("secretsmanager")
    buckets = [one["Name"] for one in s3.list_buckets()["Buckets"]]
    roles = [one["RoleName"] for one in iam.list_roles()["Roles"]]
    return {
        "buckets": {name: _settings(s3, name) for name in buckets},
        "roles": {name: _role(iam, name) for name in roles},
        "policies": {
            one["Arn"]: one["DefaultVersionId"] for one in iam.list_policies(Scope="Local")["Policies"]
        },
        "providers": iam.list_open_id_connect_providers()["OpenIDConnectProviderList"],
        "aliases": {one["AliasName"]: one.get("TargetKeyId") for one in kms.list_aliases()["Aliases"]},
        "secrets": {one["ARN"]: one.get("LastChangedDate") for one in secrets.list_secrets()["SecretList"]},
        "gateway": cloud.client("apigateway").get_account().get("cloudwatchRoleArn") or None,
    }


def _settings(s3: Client, name: str) -> list[Any]:
    return [
        s3.get_bucket_versioning(Bucket=name).get("Status"),
        s3.get_bucket_policy(Bucket=name)["Policy"],
        s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"],
        s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
        s3.get_bucket_tagging(Bucket=name)["TagSet"],
    ]


def _role(iam: Client, name: str) -> list[Any]:
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return [
        iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"],
        sorted(one["PolicyArn"] for one in attached),
        iam.list_role_policies(RoleName=name)["PolicyNames"],
    ]


def plan(kit: AccountKit, qualifier: str) -> str:
    code, said = kit.run(
        *("plan", "--qualifier", qualifier, "--region", kit.cloud.region),
        *("--repository", REPOSITORY, "--environment", qualifier),
    )
    assert code == 0, said
    return said


def destroy(kit: AccountKit, qualifier: str, *more: str) -> tuple[int, str]:
    return kit.run("destroy", "--qualifier", qualifier, "--region", kit.cloud.region, *more)


def test_a_plan_tells_what_would_be_made_and_makes_nothing(kit: AccountKit):
    before = snapshot(kit.cloud)
    said = plan(kit, "one")
    assert f"deploy role {OWN}-one-deploy: made" in said
    assert "Nothing has been changed" in said
    assert snapshot(kit.cloud) == before


def test_twice_changes_nothing(kit: AccountKit):
    kit.up("one")
    before = snapshot(kit.cloud)
    said = kit.up("one")
    assert "Nothing to do." in said
    assert ": made" not in said
    assert snapshot(kit.cloud) == before


def test_all_goes_again_and_the_account_is_as_it_was(kit: AccountKit):
    kit.cloud.client("iam").create_role(RoleName="own", AssumeRolePolicyDocument=TRUST)
    kit.cloud.client("secretsmanager").create_secret(Name="own", SecretString="s")
    before = snapshot(kit.cloud)
    kit.up("one")
    assert snapshot(kit.cloud) != before
    code, said = destroy(kit, "one")
    assert code == 0, said
    assert snapshot(kit.cloud) == before
    assert "Nothing to do." in destroy(kit, "one")[1]


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def test_a_plan_of_destroying_removes_nothing(kit: AccountKit):
    kit.up("one")
    before = snapshot(kit.cloud)
    code, said = destroy(kit, "one", "--plan")
    assert code == 0
    assert "Nothing has been changed" in said
    assert snapshot(kit.cloud) == before


def test_two_installations_live_side_by_side(kit: AccountKit):
    kit.up("one")
    alone = snapshot(kit.cloud)
    kit.up("two")
    both = snapshot(kit.cloud)
    for kind in ("buckets", "roles", "policies", "aliases", "secrets"):
        assert alone[kind].items() <= both[kind].items(), kind
        assert len(both[kind]) > len(alone[kind])
    code, said = destroy(kit, "two")
    assert code == 0
    assert "kept: one uses it" in said
    assert snapshot(kit.cloud) == alone
    kit.deployer("one")
    with pytest.raises(ClientError):
        kit.deployer("two")


def test_it_is_not_destroyed_while_there_are_stacks(kit: AccountKit):
    kit.up("one")
    s3, ours = kit.cloud.client("s3"), kit.installation("one")
    s3.put_object(Bucket=ours.state_bucket, Key=".pulumi/meta.yaml", Body=b"version: 1")
    s3.put_object(Bucket=ours.state_bucket, Key=".pulumi/stacks/spaceport/one.json", Body=b"{}")
    before = snapshot(kit.cloud)
    code, said = destroy(kit, "one")
    assert code == 1
    assert "spaceport/one" in said
    assert snapshot(kit.cloud) == before

    # `pulumi stack rm` leaves a copy and the history behind.
    s3.delete_object(Bucket=ours.state_bucket, Key=".pulumi/stacks/spaceport/one.json")
    s3.put_object(Bucket=ours.state_bucket, Key=".pulumi/stacks/spaceport/one.json.bak", Body=b"{}")
    code, said = destroy(kit, "one")
    assert code == 0, said
    assert ours.state_bucket not in {one["Name"] for one in s3.list_buckets()["Buckets"]}


def test_what_was_there_before_is_used_and_stays(kit: AccountKit):
    iam, gateway = kit.cloud.client("iam"), kit.cloud.client("apigateway")
    iam.create_open_id_connect_provider(
        Url=f"https://{GITHUB_HOST}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["0" * 40]
    )
    role = iam.create_role(RoleName="somebodys-logs", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])
    before = snapshot(kit.cloud)
    kit.up("one")
    assert LOG_ROLE not in snapshot(kit.cloud)["roles"]
    code, said = destroy(kit, "one")
    assert code == 0
    assert said.count("bootstrap has not made") == 2
    assert snapshot(kit.cloud) == before


def _drifts(kit: AccountKit) -> Iterator[tuple[str, Any]]:
    ours = kit.installation("one")
    s3, iam, kms = (kit.cloud.client(service) for service in ("s3", "iam", "kms"))
    bucket, deploys = {"Bucket": ours.state_bucket}, {"RoleName": ours.deploy_role}
    open_to_all = {"BlockPublicAcls": False}
    yield (
        "versions turned on",
        lambda: s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Suspended"}),
    )
    yield (
        "public access blocked",
        lambda: s3.put_public_access_block(**bucket, PublicAccessBlockConfiguration=open_to_all),
    )
    aes = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    yield "encryption set", lambda: s3.put_bucket_encryption(**bucket, ServerSideEncryptionConfiguration=aes)
    yield "locked to the roles", lambda: s3.delete_bucket_policy(**bucket)
    yield "trust written anew", lambda: iam.update_assume_role_policy(**deploys, PolicyDocument=TRUST)
    yield (
        "inline policy more removed",
        lambda: iam.put_role_policy(**deploys, PolicyName="more", PolicyDocument=EVERYTHING),
    )
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    yield "policy AdministratorAccess taken off", lambda: iam.attach_role_policy(**deploys, PolicyArn=admin)
    first = ours.policy(f"{ours.deploy_role}-1")
    yield (
        "policy " + f"{ours.deploy_role}-1 attached",
        lambda: iam.detach_role_policy(**deploys, PolicyArn=first),
    )
    yield (
        "document written anew",
        lambda: iam.create_policy_version(
            PolicyArn=ours.boundary, PolicyDocument=EVERYTHING, SetAsDefault=True
        ),
    )
    yield "yearly rotation turned on", lambda: kms.disable_key_rotation(KeyId=_key(kms, ours.key_alias))
    yield (
        "set in",
        lambda: kit.cloud.client("apigateway").update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ""}]
        ),
    )


def _key(kms: Client, alias: str) -> str:
    key: str = kms.describe_key(KeyId=alias)["KeyMetadata"]["KeyId"]
    return key


def test_what_has_drifted_is_mended_and_said(kit: AccountKit):
    kit.up("one")
    right = snapshot(kit.cloud)
    for said, spoil in _drifts(kit):
        spoil()
        assert said in plan(kit, "one")
        assert said in kit.up("one")
        assert "Nothing to do." in kit.up("one"), said
    mended = snapshot(kit.cloud)
    versions = ("policies", "secrets")
    assert {k: v for k, v in mended.items() if k not in versions} == {
        k: v for k, v in right.items() if k not in versions
    }


def test_a_policy_is_mended_where_iam_keeps_no_more_versions(kit: AccountKit):
    kit.up("one")
    iam, ours = kit.cloud.client("iam"), kit.installation("one")
    for _ in range(4):
        iam.create_policy_version(PolicyArn=ours.boundary, PolicyDocument=TRUSTING_NOBODY, SetAsDefault=True)
    assert len(iam.list_policy_versions(PolicyArn=ours.boundary)["Versions"]) == 5
    assert "document written anew" in kit.up("one")
    assert "Nothing to do." in kit.up("one")


TRUSTING_NOBODY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
)


def test_policies_that_are_not_needed_any_more_go(kit: AccountKit):
    kit.up("one")
    iam, ours = kit.cloud.client("iam"), kit.installation("one")
    name = f"{ours.deploy_role}-9"
    arn = iam.create_policy(PolicyName=name, PolicyDocument=TRUSTING_NOBODY)["Policy"]["Arn"]
    iam.attach_role_policy(RoleName=ours.deploy_role, PolicyArn=arn)
    assert f"policy {name} taken off" in kit.up("one")
    assert arn not in snapshot(kit.cloud)["policies"]


def test_the_wrong_account_is_refused_before_anything_is_made(kit: AccountKit):
    before = snapshot(kit.cloud)
    code, said = kit.run(
        *("up", "--qualifier", "one", "--region", kit.cloud.region, "--account", "210987654321"),
        *("--repository", REPOSITORY, "--environment", "one"),
    )
    assert code == 1
    assert "210987654321" in said
    assert snapshot(kit.cloud) == before


def test_a_qualifier_of_another_repository_or_region_is_refused(kit: AccountKit):
    kit.up("one")
    before = snapshot(kit.cloud)
    taken = ("up", "--qualifier", "one", "--environment", "one")
    for more in (
        ("--repository", "other/repo", "--region", kit.cloud.region),
        ("--repository", REPOSITORY, "--region", "eu-west-1"),
    ):
        code, said = kit.run(*taken, *more)
        assert code == 1
        assert "choose another one" in said
    assert snapshot(kit.cloud) == before
    code, said = kit.run(*taken, "--repository", "other/repo", "--region", kit.cloud.region, "--take-over")
    assert code == 0, said
    kit.assume(kit.installation("one").deploy_role, token("repo:other/repo:environment:one"))


def test_the_state_is_closed_to_whoever_is_not_named(kit: AccountKit):
    users = CloudKit(kit.cloud)
    administrator = users.as_user("s3", allow("s3:*", "*"))
    (named,) = [one["Arn"] for one in kit.cloud.client("iam").list_users()["Users"]]
    stranger = users.as_user("s3", allow("s3:*", "*"))
    kit.up("one", "--administrator", named)
    bucket = kit.installation("one").state_bucket
    administrator.put_object(Bucket=bucket, Key="state", Body=b"{}")
    assert is_refused(lambda: stranger.get_object(Bucket=bucket, Key="state"))
    assert is_refused(lambda: stranger.put_object(Bucket=bucket, Key="state"))
    assert is_refused(lambda: stranger.list_objects_v2(Bucket=bucket))

    # Whom it names stays named when somebody else mends it.
    assert "Nothing to do." in kit.up("one")
    administrator.get_object(Bucket=bucket, Key="state")


def test_whoever_makes_the_bucket_may_use_it_where_nobody_is_named(kit: AccountKit):
    iam = kit.cloud.client("iam")
    iam.create_user(UserName="ada")
    iam.put_user_policy(UserName="ada", PolicyName="all", PolicyDocument=EVERYTHING)
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    code, said = kit.run(
        *("up", "--qualifier", "one", "--region", kit.cloud.region),
        *("--repository", REPOSITORY, "--environment", "one"),
        keys=(key["AccessKeyId"], key["SecretAccessKey"]),
    )
    assert code == 0, said
    stranger = CloudKit(kit.cloud).as_user("s3", allow("s3:*", "*"))
    ada = kit.as_role(
        {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    )("s3")
    bucket = kit.installation("one").state_bucket
    ada.put_object(Bucket=bucket, Key="state", Body=b"{}")
    assert is_refused(lambda: stranger.get_object(Bucket=bucket, Key="state"))
    # Somebody else mends it, and ada stays.
    kit.cloud.client("s3").delete_bucket_encryption(Bucket=bucket)
    assert "encryption set" in kit.up("one")
    ada.get_object(Bucket=bucket, Key="state")


def test_what_is_said_is_what_is_there(kit: AccountKit):
    said = kit.up("one")
    ours = kit.installation("one")
    for name in (ours.state_bucket, ours.key_alias, ours.boundary, ours.signing_secret, ours.deploy_role):
        assert name in said
    assert f"--repo {REPOSITORY}" in said
    assert AS_IT_SHOULD_BE not in said
    (begins,) = [line for line in said.splitlines() if "BEGIN PUBLIC KEY" in line]
    assert begins.startswith(" ")
    again = kit.up("one")
    assert said[said.index("-----BEGIN") :] == again[again.index("-----BEGIN") :]
