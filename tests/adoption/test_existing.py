"""`make adopt` over a pre-filled account, IAM enforced: what fits is written, what does not is refused."""

import json
import re
import shutil
import uuid
from dataclasses import replace

import pytest
import yaml

from adoption.existing.__main__ import main
from adoption.existing.readers import READERS
from components.adopt import ADOPTABLE
from local.deploy import deploy, destroy, prerequisites
from local.deploy.model import Deployment
from local.preview import ROOT, run_program, stack_config
from local.preview.config import stand_ins
from tests.local.cloud_kit import LASTING_STACK, use_keys_of

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(600)]

STACK = "here"
ITEMS = [{"email": {"S": f"{name}@example.org"}, "name": {"S": name}} for name in ("ada", "grace", "mary")]


@pytest.fixture
def folder(tmp_path):
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    (tmp_path / f"Pulumi.{STACK}.yaml").write_text(LASTING_STACK)
    return tmp_path


@pytest.fixture
def adopt(cloud, kit, folder, monkeypatch, capsys):
    """Give a function that runs the command with the docs' rights: its exit code, and what it said."""
    text = (ROOT / "docs" / "adopting.md").read_text()
    policy = re.search(r"`make adopt` only reads.*?```json\n(.*?)```", text, re.DOTALL)[1]
    use_keys_of(kit.as_user("sts", *json.loads(policy)["Statement"]), monkeypatch)

    def run(*pairs: str, write=False, suffix=None):
        arguments = ["--stack", STACK, "--folder", str(folder), *pairs]
        arguments += ["--write"] if write else []
        arguments += ["--suffix", suffix] if suffix else []
        code = main(arguments)
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def entries(folder):
    def read():
        config = yaml.safe_load((folder / f"Pulumi.{STACK}.yaml").read_text())["config"]
        return config.get("spaceport:adopt", {})

    return read


@pytest.fixture
def old_bucket(cloud):
    """A bucket as the replaced system made it, with a setting of its own and an object."""
    name, s3 = f"spaceport-uploads-{uuid.uuid4().hex[:8]}", cloud.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        ),
    )
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET"]}
    s3.put_bucket_cors(Bucket=name, CORSConfiguration={"CORSRules": [rule]})
    s3.put_object(Bucket=name, Key="1700000000000-abc123-house.zip", Body=b"photos")
    return name


def make_table(cloud, key="email", name=None):
    name = name or f"Spaceport-Waitlist-{uuid.uuid4().hex[:8]}"
    dynamodb = cloud.client("dynamodb")
    dynamodb.create_table(
        TableName=name,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
    )
    return name


@pytest.fixture
def old_table(cloud):
    name = make_table(cloud)
    for item in ITEMS:
        cloud.client("dynamodb").put_item(TableName=name, Item=item)
    return name


def test_what_fits_is_shown_and_written_only_when_asked(adopt, entries, old_bucket, old_table):
    pairs = f"uploads-bucket={old_bucket}", f"waitlist-table={old_table}"
    code, said = adopt(*pairs)
    assert code == 0
    assert entries() == {}
    assert "the first `up` writes cors" in said
    assert "the first `up` writes policy: nothing there" in said
    assert "left as it is at first: billingMode: PROVISIONED -> PAY_PER_REQUEST" in said
    assert all(pair in said for pair in pairs)
    code, _ = adopt(*pairs, write=True)
    assert code == 0
    written = entries()
    assert written["uploads-bucket"]["id"] == old_bucket
    assert "public-access" not in written["uploads-bucket"]["absent"], "it has this as we want it"
    assert {"cors", "policy", "lifecycle"} <= set(written["uploads-bucket"]["absent"])
    ignored = set(written["waitlist-table"]["ignoreChanges"])
    assert {"billingMode", "deletionProtectionEnabled", "pointInTimeRecovery", "tags", "tagsAll"} <= ignored
    assert not {"hashKey", "attributes", "globalSecondaryIndexes"} & ignored
    assert adopt(*pairs, write=True)[0] == 0
    assert entries() == written


def test_a_table_with_other_keys_is_refused_and_nothing_is_written(adopt, entries, cloud, old_bucket):
    wrong = make_table(cloud, key="id")
    code, said = adopt(f"uploads-bucket={old_bucket}", f"waitlist-table={wrong}", write=True)
    assert code == 1
    assert "its hashKey is id and has to be email" in said
    assert "Nothing was written" in said
    assert entries() == {}
    code, said = adopt(f"projects-table={make_table(cloud, key='id')}")
    assert code == 1
    assert "make migrate-projects" in said


def test_a_sort_key_that_is_not_ours_is_refused(adopt, cloud):
    name = f"Spaceport-Waitlist-{uuid.uuid4().hex[:8]}"
    cloud.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "email", "KeyType": "HASH"},
            {"AttributeName": "at", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "email", "AttributeType": "S"},
            {"AttributeName": "at", "AttributeType": "N"},
        ],
    )
    code, said = adopt(f"waitlist-table={name}")
    assert code == 1
    assert "its rangeKey is at and has to be nothing" in said


def test_what_is_not_there_or_not_ours_is_refused(adopt):
    for pair, words in (
        ("waitlist-table=no-such-table", "there is no table no-such-table"),
        ("uploads-bucket=no-such-bucket-here", "there is no bucket no-such-bucket-here"),
        ("ml-api=nothing", "there is no REST API nothing"),
        ("user-pool-v2=us-east-1_nothing", "there is no user pool"),
        ("limits-table=x", "there is nothing of this name to adopt"),
    ):
        code, said = adopt(pair)
        assert code == 1
        assert words in said


def test_a_pools_client_comes_with_its_pool(adopt, entries, cloud):
    cognito = cloud.client("cognito-idp")
    pool = cognito.create_user_pool(
        PoolName="Spaceport-Users-v3",
        AliasAttributes=["email"],
        AutoVerifiedAttributes=["email"],
        UsernameConfiguration={"CaseSensitive": False},
        Schema=[
            {"Name": "email", "AttributeDataType": "String", "Required": True, "Mutable": True},
            {"Name": "preferred_username", "AttributeDataType": "String", "Required": False, "Mutable": True},
        ],
    )["UserPool"]["Id"]
    made = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]["ClientId"]
    alone = f"user-pool-v3-client={pool}/{made}"
    code, said = adopt(alone)
    assert code == 1
    assert f"adopt user-pool-v3={pool} too" in said
    code, said = adopt(f"user-pool-v3={pool}", alone, write=True)
    assert code == 0, said
    assert set(entries()) == {"user-pool-v3", "user-pool-v3-client"}
    # The same pool in the place of the one whose handles are fixed.
    code, said = adopt(f"user-pool-v2={pool}")
    assert code == 1
    assert "its schemas is" in said


def test_what_the_replaced_system_left_is_found(adopt, cloud):
    suffix = uuid.uuid4().hex[:8]
    make_table(cloud, name=f"Spaceport-Waitlist-{suffix}")
    make_table(cloud, key="id", name=f"Spaceport-Projects-{suffix}")
    code, said = adopt(suffix=suffix)
    assert code == 0
    assert f"waitlist-table=Spaceport-Waitlist-{suffix}" in said
    assert "make migrate-projects" in said
    assert f"projects-table=Spaceport-Projects-{suffix}" not in said


@pytest.mark.slow
def test_what_is_adopted_keeps_everything_through_deploy_change_and_destroy(
    adopt, entries, cloud, old_bucket, old_table
):
    assert adopt(f"uploads-bucket={old_bucket}", f"waitlist-table={old_table}", write=True)[0] == 0
    config = {
        **prerequisites.make(cloud, stack="staging", adopted=entries()),
        "aws:region": cloud.region,
        "spaceport:adopt": json.dumps(entries()),
    }
    s3, dynamodb = cloud.client("s3"), cloud.client("dynamodb")

    def everything():
        key = "1700000000000-abc123-house.zip"
        body = s3.get_object(Bucket=old_bucket, Key=key)["Body"].read()
        items = dynamodb.scan(TableName=old_table)["Items"]
        return body, sorted(json.dumps(item, sort_keys=True) for item in items)

    before = everything()
    deployment = deploy(cloud, stack="staging", config=config)
    assert deployment.outputs["uploadsBucket"] == old_bucket
    assert everything() == before
    # The settings that it lacked, or had otherwise, are the program's now.
    (rule,) = s3.get_bucket_cors(Bucket=old_bucket)["CORSRules"]
    assert "*" not in rule["AllowedOrigins"]
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=old_bucket)["Policy"]
    # As after `pulumi state unprotect` of what was adopted; what else is protected stays out of it.
    unprotected = [
        replace(state, protect=False) for state in deployment.resources if not state.protect or state.retain
    ]
    destroy(cloud, Deployment({}, unprotected, 0))
    assert everything() == before
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=old_bucket)["Policy"]


def test_everything_that_can_be_adopted_can_be_looked_at():
    config = stack_config("prod")
    run = run_program(config | stand_ins("prod", config), stack="prod")
    readable = [one.name for one in run.registrations if one.type in READERS and one.name in ADOPTABLE]
    assert sorted(readable) == sorted(ADOPTABLE)
    settings = {
        one.name.removeprefix("uploads-bucket-")
        for one in run.registrations
        if one.name.startswith("uploads-bucket-")
    }
    assert settings == {
        "policy",
        "cors",
        "lifecycle",
        "encryption",
        "versioning",
        "public-access",
        "ownership",
    }
