"""The outputs that the provider would give each type of resource, for runs without it.

Each follows from the physical name alone: as random, or as steady from run to run, as the name is.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

ACCOUNT = "123456789012"
REGION = "us-west-2"

Properties = Mapping[str, Any]


def _digits(name: str, count: int) -> str:
    """Hexadecimal digits that stand for an id which the service makes up."""
    return hashlib.sha256(name.encode()).hexdigest()[:count]


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _bucket(name: str, _: Properties) -> dict[str, Any]:
    return {
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketRegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
    }


def _rest_api(name: str, _: Properties) -> dict[str, Any]:
    api = _digits(name, 10)
    return {
        "id": api,
        "name": name,
        "executionArn": _arn("execute-api", api),
        "rootResourceId": _digits(f"{name}/", 10),
    }


def _stage(_: str, inputs: Properties) -> dict[str, Any]:
    return {
        "invokeUrl": f"https://{inputs['restApi']}.execute-api.{REGION}.amazonaws.com/{inputs['stageName']}"
    }


def _function(name: str, _: Properties) -> dict[str, Any]:
    arn = _arn("lambda", f"function:{name}")
    invoke = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return {"name": name, "arn": arn, "invokeArn": invoke, "version": "7"}


def _alias(name: str, inputs: Properties) -> dict[str, Any]:
    arn = _arn("lambda", f"function:{inputs['functionName']}:{name}")
    invoke = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return {"id": arn, "name": name, "arn": arn, "invokeArn": invoke}


def _queue(name: str, _: Properties) -> dict[str, Any]:
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
    return {"id": url, "url": url, "name": name, "arn": _arn("sqs", name)}


def _named(service: str, kind: str) -> Callable[[str, Properties], dict[str, Any]]:
    return lambda name, _: {"name": name, "arn": _arn(service, f"{kind}{name}")}


def _log_group(name: str, inputs: Properties) -> dict[str, Any]:
    full = inputs.get("namePrefix", "") + name
    return {"id": full, "name": full, "arn": _arn("logs", f"log-group:{full}")}


def _distribution(name: str, _: Properties) -> dict[str, Any]:
    distribution = "E" + _digits(name, 12).upper()
    return {
        "id": distribution,
        "arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/{distribution}",
        "domainName": f"d{_digits(name, 12)}.cloudfront.net",
    }


def _repository(name: str, _: Properties) -> dict[str, Any]:
    registry = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
    return {"name": name, "arn": _arn("ecr", f"repository/{name}"), "repositoryUrl": f"{registry}/{name}"}


def _user_pool(name: str, _: Properties) -> dict[str, Any]:
    pool = f"{REGION}_{_digits(name, 10)}"
    return {"id": pool, "arn": _arn("cognito-idp", f"userpool/{pool}")}


def _key(name: str, _: Properties) -> dict[str, Any]:
    key = _digits(name, 16)
    return {"id": key, "keyId": key, "arn": _arn("kms", f"key/{key}")}


def _topic(name: str, _: Properties) -> dict[str, Any]:
    arn = _arn("sns", name)
    return {"id": arn, "arn": arn, "name": name}


def _plain(name: str, _: Properties) -> dict[str, Any]:
    return {"id": f"{name}-id"}


OUTPUTS: Mapping[str, Callable[[str, Properties], dict[str, Any]]] = {
    "pulumi:providers:aws": _plain,
    "aws:apigateway/authorizer:Authorizer": _plain,
    "aws:apigateway/deployment:Deployment": _plain,
    "aws:apigateway/basePathMapping:BasePathMapping": _plain,
    "aws:apigateway/domainName:DomainName": lambda _, inputs: {
        "id": inputs["domainName"],
        "regionalDomainName": f"d-{_digits(inputs['domainName'], 10)}.execute-api.{REGION}.amazonaws.com",
    },
    "aws:apigateway/integration:Integration": _plain,
    "aws:apigateway/method:Method": _plain,
    "aws:apigateway/methodSettings:MethodSettings": _plain,
    "aws:apigateway/model:Model": lambda name, inputs: {
        "id": _digits(f"{inputs['restApi']}/{name}", 6),
        "name": name,
    },
    "aws:apigateway/requestValidator:RequestValidator": _plain,
    "aws:apigateway/resource:Resource": _plain,
    "aws:apigateway/response:Response": _plain,
    "aws:apigateway/restApi:RestApi": _rest_api,
    "aws:apigateway/stage:Stage": _stage,
    "aws:budgets/budget:Budget": lambda name, _: {"id": f"{ACCOUNT}:{name}", "name": name},
    "aws:cloudfront/distribution:Distribution": _distribution,
    "aws:cloudfront/keyGroup:KeyGroup": _plain,
    "aws:cloudfront/originAccessControl:OriginAccessControl": _plain,
    "aws:cloudfront/publicKey:PublicKey": _plain,
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": _plain,
    "aws:cloudwatch/dashboard:Dashboard": lambda _, inputs: {"id": inputs["dashboardName"]},
    "aws:cloudwatch/eventRule:EventRule": _named("events", "rule/"),
    "aws:cloudwatch/eventTarget:EventTarget": _plain,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _named("cloudwatch", "alarm:"),
    "aws:cognito/userGroup:UserGroup": lambda name, inputs: {"id": f"{inputs['userPoolId']}/{name}"},
    "aws:cognito/userPool:UserPool": _user_pool,
    "aws:cognito/userPoolClient:UserPoolClient": _plain,
    "aws:dynamodb/table:Table": _named("dynamodb", "table/"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _plain,
    "aws:ecr/repository:Repository": _repository,
    "aws:iam/role:Role": lambda name, _: {"name": name, "arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"},
    "aws:iam/rolePolicy:RolePolicy": _plain,
    "aws:kms/key:Key": _key,
    "aws:lambda/alias:Alias": _alias,
    "aws:lambda/eventSourceMapping:EventSourceMapping": lambda name, _: {"uuid": _digits(name, 32)},
    "aws:lambda/function:Function": _function,
    "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig": _plain,
    "aws:lambda/layerVersion:LayerVersion": lambda name, _: {"arn": _arn("lambda", f"layer:{name}:1")},
    "aws:lambda/permission:Permission": _plain,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _plain,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _plain,
    "aws:s3/bucketObjectv2:BucketObjectv2": lambda name, inputs: {
        "id": inputs["key"],
        "bucket": inputs["bucket"],
        "key": inputs["key"],
        "versionId": _digits(name, 32),
    },
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _plain,
    "aws:s3/bucketPolicy:BucketPolicy": _plain,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _plain,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _plain,
    "aws:s3/bucketVersioning:BucketVersioning": _plain,
    "aws:sesv2/configurationSet:ConfigurationSet": lambda _, inputs: {
        "id": inputs["configurationSetName"],
        "arn": _arn("ses", f"configuration-set/{inputs['configurationSetName']}"),
    },
    "aws:sesv2/configurationSetEventDestination:ConfigurationSetEventDestination": _plain,
    "aws:sesv2/emailIdentity:EmailIdentity": lambda _, inputs: {
        "id": inputs["emailIdentity"],
        "arn": _arn("ses", f"identity/{inputs['emailIdentity']}"),
        "dkimSigningAttributes": {"tokens": [_digits(f"{n}{inputs['emailIdentity']}", 32) for n in range(3)]},
    },
    "aws:sfn/stateMachine:StateMachine": _named("states", "stateMachine:"),
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicPolicy:TopicPolicy": lambda _, inputs: {"id": inputs["arn"]},
    "aws:sns/topicSubscription:TopicSubscription": _plain,
    "aws:sqs/queue:Queue": _queue,
    "aws:sqs/queuePolicy:QueuePolicy": _plain,
    "awsx:ecr:Image": lambda name, inputs: {
        "imageUri": f"{inputs['repositoryUrl']}@sha256:{_digits(name, 64)}"
    },
}
