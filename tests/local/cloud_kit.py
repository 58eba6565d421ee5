"""What the tests of the embedded cloud make in it: roles, buckets, jobs, state machines, functions."""

import io
import json
import sys
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import boto3
import psutil
import pytest
from botocore.config import Config

from local.cloud import EmbeddedCloud

T = TypeVar("T")
Json = dict[str, Any]
JsonValue = Any
Client = Any
Statement = Mapping[str, Any]
RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"


def until(read: Callable[[], T | None], what: str, seconds: float = 30.0) -> T:
    """Returns the first value that is there; fails with `what` did not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = read()
        if value:
            return value
        time.sleep(0.05)
    message = f"{what} did not happen within {seconds} s"
    raise AssertionError(message)


def is_gone(pid: int) -> bool:
    """Tells whether a process has ended, whether or not its end was taken note of."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def allow(action: str | Sequence[str], resource: str | Sequence[str], **condition: Json) -> Statement:
    statement: Json = {"Effect": "Allow", "Action": action, "Resource": resource}
    return {**statement, "Condition": condition} if condition else statement


class CloudKit:
    """Makes things in a cloud, each under a name of its own."""

    def __init__(self, cloud: EmbeddedCloud) -> None:
        self.cloud = cloud
        self.s3 = cloud.client("s3")
        self.iam = cloud.client("iam")
        self.sagemaker = cloud.client("sagemaker")
        self.states = cloud.client("stepfunctions")
        self.lambdas = cloud.client("lambda")
        self.logs = cloud.client("logs")
        self.events = cloud.client("events")
        self.sqs = cloud.client("sqs")

    @staticmethod
    def name(word: str) -> str:
        return f"{word}-{uuid.uuid4().hex[:10]}"

    def bucket(self, objects: Mapping[str, bytes | str] | None = None) -> str:
        bucket = self.name("bucket")
        self.s3.create_bucket(Bucket=bucket)
        for key, body in (objects or {}).items():
            self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        return bucket

    def read(self, bucket: str, key: str) -> str | None:
        """Returns an object's text, or None where there is none."""
        try:
            body: bytes = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except self.s3.exceptions.NoSuchKey:
            return None
        return body.decode()

    def keys(self, bucket: str, prefix: str = "") -> set[str]:
        listed = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)
        return {found["Key"] for found in listed.get("Contents", [])}

    def role(self, service: str, *statements: Statement) -> str:
        role = self.name("role")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"{service}.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        made = self.iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))
        arn: str = made["Role"]["Arn"]
        if statements:
            policy = {"Version": "2012-10-17", "Statement": list(statements)}
            self.iam.put_role_policy(RoleName=role, PolicyName="all", PolicyDocument=json.dumps(policy))
        return arn

    def job_role(self, *buckets: str) -> str:
        """Makes a role that a job over some buckets needs."""
        return self.role(
            "sagemaker",
            allow("s3:ListBucket", [f"arn:aws:s3:::{bucket}" for bucket in buckets]),
            allow(["s3:GetObject", "s3:PutObject"], [f"arn:aws:s3:::{bucket}/*" for bucket in buckets]),
            allow("logs:*", "*"),
        )

    def image(self, script: str) -> str:
        """Registers an image whose entry point is a Python script, and returns its URI."""
        uri = f"{self.cloud.account}.dkr.ecr.{self.cloud.region}.amazonaws.com/{self.name('image')}:1"
        registry = json.loads(self.cloud.image_registry.read_text())
        argv = [sys.executable, "-c", script]
        registry[uri] = {"argv": argv, "pythonpath": [], "env": {"FROM_IMAGE": "yes"}}
        self.cloud.image_registry.write_text(json.dumps(registry))
        return uri

    def processing_request(self, script: str, role: str, **more: JsonValue) -> Json:
        return {
            "ProcessingJobName": self.name("processing"),
            "RoleArn": role,
            "AppSpecification": {"ImageUri": self.image(script)},
            "ProcessingResources": {
                "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 10}
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **more,
        }

    def training_request(self, script: str, role: str, output: str, **more: JsonValue) -> Json:
        return {
            "TrainingJobName": self.name("training"),
            "RoleArn": role,
            "AlgorithmSpecification": {"TrainingImage": self.image(script), "TrainingInputMode": "File"},
            "OutputDataConfig": {"S3OutputPath": output},
            "ResourceConfig": {"InstanceCount": 1, "InstanceType": "ml.g5.xlarge", "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            **more,
        }

    def process(self, request: Json) -> str:
        self.sagemaker.create_processing_job(**request)
        return str(request["ProcessingJobName"])

    def train(self, request: Json) -> str:
        self.sagemaker.create_training_job(**request)
        return str(request["TrainingJobName"])

    def processed(self, name: str, seconds: float = 30.0) -> Json:
        """Waits for a processing job's end and returns what Describe says."""
        return until(lambda: self._ended("processing", "Processing", name), f"the end of {name}", seconds)

    def trained(self, name: str, seconds: float = 30.0) -> Json:
        """Waits for a training job's end and returns what Describe says."""
        return until(lambda: self._ended("training", "Training", name), f"the end of {name}", seconds)

    def _ended(self, kind: str, label: str, name: str) -> Json | None:
        describe = getattr(self.sagemaker, f"describe_{kind}_job")
        told: Json = describe(**{f"{label}JobName": name})
        return told if told[f"{label}JobStatus"] in ("Completed", "Failed", "Stopped") else None

    def log_lines(self, group: str, stream_prefix: str | None = None) -> list[str]:
        chosen = {"logStreamNamePrefix": stream_prefix} if stream_prefix else {}
        streams = self.logs.describe_log_streams(logGroupName=group, **chosen)["logStreams"]
        return [
            event["message"]
            for stream in streams
            for event in self.logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]

    def machine(self, role: str, definition: Json) -> str:
        made = self.states.create_state_machine(
            name=self.name("machine"), definition=json.dumps(definition), roleArn=role
        )
        return str(made["stateMachineArn"])

    def machine_role(self, *statements: Statement) -> str:
        """Makes a role for state machines, which may manage the rules that SageMaker's `.sync` needs."""
        rules = f"arn:aws:events:us-east-1:{self.cloud.account}:rule/StepFunctionsGetEventsForSageMaker*"
        manage = allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], rules)
        return self.role("states", manage, *statements)

    def execute(self, machine: str, data: Json | None = None) -> str:
        started = self.states.start_execution(
            stateMachineArn=machine, name=self.name("execution"), input=json.dumps(data or {})
        )
        return str(started["executionArn"])

    def executed(self, execution: str, seconds: float = 30.0) -> Json:
        """Waits for an execution's end and returns what Describe says."""

        def ended() -> Json | None:
            told: Json = self.states.describe_execution(executionArn=execution)
            return told if told["status"] != "RUNNING" else None

        return until(ended, f"the end of {execution}", seconds)

    def function(self, code: str, role: str | None = None, **more: JsonValue) -> str:
        """Makes a function of module code with a `handler`, and returns its ARN."""
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("code.py", code)
        made = self.lambdas.create_function(
            FunctionName=self.name("function"),
            Runtime=more.pop("Runtime", RUNTIME),
            Role=role or self.role("lambda", allow("logs:*", "*")),
            Handler="code.handler",
            Code={"ZipFile": archive.getvalue()},
            **more,
        )
        return str(made["FunctionArn"])

    def invoke(self, function: str, event: Json | None = None) -> Json:
        answer = self.lambdas.invoke(FunctionName=function, Payload=json.dumps(event or {}))
        return {"error": answer.get("FunctionError"), "payload": json.loads(answer["Payload"].read())}

    def queue(self) -> tuple[str, str]:
        """Makes a queue that EventBridge may write; returns its URL and ARN."""
        url: str = self.sqs.create_queue(QueueName=self.name("queue"))["QueueUrl"]
        told = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        arn: str = told["Attributes"]["QueueArn"]
        return url, arn

    def rule(self, pattern: Json, target: str) -> str:
        """Makes a rule with one target; returns its ARN."""
        name = self.name("rule")
        arn: str = self.events.put_rule(Name=name, EventPattern=json.dumps(pattern))["RuleArn"]
        self.events.put_targets(Rule=name, Targets=[{"Id": "target", "Arn": target}])
        return arn

    def messages(self, queue_url: str) -> list[Json]:
        received = self.sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", [])
        for message in received:
            self.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in received]

    def as_user(self, service: str, *statements: Statement) -> Client:
        """Returns a client of a new user with these rights."""
        user = self.name("user")
        self.iam.create_user(UserName=user)
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        self.iam.put_user_policy(UserName=user, PolicyName="all", PolicyDocument=json.dumps(policy))
        key = self.iam.create_access_key(UserName=user)["AccessKey"]
        make: Client = boto3.client
        return make(
            service,
            region_name=self.cloud.region,
            endpoint_url=self.cloud.endpoint,
            aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"],
        )

    def unchecked(self, service: str) -> Client:
        """Returns the administrator's client without boto3's own check of parameters."""
        make: Client = boto3.client
        return make(
            service,
            region_name=self.cloud.region,
            endpoint_url=self.cloud.endpoint,
            aws_access_key_id=self.cloud.account,
            aws_secret_access_key="test",
            config=Config(parameter_validation=False),
        )


def use_keys_of(client: Client, patch: pytest.MonkeyPatch) -> None:
    """Makes a client's endpoint and keys the environment's, as for the AWS command line."""
    keys = client._request_signer._credentials.get_frozen_credentials()
    patch.setenv("AWS_ENDPOINT_URL", client.meta.endpoint_url)
    patch.setenv("AWS_ACCESS_KEY_ID", keys.access_key)
    patch.setenv("AWS_SECRET_ACCESS_KEY", keys.secret_key)


LASTING_STACK = """# An installation in the embedded cloud.
config:
  aws:region: us-east-1
  spaceport:environment: here # not prod
  spaceport:allowedOrigins:
    - http://localhost:3000
  spaceport:mailFrom: models@spaceport.example
  spaceport:alarmEmails:
    - operations@spaceport.example
  spaceport:deliveryPrivateKeySecret: a-secret
"""
"""The file of a stack that is not ephemeral, in the embedded cloud's region."""


@pytest.fixture(scope="session")
def cloud() -> Iterator[EmbeddedCloud]:
    with EmbeddedCloud() as cloud:
        yield cloud


@pytest.fixture(scope="session")
def kit(cloud: EmbeddedCloud) -> CloudKit:
    return CloudKit(cloud)
