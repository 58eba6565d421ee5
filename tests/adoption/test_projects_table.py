"""The whole command over real DynamoDB calls, with the rights that docs/adopting.md says, IAM enforced."""

import json
import re
import shutil
import uuid
from decimal import Decimal

import httpx
import pytest
import yaml
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from adoption.__main__ import main
from adoption.projects_table import RESOURCE, Migration
from adoption.tables import Blueprint, MigrationError, Target, find
from functions.shared.clock import now_seconds
from local import client
from local.deploy import deploy, prerequisites
from local.preview import ROOT, run_program, stack_config
from local.preview.config import stand_ins
from tests.adoption.conftest import OWNER, old_item
from tests.local.cloud_kit import LASTING_STACK, use_keys_of

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(600)]

STACK = "here"


def serialize(item):
    return {name: TypeSerializer().serialize(value) for name, value in item.items() if value is not None}


def read_all(dynamodb, table):
    items = []
    for page in dynamodb.get_paginator("scan").paginate(TableName=table):
        items += [
            {name: TypeDeserializer().deserialize(value) for name, value in one.items()}
            for one in page["Items"]
        ]
    return items


@pytest.fixture(scope="module")
def run():
    config = stack_config("prod")
    return run_program(config | stand_ins("prod", config), stack="prod")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with the program's schema and the file of a stack that is in the embedded cloud's region."""
    folder = tmp_path_factory.mktemp("stacks")
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    return folder


@pytest.fixture
def make_old(cloud):
    """Give a function that makes a table as the replaced system did, and fills it."""
    dynamodb = cloud.client("dynamodb")

    def make(*items: object):
        name = f"Spaceport-Projects-{uuid.uuid4().hex[:8]}"
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
        for item in items:
            dynamodb.put_item(TableName=name, Item=serialize(item))
        return name

    return make


@pytest.fixture(scope="module")
def once():
    """Run the program once for all commands: it is the same each time, and takes a second."""
    runs = {}

    def run(config, *, stack):
        key = (stack, *sorted((name, value) for name, value in config.items() if "Key" not in name))
        if key not in runs:
            runs[key] = run_program(config, stack=stack)
        return runs[key]

    return run


@pytest.fixture
def command(cloud, kit, folder, tmp_path, monkeypatch, once):
    """Give a function that runs the command as a user with the docs' rights and returns the exit code."""
    (folder / f"Pulumi.{STACK}.yaml").write_text(LASTING_STACK)
    text = (ROOT / "docs" / "adopting.md").read_text().partition("### What it must be allowed")[2]
    policy = re.search(r"```json\n(.*?)```", text, re.DOTALL)[1]

    def run(*steps: str, old, new=None, leave=0):
        named = policy.replace("table/OLD", f"table/{old}").replace(
            "table/NEW", f"table/{new or old + '-by-owner'}"
        )
        user = kit.as_user("sts", *json.loads(named)["Statement"])
        with monkeypatch.context() as patch:
            use_keys_of(user, patch)
            patch.setattr("adoption.__main__.run_program", once)
            where = ["--stack", STACK, "--from", old, "--folder", str(folder), "--out", str(tmp_path)]
            more = [*(["--to", new] if new else []), *(["--leave-behind", str(leave)] if leave else [])]
            return main([*steps, *where, *more])

    run.report = lambda old: json.loads(next(tmp_path.glob(f"{old}--*.report.json")).read_text())
    run.file = folder / f"Pulumi.{STACK}.yaml"
    return run


def test_the_new_table_is_the_one_that_the_program_makes(cloud, run, make_old, tmp_path):
    dynamodb = cloud.client("dynamodb")
    new = f"new-{uuid.uuid4().hex[:8]}"
    migration = Migration.open(dynamodb, run, old=make_old(old_item()), new=new, bookmarks=tmp_path)
    migration.copy(migration.plan())
    made = dynamodb.describe_table(TableName=new)["Table"]
    inputs = run.one("aws:dynamodb/table:Table", RESOURCE).inputs
    assert [key["AttributeName"] for key in made["KeySchema"]] == [inputs["hashKey"], inputs["rangeKey"]]
    assert made["BillingModeSummary"]["BillingMode"] == inputs["billingMode"]
    assert made["DeletionProtectionEnabled"] is inputs["deletionProtectionEnabled"] is True
    backups = dynamodb.describe_continuous_backups(TableName=new)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    tags = dynamodb.list_tags_of_resource(ResourceArn=made["TableArn"])["Tags"]
    (provider,) = run.of("pulumi:providers:aws")[:1]
    assert {tag["Key"]: tag["Value"] for tag in tags} == json.loads(provider.inputs["defaultTags"])["tags"]


def test_what_the_program_gives_a_table_and_the_copy_would_not_is_told(run):
    with pytest.raises(MigrationError, match="indexes"):
        Blueprint.of(run, "jobs-table")


def test_a_plan_says_what_is_there_and_changes_nothing(cloud, make_old, command, capsys):
    late, early = (old_item(projectId="barn", updatedAt=Decimal(time)) for time in (200, 100))
    old = make_old(old_item(createdAt="2023-11-14T22:13:20Z"), early, late, old_item(userSub=None))
    before = sorted(read_all(cloud.client("dynamodb"), old), key=str)
    assert command(old=old) == 0
    shown = capsys.readouterr().out
    assert "4 items" in shown
    assert "moved: 2" in shown
    report = command.report(old)
    assert [one["reason"] for one in report["unfit"]] == ["it has no userSub"]
    assert [(one["item"], one["by"]) for one in report["superseded"]] == [(early["id"], late["id"])]
    assert any("createdAt: a date made epoch seconds" in changes for changes in report["changes"].values())
    assert find(cloud.client("dynamodb"), f"{old}-by-owner") is None
    assert sorted(read_all(cloud.client("dynamodb"), old), key=str) == before
    assert command.file.read_text() == LASTING_STACK


@pytest.mark.parametrize("turned", [False, True])
def test_of_two_items_of_a_project_the_later_counts_in_whatever_order(cloud, make_old, command, turned):
    items = [old_item(projectId="barn", updatedAt=Decimal(time), title=str(time)) for time in (100, 300, 200)]
    old = make_old(*(reversed(items) if turned else items))
    assert command("copy", "check", old=old) == 0
    (row,) = read_all(cloud.client("dynamodb"), f"{old}-by-owner")
    assert row["title"] == "300"


def test_a_check_sees_what_is_missing_and_what_differs(cloud, make_old, command, capsys):
    dynamodb = cloud.client("dynamodb")
    items = [old_item() for _ in range(3)]
    old, new = make_old(*items), f"new-{uuid.uuid4().hex[:8]}"
    assert command("copy", "check", old=old, new=new) == 0
    rows = {row["id"]: row for row in read_all(dynamodb, new)}
    lost, bent, _ = (rows[item["id"]] for item in items)
    dynamodb.put_item(TableName=new, Item=serialize({**bent, "params": {"latitude": "41.7"}}))
    assert command("check", old=old, new=new) == 1
    dynamodb.delete_item(TableName=new, Key=serialize({key: lost[key] for key in ("userSub", "projectId")}))
    assert command("check", "switch", old=old, new=new) == 1
    checked = command.report(old)["checked"]
    assert checked["missing"] == [lost["id"]]
    assert checked["differing"] == {bent["id"]: ["params"]}
    assert command.file.read_text() == LASTING_STACK
    assert command("copy", "check", old=old, new=new) == 0
    assert command.report(old)["copied"]["rows"] == {"new": 1, "renewed": 1, "the same already": 1}


def test_items_that_cannot_be_moved_stay_only_where_it_is_said_how_many(make_old, command):
    old = make_old(old_item(), old_item(userSub="ada"))
    assert command("copy", "check", old=old) == 1
    assert command("check", old=old, leave=2) == 1
    assert command("check", old=old, leave=1) == 0


def test_what_was_written_meanwhile_comes_with_another_copy(cloud, make_old, command):
    dynamodb = cloud.client("dynamodb")
    first = old_item()
    old = make_old(first)
    assert command("copy", old=old) == 0
    late = old_item()
    changed = {**first, "title": "Barn, again", "updatedAt": first["updatedAt"] + 60}
    for item in (late, changed):
        dynamodb.put_item(TableName=old, Item=serialize(item))
    assert command("check", old=old) == 1
    assert command("copy", "check", old=old) == 0
    rows = {row["id"]: row for row in read_all(dynamodb, f"{old}-by-owner")}
    assert set(rows) == {late["id"], first["id"]}
    assert rows[first["id"]]["title"] == "Barn, again"


@pytest.mark.parametrize(
    "change", [{"updatedAt": Decimal(1_700_000_101)}, {"version": Decimal(2)}], ids=["later", "version"]
)
def test_a_row_that_the_program_has_changed_is_not_overwritten(cloud, make_old, command, change):
    dynamodb = cloud.client("dynamodb")
    old = make_old(old_item())
    assert command("copy", old=old) == 0
    (row,) = read_all(dynamodb, f"{old}-by-owner")
    newer = {**row, "title": "Changed in the new system", **change}
    dynamodb.put_item(TableName=f"{old}-by-owner", Item=serialize(newer))
    assert command("copy", "check", old=old) == 0
    assert read_all(dynamodb, f"{old}-by-owner") == [newer]
    report = command.report(old)
    assert report["copied"]["newer"] == report["checked"]["newer"] == [row["id"]]


def test_an_interrupted_copy_goes_on_where_it_was(cloud, run, make_old, tmp_path, monkeypatch):
    monkeypatch.setattr("adoption.tables.PAGE_ITEMS", 5)
    dynamodb = cloud.client("dynamodb")
    items = [old_item() for _ in range(90)]
    old, new = make_old(*items), f"new-{uuid.uuid4().hex[:8]}"
    seen = 0

    def interrupt(what, more, about):
        nonlocal seen
        seen += more if what == "copying" else 0
        if seen >= 50:
            raise KeyboardInterrupt

    opened = {"old": old, "new": new, "bookmarks": tmp_path}
    broken = Migration.open(dynamodb, run, **opened, on_progress=interrupt)
    with pytest.raises(KeyboardInterrupt):
        broken.copy(broken.plan())
    there = len(read_all(dynamodb, new))
    assert 0 < there < len(items)

    put, written = Target.put, []
    monkeypatch.setattr(Target, "put", lambda self, row: (written.append(row.key), put(self, row))[1])
    again = Migration.open(dynamodb, run, **opened)
    copied = again.copy(again.plan())
    assert copied.resumed
    assert len(written) < len(items), "whole pages are not written twice"
    assert copied.rows["new"] == len(items) - there
    checked = again.check(again.plan())
    assert (checked.passed, checked.equal) == (True, len(items))
    assert not again.copy(again.plan()).resumed, "a complete copy leaves no bookmark"


def test_what_comes_during_a_copy_is_missed_by_no_check(cloud, run, make_old, tmp_path):
    dynamodb, new = cloud.client("dynamodb"), f"new-{uuid.uuid4().hex[:8]}"
    first = old_item()
    old = make_old(first)
    migration = Migration.open(dynamodb, run, old=old, new=new, bookmarks=tmp_path)
    found = migration.plan()
    late, later = old_item(), old_item(projectId=first["projectId"], updatedAt=first["updatedAt"] + 1)
    for item in (late, later):
        dynamodb.put_item(TableName=old, Item=serialize(item))
    assert migration.copy(found).later == 1
    checked = migration.check(migration.plan())
    assert checked.missing == [late["id"]]
    assert set(checked.differing) == {later["id"]}
    migration.copy(migration.plan())
    assert migration.check(migration.plan()).equal == 2


def test_a_bookmark_of_another_table_is_not_taken_up(cloud, run, make_old, tmp_path, monkeypatch):
    dynamodb, new = cloud.client("dynamodb"), f"new-{uuid.uuid4().hex[:8]}"
    old = make_old(old_item())
    opened = Migration.open(dynamodb, run, old=old, new=new, bookmarks=tmp_path)
    stale = {"of": {"source": "x", "target": "y", "segments": 4}, "positions": dict.fromkeys("0123")}
    (tmp_path / f"{old}--{new}.json").write_text(json.dumps(stale))
    assert not (copied := opened.copy(opened.plan())).resumed
    assert copied.rows["new"] == 1


def test_an_item_that_dynamodb_refuses_stops_no_other(cloud, run, make_old, tmp_path, monkeypatch):
    dynamodb, new = cloud.client("dynamodb"), f"new-{uuid.uuid4().hex[:8]}"
    large, small = old_item(title="large"), old_item()
    migration = Migration.open(dynamodb, run, old=make_old(large, small), new=new, bookmarks=tmp_path)
    put = Target.put

    def refuse(self, row):
        if row.item["title"] == "large":
            error = {"Code": "ValidationException", "Message": "Item size has exceeded"}
            raise dynamodb.exceptions.ClientError({"Error": error}, "PutItem")
        return put(self, row)

    monkeypatch.setattr(Target, "put", refuse)
    copied = migration.copy(migration.plan())
    assert set(copied.refused) == {large["id"]}
    assert copied.rows["new"] == 1


def test_nothing_but_an_old_table_is_migrated(cloud, run, make_old, command, tmp_path, capsys):
    old = make_old(old_item())
    assert command("copy", old=old) == 0
    assert command(old=f"{old}-by-owner", new=old) == 1
    assert "adopt it as it is" in capsys.readouterr().out
    assert command("copy", old=old, new=old) == 1
    assert command("check", old=old, new="nowhere") == 1
    assert "copy first" in capsys.readouterr().out
    another = make_old()
    assert command("copy", old=old, new=another) == 1
    assert "other keys" in capsys.readouterr().out
    assert read_all(cloud.client("dynamodb"), another) == []


AWKWARD = [
    {"createdAt": Decimal(1_700_000_000_123), "updatedAt": "2023-11-14T22:13:20Z"},
    {"status": "Sold", "progress": "half", "params": '{"latitude": 41.7}'},
    {"createdAt": None, "updatedAt": None, "title": None, "email": None, "params": None},
    {"tags": {"a", "b"}, "payment": {"paid": True, "amount": Decimal("9.99")}, "title": "x" * 300},
    {"projectId": None, "id": "the-id-is-the-project"},
]


@pytest.mark.slow
def test_the_deployed_program_adopts_the_table_and_shows_people_their_old_projects(
    cloud, make_old, command, folder
):
    cognito, email = cloud.client("cognito-idp"), f"{uuid.uuid4().hex}@example.org"
    # The people are those of before, too, and their pool is adopted with its client.
    pool = cognito.create_user_pool(
        PoolName="Spaceport-Users-v2", AliasAttributes=["email"], AutoVerifiedAttributes=["email"]
    )["UserPool"]["Id"]
    web = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName="web",
        ExplicitAuthFlows=["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    user = cognito.admin_create_user(
        UserPoolId=pool,
        Username="ada",
        TemporaryPassword="Change-Me-1",
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}],
    )["User"]
    sub = next(one["Value"] for one in user["Attributes"] if one["Name"] == "sub")

    mine = [old_item(userSub=sub, **fields) for fields in AWKWARD]
    superseded = old_item(userSub=sub, projectId=mine[0]["projectId"], updatedAt=Decimal(1))
    old = make_old(*mine, superseded, old_item(userSub=OWNER), old_item(userSub=None))
    before = sorted(read_all(cloud.client("dynamodb"), old), key=str)
    assert command("plan", "copy", "switch", old=old, leave=1) == 0
    written = yaml.safe_load(command.file.read_text())["config"]
    assert written["spaceport:adopt"][RESOURCE]["id"] == f"{old}-by-owner"
    assert "# not prod" in command.file.read_text()

    adopted = {
        **written["spaceport:adopt"],
        "user-pool-v2": {"id": pool},
        "user-pool-v2-client": {"id": f"{pool}/{web}"},
    }
    config = {
        **prerequisites.make(cloud, adopted=adopted),
        "spaceport:deliveryUrl": "http://127.0.0.1:9",
        "spaceport:ephemeral": False,
        "spaceport:adopt": adopted,
    }
    deployment = deploy(cloud, config=config)
    (table,) = [one for one in deployment.resources if one.name == RESOURCE]
    assert (table.id, table.imported) == (f"{old}-by-owner", True)
    token = client.sign_in(
        cognito,
        client.Addresses.from_outputs(
            {**deployment.outputs, "userPoolV3Id": pool, "userPoolV3ClientId": web}
        ),
        email=email,
        password="Change-Me-1",
        new_password="Own-Word-1",
    ).identity
    headers = {"Authorization": f"Bearer {token}"}
    url = deployment.outputs["projectsApiUrl"]
    with httpx.Client(headers=headers, timeout=60, trust_env=False) as browser:
        listed = browser.get(url)
        assert listed.status_code == 200, listed.text
        shown = {project["projectId"]: project for project in listed.json()["projects"]}
        assert set(shown) == {item["projectId"] or item["id"] for item in mine}
        for project in shown.values():
            assert browser.get(f"{url}/{project['projectId']}").json()["project"] == project
            changed = browser.patch(f"{url}/{project['projectId']}", json={"progress": 20, "version": 1})
            assert changed.status_code == 200, changed.text
            assert now_seconds() - changed.json()["project"]["updatedAt"] < 60
        assert shown[mine[0]["projectId"]]["createdAt"] == 1_700_000_000
        assert shown[mine[1]["projectId"]]["params"] == {"latitude": 41.7}
    assert command("copy", "check", old=old, leave=1) == 0
    assert len(command.report(old)["checked"]["newer"]) == len(mine), "what people changed since stays"
    assert sorted(read_all(cloud.client("dynamodb"), old), key=str) == before
