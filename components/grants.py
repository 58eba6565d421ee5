"""Every IAM statement of the platform: one function per ability.

Each says what it lets its holder do at worst. A resource is an output of this program wherever there is one;
`*` stands only where AWS knows no resource level. `document` is the only way to make a policy.
"""

from typing import Literal, NotRequired, TypedDict

import pulumi

LAMBDA = "lambda.amazonaws.com"
SAGEMAKER = "sagemaker.amazonaws.com"
STATES = "states.amazonaws.com"
CLOUDFRONT = "cloudfront.amazonaws.com"
EVENTS = "events.amazonaws.com"
CLOUDWATCH = "cloudwatch.amazonaws.com"
BUDGETS = "budgets.amazonaws.com"

Arn = pulumi.Input[str]
Condition = dict[str, dict[str, pulumi.Input[str] | list[str] | list[Arn]]]


class Statement(TypedDict):
    """A statement of a policy document."""

    Effect: Literal["Allow", "Deny"]
    Action: list[str]
    Resource: NotRequired[list[Arn]]
    Principal: NotRequired[dict[str, pulumi.Input[str]] | Literal["*"]]
    Condition: NotRequired[Condition]


def document(*statements: Statement) -> pulumi.Output[str]:
    """Write statements as a policy document."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


# Who may take a role, and who may reach a bucket.


def trust(service: str, *, account: pulumi.Input[str] | None = None) -> Statement:
    """An AWS service may act as the role.

    Args:
        service: The service's principal.
        account: Number of the account that the service must be acting for; for services that other accounts
            could point at our role.
    """
    statement = Statement(Effect="Allow", Action=["sts:AssumeRole"], Principal={"Service": service})
    if account is not None:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return statement


def refuse_plain_http(bucket: Arn) -> Statement:
    """Nobody reaches a bucket without TLS, whatever else allows it."""
    return Statement(
        Effect="Deny",
        Principal="*",
        Action=["s3:*"],
        Resource=[bucket, _within(bucket, "*")],
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )


def deliver_objects(bucket: Arn, pattern: str, *, distribution: Arn) -> Statement:
    """One CloudFront distribution reads objects; who may ask it for them is the distribution's affair."""
    return Statement(
        Effect="Allow",
        Principal={"Service": CLOUDFRONT},
        Action=["s3:GetObject"],
        Resource=[_within(bucket, pattern)],
        Condition={"StringEquals": {"AWS:SourceArn": distribution}},
    )


# What every function, job and state machine needs.


def write_logs(log_group: Arn) -> Statement:
    """Adds lines to one log group; cannot read or remove any."""
    return _allow(["logs:CreateLogStream", "logs:PutLogEvents"], pulumi.Output.concat(log_group, ":*"))


def send_traces() -> Statement:
    """Adds traces to the account's X-Ray, which knows no resources; cannot read any."""
    return _allow(
        [
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ],
        "*",
    )


# Tables.


def keep_items(table: Arn) -> Statement:
    """Reads, writes and deletes any item of one table, key by key or by partition; cannot scan."""
    return _allow(
        [
            "dynamodb:DeleteItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:Query",
            "dynamodb:UpdateItem",
        ],
        table,
    )


def keep_single_items(table: Arn) -> Statement:
    """Reads, writes and deletes items of one table whose key it knows; cannot list any."""
    return _allow(
        ["dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"], table
    )


def query_index(table: Arn, index: str) -> Statement:
    """Reads one index of one table, partition by partition."""
    return _allow(["dynamodb:Query"], pulumi.Output.concat(table, "/index/", index))


def query_items(table: Arn) -> Statement:
    """Reads all items of one table partition by partition; cannot scan."""
    return _allow(["dynamodb:Query"], table)


def remove_item(table: Arn) -> Statement:
    """Deletes items of one table whose key it knows; point-in-time recovery has them for 35 days."""
    return _allow(["dynamodb:DeleteItem"], table)


def read_item(table: Arn) -> Statement:
    """Reads items of one table whose key it knows."""
    return _allow(["dynamodb:GetItem"], table)


def update_item(table: Arn) -> Statement:
    """Changes (and by that makes) items of one table whose key it knows; sees only what it changes."""
    return _allow(["dynamodb:UpdateItem"], table)


def add_item(table: Arn) -> Statement:
    """Writes items into one table, over existing ones too unless its code forbids it."""
    return _allow(["dynamodb:PutItem"], table)


# Objects.


def read_objects(bucket: Arn, *patterns: str) -> Statement:
    """Reads the objects of one bucket whose keys match."""
    return _allow(["s3:GetObject"], *(_within(bucket, pattern) for pattern in patterns))


def write_objects(bucket: Arn, *patterns: str) -> Statement:
    """Writes, whole or in parts, the objects of one bucket whose keys match; versions keep what was there."""
    return _allow(
        ["s3:AbortMultipartUpload", "s3:PutObject"], *(_within(bucket, pattern) for pattern in patterns)
    )


def list_parts(bucket: Arn, *patterns: str) -> Statement:
    """Reads what S3 has of unfinished multipart uploads of these objects: numbers, sizes, checksums."""
    return _allow(["s3:ListMultipartUploadParts"], *(_within(bucket, pattern) for pattern in patterns))


def delete_objects(bucket: Arn, *patterns: str) -> Statement:
    """Deletes the objects of one bucket whose keys match; versions keep what was there."""
    return _allow(["s3:DeleteObject"], *(_within(bucket, pattern) for pattern in patterns))


def abort_uploads(bucket: Arn, *patterns: str) -> Statement:
    """Gives up unfinished uploads of the objects of one bucket whose keys match: their parts are lost."""
    return _allow(["s3:AbortMultipartUpload"], *(_within(bucket, pattern) for pattern in patterns))


def tag_objects(bucket: Arn, *patterns: str) -> Statement:
    """Tags the objects of one bucket whose keys match: a lifecycle rule may go by it, and end them."""
    return _allow(["s3:PutObjectTagging"], *(_within(bucket, pattern) for pattern in patterns))


def list_objects(bucket: Arn, *prefixes: str) -> Statement:
    """Lists the keys of one bucket below some prefixes; so a missing object there is a 404, not a 403."""
    statement = _allow(["s3:ListBucket"], bucket)
    statement["Condition"] = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in prefixes]}}
    return statement


# The pipeline.


def list_executions(state_machine: Arn) -> Statement:
    """Lists the executions of one state machine by name and state; sees no input or output."""
    return _allow(["states:ListExecutions"], state_machine)


def start_executions(state_machine: Arn) -> Statement:
    """Starts executions of one state machine, with any input: each costs machine time."""
    return _allow(["states:StartExecution"], state_machine)


def follow_executions(state_machine: pulumi.Output[str]) -> Statement:
    """Reads the state, input and output of one state machine's executions."""
    return _allow(["states:DescribeExecution"], _executions(state_machine))


def stop_executions(state_machine: pulumi.Output[str]) -> Statement:
    """Stops executions of one state machine."""
    return _allow(["states:StopExecution"], _executions(state_machine))


def invoke_function(function: Arn) -> Statement:
    """Calls one function with any event."""
    return _allow(["lambda:InvokeFunction"], function)


def run_processing_jobs(jobs: Arn) -> Statement:
    """Starts, follows and stops processing jobs: each start costs machine time.

    The jobs of an execution are named when it runs, so the resource is a pattern over the account's jobs;
    whom a job can act as is limited by `pass_role`.
    """
    return _allow(
        [
            "sagemaker:AddTags",
            "sagemaker:CreateProcessingJob",
            "sagemaker:DescribeProcessingJob",
            "sagemaker:ListTags",
            "sagemaker:StopProcessingJob",
        ],
        jobs,
    )


def run_training_jobs(jobs: Arn) -> Statement:
    """Starts, follows and stops training jobs: each start costs GPU time; else as `run_processing_jobs`."""
    return _allow(
        [
            "sagemaker:AddTags",
            "sagemaker:CreateTrainingJob",
            "sagemaker:DescribeTrainingJob",
            "sagemaker:ListTags",
            "sagemaker:StopTrainingJob",
        ],
        jobs,
    )


def list_step_jobs() -> Statement:
    """Lists the names and states of the account's SageMaker jobs; the lists know no resources."""
    return _allow(["sagemaker:ListProcessingJobs", "sagemaker:ListTrainingJobs"], "*")


def follow_step_jobs(processing_jobs: Arn, training_jobs: Arn) -> Statement:
    """Reads what SageMaker jobs are given and take: names, places and options, no data."""
    return _allow(
        ["sagemaker:DescribeProcessingJob", "sagemaker:DescribeTrainingJob"], processing_jobs, training_jobs
    )


def hear_of_jobs(rules: list[Arn]) -> Statement:
    """Keeps the EventBridge rules by which Step Functions hears that SageMaker jobs ended.

    Step Functions owns these rules and fixes their names; at worst an execution does not hear of its job.
    """
    return _allow(["events:DescribeRule", "events:PutRule", "events:PutTargets"], *rules)


def pass_role(role: Arn, *, to: str) -> Statement:
    """Gives one role to one service, which can then do all that the role may."""
    statement = _allow(["iam:PassRole"], role)
    statement["Condition"] = {"StringEquals": {"iam:PassedToService": to}}
    return statement


def deliver_execution_logs() -> Statement:
    """Sets up the delivery of logs by Step Functions; these actions know no resources.

    At worst it changes where other services of the account deliver their logs.
    """
    return _allow(
        [
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
        ],
        "*",
    )


# SageMaker's jobs.


def pull_image(repository: Arn) -> Statement:
    """Pulls the images of one repository."""
    return _allow(
        ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"], repository
    )


def log_in_to_registry() -> Statement:
    """Gets a token for the account's registry, which knows no resources; alone it pulls nothing."""
    return _allow(["ecr:GetAuthorizationToken"], "*")


def write_job_logs(log_groups: list[Arn]) -> Statement:
    """Adds lines to the log groups that SageMaker fixes for all jobs of the account, and makes them."""
    return _allow(
        ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
        *log_groups,
    )


def read_job_logs(log_groups: list[Arn]) -> Statement:
    """Reads the log groups that SageMaker fixes for all jobs of the account.

    Whose lines it shows to whom is its code's affair.
    """
    return _allow(["logs:DescribeLogStreams", "logs:GetLogEvents"], *log_groups)


def put_job_metrics(namespace: str) -> Statement:
    """Adds figures to one namespace of CloudWatch, which knows no resources."""
    statement = _allow(["cloudwatch:PutMetricData"], "*")
    statement["Condition"] = {"StringEquals": {"cloudwatch:namespace": namespace}}
    return statement


# Queues.


def send_messages(queue: Arn) -> Statement:
    """Adds messages to one queue; cannot read any."""
    return _allow(["sqs:SendMessage"], queue)


def work_off(queue: Arn) -> Statement:
    """Takes messages from one queue for good, or puts them off; cannot add any."""
    return _allow(
        ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        queue,
    )


def take_events(queue: Arn, rules: list[Arn]) -> Statement:
    """EventBridge adds to one queue what some rules tell, or could not hand over."""
    return Statement(
        Effect="Allow",
        Principal={"Service": EVENTS},
        Action=["sqs:SendMessage"],
        Resource=[queue],
        Condition={"ArnEquals": {"aws:SourceArn": rules}},
    )


# People.


def send_mail(sent_with: list[Arn]) -> Statement:
    """Sends mail from some identities, with a configuration set of theirs, to anybody.

    SES judges a mail by its identity and by its configuration set: both must be named.
    """
    return _allow(["ses:SendEmail"], *sent_with)


def invite_people(user_pool: Arn) -> Statement:
    """Makes people of one user pool, puts any of them in any group, and gives them temporary passwords.

    At worst it takes over every account of the pool: Cognito cannot limit a temporary password to people who
    have not signed in yet.
    """
    return _allow(
        [
            "cognito-idp:AdminAddUserToGroup",
            "cognito-idp:AdminCreateUser",
            "cognito-idp:AdminGetUser",
            "cognito-idp:AdminSetUserPassword",
        ],
        user_pool,
    )


def publish(service: str, topic: Arn, *, account: pulumi.Input[str]) -> Statement:
    """An AWS service publishes to one topic what resources of one account tell."""
    statement = _allow(["sns:Publish"], topic)
    statement["Principal"] = {"Service": service}
    statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return statement


def publish_encrypted(service: str, *, account: pulumi.Input[str]) -> Statement:
    """An AWS service uses the key, acting for one account: what it needs to publish to a topic with it.

    For a key's own policy, where `*` is that key.
    """
    statement = _allow(["kms:Decrypt", "kms:GenerateDataKey"], "*")
    statement["Principal"] = {"Service": service}
    statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return statement


def manage_key(account: pulumi.Input[str]) -> Statement:
    """The account's policies say who changes or ends the key; nobody may read with it.

    For a key's own policy, where `*` is that key. KMS refuses a policy that would lock everybody out.
    """
    statement = _allow(
        [
            "kms:CancelKeyDeletion",
            "kms:DescribeKey",
            "kms:DisableKey",
            "kms:DisableKeyRotation",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListKeyPolicies",
            "kms:ListResourceTags",
            "kms:PutKeyPolicy",
            "kms:ScheduleKeyDeletion",
            "kms:TagResource",
            "kms:UntagResource",
            "kms:UpdateKeyDescription",
        ],
        "*",
    )
    statement["Principal"] = {"AWS": pulumi.Output.concat("arn:aws:iam::", account, ":root")}
    return statement


def read_secret(secret: Arn) -> Statement:
    """Reads one secret: whoever has the delivery key can open every model."""
    return _allow(["secretsmanager:GetSecretValue"], secret)


def _allow(actions: list[str], *resources: Arn) -> Statement:
    return Statement(Effect="Allow", Action=actions, Resource=list(resources))


def _within(bucket: Arn, pattern: str) -> pulumi.Output[str]:
    return pulumi.Output.concat(bucket, "/", pattern)


def _executions(state_machine: pulumi.Output[str]) -> pulumi.Output[str]:
    return state_machine.apply(lambda arn: arn.replace(":stateMachine:", ":execution:") + ":*")
