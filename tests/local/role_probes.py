"""Calls by which a role's abilities are tried: one per thing, word and IAM action.

What a call is about exists only as far as the answer would else tell nothing, so calls change nothing that
anybody uses: they name items, people and jobs that nobody has, or are refused for another reason than rights.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from botocore import xform_name

from local.deploy.model import ResourceState
from local.deployed import Deployed
from tests.local.cloud_kit import CloudKit

PROBE = "probe"
KEPT, DRY = str(uuid.uuid4()), str(uuid.uuid4())
"""Jobs: objects of the one are there to be read; what is written and deleted is of the other."""
PLACES = {
    "artifacts-bucket": ("/", "layers/"),
    "uploads-bucket": ("/", "uploads/"),
    "ml-bucket": (
        "/",
        "terrain/",
        "exports/",
        "jobs/",
        "jobs/*/",
        "jobs/*/request.json",
        "jobs/*/sfm/",
        "jobs/*/sfm/report.json",
        "jobs/*/3dgs/",
        "jobs/*/3dgs/checkpoints/progress.json",
        "jobs/*/model/",
        "jobs/*/progress/sfm/",
        "jobs/*/progress/compressor/",
        # Like the name of a step's folder, but not that folder: IAM's `*` knows no slashes.
        "jobs/*/elsewhere/sfm/",
        "jobs/*/elsewhere/3dgs/",
        "jobs/*/elsewhere/model/",
    ),
}
"""Where objects lie; `*` is a job. What ends in a slash is a folder, `/` the bucket itself."""
JOB_LOGS = ("/aws/sagemaker/ProcessingJobs", "/aws/sagemaker/TrainingJobs")
NAMESPACES = (*JOB_LOGS, "Spaceport")
RULES_OF_STEP_FUNCTIONS = tuple(
    f"StepFunctionsGetEventsForSageMaker{kind}JobsRule" for kind in ("Processing", "Training")
)

CLIENTS = {"states": "stepfunctions", "ses": "sesv2"}
"""boto3's name of a service where IAM has another."""

ROLE, TABLE, BUCKET = "aws:iam/role:Role", "aws:dynamodb/table:Table", "aws:s3/bucket:Bucket"
FUNCTION = "aws:lambda/function:Function"
ALIAS, QUEUE, TOPIC = "aws:lambda/alias:Alias", "aws:sqs/queue:Queue", "aws:sns/topic:Topic"
KEY, POOL, REPOSITORY = "aws:kms/key:Key", "aws:cognito/userPool:UserPool", "aws:ecr/repository:Repository"
LOGS, RULE = "aws:cloudwatch/logGroup:LogGroup", "aws:cloudwatch/eventRule:EventRule"
MACHINE = "aws:sfn/stateMachine:StateMachine"


@dataclass(frozen=True)
class Probe:
    """One call.

    Attributes:
        thing: What it is about, by the program's name for it.
        ability: The matrix's word.
        action: What IAM judges.
        request: The call's parameters.
        call: boto3's method, where it is not named as the action; of another service, `service.method`.
    """

    thing: str
    ability: str
    action: str
    request: Mapping[str, Any] = field(repr=False, compare=False)
    call: str | None = None

    @property
    def service(self) -> str:
        """boto3's name of the service that is called."""
        service = self.call.partition(".")[0] if "." in (self.call or "") else self.action.partition(":")[0]
        return CLIENTS.get(service, service)

    def send(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        """Make the call.

        Raises:
            ClientError: As the service answers.
        """
        method = self.call or xform_name(self.action.partition(":")[2])
        getattr(client, method.rpartition(".")[2])(**self.request)

    def __str__(self) -> str:
        return f"{self.ability} {self.thing} ({self.action})"


class Probes:
    """All calls over one deployment."""

    def __init__(self, up: Deployed) -> None:
        """Make what the calls need to be there.

        Args:
            up: The deployed program.
        """
        self._up = up
        self._kit = CloudKit(up.cloud)

    def all(self) -> list[Probe]:
        """Return every call."""
        things = (
            self._tables(),
            self._objects(),
            self._executions(),
            self._functions(),
            self._jobs(),
            self._roles(),
            self._rules(),
            self._people(),
            self._messages(),
            self._secrets(),
            self._images(),
            self._logs(),
            self._metrics(),
            self._account(),
        )
        return list(chain.from_iterable(things))

    def _of(self, *types: str) -> list[ResourceState]:
        return [one for one in self._up.deployment.resources if one.type in types]

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:aws:{service}:{self._up.cloud.region}:{self._up.cloud.account}:{resource}"

    def _tables(self) -> Iterator[Probe]:
        for table in self._of(TABLE):
            names = [name for name in (table.inputs["hashKey"], table.inputs.get("rangeKey")) if name]
            key = {name: {"S": PROBE} for name in names}
            whole, one = {"TableName": table.id}, {"TableName": table.id, "Key": key}
            yield Probe(table.name, "get", "dynamodb:GetItem", one)
            yield Probe(table.name, "put", "dynamodb:PutItem", {**whole, "Item": key})
            yield Probe(table.name, "update", "dynamodb:UpdateItem", one)
            yield Probe(table.name, "delete", "dynamodb:DeleteItem", one)
            yield Probe(table.name, "query", "dynamodb:Query", whole | _equal_to_probe(names[0]))
            yield Probe(table.name, "scan", "dynamodb:Scan", whole)
            batch = {"RequestItems": {table.id: {"Keys": [key]}}}
            yield Probe(table.name, "get-many", "dynamodb:BatchGetItem", batch)
            for index in table.inputs.get("globalSecondaryIndexes") or []:
                thing, within = f"{table.name} {index['name']}", whole | {"IndexName": index["name"]}
                yield Probe(thing, "query", "dynamodb:Query", within | _equal_to_probe(index["hashKey"]))
                yield Probe(thing, "scan", "dynamodb:Scan", within)

    def _objects(self) -> Iterator[Probe]:
        s3 = self._up.cloud.client("s3")
        for bucket in self._of(BUCKET):
            for place in PLACES.get(bucket.name, ()):
                thing = f"{bucket.name} {place}"
                kept, dry = ({"Bucket": bucket.id, "Key": _key(place, job)} for job in (KEPT, DRY))
                version = s3.put_object(**kept)["VersionId"]
                yield Probe(thing, "read", "s3:GetObject", kept)
                yield Probe(thing, "write", "s3:PutObject", dry)
                upload = dry | {"UploadId": PROBE}
                yield Probe(thing, "abort", "s3:AbortMultipartUpload", upload)
                yield Probe(thing, "list-parts", "s3:ListMultipartUploadParts", upload, "list_parts")
                yield Probe(thing, "delete", "s3:DeleteObject", dry)
                tags = {"TagSet": [{"Key": PROBE, "Value": PROBE}]}
                yield Probe(thing, "tag", "s3:PutObjectTagging", dry | {"Tagging": tags})
                old, none = kept | {"VersionId": version}, dry | {"VersionId": str(uuid.uuid4())}
                yield Probe(thing, "read-old", "s3:GetObjectVersion", old, "get_object")
                yield Probe(thing, "purge", "s3:DeleteObjectVersion", none, "delete_object")
                if place.endswith("/") and "*" not in place:
                    within = {"Bucket": bucket.id, "Prefix": place.lstrip("/")}
                    yield Probe(thing, "list", "s3:ListBucket", within, "list_objects_v2")
                    yield Probe(thing, "list-old", "s3:ListBucketVersions", within, "list_object_versions")

    def _executions(self) -> Iterator[Probe]:
        machines = {machine.name: machine.id for machine in self._of(MACHINE)}
        passing = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
        machines["a stranger's machine"] = self._kit.machine(self._kit.machine_role(), passing)
        states = self._up.cloud.client("stepfunctions")
        for name, arn in machines.items():
            # A name is used once, so nothing starts; what tells of its end must not reach our functions.
            self._up.cloud.plan_faults({"fault": "lost-event", "source": "aws.states"})
            named = {"stateMachineArn": arn, "name": PROBE}
            execution = {"executionArn": states.start_execution(**named, input="{}")["executionArn"]}
            self._kit.executed(execution["executionArn"])
            yield Probe(name, "start", "states:StartExecution", named | {"input": '{"again": true}'})
            yield Probe(name, "follow", "states:DescribeExecution", execution)
            yield Probe(name, "stop", "states:StopExecution", execution)
            yield Probe(name, "list", "states:ListExecutions", {"stateMachineArn": arn})
            yield Probe(name, "read-history", "states:GetExecutionHistory", execution)
            yield Probe(name, "read", "states:DescribeStateMachine", {"stateMachineArn": arn})
        self._up.cloud.plan_faults()

    def _functions(self) -> Iterator[Probe]:
        for alias in self._of(ALIAS):
            live, function = {"FunctionName": alias.id}, {"FunctionName": alias.inputs["functionName"]}
            invoke, dry = "lambda:InvokeFunction", {"InvocationType": "DryRun"}
            yield Probe(alias.name, "invoke", invoke, live | dry, "invoke")
            yield Probe(alias.name, "invoke-unreleased", invoke, function | dry, "invoke")
            yield Probe(alias.name, "read", "lambda:GetFunction", function)
            yield Probe(alias.name, "change", "lambda:UpdateFunctionConfiguration", function)

    def _jobs(self) -> Iterator[Probe]:
        for kind, request in self._requests().items():
            thing, named = f"{kind.lower()} jobs", {f"{kind}JobName": request[f"{kind}JobName"]}
            (own,) = (role for role in self._of(ROLE) if role.name == "pipeline-sfm-role")
            create = request | {"RoleArn": own.outputs["arn"]}
            yield Probe(thing, "run", f"sagemaker:Create{kind}Job", create)
            yield Probe(thing, "follow", f"sagemaker:Describe{kind}Job", named)
            yield Probe(thing, "run", f"sagemaker:Stop{kind}Job", named)
            yield Probe(thing, "list", f"sagemaker:List{kind}Jobs", {})
            arn = self._arn("sagemaker", f"{kind.lower()}-job/{PROBE}")
            tags = [{"Key": PROBE, "Value": PROBE}]
            yield Probe(thing, "run", "sagemaker:AddTags", {"ResourceArn": arn, "Tags": tags})
            yield Probe(thing, "run", "sagemaker:ListTags", {"ResourceArn": arn})

    def _requests(self) -> dict[str, dict[str, Any]]:
        """Requests for jobs whose names are used already: whoever may create them creates nothing."""
        role = self._kit.role("sagemaker")
        processing = self._kit.processing_request("", role)
        training = self._kit.training_request("", role, f"s3://{PROBE}/")
        self._kit.process(processing)
        self._kit.train(training)
        return {"Processing": processing, "Training": training}

    def _roles(self) -> Iterator[Probe]:
        request = self._requests()["Processing"]
        for role in self._of(ROLE):
            arn = role.outputs["arn"]
            passing = request | {"RoleArn": arn}
            yield Probe(role.name, "pass", "iam:PassRole", passing, "sagemaker.create_processing_job")
            yield Probe(role.name, "become", "sts:AssumeRole", {"RoleArn": arn, "RoleSessionName": PROBE})
            none = f"arn:aws:iam::{self._up.cloud.account}:policy/{PROBE}"
            widen = {"RoleName": role.id, "PolicyArn": none}
            yield Probe(role.name, "widen", "iam:AttachRolePolicy", widen)

    def _rules(self) -> Iterator[Probe]:
        own = {rule.name: rule.id for rule in self._of(RULE)}
        for thing, rule in (own | {name: name for name in RULES_OF_STEP_FUNCTIONS}).items():
            target = {"Id": PROBE, "Arn": self._arn("sqs", PROBE)}
            yield Probe(thing, "look", "events:DescribeRule", {"Name": rule})
            put = {"Name": rule, "EventPattern": '{"source": ["probe"]}', "State": "DISABLED"}
            yield Probe(thing, "keep", "events:PutRule", put)
            yield Probe(thing, "keep", "events:PutTargets", {"Rule": rule, "Targets": [target]})

    def _people(self) -> Iterator[Probe]:
        for pool in self._of(POOL):
            whole, one = {"UserPoolId": pool.id}, {"UserPoolId": pool.id, "Username": PROBE}
            again, group = {"MessageAction": "RESEND"}, {"GroupName": PROBE}
            password = {"Password": "Probe-Word-1"}
            yield Probe(pool.name, "invite", "cognito-idp:AdminCreateUser", one | again)
            yield Probe(pool.name, "invite", "cognito-idp:AdminGetUser", one)
            yield Probe(pool.name, "invite", "cognito-idp:AdminAddUserToGroup", one | group)
            yield Probe(pool.name, "invite", "cognito-idp:AdminSetUserPassword", one | password)
            yield Probe(pool.name, "list", "cognito-idp:ListUsers", whole)
            yield Probe(pool.name, "remove", "cognito-idp:AdminDeleteUser", one)
        environments = [one.inputs["environment"]["variables"] for one in self._of(FUNCTION)]
        senders = {
            (one["MAIL_FROM"], one["MAIL_CONFIGURATION_SET"]) for one in environments if "MAIL_FROM" in one
        }
        yield from self._mails(*senders)

    def _mails(self, us: tuple[str, str]) -> Iterator[Probe]:
        other, (sender, our_set) = "somebody-else@example.com", us
        others_set = self._kit.name("set")
        self._up.cloud.client("ses").verify_email_identity(EmailAddress=other)
        self._up.cloud.client("sesv2").create_configuration_set(ConfigurationSetName=others_set)
        for thing, how in (
            ("mail from us", {"FromEmailAddress": sender}),
            ("mail from us with our set", {"FromEmailAddress": sender, "ConfigurationSetName": our_set}),
            (
                "mail from us with another's set",
                {"FromEmailAddress": sender, "ConfigurationSetName": others_set},
            ),
            ("mail from somebody else", {"FromEmailAddress": other}),
        ):
            content = {"Simple": {"Subject": {"Data": PROBE}, "Body": {"Text": {"Data": PROBE}}}}
            mail = {"Destination": {"ToAddresses": ["probe@example.com"]}, "Content": content}
            yield Probe(thing, "send", "ses:SendEmail", mail | how)

    def _messages(self) -> Iterator[Probe]:
        queues = {queue.name: queue.id for queue in self._of(QUEUE)}
        for name, url in (queues | {"a stranger's queue": self._kit.queue()[0]}).items():
            queue = {"QueueUrl": url}
            yield Probe(name, "send", "sqs:SendMessage", queue | {"MessageBody": PROBE})
            yield Probe(name, "read", "sqs:ReceiveMessage", queue)
            handle = queue | {"ReceiptHandle": PROBE}
            yield Probe(name, "delete", "sqs:DeleteMessage", handle)
            yield Probe(name, "put-off", "sqs:ChangeMessageVisibility", handle | {"VisibilityTimeout": 1})
            yield Probe(name, "look", "sqs:GetQueueAttributes", queue)
        for topic in self._of(TOPIC):
            named = {"TopicArn": topic.outputs["arn"]}
            yield Probe(topic.name, "publish", "sns:Publish", named | {"Message": PROBE})
            mail = {"Protocol": "email", "Endpoint": "probe@example.com"}
            yield Probe(topic.name, "hear", "sns:Subscribe", named | mail)
        for key in self._of(KEY):
            named = {"KeyId": key.outputs["arn"]}
            yield Probe(key.name, "use", "kms:GenerateDataKey", named | {"KeySpec": "AES_256"})
            yield Probe(key.name, "look", "kms:DescribeKey", named)

    def _secrets(self) -> Iterator[Probe]:
        secrets = self._up.cloud.client("secretsmanager")
        other = secrets.create_secret(Name="spaceport/other", SecretString=PROBE)["ARN"]
        (own,) = (one["ARN"] for one in secrets.list_secrets()["SecretList"] if one["ARN"] != other)
        for thing, arn in (("the delivery key", own), ("a stranger's secret", other)):
            yield Probe(thing, "read", "secretsmanager:GetSecretValue", {"SecretId": arn})
            yield Probe(thing, "change", "secretsmanager:UpdateSecret", {"SecretId": arn})

    def _images(self) -> Iterator[Probe]:
        for repository in self._of(REPOSITORY):
            name, digest = {"repositoryName": repository.id}, f"sha256:{'0' * 64}"
            layers, images = {"layerDigests": [digest]}, {"imageIds": [{"imageDigest": digest}]}
            yield Probe(repository.name, "pull", "ecr:BatchCheckLayerAvailability", name | layers)
            yield Probe(repository.name, "pull", "ecr:BatchGetImage", name | images)
            yield Probe(repository.name, "pull", "ecr:GetDownloadUrlForLayer", name | {"layerDigest": digest})
            yield Probe(repository.name, "push", "ecr:InitiateLayerUpload", name)
        yield Probe("the account's registry", "log-in", "ecr:GetAuthorizationToken", {})

    def _logs(self) -> Iterator[Probe]:
        groups = {group.name: group.id for group in self._of(LOGS)}
        for thing, name in (groups | {name: name for name in JOB_LOGS}).items():
            group = {"logGroupName": name}
            stream = group | {"logStreamName": PROBE}
            yield Probe(thing, "write", "logs:CreateLogStream", stream)
            yield Probe(thing, "write", "logs:PutLogEvents", stream | {"logEvents": _LINES})
            yield Probe(thing, "make", "logs:CreateLogGroup", group)
            yield Probe(thing, "look", "logs:DescribeLogStreams", group)
            yield Probe(thing, "read", "logs:GetLogEvents", stream)

    def _metrics(self) -> Iterator[Probe]:
        for namespace in NAMESPACES:
            data = {"Namespace": namespace, "MetricData": [{"MetricName": PROBE, "Value": 1.0}]}
            yield Probe(f"metrics in {namespace}", "put", "cloudwatch:PutMetricData", data)

    def _account(self) -> Iterator[Probe]:
        """What belongs to nobody's job, and what AWS knows no resource of."""
        for action, call in (
            ("s3:ListAllMyBuckets", "list_buckets"),
            ("dynamodb:ListTables", None),
            ("iam:ListRoles", None),
            ("lambda:ListFunctions", None),
            ("secretsmanager:ListSecrets", None),
        ):
            yield Probe("the account", "look", action, {}, call)
        delivery = "the account's log delivery"
        yield Probe(delivery, "set-up", "logs:DescribeLogGroups", {})
        yield Probe(delivery, "set-up", "logs:DescribeResourcePolicies", {})
        policy = {"policyName": PROBE, "policyDocument": '{"Version": "2012-10-17", "Statement": []}'}
        yield Probe(delivery, "set-up", "logs:PutResourcePolicy", policy)
        traces = "the account's traces"
        yield Probe(traces, "send", "xray:GetSamplingRules", {})
        yield Probe(traces, "send", "xray:GetSamplingTargets", {"SamplingStatisticsDocuments": []})
        yield Probe(traces, "send", "xray:PutTelemetryRecords", {"TelemetryRecords": []})
        yield Probe(traces, "send", "xray:PutTraceSegments", {"TraceSegmentDocuments": []})


_LINES = [{"timestamp": 1, "message": PROBE}]


def _key(place: str, job: str) -> str:
    key = place.replace("*", job).lstrip("/")
    return key if key and not key.endswith("/") else f"{key}{PROBE}-{job}"


def _equal_to_probe(name: str) -> dict[str, Any]:
    return {
        "KeyConditionExpression": "#key = :probe",
        "ExpressionAttributeNames": {"#key": name},
        "ExpressionAttributeValues": {":probe": {"S": PROBE}},
    }
