"""The roles at work: the deploy role makes and removes the whole program, and touches nobody else's.

The program is deployed with the deploy role's own keys; then others try what they may not: another
installation's deploy role, and the preview role, on every resource of the stack.
"""

import io
import json
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bootstrap.gateway_logs import NAME as LOG_ROLE
from bootstrap.installation import COST_TAG, Installation
from bootstrap.resource_rights import RIGHTS
from local.cloud import EmbeddedCloud
from local.deploy import Deployment, deploy, destroy, prerequisites
from local.deploy.creators import KINDS
from local.deploy.inputs import Inputs
from local.deploy.kinds import Registration
from local.deploy.model import ResourceState
from local.deploy.naming import Naming
from tests.bootstrap.account_kit import AccountKit, Client, Stage, as_cloud, is_refused
from tests.local.cloud_kit import RUNTIME

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

OURS, OTHERS = "local", "other"
UNNAMED = {
    f"aws:cloudfront/{kind}"
    for kind in (
        "keyGroup:KeyGroup",
        "originAccessControl:OriginAccessControl",
        "publicKey:PublicKey",
        "responseHeadersPolicy:ResponseHeadersPolicy",
    )
}
"""What CloudFront knows neither names nor tags of: docs/new-account.md says so."""

Clients = Callable[[str], Client]


@dataclass(frozen=True)
class Deployed:
    """The program, deployed with the deploy role's keys.

    Attributes:
        kit: The account.
        stage: The deployer's cloud.
        deployment: What was made.
        actors: Clients of each role, by its name here.
    """

    kit: AccountKit
    stage: Stage
    deployment: Deployment
    actors: Mapping[str, Clients]

    def one(self, type_: str) -> ResourceState:
        return next(one for one in self.deployment.resources if one.type == type_)


@pytest.fixture(scope="module")
def cloud() -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def up(cloud: EmbeddedCloud) -> Deployed:
    kit = AccountKit(cloud)
    kit.up(OURS)
    kit.up(OTHERS)
    actors = {
        "ours": kit.as_role(kit.deployer(OURS)),
        "others": kit.as_role(kit.deployer(OTHERS)),
        "preview": kit.as_role(kit.previewer(OURS)),
    }
    stage = Stage(cloud, actors["ours"])
    config = prerequisites.make(cloud)
    return Deployed(kit, stage, deploy(as_cloud(stage), config=config), actors)


def ours(up: Deployed) -> Installation:
    return up.kit.installation(OURS)


def test_the_deploy_role_makes_the_whole_program(up: Deployed):
    made = {one.type for one in up.deployment.resources if one.custom}
    assert made <= set(RIGHTS)
    assert len(made) > 40
    assert len(up.deployment.resources) > 500


@pytest.mark.parametrize("who", ["others", "preview"])
def test_nobody_else_removes_any_of_it(up: Deployed, who: str):
    tried, may = set(), []
    up.stage.actor = up.actors[who]
    try:
        for one in up.deployment.resources:
            if who == "others" and one.type in UNNAMED:
                continue
            before = up.stage.calls
            if _touches(up, one):
                may.append(one.name)
            if up.stage.calls > before:
                tried.add(one.type.partition("/")[0])
    finally:
        up.stage.actor = up.actors["ours"]
    assert may == []
    # What ends with another resource, such as a deployment of an API, has no call of its own.
    services = {one.type.partition("/")[0] for one in up.deployment.resources}
    assert tried >= {service for service in services if service.startswith("aws:")}


def _touches(up: Deployed, one: ResourceState) -> bool:
    """Whether whoever acts gets past IAM on the way to removing a resource."""
    before = up.stage.calls
    return bool(one.delete and not is_refused(one.delete) and up.stage.calls > before)


def test_the_preview_role_reads_all_of_it(up: Deployed):
    refused = {}
    for one in up.deployment.resources:
        if one.type in KINDS and one.type != "awsx:ecr:Image":
            registration = _registration(up, one)
            if is_refused(lambda one=one, registration=registration: KINDS[one.type].read(registration)):
                refused[one.type] = one.name
    assert refused == {}


def test_another_installations_preview_reads_none_of_what_has_a_name(up: Deployed):
    """Some answers need no right, or are of lists that know no single resource."""
    strangers = up.kit.as_role(up.kit.previewer(OTHERS))
    read = {
        one.type
        for one in up.deployment.resources
        if one.type in KINDS
        and not is_refused(
            lambda one=one: _read(up, one, strangers),
        )
    }
    named = {
        "aws:dynamodb/table:Table",
        "aws:iam/role:Role",
        "aws:lambda/function:Function",
        "aws:sqs/queue:Queue",
    }
    assert read & named == set()


def _read(up: Deployed, one: ResourceState, clients: Clients) -> dict[str, Any]:
    return KINDS[one.type].read(_registration(up, one, clients))


def _registration(up: Deployed, one: ResourceState, clients: Clients | None = None) -> Registration:
    return Registration(
        cloud=as_cloud(up.stage),
        project_dir=prerequisites.REPOSITORY,
        urn=one.urn,
        name=one.name,
        inputs=Inputs(one.inputs),
        default_tags={},
        clients=clients or up.actors["preview"],
        naming=Naming("spaceport", OURS),
        id=one.id,
        notes={"name": one.inputs.get("name")},
    )


def _more_rights(up: Deployed) -> Iterator[tuple[str, Callable[[], object]]]:
    """Ways in which a deploy role could get more rights."""
    of, me = up.actors["ours"], ours(up)
    iam, role = of("iam"), up.one("aws:iam/role:Role").id
    deploys, own = {"RoleName": me.deploy_role}, {"RoleName": role}
    trust = {"AssumeRolePolicyDocument": json.dumps(TRUST)}
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    name, bounded = f"{me.prefix}-new", {"PermissionsBoundary": me.boundary}
    theirs = up.kit.installation(OTHERS).boundary
    all_of_it = {"PolicyDocument": EVERYTHING}
    yield "inline policy", lambda: iam.put_role_policy(**deploys, PolicyName="more", **all_of_it)
    yield "attached policy", lambda: iam.attach_role_policy(**deploys, PolicyArn=admin)
    yield "own trust", lambda: iam.update_assume_role_policy(**deploys, PolicyDocument=json.dumps(TRUST))
    for arn in (me.policy(f"{me.deploy_role}-1"), me.boundary):
        yield arn, lambda arn=arn: iam.create_policy_version(PolicyArn=arn, SetAsDefault=True, **all_of_it)
    yield "the boundary's end", lambda: iam.delete_policy(PolicyArn=me.boundary)
    yield "the preview role", lambda: iam.delete_role(RoleName=me.preview_role)
    yield "unbounded role", lambda: iam.create_role(RoleName=name, **trust)
    for arn in (admin, theirs):
        yield (
            f"role with {arn}",
            lambda arn=arn: iam.create_role(RoleName=name, **trust, PermissionsBoundary=arn),
        )
    for other in ("new", f"{me.prefix}2-new", me.prefix):
        yield f"role {other}", lambda other=other: iam.create_role(RoleName=other, **trust, **bounded)
    yield "wider boundary", lambda: iam.put_role_permissions_boundary(**own, PermissionsBoundary=admin)
    yield "no boundary", lambda: iam.delete_role_permissions_boundary(**own)
    yield "managed policy on a role", lambda: iam.attach_role_policy(**own, PolicyArn=admin)
    yield "user", lambda: iam.create_user(UserName="new")
    yield "policy", lambda: iam.create_policy(PolicyName=f"{me.prefix}-new", **all_of_it)
    yield "GitHub", lambda: iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=me.provider)
    yield "becoming a role", lambda: of("sts").assume_role(RoleArn=me.role(role), RoleSessionName="me")
    for passed in (me.deploy_role, LOG_ROLE):
        yield f"function as {passed}", lambda passed=passed: _function(of("lambda"), name, me.role(passed))
    yield (
        "machine as itself",
        lambda: of("stepfunctions").create_state_machine(
            name=name, definition=DONE, roleArn=me.role(me.deploy_role)
        ),
    )


def _others_things(up: Deployed) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is bootstrap's, people's or nobody's of this installation."""
    of, me = up.actors["ours"], ours(up)
    role = me.role(up.one("aws:iam/role:Role").id)
    s3, bucket, theirs = of("s3"), {"Bucket": me.state_bucket}, up.kit.installation(OTHERS)
    yield "the state bucket", lambda: s3.delete_bucket(**bucket)
    yield "its policy", lambda: s3.delete_bucket_policy(**bucket)
    yield (
        "its versions",
        lambda: s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Suspended"}),
    )
    yield "others' state", lambda: s3.list_objects_v2(Bucket=theirs.state_bucket)
    (uploads,) = (one.id for one in up.deployment.resources if one.name == "uploads-bucket" and one.custom)
    yield "people's photos", lambda: s3.get_object(Bucket=uploads, Key="uploads/x")
    table = up.one("aws:dynamodb/table:Table").id
    yield "people's rows", lambda: of("dynamodb").scan(TableName=table)
    kms = of("kms")
    key = up.kit.cloud.client("kms").describe_key(KeyId=me.key_alias)["KeyMetadata"]["Arn"]
    yield "the secrets' key", lambda: kms.schedule_key_deletion(KeyId=key)
    for prefix in (me.prefix, f"{me.prefix}2"):
        tags = [{"TagKey": COST_TAG, "TagValue": prefix}]
        yield f"the secrets' key, tagged {prefix}", lambda tags=tags: kms.tag_resource(KeyId=key, Tags=tags)
    yield "a key of somebody else", lambda: kms.create_key(Tags=tags)
    yield "a key of nobody", kms.create_key
    secrets = of("secretsmanager")
    yield "the signing key", lambda: secrets.get_secret_value(SecretId=me.signing_secret)
    yield "its end", lambda: secrets.delete_secret(SecretId=me.signing_secret)
    gateway = of("apigateway")
    set_role = [{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]
    yield "API Gateway's log role", lambda: gateway.update_account(patchOperations=set_role)
    yield "an API of nobody", lambda: gateway.create_rest_api(name="new")
    yield "a pool of nobody", lambda: of("cognito-idp").create_user_pool(PoolName="new")
    yield "a mail domain", lambda: of("sesv2").create_email_identity(EmailIdentity="new.example.com")
    yield "a function of another name", lambda: _function(of("lambda"), "new", role)
    yield "jobs", lambda: of("sagemaker").list_training_jobs()


EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
DONE = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def _function(functions: Client, name: str, role: str) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("code.py", "def handler(event, context): pass")
    functions.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Role=role,
        Handler="code.handler",
        Code={"ZipFile": archive.getvalue()},
    )


def test_the_deploy_role_cannot_raise_itself(up: Deployed):
    assert [what for what, attempt in _more_rights(up) if not is_refused(attempt)] == []


def test_the_deploy_role_cannot_touch_what_is_not_of_its_stacks(up: Deployed):
    assert [what for what, attempt in _others_things(up) if not is_refused(attempt)] == []


def test_what_only_lasting_stacks_have_is_made_and_kept_from_others(up: Deployed):
    """The embedded stack is ephemeral: it has no budget, no mail domain and no domain of its own."""
    me, mail, host = ours(up), "mail.example.com", "api.example.com"
    budget = {
        "BudgetName": f"{me.prefix}-monthly",
        "BudgetLimit": {"Amount": "1", "Unit": "USD"},
        "TimeUnit": "MONTHLY",
        "BudgetType": "COST",
    }
    named = {"AccountId": me.account, "BudgetName": budget["BudgetName"]}
    of, theirs, previews = (up.actors[who] for who in ("ours", "others", "preview"))
    tags = [{"Key": COST_TAG, "Value": me.prefix}]
    of("budgets").create_budget(AccountId=me.account, Budget=budget)
    of("sesv2").create_email_identity(EmailIdentity=mail, Tags=tags)
    of("apigateway").create_domain_name(
        domainName=host, tags={COST_TAG: me.prefix}, regionalCertificateArn=CERTIFICATE
    )
    for reader in (of, previews):
        reader("budgets").describe_budget(**named)
        reader("sesv2").get_email_identity(EmailIdentity=mail)
        reader("apigateway").get_domain_name(domainName=host)
    for stranger in (theirs, previews):
        assert is_refused(lambda of=stranger: of("budgets").delete_budget(**named))
        assert is_refused(lambda of=stranger: of("sesv2").delete_email_identity(EmailIdentity=mail))
        assert is_refused(lambda of=stranger: of("apigateway").delete_domain_name(domainName=host))
    of("budgets").delete_budget(**named)
    of("sesv2").delete_email_identity(EmailIdentity=mail)
    of("apigateway").delete_domain_name(domainName=host)


CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"


def test_what_it_is_refused_it_may_where_the_boundary_and_the_names_are_right(up: Deployed):
    """The same calls as those refused, so that none of them is refused for another reason."""
    me, of = ours(up), up.actors["ours"]
    iam, name = of("iam"), f"{ours(up).prefix}-made-by-hand"
    iam.create_role(
        RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), PermissionsBoundary=me.boundary
    )
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=EVERYTHING)
    _function(of("lambda"), name, me.role(name))
    of("lambda").delete_function(FunctionName=name)
    tags = [{"TagKey": COST_TAG, "TagValue": f"{me.prefix}-branch"}]
    key = of("kms").create_key(Tags=tags)["KeyMetadata"]["KeyId"]
    of("kms").schedule_key_deletion(KeyId=key)
    iam.delete_role_policy(RoleName=name, PolicyName="all")
    iam.delete_role(RoleName=name)


def test_whatever_a_role_is_given_the_boundary_is_the_most(up: Deployed):
    """A role that its own policy lets do everything still cannot do what the program never does."""
    me, iam = ours(up), up.kit.cloud.client("iam")
    name = f"{me.prefix}-all-powerful"
    root = {"AWS": f"arn:aws:iam::{me.account}:root"}
    trust = {"Statement": [{"Principal": root, "Effect": "Allow", "Action": "sts:AssumeRole"}]}
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}),
        PermissionsBoundary=me.boundary,
    )
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=EVERYTHING)
    of = up.kit.as_role(
        up.kit.keys(up.kit.cloud.client("sts").assume_role(RoleArn=me.role(name), RoleSessionName="all"))
    )
    table, row = up.one("aws:dynamodb/table:Table"), {"S": "x"}
    names = [one for one in (table.inputs["hashKey"], table.inputs.get("rangeKey")) if one]
    assert not is_refused(lambda: of("dynamodb").get_item(TableName=table.id, Key=dict.fromkeys(names, row)))
    other = table.id.replace(me.prefix, up.kit.installation(OTHERS).prefix)
    attempts = {
        "a user": lambda: of("iam").create_user(UserName="new"),
        "a table's end": lambda: of("dynamodb").delete_table(TableName=table.id),
        "others' rows": lambda: of("dynamodb").get_item(TableName=other, Key=dict.fromkeys(names, row)),
        "others' secrets": lambda: of("secretsmanager").get_secret_value(
            SecretId=up.kit.installation(OTHERS).signing_secret
        ),
        "the state": lambda: of("s3").list_objects_v2(Bucket=me.state_bucket),
        "a policy": lambda: of("iam").put_role_policy(
            RoleName=name, PolicyName="more", PolicyDocument=EVERYTHING
        ),
        "the boundary": lambda: of("iam").delete_role_permissions_boundary(RoleName=name),
    }
    assert [what for what, attempt in attempts.items() if not is_refused(attempt)] == []
    iam.delete_role_policy(RoleName=name, PolicyName="all")
    iam.delete_role(RoleName=name)


def test_the_state_is_the_deployers_to_write_and_the_previews_to_read(up: Deployed):
    me, key = ours(up), f".pulumi/stacks/spaceport/{uuid.uuid4().hex}.json"
    place = {"Bucket": me.state_bucket, "Key": key}
    deployer, previewer = up.actors["ours"], up.actors["preview"]
    deployer("s3").put_object(**place, Body=b"{}")
    sealed = deployer("kms").encrypt(KeyId=me.key_alias, Plaintext=b"secret")["CiphertextBlob"]

    assert previewer("s3").get_object(**place)["Body"].read() == b"{}"
    assert previewer("kms").decrypt(CiphertextBlob=sealed, KeyId=me.key_alias)["Plaintext"] == b"secret"
    assert previewer("s3").list_objects_v2(Bucket=me.state_bucket)["KeyCount"] == 1
    lock = {"Bucket": me.state_bucket, "Key": ".pulumi/locks/x.json"}
    assert is_refused(lambda: previewer("s3").put_object(**lock, Body=b"{}"))
    assert is_refused(lambda: previewer("s3").delete_object(**place))
    assert is_refused(lambda: previewer("kms").encrypt(KeyId=me.key_alias, Plaintext=b"secret"))
    for service, call in (
        ("s3", lambda s3: s3.get_object(**place)),
        ("kms", lambda kms: kms.decrypt(CiphertextBlob=sealed)),
    ):
        assert is_refused(lambda service=service, call=call: call(up.actors["others"](service)))
    deployer("s3").delete_object(**place)


def test_the_deploy_role_removes_the_whole_program(up: Deployed):
    """The last test of the module: nothing is left after it."""
    destroy(as_cloud(up.stage), up.deployment)
    role = up.one("aws:iam/role:Role").id
    with pytest.raises(ClientError, match="NoSuchEntity"):
        up.kit.cloud.client("iam").get_role(RoleName=role)
