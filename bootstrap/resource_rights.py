"""What deploying each type of resource needs: a table by Pulumi type, which the program must match exactly.

A type's rights are those by which the AWS provider makes, reads, changes and removes it. Where the names of
a service say nothing of the stack, its tags do; where AWS knows neither names nor tags, a right is on
everything, and docs/new-account.md says which those are.
"""

from collections.abc import Iterable, Mapping

from bootstrap.rights import Only, Right, read, write

EVERYTHING = "*"
_GATEWAY = "arn:aws:apigateway:{region}::"
_API = (f"{_GATEWAY}/restapis/{{api}}", f"{_GATEWAY}/restapis/{{api}}/*")
_GATEWAY_TAGS = f"{_GATEWAY}/tags/*"
_DOMAINS = (f"{_GATEWAY}/domainnames/*",)
_BUDGETS = "arn:aws:budgets::{account}:budget/{prefix}-*"
_DISTRIBUTIONS = "arn:aws:cloudfront::{account}:distribution/*"
_DASHBOARDS = (
    "arn:aws:cloudwatch::{account}:dashboard/{prefix}",
    "arn:aws:cloudwatch::{account}:dashboard/{prefix}-*",
)
_ALARMS = "arn:aws:cloudwatch:{region}:{account}:alarm:{prefix}-*"
_RULES = "arn:aws:events:{region}:{account}:rule/{prefix}-*"
_LOGS = "arn:aws:logs:{region}:{account}:log-group:"
_LOG_GROUPS = tuple(
    f"{_LOGS}{folder}/{{prefix}}-*" for folder in ("/aws/apigateway", "/aws/lambda", "/aws/vendedlogs/states")
)
_POOLS = "arn:aws:cognito-idp:{region}:{account}:userpool/{pool}"
_TABLES = "arn:aws:dynamodb:{region}:{account}:table/{table}"
_REPOSITORIES = "arn:aws:ecr:{region}:{account}:repository/{repository}"
_ROLES = "arn:aws:iam::{account}:role/{prefix}-*"
_KEYS = "arn:aws:kms:{region}:{account}:key/*"
_FUNCTIONS = "arn:aws:lambda:{region}:{account}:function:{prefix}-*"
_LAYERS = "arn:aws:lambda:{region}:{account}:layer:{prefix}-*"
_MAPPINGS = "arn:aws:lambda:{region}:{account}:event-source-mapping:*"
_BUCKETS = "arn:aws:s3:::{bucket}"
_ARTIFACTS = "arn:aws:s3:::{artifacts}/layers/*"
_MAIL_IDENTITIES = "arn:aws:ses:{region}:{account}:identity/*"
_CONFIGURATION_SETS = "arn:aws:ses:{region}:{account}:configuration-set/{prefix}-*"
_MACHINES = "arn:aws:states:{region}:{account}:stateMachine:{prefix}-*"
_TOPICS = "arn:aws:sns:{region}:{account}:{prefix}-*"
_QUEUES = "arn:aws:sqs:{region}:{account}:{prefix}-*"

_IN_API = (
    read("apigateway:GET", on=_API, only=Only.OURS),
    write(
        "apigateway:DELETE", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT", on=_API, only=Only.OURS
    ),
)
_IN_DOMAIN = (
    read("apigateway:GET", on=_DOMAINS, only=Only.OURS),
    write(
        "apigateway:DELETE",
        "apigateway:PATCH",
        "apigateway:POST",
        "apigateway:PUT",
        on=_DOMAINS,
        only=Only.OURS,
    ),
)
_GATEWAY_TAGGING = write("apigateway:DELETE", "apigateway:PUT", on=_GATEWAY_TAGS, only=Only.OURS)
_QUEUE = (
    read("sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueueTags", on=_QUEUES),
    write(
        "sqs:CreateQueue",
        "sqs:DeleteQueue",
        "sqs:SetQueueAttributes",
        "sqs:TagQueue",
        "sqs:UntagQueue",
        on=_QUEUES,
    ),
)
_TOPIC = (
    read("sns:GetTopicAttributes", "sns:ListTagsForResource", on=_TOPICS),
    write(
        "sns:CreateTopic",
        "sns:DeleteTopic",
        "sns:SetTopicAttributes",
        "sns:TagResource",
        "sns:UntagResource",
        on=_TOPICS,
    ),
)


def _bucket_setting(name: str, *, removal: str = "") -> tuple[Right, ...]:
    return (
        read(f"s3:Get{name}", on=_BUCKETS),
        write(f"s3:Put{name}", *([removal] if removal else []), on=_BUCKETS),
    )


def _untagged_cloudfront(kind: str, *, plural: str) -> tuple[Right, ...]:
    """CloudFront has these without tags and under ids of its own."""
    return (
        read(
            f"cloudfront:Get{kind}", f"cloudfront:Get{kind}Config", f"cloudfront:List{plural}", on=EVERYTHING
        ),
        write(
            f"cloudfront:Create{kind}", f"cloudfront:Delete{kind}", f"cloudfront:Update{kind}", on=EVERYTHING
        ),
    )


RIGHTS: Mapping[str, tuple[Right, ...]] = {
    # Who one is, everybody may ask.
    "pulumi:providers:aws": (),
    "aws:apigateway/authorizer:Authorizer": _IN_API,
    "aws:apigateway/basePathMapping:BasePathMapping": _IN_DOMAIN,
    "aws:apigateway/deployment:Deployment": _IN_API,
    "aws:apigateway/domainName:DomainName": (
        *_IN_DOMAIN,
        _GATEWAY_TAGGING,
        write("apigateway:POST", on=f"{_GATEWAY}/domainnames", only=Only.NEW),
        write(
            "iam:CreateServiceLinkedRole",
            on="arn:aws:iam::{account}:role/aws-service-role/ops.apigateway.amazonaws.com/*",
        ),
    ),
    "aws:apigateway/integration:Integration": _IN_API,
    "aws:apigateway/method:Method": _IN_API,
    "aws:apigateway/methodSettings:MethodSettings": _IN_API,
    "aws:apigateway/model:Model": _IN_API,
    "aws:apigateway/requestValidator:RequestValidator": _IN_API,
    "aws:apigateway/resource:Resource": _IN_API,
    "aws:apigateway/response:Response": _IN_API,
    "aws:apigateway/restApi:RestApi": (
        *_IN_API,
        _GATEWAY_TAGGING,
        write("apigateway:POST", on=f"{_GATEWAY}/restapis", only=Only.NEW),
    ),
    "aws:apigateway/stage:Stage": (*_IN_API, _GATEWAY_TAGGING),
    "aws:budgets/budget:Budget": (
        read("budgets:ListTagsForResource", "budgets:ViewBudget", on=_BUDGETS),
        write("budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource", on=_BUDGETS),
    ),
    "aws:cloudfront/distribution:Distribution": (
        read(
            "cloudfront:GetDistribution",
            "cloudfront:GetDistributionConfig",
            "cloudfront:ListTagsForResource",
            on=_DISTRIBUTIONS,
            only=Only.OURS,
        ),
        write(
            "cloudfront:DeleteDistribution",
            "cloudfront:UntagResource",
            "cloudfront:UpdateDistribution",
            on=_DISTRIBUTIONS,
            only=Only.OURS,
        ),
        # Making one touches nobody's, and AWS judges it by one or the other of these.
        write("cloudfront:CreateDistribution", "cloudfront:CreateDistributionWithTags", on=EVERYTHING),
        write("cloudfront:TagResource", on=_DISTRIBUTIONS, only=Only.TAGGED_OURS),
    ),
    "aws:cloudfront/keyGroup:KeyGroup": _untagged_cloudfront("KeyGroup", plural="KeyGroups"),
    "aws:cloudfront/originAccessControl:OriginAccessControl": _untagged_cloudfront(
        "OriginAccessControl", plural="OriginAccessControls"
    ),
    "aws:cloudfront/publicKey:PublicKey": _untagged_cloudfront("PublicKey", plural="PublicKeys"),
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": _untagged_cloudfront(
        "ResponseHeadersPolicy", plural="ResponseHeadersPolicies"
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        read("cloudwatch:GetDashboard", on=_DASHBOARDS),
        write("cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard", on=_DASHBOARDS),
    ),
    "aws:cloudwatch/eventRule:EventRule": (
        read("events:DescribeRule", "events:ListTagsForResource", on=_RULES),
        write(
            "events:DeleteRule",
            "events:DisableRule",
            "events:EnableRule",
            "events:PutRule",
            "events:TagResource",
            "events:UntagResource",
            on=_RULES,
        ),
    ),
    "aws:cloudwatch/eventTarget:EventTarget": (
        read("events:ListTargetsByRule", on=_RULES),
        write("events:PutTargets", "events:RemoveTargets", on=_RULES),
    ),
    "aws:cloudwatch/logGroup:LogGroup": (
        # Lists know no single group.
        read("logs:DescribeLogGroups", on=EVERYTHING),
        read("logs:ListTagsForResource", on=_LOG_GROUPS),
        write(
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DeleteRetentionPolicy",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "logs:UntagResource",
            on=_LOG_GROUPS,
        ),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        read("cloudwatch:DescribeAlarms", on=EVERYTHING),
        read("cloudwatch:ListTagsForResource", on=_ALARMS),
        write(
            "cloudwatch:DeleteAlarms",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "cloudwatch:UntagResource",
            on=_ALARMS,
        ),
    ),
    "aws:cognito/userGroup:UserGroup": (
        read("cognito-idp:GetGroup", on=_POOLS, only=Only.OURS),
        write(
            "cognito-idp:CreateGroup",
            "cognito-idp:DeleteGroup",
            "cognito-idp:UpdateGroup",
            on=_POOLS,
            only=Only.OURS,
        ),
    ),
    "aws:cognito/userPool:UserPool": (
        read(
            "cognito-idp:DescribeUserPool",
            "cognito-idp:GetUserPoolMfaConfig",
            "cognito-idp:ListTagsForResource",
            on=_POOLS,
            only=Only.OURS,
        ),
        write(
            "cognito-idp:AddCustomAttributes",
            "cognito-idp:DeleteUserPool",
            "cognito-idp:SetUserPoolMfaConfig",
            "cognito-idp:UntagResource",
            "cognito-idp:UpdateUserPool",
            on=_POOLS,
            only=Only.OURS,
        ),
        write("cognito-idp:CreateUserPool", on=EVERYTHING, only=Only.NEW),
        write("cognito-idp:TagResource", on=_POOLS, only=Only.TAGGED_OURS),
        # What sends a pool's mails through SES.
        write(
            "iam:CreateServiceLinkedRole",
            on="arn:aws:iam::{account}:role/aws-service-role/email.cognito-idp.amazonaws.com/*",
        ),
    ),
    "aws:cognito/userPoolClient:UserPoolClient": (
        read("cognito-idp:DescribeUserPoolClient", on=_POOLS, only=Only.OURS),
        write(
            "cognito-idp:CreateUserPoolClient",
            "cognito-idp:DeleteUserPoolClient",
            "cognito-idp:UpdateUserPoolClient",
            on=_POOLS,
            only=Only.OURS,
        ),
    ),
    "aws:dynamodb/table:Table": (
        read(
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeTable",
            "dynamodb:DescribeTimeToLive",
            "dynamodb:ListTagsOfResource",
            on=_TABLES,
        ),
        write(
            "dynamodb:CreateTable",
            "dynamodb:DeleteTable",
            "dynamodb:TagResource",
            "dynamodb:UntagResource",
            "dynamodb:UpdateContinuousBackups",
            "dynamodb:UpdateTable",
            "dynamodb:UpdateTimeToLive",
            on=_TABLES,
        ),
    ),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": (
        read("ecr:GetLifecyclePolicy", on=_REPOSITORIES),
        write("ecr:DeleteLifecyclePolicy", "ecr:PutLifecyclePolicy", on=_REPOSITORIES),
    ),
    "aws:ecr/repository:Repository": (
        read("ecr:DescribeRepositories", "ecr:ListTagsForResource", on=_REPOSITORIES),
        write(
            "ecr:CreateRepository",
            "ecr:DeleteRepository",
            "ecr:PutImageScanningConfiguration",
            "ecr:PutImageTagMutability",
            "ecr:TagResource",
            "ecr:UntagResource",
            on=_REPOSITORIES,
        ),
    ),
    "aws:iam/role:Role": (
        read(
            "iam:GetRole",
            "iam:ListAttachedRolePolicies",
            "iam:ListInstanceProfilesForRole",
            "iam:ListRolePolicies",
            "iam:ListRoleTags",
            on=_ROLES,
        ),
        write("iam:CreateRole", "iam:PutRolePermissionsBoundary", on=_ROLES, only=Only.BOUNDED),
        write(
            "iam:DeleteRole",
            "iam:TagRole",
            "iam:UntagRole",
            "iam:UpdateAssumeRolePolicy",
            "iam:UpdateRole",
            "iam:UpdateRoleDescription",
            on=_ROLES,
        ),
        write("iam:PassRole", on=_ROLES, only=Only.PASSED),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        read("iam:GetRolePolicy", on=_ROLES),
        write("iam:DeleteRolePolicy", "iam:PutRolePolicy", on=_ROLES, only=Only.BOUNDED),
    ),
    "aws:kms/key:Key": (
        read(
            "kms:DescribeKey",
            "kms:GetKeyPolicy",
            "kms:GetKeyRotationStatus",
            "kms:ListResourceTags",
            on=_KEYS,
            only=Only.OURS,
        ),
        write(
            "kms:CancelKeyDeletion",
            "kms:DisableKey",
            "kms:DisableKeyRotation",
            "kms:EnableKey",
            "kms:EnableKeyRotation",
            "kms:PutKeyPolicy",
            "kms:ScheduleKeyDeletion",
            "kms:UntagResource",
            "kms:UpdateKeyDescription",
            on=_KEYS,
            only=Only.OURS,
        ),
        write("kms:CreateKey", on=EVERYTHING, only=Only.NEW),
        write("kms:TagResource", on=_KEYS, only=Only.TAGGED_OURS),
    ),
    "aws:lambda/alias:Alias": (
        read("lambda:GetAlias", on=_FUNCTIONS),
        write("lambda:CreateAlias", "lambda:DeleteAlias", "lambda:UpdateAlias", on=_FUNCTIONS),
    ),
    "aws:lambda/eventSourceMapping:EventSourceMapping": (
        read("lambda:GetEventSourceMapping", on=_MAPPINGS, only=Only.OUR_FUNCTION),
        read("lambda:ListTags", on=_MAPPINGS, only=Only.OURS),
        write("lambda:CreateEventSourceMapping", on=EVERYTHING, only=Only.OUR_FUNCTION),
        write(
            "lambda:DeleteEventSourceMapping",
            "lambda:UpdateEventSourceMapping",
            on=_MAPPINGS,
            only=Only.OUR_FUNCTION,
        ),
        write("lambda:TagResource", on=_MAPPINGS, only=Only.TAGGED_OURS),
        write("lambda:UntagResource", on=_MAPPINGS, only=Only.OURS),
    ),
    "aws:lambda/function:Function": (
        read(
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:GetFunctionConfiguration",
            "lambda:ListTags",
            "lambda:ListVersionsByFunction",
            on=_FUNCTIONS,
        ),
        write(
            "lambda:CreateFunction",
            "lambda:DeleteFunction",
            "lambda:DeleteFunctionConcurrency",
            "lambda:PublishVersion",
            "lambda:PutFunctionConcurrency",
            "lambda:TagResource",
            "lambda:UntagResource",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
            on=_FUNCTIONS,
        ),
    ),
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": (
        read("lambda:GetFunctionEventInvokeConfig", on=_FUNCTIONS),
        write(
            "lambda:DeleteFunctionEventInvokeConfig",
            "lambda:PutFunctionEventInvokeConfig",
            "lambda:UpdateFunctionEventInvokeConfig",
            on=_FUNCTIONS,
        ),
    ),
    "aws:lambda/layerVersion:LayerVersion": (
        read("lambda:GetLayerVersion", on=_LAYERS),
        write("lambda:DeleteLayerVersion", "lambda:PublishLayerVersion", on=_LAYERS),
    ),
    "aws:lambda/permission:Permission": (
        read("lambda:GetPolicy", on=_FUNCTIONS),
        write("lambda:AddPermission", "lambda:RemovePermission", on=_FUNCTIONS),
    ),
    "aws:s3/bucket:Bucket": (
        # The provider reads every setting of a bucket with it.
        read(
            "s3:GetAccelerateConfiguration",
            "s3:GetBucketAcl",
            "s3:GetBucketLocation",
            "s3:GetBucketLogging",
            "s3:GetBucketObjectLockConfiguration",
            "s3:GetBucketRequestPayment",
            "s3:GetBucketTagging",
            "s3:GetBucketWebsite",
            "s3:GetReplicationConfiguration",
            "s3:ListBucket",
            on=_BUCKETS,
        ),
        write("s3:CreateBucket", "s3:DeleteBucket", "s3:PutBucketTagging", on=_BUCKETS),
        # An ephemeral stack's buckets go with all that is in them, half written or whole.
        write("s3:ListBucketMultipartUploads", "s3:ListBucketVersions", on=_BUCKETS),
        write("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:DeleteObjectVersion", on=f"{_BUCKETS}/*"),
    ),
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _bucket_setting("BucketCORS"),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _bucket_setting(
        "LifecycleConfiguration"
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": (
        read("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", on=_ARTIFACTS),
        write("s3:PutObject", "s3:PutObjectTagging", on=_ARTIFACTS),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _bucket_setting("BucketOwnershipControls"),
    "aws:s3/bucketPolicy:BucketPolicy": _bucket_setting("BucketPolicy", removal="s3:DeleteBucketPolicy"),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _bucket_setting("BucketPublicAccessBlock"),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _bucket_setting(
        "EncryptionConfiguration"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": _bucket_setting("BucketVersioning"),
    "aws:sesv2/configurationSet:ConfigurationSet": (
        read("ses:GetConfigurationSet", "ses:ListTagsForResource", on=_CONFIGURATION_SETS),
        write(
            "ses:CreateConfigurationSet",
            "ses:DeleteConfigurationSet",
            "ses:PutConfigurationSetDeliveryOptions",
            "ses:PutConfigurationSetReputationOptions",
            "ses:PutConfigurationSetSendingOptions",
            "ses:PutConfigurationSetSuppressionOptions",
            "ses:PutConfigurationSetTrackingOptions",
            "ses:TagResource",
            "ses:UntagResource",
            on=_CONFIGURATION_SETS,
        ),
    ),
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": (
        read("ses:GetConfigurationSetEventDestinations", on=_CONFIGURATION_SETS),
        write(
            "ses:CreateConfigurationSetEventDestination",
            "ses:DeleteConfigurationSetEventDestination",
            "ses:UpdateConfigurationSetEventDestination",
            on=_CONFIGURATION_SETS,
        ),
    ),
    "aws:sesv2/emailIdentity:EmailIdentity": (
        read("ses:GetEmailIdentity", "ses:ListTagsForResource", on=_MAIL_IDENTITIES, only=Only.OURS),
        write(
            "ses:DeleteEmailIdentity",
            "ses:PutEmailIdentityConfigurationSetAttributes",
            "ses:PutEmailIdentityDkimSigningAttributes",
            "ses:UntagResource",
            on=_MAIL_IDENTITIES,
            only=Only.OURS,
        ),
        write("ses:CreateEmailIdentity", on=_MAIL_IDENTITIES, only=Only.NEW),
        write("ses:TagResource", on=_MAIL_IDENTITIES, only=Only.TAGGED_OURS),
    ),
    "aws:sfn/stateMachine:StateMachine": (
        read(
            "states:DescribeStateMachine",
            "states:ListStateMachineVersions",
            "states:ListTagsForResource",
            on=_MACHINES,
        ),
        read("states:ValidateStateMachineDefinition", on=EVERYTHING),
        write(
            "states:CreateStateMachine",
            "states:DeleteStateMachine",
            "states:TagResource",
            "states:UntagResource",
            "states:UpdateStateMachine",
            on=_MACHINES,
        ),
    ),
    "aws:sns/topic:Topic": _TOPIC,
    "aws:sns/topicPolicy:TopicPolicy": _TOPIC,
    "aws:sns/topicSubscription:TopicSubscription": (
        read("sns:GetSubscriptionAttributes", on=_TOPICS),
        write("sns:SetSubscriptionAttributes", "sns:Subscribe", "sns:Unsubscribe", on=_TOPICS),
    ),
    "aws:sqs/queue:Queue": _QUEUE,
    "aws:sqs/queuePolicy:QueuePolicy": _QUEUE,
    "awsx:ecr:Image": (
        # A token for the account's registry, which knows no resources; alone it pulls nothing.
        read("ecr:GetAuthorizationToken", on=EVERYTHING),
        read(
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:DescribeImages",
            "ecr:GetDownloadUrlForLayer",
            on=_REPOSITORIES,
        ),
        write(
            "ecr:CompleteLayerUpload",
            "ecr:InitiateLayerUpload",
            "ecr:PutImage",
            "ecr:UploadLayerPart",
            on=_REPOSITORIES,
        ),
    ),
}


def all_rights() -> Iterable[Right]:
    """The rights of all types."""
    return (right for rights in RIGHTS.values() for right in rights)
