"""The permissions boundary: the most that any role of the stacks can do, whatever its own policies say.

What the program's roles do is in `components/grants.py`; here are its services and the installation's names.
Tests hold the two together: the boundary takes nothing from any role of the program.
"""

from bootstrap.installation import Installation
from bootstrap.rights import Only, Right, Scope, document, write

_LOGS = "arn:aws:logs:{region}:{account}:log-group:"
_JOB_LOGS = f"{_LOGS}/aws/sagemaker/"
_POOLS = "arn:aws:cognito-idp:{region}:{account}:userpool/{pool}"
_TABLES = "arn:aws:dynamodb:{region}:{account}:table/{table}"
_JOBS = tuple(f"arn:aws:sagemaker:{{region}}:{{account}}:{kind}-job/*" for kind in ("processing", "training"))

CEILING: tuple[Right, ...] = (
    write("logs:CreateLogStream", "logs:PutLogEvents", on=f"{_LOGS}/aws/lambda/{{prefix}}-*"),
    # SageMaker fixes these two groups for the whole account.
    write(
        "logs:CreateLogGroup",
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:GetLogEvents",
        "logs:PutLogEvents",
        on=(f"{_JOB_LOGS}ProcessingJobs*", f"{_JOB_LOGS}TrainingJobs*"),
    ),
    # Of these AWS knows no resources.
    write(
        "cloudwatch:PutMetricData",
        "ecr:GetAuthorizationToken",
        "logs:CreateLogDelivery",
        "logs:DeleteLogDelivery",
        "logs:DescribeLogGroups",
        "logs:DescribeResourcePolicies",
        "logs:GetLogDelivery",
        "logs:ListLogDeliveries",
        "logs:PutResourcePolicy",
        "logs:UpdateLogDelivery",
        "sagemaker:ListProcessingJobs",
        "sagemaker:ListTrainingJobs",
        "xray:GetSamplingRules",
        "xray:GetSamplingTargets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
        on="*",
    ),
    write(
        "cognito-idp:AdminAddUserToGroup",
        "cognito-idp:AdminCreateUser",
        "cognito-idp:AdminGetUser",
        "cognito-idp:AdminSetUserPassword",
        on=_POOLS,
        only=Only.OURS,
    ),
    write(
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:UpdateItem",
        on=(_TABLES, f"{_TABLES}/index/*"),
    ),
    write(
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
        on="arn:aws:ecr:{region}:{account}:repository/{repository}",
    ),
    write(
        "events:DescribeRule",
        "events:PutRule",
        "events:PutTargets",
        on="arn:aws:events:{region}:{account}:rule/StepFunctionsGetEventsForSageMaker*",
    ),
    write("iam:PassRole", on="arn:aws:iam::{account}:role/{prefix}-*", only=Only.PASSED_TO_JOBS),
    write("lambda:InvokeFunction", on="arn:aws:lambda:{region}:{account}:function:{prefix}-*"),
    write("s3:ListBucket", on="arn:aws:s3:::{bucket}"),
    write(
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
        "s3:PutObjectTagging",
        on="arn:aws:s3:::{bucket}/*",
    ),
    # A job is named by the job's id, which says nothing of the stack; as whom it runs, PassRole limits.
    write(
        "sagemaker:AddTags",
        "sagemaker:CreateProcessingJob",
        "sagemaker:CreateTrainingJob",
        "sagemaker:DescribeProcessingJob",
        "sagemaker:DescribeTrainingJob",
        "sagemaker:ListTags",
        "sagemaker:StopProcessingJob",
        "sagemaker:StopTrainingJob",
        on=_JOBS,
    ),
    write("secretsmanager:GetSecretValue", on="arn:aws:secretsmanager:{region}:{account}:secret:{secrets}/*"),
    # The address is the stack's setting; SES by itself lets nobody send from an address that is not verified.
    write(
        "ses:SendEmail",
        on=(
            "arn:aws:ses:{region}:{account}:configuration-set/{prefix}-*",
            "arn:aws:ses:{region}:{account}:identity/*",
        ),
    ),
    write(
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        on="arn:aws:sqs:{region}:{account}:{prefix}-*",
    ),
    write(
        "states:DescribeExecution",
        "states:ListExecutions",
        "states:StartExecution",
        "states:StopExecution",
        on=(
            "arn:aws:states:{region}:{account}:execution:{prefix}-*",
            "arn:aws:states:{region}:{account}:stateMachine:{prefix}-*",
        ),
    ),
)


def boundary(installation: Installation) -> str:
    """Write the boundary of an installation's stacks."""
    return document(Scope(installation).statements(CEILING))
