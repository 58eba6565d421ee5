"""A drill: a stack's data is spoilt, restored, and taken over by a fresh stack whose links open."""

import json
import shutil
import time
import uuid
from datetime import UTC, datetime

import httpx
import pytest
import yaml

from local.cloud import EmbeddedCloud
from local.deploy import Deployment, deploy, prerequisites
from local.deployed import DISTRIBUTION
from local.edge import Edge
from local.preview import ROOT
from operations.recovery.__main__ import main
from operations.recovery.objects import versions_at
from tests.local.cloud_kit import LASTING_STACK, use_keys_of

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(900)]

FRESH = "fresh"
MODEL = {"index.html": b"<!doctype html><title>Barn</title>", "model.sog": b"splats" * 1000}


def physical(deployment: Deployment, name: str) -> str:
    return next(one.id for one in deployment.resources if one.name == name)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud")) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def edge(cloud):
    with Edge(cloud) as edge:
        yield edge


@pytest.fixture(scope="module")
def config(cloud, edge):
    return {**prerequisites.make(cloud), "spaceport:deliveryUrl": edge.url}


@pytest.fixture(scope="module")
def old(cloud, edge, config):
    deployment = deploy(cloud, config=config)
    serve(edge, deployment)
    return deployment


def serve(edge, deployment):
    edge.serve(next(one.id for one in deployment.resources if one.type == DISTRIBUTION))


@pytest.fixture(scope="module")
def model(cloud, old):
    """A finished job with its model, capture and link: the job, and the link's token."""
    job, token, owner = str(uuid.uuid4()), uuid.uuid4().hex + uuid.uuid4().hex[:11], str(uuid.uuid4())
    at = {"N": str(int(time.time() * 1000))}
    uploads, ml = old.outputs["uploadsBucket"], old.outputs["mlBucket"]
    row = {
        "jobId": job,
        "owner": owner,
        "status": "SUCCEEDED",
        "linkToken": token,
        "captureUri": f"s3://{uploads}/uploads/{owner}/a-capture/",
    }
    link = {"token": token, "jobId": job, "owner": owner}
    for table, words in (("jobs-table", row), ("links-table", link)):
        item = {name: {"S": value} for name, value in words.items()}
        cloud.client("dynamodb").put_item(
            TableName=physical(old, table), Item={**item, "createdAt": at, "publishedAt": at}
        )
    s3 = cloud.client("s3")
    s3.put_object(Bucket=uploads, Key=f"uploads/{owner}/a-capture/one.jpg", Body=b"a photo")
    for name, data in MODEL.items():
        s3.put_object(Bucket=ml, Key=f"jobs/{job}/model/{name}", Body=data)
    return job, token


@pytest.fixture
def recover(cloud, tmp_path, monkeypatch, capsys):
    """Give a function that runs the command with the account's keys: exit code, and what it said."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copy(ROOT / "Pulumi.local.yaml", tmp_path)
    (tmp_path / f"Pulumi.{FRESH}.yaml").write_text(LASTING_STACK)
    use_keys_of(cloud.client("s3"), monkeypatch)

    def command(*arguments: str):
        code = main(["--stack", "local", "--into", FRESH, "--folder", str(tmp_path), *arguments])
        return code, capsys.readouterr().out

    return command


def opened(edge, token):
    with httpx.Client(base_url=edge.url, follow_redirects=True, trust_env=False) as browser:
        page = browser.get(f"/open/{token}")
        return page, browser.get(page.url.join("model.sog")) if page.is_success else None


@pytest.mark.slow
def test_a_spoilt_stack_is_restored_into_a_fresh_one_whose_links_open(
    cloud, edge, old, model, recover, tmp_path
):
    job, token = model
    s3, dynamodb = cloud.client("s3"), cloud.client("dynamodb")
    assert opened(edge, token)[1].content == MODEL["model.sog"]
    time.sleep(1.1)
    moment = datetime.now(UTC).isoformat()
    time.sleep(1.1)
    ml = old.outputs["mlBucket"]
    s3.put_object(Bucket=ml, Key=f"jobs/{job}/model/model.sog", Body=b"spoilt")
    s3.delete_object(Bucket=ml, Key=f"jobs/{job}/model/index.html")
    s3.put_object(Bucket=ml, Key=f"jobs/{job}/model/later.txt", Body=b"came afterwards")
    assert not opened(edge, token)[0].is_success

    code, said = recover("--at", moment)
    assert code == 0
    assert "Nothing was done" in said
    assert not [name for name in dynamodb.list_tables()["TableNames"] if FRESH in name]
    code, said = recover("--at", moment, "--apply")
    assert code == 0, said
    # The same again goes on from there: nothing is made twice.
    code, said = recover("--at", moment, "--apply")
    assert code == 0, said

    adopted = yaml.safe_load((tmp_path / f"Pulumi.{FRESH}.yaml").read_text())["config"]["spaceport:adopt"]
    jobs = adopted["jobs-table"]["id"]
    found = dynamodb.get_item(TableName=jobs, Key={"jobId": {"S": job}})["Item"]
    assert found["captureUri"]["S"].startswith(f"s3://{adopted['uploads-bucket']['id']}/uploads/")
    described = dynamodb.describe_table(TableName=jobs)["Table"]
    assert described["DeletionProtectionEnabled"]
    expires = dynamodb.describe_time_to_live(TableName=adopted["links-table"]["id"])
    assert expires["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    restored = {
        item["Key"].rpartition("/")[2]
        for item in s3.list_objects_v2(Bucket=adopted["ml-bucket"]["id"])["Contents"]
    }
    assert restored == set(MODEL)

    fresh = deploy(
        cloud,
        stack="staging",
        config={
            **prerequisites.make(cloud, stack="staging", adopted=adopted),
            "spaceport:deliveryUrl": edge.url,
            "aws:region": cloud.region,
            "spaceport:environment": FRESH,
            "spaceport:adopt": json.dumps(adopted),
        },
    )
    assert fresh.outputs["mlBucket"] == adopted["ml-bucket"]["id"]
    serve(edge, fresh)
    page, splats = opened(edge, token)
    assert page.content == MODEL["index.html"]
    assert splats.content == MODEL["model.sog"]


def test_what_cannot_be_restored_is_said(recover, old):
    for arguments, words in (
        (("--at", "yesterday"), "is no moment"),
        (("--at", "2026-01-01T10:00"), "has no time zone"),
        (("--at", "2999-01-01T10:00Z"), "has not come yet"),
        (("ml-bucket=no-such-bucket", "--apply"), "NoSuchBucket"),
    ):
        code, said = recover(*arguments)
        assert code == 1
        assert words in said
    with pytest.raises(SystemExit):
        recover("--into", "local")


def test_a_bucket_is_seen_as_it_was(cloud):
    s3, bucket = cloud.client("s3"), f"versions-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    moments = []

    def then(change):
        change()
        time.sleep(1.1)
        moments.append(datetime.now(UTC))
        time.sleep(1.1)

    then(lambda: s3.put_object(Bucket=bucket, Key="a", Body=b"1"))
    then(lambda: s3.put_object(Bucket=bucket, Key="a", Body=b"22"))
    then(lambda: s3.delete_object(Bucket=bucket, Key="a"))
    then(lambda: s3.put_object(Bucket=bucket, Key="b", Body=b"333"))
    seen = [{one.key: one.size for one in versions_at(s3, bucket, moment)} for moment in moments]
    assert seen == [{"a": 1}, {"a": 2}, {}, {"b": 3}]
    assert [one.key for one in versions_at(s3, bucket, None)] == ["b"]
