"""Pulumi programs deployed into the embedded cloud, and the mistakes in programs that must not pass."""

import json
import re
import time
import uuid
from pathlib import Path

import pytest

from local.cloud import EmbeddedCloud
from local.deploy import DeployError, Deployment, ResourceState, deploy, deployer, destroy
from local.deploy.config import ConfigError
from tests.local.deploy_kit import PROJECT, write_program

pytestmark = pytest.mark.cloud

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def failure(cloud: EmbeddedCloud, folder: Path) -> DeployError:
    """Deploys a program that must fail, takes away what it made and returns the error."""
    with pytest.raises(DeployError) as caught:
        deploy(cloud, folder=folder)
    destroy(cloud, caught.value.deployment)
    return caught.value


def by_name(deployment: Deployment, name: str) -> ResourceState:
    return next(state for state in deployment.resources if state.name == name)


def test_resources_outputs_tags_and_config_reach_the_cloud_and_leave_it_again(
    cloud: EmbeddedCloud, tmp_path: Path
):
    folder = write_program(
        tmp_path,
        """
        class Storage(pulumi.ComponentResource):
            def __init__(self):
                tags = {"tags": {"owner": "us"}}
                provider = aws.Provider("provider", region="us-east-1", default_tags=tags)
                opts = pulumi.ResourceOptions(providers=[provider])
                super().__init__("tiny:index:Storage", "storage", opts=opts)
                child = pulumi.ResourceOptions(parent=self)
                self.bucket = aws.s3.Bucket("Data", tags={"kind": "photos"}, opts=child)
                aws.s3.BucketVersioning(
                    "versioning",
                    bucket=self.bucket.id,
                    versioning_configuration={"status": "Enabled"},
                    opts=child,
                )
                self.register_outputs({})

        storage = Storage()
        pulumi.export("bucket", storage.bucket.bucket)
        pulumi.export("arn", storage.bucket.arn.apply(lambda arn: f"<{arn}>"))
        pulumi.export("secret", pulumi.Output.secret({"a": [1, 2]}))
        pulumi.export("size", pulumi.Config().require_int("size"))
        pulumi.export("account", aws.get_caller_identity_output().account_id)
        """,
    )
    told: list[float] = []

    deployment = deploy(
        cloud, folder=folder, config={"size": "7"}, on_progress=lambda part, _: told.append(part)
    )

    bucket = deployment.outputs["bucket"]
    assert deployment.outputs == {
        "bucket": bucket,
        "arn": f"<arn:aws:s3:::{bucket}>",
        "secret": {"a": [1, 2]},
        "size": 7,
        "account": cloud.account,
    }
    assert bucket.startswith("data-")
    s3 = cloud.client("s3")
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=bucket)["TagSet"]}
    assert tags == {"owner": "us", "kind": "photos"}
    assert by_name(deployment, "Data").urn == (
        "urn:pulumi:local::tiny::tiny:index:Storage$aws:s3/bucket:Bucket::Data"
    )
    assert told == sorted(told)
    assert told[-1] == 1.0

    destroy(cloud, deployment)

    assert bucket not in {found["Name"] for found in s3.list_buckets()["Buckets"]}


def test_a_program_deployed_twice_shares_nothing(cloud: EmbeddedCloud, tmp_path: Path):
    folder = write_program(
        tmp_path,
        """
        bucket = aws.s3.Bucket("data")
        pulumi.export("bucket", bucket.id)
        """,
    )

    first, second = deploy(cloud, folder=folder), deploy(cloud, folder=folder)

    assert first.outputs["bucket"] != second.outputs["bucket"]
    destroy(cloud, first)
    cloud.client("s3").head_bucket(Bucket=second.outputs["bucket"])
    destroy(cloud, second)


def test_what_is_needed_comes_first_and_goes_last(cloud: EmbeddedCloud, tmp_path: Path):
    folder = write_program(
        tmp_path,
        f"""
        role = aws.iam.Role("role", assume_role_policy={TRUST!r})
        late = aws.sqs.Queue("late", opts=pulumi.ResourceOptions(depends_on=[role]))
        for index in range(6):
            aws.iam.RolePolicy(
                f"policy-{{index}}",
                role=role.id,
                policy=pulumi.Output.json_dumps(
                    {{
                        "Version": "2012-10-17",
                        "Statement": {{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": late.arn}},
                    }}
                ),
            )
        """,
    )

    deployment = deploy(cloud, folder=folder)

    order = [state.urn for state in deployment.resources]
    assert len(order) == 8
    for state in deployment.resources:
        assert all(order.index(needed) < order.index(state.urn) for needed in state.dependencies)
    assert by_name(deployment, "role").urn in by_name(deployment, "late").dependencies
    destroy(cloud, deployment)


@pytest.mark.parametrize(
    ("source", "subject", "complaint"),
    [
        (
            'aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")',
            "aws:ec2/vpc:Vpc::net",
            "no creator for resources of type aws:ec2/vpc:Vpc.*local/deploy/creators",
        ),
        (
            'aws.s3.Bucket("data", acceleration_status="Enabled")',
            "aws:s3/bucket:Bucket::data",
            "knows no input accelerationStatus",
        ),
        (
            """
            aws.dynamodb.Table(
                "table",
                hash_key="a",
                attributes=[{"name": "a", "type": "S"}],
                billing_mode="PAY_PER_REQUEST",
                global_secondary_indexes=[
                    {"name": "by-a", "hash_key": "a", "projection_type": "ALL", "read_capacity": 3}
                ],
            )
            """,
            "aws:dynamodb/table:Table::table",
            r"knows no input globalSecondaryIndexes\[0\]\.readCapacity",
        ),
        (
            """
            aws.cloudwatch.MetricAlarm(
                "share",
                comparison_operator="GreaterThanThreshold",
                evaluation_periods=1,
                threshold=1,
                metric_queries=[{"id": "e", "expression": "1 / 2", "return_data": True}],
            )
            """,
            "aws:cloudwatch/metricAlarm:MetricAlarm::share",
            "alarm on one metric",
        ),
        (
            'aws.s3.Bucket("data"); aws.s3.Bucket("data")',
            "aws:s3/bucket:Bucket::data",
            "registered already",
        ),
        (
            'aws.s3.BucketPolicy("policy", bucket="no-such-bucket-here", policy="{}")',
            "aws:s3/bucketPolicy:BucketPolicy::policy",
            "PutBucketPolicy failed with NoSuchBucket",
        ),
        (
            'aws.s3.Bucket("data", opts=pulumi.ResourceOptions(import_="no-such-bucket-here"))',
            "aws:s3/bucket:Bucket::data",
            "nothing to import under the id 'no-such-bucket-here'",
        ),
        (
            'aws.s3.Bucket("n" * 57)',
            f"aws:s3/bucket:Bucket::{'n' * 57}",
            "65 characters, and 63 are the most",
        ),
        (
            "aws.get_availability_zones_output().apply(lambda zones: pulumi.log.info(zones.id))",
            "invoke aws:index/getAvailabilityZones",
            "nothing here answers it",
        ),
        (
            'bucket = aws.s3.Bucket("data"); aws.s3.Bucket("other", bucket=f"{bucket.id}-x")',
            "program",
            r"(?s)__main__\.py.*f-string|Output",
        ),
        (
            'bucket = aws.s3.Bucket("data"); aws.s3.Bucket("other", bucket=bucket.website_endpoint)',
            "aws:s3/bucket:Bucket::other",
            "bucket rests on an output that the local deployer does not give",
        ),
        (
            'pulumi.export("site", aws.s3.Bucket("data").website_endpoint)',
            "stack outputs",
            "site rests on an output",
        ),
        ("import no_such_module", "program", r"(?s)__main__\.py.*No module named 'no_such_module'"),
        (
            'aws.Provider("p", region="eu-west-1")',
            "pulumi:providers:aws::p",
            "the provider is for eu-west-1",
        ),
    ],
)
def test_a_mistake_ends_the_deployment_at_once_and_names_the_resource(
    cloud: EmbeddedCloud, tmp_path: Path, source: str, subject: str, complaint: str
):
    folder = write_program(tmp_path, source)
    buckets = {found["Name"] for found in cloud.client("s3").list_buckets()["Buckets"]}
    started = time.monotonic()

    error = failure(cloud, folder)

    assert time.monotonic() - started < 30
    assert any(subject in told.subject for told in error.failures), error
    assert re.search(complaint, str(error))
    assert {found["Name"] for found in cloud.client("s3").list_buckets()["Buckets"]} == buckets


def test_a_failure_does_not_wait_for_a_program_that_goes_on(cloud: EmbeddedCloud, tmp_path: Path):
    folder = write_program(
        tmp_path,
        """
        import asyncio

        async def forever():
            await asyncio.sleep(600)

        aws.ec2.Vpc("net", cidr_block="10.0.0.0/16")
        pulumi.export("never", pulumi.Output.from_input(forever()))
        """,
    )
    started = time.monotonic()

    error = failure(cloud, folder)

    assert "aws:ec2/vpc:Vpc" in str(error)
    assert time.monotonic() - started < 30


def test_a_program_that_hangs_is_ended(cloud: EmbeddedCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(deployer, "SILENCE_SECONDS", 4.0)
    folder = write_program(tmp_path, 'aws.sqs.Queue("queue"); import time; time.sleep(60)')
    started = time.monotonic()

    assert "neither ended nor asked for anything" in str(failure(cloud, folder))

    assert time.monotonic() - started < 30


def test_what_exists_is_imported_and_survives_when_retained(cloud: EmbeddedCloud, tmp_path: Path):
    name = f"existing-{uuid.uuid4().hex[:8]}"
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=name)
    folder = write_program(
        tmp_path,
        f"""
        bucket = aws.s3.Bucket(
            "data", bucket="{name}", opts=pulumi.ResourceOptions(import_="{name}", retain_on_delete=True)
        )
        pulumi.export("arn", bucket.arn)
        """,
    )

    deployment = deploy(cloud, folder=folder)

    assert deployment.outputs["arn"] == f"arn:aws:s3:::{name}"
    assert by_name(deployment, "data").imported
    destroy(cloud, deployment)
    s3.head_bucket(Bucket=name)
    s3.delete_bucket(Bucket=name)


def test_a_protected_resource_keeps_everything_in_place(cloud: EmbeddedCloud, tmp_path: Path):
    folder = write_program(
        tmp_path,
        """
        bucket = aws.s3.Bucket("data")
        aws.sqs.Queue("queue", opts=pulumi.ResourceOptions(protect=True))
        pulumi.export("bucket", bucket.id)
        """,
    )
    deployment = deploy(cloud, folder=folder)

    with pytest.raises(DeployError, match="queue: is protected"):
        destroy(cloud, deployment)

    cloud.client("s3").head_bucket(Bucket=deployment.outputs["bucket"])
    unprotected = [state for state in deployment.resources if not state.protect]
    destroy(cloud, Deployment({}, unprotected, 0))
    remove = by_name(deployment, "queue").delete
    assert remove is not None
    remove()


def test_destroy_tells_what_it_could_not_remove_and_removes_the_rest(cloud: EmbeddedCloud, tmp_path: Path):
    folder = write_program(
        tmp_path,
        """
        pulumi.export("full", aws.s3.Bucket("full").id)
        pulumi.export("empty", aws.s3.Bucket("empty").id)
        pulumi.export("forced", aws.s3.Bucket("forced", force_destroy=True).id)
        """,
    )
    deployment = deploy(cloud, folder=folder)
    s3 = cloud.client("s3")
    for name in ("full", "forced"):
        s3.put_object(Bucket=deployment.outputs[name], Key="photo.jpg", Body=b"x")

    with pytest.raises(DeployError, match=r"Bucket::full: .*BucketNotEmpty") as caught:
        destroy(cloud, deployment)

    assert [state.name for state in caught.value.deployment.resources] == ["full"]
    left = {found["Name"] for found in s3.list_buckets()["Buckets"]}
    assert left & set(deployment.outputs.values()) == {deployment.outputs["full"]}
    s3.delete_object(Bucket=deployment.outputs["full"], Key="photo.jpg")
    destroy(cloud, caught.value.deployment)


def test_an_existing_resource_can_be_read(cloud: EmbeddedCloud, tmp_path: Path):
    name = f"existing-{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=name)
    folder = write_program(tmp_path, f'pulumi.export("arn", aws.s3.Bucket.get("data", "{name}").arn)')

    deployment = deploy(cloud, folder=folder)

    assert deployment.outputs["arn"].endswith(name)
    destroy(cloud, deployment)
    cloud.client("s3").delete_bucket(Bucket=name)


def test_the_program_cannot_reach_credentials_of_this_machine(
    cloud: EmbeddedCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "someone")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "someone")
    folder = write_program(
        tmp_path,
        """
        import os
        pulumi.export("names", sorted(name for name in os.environ if name.startswith(("AWS_", "PULUMI_"))))
        """,
    )

    assert deploy(cloud, folder=folder).outputs["names"] == ["PULUMI_ERROR_OUTPUT_STRING"]


def test_a_region_that_the_cloud_is_not_in_is_refused(cloud: EmbeddedCloud, tmp_path: Path):
    folder = write_program(tmp_path, "", project=PROJECT, stack="config: {aws:region: eu-west-1}")

    with pytest.raises(ConfigError, match="aws:region is eu-west-1"):
        deploy(cloud, folder=folder)
