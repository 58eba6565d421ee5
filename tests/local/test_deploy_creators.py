"""What creators make works, not only exists: functions answer, images run, keys fit."""

import json
import subprocess
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from local.cloud import EmbeddedCloud
from local.deploy import DeployError, deploy, destroy, prerequisites
from local.deploy.machine import function_architecture, function_runtime
from tests.local.deploy_kit import write_program

pytestmark = pytest.mark.cloud

API = """
runtime, architecture = RUNTIME, ARCHITECTURE
service = {"Service": "lambda.amazonaws.com"}
trust = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"},
}
table = aws.dynamodb.Table(
    "jobs", hash_key="jobId", attributes=[{"name": "jobId", "type": "S"}], billing_mode="PAY_PER_REQUEST"
)
role = aws.iam.Role("role", assume_role_policy=json.dumps(trust))
may_write = aws.iam.RolePolicy(
    "may-write",
    role=role.id,
    policy=pulumi.Output.json_dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": table.arn},
        }
    ),
)
layer = aws.lambda_.LayerVersion(
    "words",
    layer_name="words",
    code=pulumi.AssetArchive({"python/words.py": pulumi.StringAsset("WORD = 'from the layer'")}),
    compatible_runtimes=[runtime],
)
function = aws.lambda_.Function(
    "function",
    role=role.arn,
    runtime=runtime,
    architectures=[architecture],
    handler="functions.hello.handler.handler",
    layers=[layer.arn],
    timeout=20,
    publish=True,
    environment={"variables": {"TABLE": table.name}},
    code=pulumi.AssetArchive({"functions/hello": pulumi.FileArchive("hello")}),
)
live = aws.lambda_.Alias("live", name="live", function_name=function.name, function_version=function.version)
api = aws.apigateway.RestApi("api")
resource = aws.apigateway.Resource(
    "jobs", rest_api=api.id, parent_id=api.root_resource_id, path_part="{id}"
)
method = aws.apigateway.Method(
    "get", rest_api=api.id, resource_id=resource.id, http_method="GET", authorization="NONE"
)
integration = aws.apigateway.Integration(
    "get",
    rest_api=api.id,
    resource_id=resource.id,
    http_method=method.http_method,
    type="AWS_PROXY",
    integration_http_method="POST",
    uri=function.invoke_arn,
)
aws.lambda_.Permission(
    "api",
    action="lambda:InvokeFunction",
    function=function.name,
    principal="apigateway.amazonaws.com",
    source_arn=pulumi.Output.concat(api.execution_arn, "/*/*"),
)
deployment = aws.apigateway.Deployment(
    "api", rest_api=api.id, opts=pulumi.ResourceOptions(depends_on=[integration])
)
stage = aws.apigateway.Stage("api", rest_api=api.id, deployment=deployment.id, stage_name="prod")
pulumi.export("url", stage.invoke_url)
pulumi.export("alias", live.arn)
pulumi.export("table", table.name)
"""
HANDLER = """
import os

import boto3
import words


def handler(event, context):
    table = boto3.resource("dynamodb").Table(os.environ["TABLE"])
    table.put_item(Item={"jobId": event["pathParameters"]["id"]})
    return {"statusCode": 200, "body": words.WORD}
"""
DOCKERFILE = """
FROM python:3.11
ENV PYTHONPATH=/opt/program
COPY step/the_step /opt/program/the_step
ENTRYPOINT ["python", "-m", "the_step"]
"""
IMAGE = """
import pulumi_awsx as awsx
repository = aws.ecr.Repository("step", force_delete=True)
image = awsx.ecr.Image(
    "step",
    repository_url=repository.repository_url,
    context="images",
    dockerfile="images/step/Dockerfile",
    platform="linux/amd64",
)
pulumi.export("image", image.image_uri)
pulumi.export("repository", repository.name)
"""


def test_a_request_goes_through_stage_function_layer_and_role(cloud: EmbeddedCloud, tmp_path: Path):
    source = API.replace("RUNTIME", repr(function_runtime())).replace(
        "ARCHITECTURE", repr(function_architecture())
    )
    folder = write_program(tmp_path, source)
    (folder / "hello").mkdir()
    (folder / "hello" / "handler.py").write_text(HANDLER)

    deployment = deploy(cloud, folder=folder)
    answer = httpx.get(f"{deployment.outputs['url']}/job-7", timeout=30)

    assert (answer.status_code, answer.text) == (200, "from the layer")
    stored = cloud.client("dynamodb").get_item(
        TableName=deployment.outputs["table"], Key={"jobId": {"S": "job-7"}}
    )
    assert stored["Item"]["jobId"]["S"] == "job-7"
    event = {"pathParameters": {"id": "job-9"}}
    called = cloud.client("lambda").invoke(
        FunctionName=deployment.outputs["alias"], Payload=json.dumps(event)
    )
    assert json.loads(called["Payload"].read())["statusCode"] == 200

    destroy(cloud, deployment)
    assert httpx.get(f"{deployment.outputs['url']}/job-8", timeout=30).status_code in (403, 404)


def image_program(folder: Path, word: str) -> Path:
    package = folder / "images" / "step" / "the_step"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(f"print({word!r})")
    (folder / "images" / "step" / "Dockerfile").write_text(DOCKERFILE)
    return write_program(folder, IMAGE)


def test_an_image_is_known_by_its_content_and_runs(cloud: EmbeddedCloud, tmp_path: Path):
    uris = []
    # Another length: Python takes a compiled file for fresh while size and second of the source are the same.
    for word in ("one", "one", "another"):
        deployment = deploy(cloud, folder=image_program(tmp_path, word))
        uri = deployment.outputs["image"]
        uris.append(uri.rpartition("@")[2])
        command = json.loads(cloud.image_registry.read_text())[uri]
        environment = {**command["env"], "PYTHONPATH": ":".join(command["pythonpath"])}
        said = subprocess.run(command["argv"], env=environment, capture_output=True, text=True, check=True)
        assert said.stdout == f"{word}\n"
        known = cloud.client("ecr").describe_images(repositoryName=deployment.outputs["repository"])
        assert [detail["imageDigest"] for detail in known["imageDetails"]] == [uris[-1]]
        destroy(cloud, deployment)
        assert uri not in json.loads(cloud.image_registry.read_text())

    assert uris[0] == uris[1] != uris[2]


def test_a_dockerfile_that_cannot_be_followed_fails_the_image(cloud: EmbeddedCloud, tmp_path: Path):
    folder = image_program(tmp_path, "one")
    (folder / "images" / "step" / "the_step").rename(folder / "images" / "step" / "elsewhere")

    with pytest.raises(DeployError, match=r"Image::step: .*Dockerfile: COPY step/the_step") as caught:
        deploy(cloud, folder=folder)

    destroy(cloud, caught.value.deployment)


def test_a_state_machine_that_names_a_state_it_lacks_is_refused(cloud: EmbeddedCloud, tmp_path: Path):
    definition = {
        "StartAt": "Check",
        "States": {
            "Check": {"Type": "Pass", "Next": "Work"},
            "Work": {"Type": "Pass", "End": True, "Catch": [{"ErrorEquals": ["x"], "Next": "Nowhere"}]},
        },
    }
    folder = write_program(
        tmp_path,
        f"""
        aws.sfn.StateMachine(
            "machine", role_arn="arn:aws:iam::{cloud.account}:role/x", definition={json.dumps(definition)!r}
        )
        """,
    )

    with pytest.raises(DeployError, match="no such state: Work names 'Nowhere'"):
        deploy(cloud, folder=folder)


def test_what_bootstrap_makes_fits_together_and_stays(cloud: EmbeddedCloud, tmp_path: Path):
    sender = "models@example.org"
    folder = write_program(tmp_path, "", stack=f"config: {{tiny:mailFrom: {sender}}}")

    config = prerequisites.make(cloud, folder=folder)

    secret = cloud.client("secretsmanager").get_secret_value(
        SecretId=config["spaceport:deliveryPrivateKeySecret"]
    )["SecretString"]
    private = serialization.load_pem_private_key(secret.encode(), None)
    public = serialization.load_pem_public_key(config["spaceport:deliveryPublicKey"].encode())
    assert isinstance(private, RSAPrivateKey)
    assert isinstance(public, RSAPublicKey)
    assert public.key_size == 2048
    signature = private.sign(b"a cookie", padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - CloudFront's own
    public.verify(signature, b"a cookie", padding.PKCS1v15(), hashes.SHA1())  # noqa: S303 - CloudFront's own
    assert prerequisites.make(cloud, folder=folder) == config
    cloud.client("ses").send_email(
        Source=sender,
        Destination={"ToAddresses": ["pilot@example.org"]},
        Message={"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}},
    )


def test_a_configuration_set_and_who_hears_of_it_are_made_and_go_again(cloud: EmbeddedCloud, tmp_path: Path):
    bus = f"arn:aws:events:{cloud.region}:{cloud.account}:event-bus/default"
    folder = write_program(
        tmp_path,
        f"""
        sent_with = aws.sesv2.ConfigurationSet(
            "mails",
            configuration_set_name="tiny-mails",
            reputation_options={{"reputation_metrics_enabled": False}},
            sending_options={{"sending_enabled": True}},
        )
        aws.sesv2.ConfigurationSetEventDestination(
            "told",
            configuration_set_name=sent_with.configuration_set_name,
            event_destination_name="events",
            event_destination={{
                "enabled": True,
                "matching_event_types": ["DELIVERY", "BOUNCE"],
                "event_bridge_destination": {{"event_bus_arn": {bus!r}}},
            }},
        )
        pulumi.export("arn", sent_with.arn)
        """,
    )
    sesv2 = cloud.client("sesv2")

    deployment = deploy(cloud, folder=folder)

    made = sesv2.get_configuration_set(ConfigurationSetName="tiny-mails")
    assert made["ReputationOptions"]["ReputationMetricsEnabled"] is False
    assert deployment.outputs["arn"].endswith(":configuration-set/tiny-mails")
    (told,) = sesv2.get_configuration_set_event_destinations(ConfigurationSetName="tiny-mails")[
        "EventDestinations"
    ]
    assert told["Enabled"] is True
    assert set(told["MatchingEventTypes"]) == {"DELIVERY", "BOUNCE"}
    assert told["EventBridgeDestination"]["EventBusArn"] == bus

    destroy(cloud, deployment)

    with pytest.raises(sesv2.exceptions.NotFoundException):
        sesv2.get_configuration_set(ConfigurationSetName="tiny-mails")


def test_a_budget_and_whom_it_tells_are_made_and_go_again(cloud: EmbeddedCloud, tmp_path: Path):
    folder = write_program(
        tmp_path,
        """
        topic = aws.sns.Topic("topic")
        budget = aws.budgets.Budget(
            "monthly",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount="300",
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": ["user:owner$us"]}],
            notifications=[
                {
                    "notification_type": "ACTUAL",
                    "threshold": 80,
                    "threshold_type": "PERCENTAGE",
                    "comparison_operator": "GREATER_THAN",
                    "subscriber_sns_topic_arns": [topic.arn],
                }
            ],
        )
        pulumi.export("name", budget.name)
        pulumi.export("topic", topic.arn)
        """,
    )

    deployment = deploy(cloud, folder=folder)

    budgets = cloud.client("budgets")
    named = {"AccountId": cloud.account, "BudgetName": deployment.outputs["name"]}
    made = budgets.describe_budget(**named)["Budget"]
    assert made["BudgetLimit"] == {"Amount": "300", "Unit": "USD"}
    assert made["CostFilters"] == {"TagKeyValue": ["user:owner$us"]}
    (notification,) = budgets.describe_notifications_for_budget(**named)["Notifications"]
    assert (notification["NotificationType"], notification["Threshold"]) == ("ACTUAL", 80)
    subscribers = budgets.describe_subscribers_for_notification(**named, Notification=notification)
    assert subscribers["Subscribers"] == [{"SubscriptionType": "SNS", "Address": deployment.outputs["topic"]}]

    destroy(cloud, deployment)

    assert not budgets.describe_budgets(AccountId=cloud.account).get("Budgets")
