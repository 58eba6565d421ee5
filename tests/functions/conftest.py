"""An embedded cloud for all tests of the functions, and API Gateway's proxy events for their handlers."""

import importlib
import io
import json
import os
import sys
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

os.environ["POWERTOOLS_TRACE_DISABLED"] = "true"

from functions.shared.jobs import JobStore
from local.cloud import EmbeddedCloud
from tests.functions import job_kit
from tests.functions.mail_kit import CONFIGURATION_SET

ORIGIN = "https://app.example.org"
DELIVERY_URL = "https://view.example.org"
WAITING_MACHINE = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 600, "End": True}}}


@dataclass(frozen=True)
class Answer:
    """What a client gets."""

    status: int
    body: Any
    headers: dict[str, list[str]] = field(default_factory=dict)

    def header(self, name: str) -> str | None:
        values = self.headers.get(name)
        return values[0] if values else None


@dataclass(frozen=True)
class Cloud:
    """The embedded cloud with what the functions' environments name.

    Attributes:
        environment: The functions' variables.
        public_key: Of the delivery key pair.
        machine_role: Role of state machines.
        clients: Those of the administrator that were asked for.
    """

    embedded: EmbeddedCloud
    environment: dict[str, str]
    public_key: rsa.RSAPublicKey
    machine_role: str
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:  # noqa: ANN401 -- boto3 makes its client classes at run time
        if service not in self.clients:
            self.clients[service] = self.embedded.client(service)
        return self.clients[service]

    def machine(self, definition: dict[str, Any]) -> str:
        """Make a state machine, give its ARN."""
        created = self.client("stepfunctions").create_state_machine(
            name=f"machine-{uuid.uuid4().hex[:8]}",
            definition=json.dumps(definition),
            roleArn=self.machine_role,
        )
        return str(created["stateMachineArn"])


@pytest.fixture(scope="session")
def cloud() -> Iterator[Cloud]:
    """Start the cloud, make buckets, tables and the rest, and set the environment as Lambda would."""
    with EmbeddedCloud() as embedded:
        yield from _furnish(embedded)


def _furnish(embedded: EmbeddedCloud) -> Iterator[Cloud]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    for bucket in ("uploads", "ml"):
        embedded.client("s3").create_bucket(Bucket=f"test-{bucket}")
        embedded.client("s3").put_bucket_versioning(
            Bucket=f"test-{bucket}", VersioningConfiguration={"Status": "Enabled"}
        )
    _make_tables(embedded)
    embedded.client("secretsmanager").create_secret(Name="delivery-key", SecretString=pem)
    embedded.client("sesv2").create_email_identity(EmailIdentity="noreply@example.org")
    embedded.client("sesv2").create_configuration_set(ConfigurationSetName=CONFIGURATION_SET)
    pool = _make_pool(embedded)
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = embedded.client("iam").create_role(RoleName="machine", AssumeRolePolicyDocument=policy)
    environment = {
        "UPLOADS_BUCKET": "test-uploads",
        "ML_BUCKET": "test-ml",
        "UPLOADS_TABLE": "uploads",
        "CAPTURE_CHECK_ARN": _make_idle_function(embedded, "capture-check"),
        "PROJECTS_TABLE": "projects",
        "JOBS_TABLE": "jobs",
        "LINKS_TABLE": "links",
        "WAITLIST_TABLE": "waitlist",
        "FEEDBACK_TABLE": "feedback",
        "LIMITS_TABLE": "limits",
        "FLIGHT_PATHS_TABLE": "flight-paths",
        "SETTINGS_TABLE": "settings",
        "IDEMPOTENCY_TABLE": "idempotency",
        "WEBHOOK_QUEUE_URL": _make_queue(embedded, "webhooks"),
        "QUOTA_JOBS_AT_ONCE": "2",
        "QUOTA_JOBS_PER_DAY": "10",
        "QUOTA_SPEND_PER_MONTH_USD": "200",
        # Nothing listens there: a test that needs terrain serves its own.
        "TERRAIN_SOURCE": "copernicus",
        "TERRAIN_URL": "http://127.0.0.1:9",
        "DELIVERY_URL": DELIVERY_URL,
        "DELIVERY_KEY_PAIR_ID": "K2TESTKEY",
        "DELIVERY_PRIVATE_KEY_SECRET": "delivery-key",
        "MAIL_FROM": "noreply@example.org",
        "MAIL_CONFIGURATION_SET": CONFIGURATION_SET,
        "STAFF_EMAIL": "staff@example.org",
        "USER_POOL_ID": pool,
        "INVITED_GROUP": "pilots",
        "ADMIN_GROUP": "admins",
        "HANDLE_REQUIRED": "false",
        "SIGN_IN_URL": f"{ORIGIN}/sign-in",
        "API_ADDRESSES": json.dumps({"ml-api": "https://ml.example.org"}),
        "METRICS_SERVICE": "spaceport-test",
        "MACHINES": json.dumps(
            {
                "sfm": "ml.c6i.4xlarge",
                "training": ["ml.g5.2xlarge", "ml.g6.2xlarge"],
                "compressor": "ml.m5.xlarge",
                "useSpot": True,
                "spotWaitSeconds": 1200,
            }
        ),
        "MACHINE_PRICES": "{}",
        "INTERMEDIATE_TAG": "kept=for-a-while",
        # It takes requests and does nothing: a test that needs housekeeping does it itself.
        "HOUSEKEEPING_ARN": _make_idle_function(embedded, "housekeeping"),
        "ALLOWED_ORIGINS": f"{ORIGIN},https://two.example.org",
    }
    cloud = Cloud(embedded, environment, key.public_key(), role["Role"]["Arn"])
    environment["STATE_MACHINE_ARN"] = cloud.machine(WAITING_MACHINE)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        # The functions' clients are of the default session, which keeps the credentials of its first use.
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        patch.setenv("AWS_ENDPOINT_URL", embedded.endpoint)
        patch.setenv("AWS_REGION", embedded.region)
        patch.setenv("AWS_DEFAULT_REGION", embedded.region)
        patch.setenv("AWS_ACCESS_KEY_ID", embedded.account)
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield cloud


KEYS: Mapping[str, Sequence[str]] = {
    "uploads": ["captureId", "itemId"],
    "projects": ["userSub", "projectId"],
    "jobs": ["jobId"],
    "links": ["token"],
    "waitlist": ["email"],
    "feedback": ["feedbackId"],
    "limits": ["limitId"],
    "flight-paths": ["id"],
    "settings": ["userSub"],
    "idempotency": ["id"],
}
"""The tables' keys."""
INDEXES: Mapping[str, Sequence[str]] = {
    "uploads": ["owner", "project"],
    "jobs": ["owner", "project"],
    "links": ["job"],
    "flight-paths": ["owner", "project"],
}


def _make_tables(embedded: EmbeddedCloud) -> None:
    for name, key in KEYS.items():
        _make_table(embedded, name, key, INDEXES.get(name, ()))


def _make_queue(embedded: EmbeddedCloud, name: str) -> str:
    url: str = embedded.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    return url


def _make_idle_function(embedded: EmbeddedCloud, name: str) -> str:
    """Make a function that takes every event and does nothing; the ARN of its alias."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("idle.py", "def handler(event, context):\n    return None\n")
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = embedded.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    functions = embedded.client("lambda")
    functions.create_function(
        FunctionName=name,
        Runtime=f"python{sys.version_info.major}.{sys.version_info.minor}",
        Role=role,
        Handler="idle.handler",
        Code={"ZipFile": code.getvalue()},
        Publish=True,
    )
    alias = functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return str(alias["AliasArn"])


def _make_pool(embedded: EmbeddedCloud) -> str:
    cognito = embedded.client("cognito-idp")
    pool: str = cognito.create_user_pool(
        PoolName="people", AliasAttributes=["email"], AutoVerifiedAttributes=["email"]
    )["UserPool"]["Id"]
    for group in ("pilots", "admins", "others"):
        cognito.create_group(UserPoolId=pool, GroupName=group)
    return pool


def _make_table(embedded: EmbeddedCloud, name: str, key: Sequence[str], indexed: Sequence[str]) -> None:
    partition = {"owner": "owner", "project": "projectId", "job": "jobId"}
    attributes = dict.fromkeys([*key, *(partition[index] for index in indexed)], "S")
    if indexed:
        attributes["createdAt"] = "N"
    arguments: dict[str, Any] = {}
    if indexed:
        arguments["GlobalSecondaryIndexes"] = [
            {
                "IndexName": f"{index}-index",
                "KeySchema": [
                    {"AttributeName": partition[index], "KeyType": "HASH"},
                    {"AttributeName": "createdAt", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
            for index in indexed
        ]
    embedded.client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": part, "KeyType": kind}
            for part, kind in zip(key, ("HASH", "RANGE"), strict=False)
        ],
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": t} for n, t in attributes.items()],
        **arguments,
    )


@pytest.fixture
def lambda_context() -> SimpleNamespace:
    return SimpleNamespace(
        function_name="test",
        memory_limit_in_mb=256,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:test",
        aws_request_id=str(uuid.uuid4()),
        get_remaining_time_in_millis=lambda: 29_000,
    )


Call = Callable[..., Answer]


@pytest.fixture
def call(lambda_context: SimpleNamespace) -> Call:
    """Give a function that sends a request through a handler as API Gateway would.

    Its `user` is the signed-in person's sub, None for nobody; `groups` the claim as the gateway passes it on;
    `body` a JSON value or raw text; `headers` go with the usual ones.
    """

    def send(
        handler: Callable[[dict[str, Any], Any], dict[str, Any]],
        method: str,
        path: str,
        body: object = None,
        *,
        user: str | None = "alice",
        query: dict[str, str] | None = None,
        origin: str = ORIGIN,
        groups: str = "[pilots]",
        source_ip: str = "127.0.0.1",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        claims = {"sub": user, "email": f"{user}@example.org", "cognito:groups": groups}
        sent = {"Origin": origin, "Content-Type": "application/json", **(headers or {})}
        event = {
            "resource": path,
            "path": path,
            "httpMethod": method,
            "headers": sent,
            "multiValueHeaders": {name: [value] for name, value in sent.items()},
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {k: [v] for k, v in query.items()} if query else None,
            "pathParameters": None,
            "stageVariables": None,
            "requestContext": {
                "requestId": "request-1",
                "httpMethod": method,
                "path": f"/prod{path}",
                "stage": "prod",
                "identity": {"sourceIp": source_ip},
                **({"authorizer": {"claims": claims}} if user else {}),
            },
            "body": body if body is None or isinstance(body, str) else json.dumps(body),
            "isBase64Encoded": False,
        }
        answer = handler(event, lambda_context)
        got = {name: list(values) for name, values in (answer.get("multiValueHeaders") or {}).items()}
        got |= {name: [value] for name, value in (answer.get("headers") or {}).items()}
        is_json = (got.get("Content-Type") or [""])[0].startswith("application/json")
        text = answer.get("body") or ""
        return Answer(answer["statusCode"], json.loads(text) if is_json and text else text, got)

    return send


@dataclass
class Housekeeping:
    """Stands where housekeeping is called, and does what it was asked for when told to.

    Attributes:
        asked: Requests that were taken and not done.
        refusing: What calls are answered with instead.
    """

    asked: list[dict[str, Any]] = field(default_factory=list)
    refusing: Exception | None = None
    seconds: float = 900.0

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == os.environ["HOUSEKEEPING_ARN"]
        assert InvocationType == "Event"
        if self.refusing:
            raise self.refusing
        self.asked.append(json.loads(Payload))
        return {"StatusCode": 202}

    def work(self) -> None:
        """Do what was asked for; what fails stays asked for."""
        while self.asked:
            self.do(self.asked[0])
            self.asked.pop(0)

    def do(self, event: dict[str, Any]) -> None:
        handler = importlib.import_module("functions.housekeeping.handler").handler
        handler(
            event,
            SimpleNamespace(
                function_name="housekeeping",
                memory_limit_in_mb=1024,
                invoked_function_arn=os.environ["HOUSEKEEPING_ARN"],
                aws_request_id=str(uuid.uuid4()),
                get_remaining_time_in_millis=lambda: self.seconds * 1000,
            ),
        )


@pytest.fixture
def housekeeping(monkeypatch: pytest.MonkeyPatch) -> Housekeeping:
    """Give the housekeeping that handlers call."""
    stand_in = Housekeeping()
    monkeypatch.setattr("functions.shared.invocations.lambda_functions", lambda: stand_in)
    return stand_in


@pytest.fixture
def user() -> str:
    """Give a person nobody else's test knows."""
    return str(uuid.uuid4())


@pytest.fixture
def jobs() -> JobStore:
    """Give the jobs table."""
    return job_kit.jobs()


@pytest.fixture
def told(cloud: Cloud, user: str) -> Callable[[], list[dict[str, Any]]]:
    """Give a function that takes what the user's webhook is told from the queue."""
    sqs, url = cloud.client("sqs"), cloud.environment["WEBHOOK_QUEUE_URL"]

    def take() -> list[dict[str, Any]]:
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return [event for event in found if event["owner"] == user]

    return take
