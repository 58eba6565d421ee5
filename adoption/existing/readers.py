"""What exists, read from AWS and told in the words of the provider's inputs. Nothing here writes."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from local.aws import Clients

Inputs = dict[str, Any]
"""Inputs of a resource by the provider's names."""
_ABSENT = frozenset(
    {
        "404",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchCORSConfiguration",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NoSuchTagSet",
        "NotFoundException",
        "OwnershipControlsNotFoundError",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)


class MissingError(Exception):
    """There is no such resource."""


@contextmanager
def _missing_told(what: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            raise MissingError(f"there is no {what}") from error
        raise


def _or_none(read: Callable[[], Any]) -> Any:  # noqa: ANN401 - any answer
    """What a request answers, or None where there is nothing of the kind."""
    try:
        return read()
    except ClientError as error:
        if error.response["Error"]["Code"] in _ABSENT:
            return None
        raise


def bucket(clients: Clients, name: str) -> Inputs:
    """Reads a bucket: its region and its tags; its settings are `bucket_settings`."""
    s3 = clients("s3")
    with _missing_told(f"bucket {name}"):
        location = s3.get_bucket_location(Bucket=name).get("LocationConstraint") or "us-east-1"
    tags = _or_none(lambda: s3.get_bucket_tagging(Bucket=name)["TagSet"]) or []
    return {
        "bucket": name,
        "region": "eu-west-1" if location == "EU" else location,
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }


def bucket_settings(clients: Clients, name: str) -> dict[str, Inputs | None]:
    """Reads a bucket's settings, each of which is a resource of its own; None for one that it has not got."""
    s3 = clients("s3")

    def ask(operation: str, *inside: str) -> Any:  # noqa: ANN401 - any answer
        answer = _or_none(lambda: getattr(s3, operation)(Bucket=name))
        for key in inside:
            answer = answer and answer.get(key)
        return answer

    policy = ask("get_bucket_policy", "Policy")
    versioning = ask("get_bucket_versioning", "Status")
    ownership = ask("get_bucket_ownership_controls", "OwnershipControls", "Rules")
    rules = {
        "cors": ("corsRules", ask("get_bucket_cors", "CORSRules")),
        "lifecycle": ("rules", ask("get_bucket_lifecycle_configuration", "Rules")),
        "encryption": (
            "rules",
            ask("get_bucket_encryption", "ServerSideEncryptionConfiguration", "Rules"),
        ),
    }
    public = ask("get_public_access_block", "PublicAccessBlockConfiguration")
    return {
        "policy": {"policy": policy} if policy else None,
        "versioning": {"versioningConfiguration": {"status": versioning}} if versioning else None,
        "ownership": {"rule": _camel(ownership[0])} if ownership else None,
        "public-access": _camel(public) if public else None,
        **{
            setting: {name_of_input: _camel(value)} if value else None
            for setting, (name_of_input, value) in rules.items()
        },
    }


def table(clients: Clients, name: str) -> Inputs:
    """Reads a table."""
    dynamodb = clients("dynamodb")
    with _missing_told(f"table {name}"):
        found = dynamodb.describe_table(TableName=name)["Table"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    keys = {key["KeyType"]: key["AttributeName"] for key in found["KeySchema"]}
    tags = dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"]
    expires = ttl.get("TimeToLiveStatus") == "ENABLED"
    return {
        "name": name,
        "hashKey": keys["HASH"],
        "rangeKey": keys.get("RANGE"),
        "attributes": [
            {"name": one["AttributeName"], "type": one["AttributeType"]}
            for one in found["AttributeDefinitions"]
        ],
        "globalSecondaryIndexes": [_index(one) for one in found.get("GlobalSecondaryIndexes", [])],
        "billingMode": found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"),
        "deletionProtectionEnabled": found.get("DeletionProtectionEnabled", False),
        "pointInTimeRecovery": {"enabled": recovery == "ENABLED"},
        "ttl": {"enabled": True, "attributeName": ttl["AttributeName"]} if expires else None,
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }


def _index(found: Mapping[str, Any]) -> Inputs:
    keys = {key["KeyType"]: key["AttributeName"] for key in found["KeySchema"]}
    return {
        "name": found["IndexName"],
        "hashKey": keys["HASH"],
        "rangeKey": keys.get("RANGE"),
        "projectionType": found["Projection"]["ProjectionType"],
    }


def user_pool(clients: Clients, pool_id: str) -> Inputs:
    """Reads a pool of users."""
    with _missing_told(f"user pool {pool_id}"):
        found = clients("cognito-idp").describe_user_pool(UserPoolId=pool_id)["UserPool"]
    return {
        **_camel(
            {
                key: found.get(key)
                for key in (
                    "AliasAttributes",
                    "AutoVerifiedAttributes",
                    "UsernameConfiguration",
                    "AdminCreateUserConfig",
                    "AccountRecoverySetting",
                    "DeletionProtection",
                    "EmailConfiguration",
                )
            }
        ),
        "name": found["Name"],
        "passwordPolicy": _camel(found.get("Policies", {}).get("PasswordPolicy", {})),
        "schemas": _camel(found.get("SchemaAttributes", [])),
        "tags": found.get("UserPoolTags", {}),
    }


def user_pool_client(clients: Clients, id_: str) -> Inputs:
    """Reads a pool's client, named `poolId/clientId`."""
    pool_id, _, client_id = id_.partition("/")
    with _missing_told(f"client {client_id} of user pool {pool_id}"):
        found = clients("cognito-idp").describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id)[
            "UserPoolClient"
        ]
    return {**_camel(found), "name": found["ClientName"], "generateSecret": "ClientSecret" in found}


def user_group(clients: Clients, id_: str) -> Inputs:
    """Reads a pool's group, named `poolId/name`."""
    pool_id, _, name = id_.partition("/")
    with _missing_told(f"group {name} of user pool {pool_id}"):
        found = clients("cognito-idp").get_group(UserPoolId=pool_id, GroupName=name)["Group"]
    return {"name": name, "description": found.get("Description"), "userPoolId": pool_id}


def rest_api(clients: Clients, api_id: str) -> Inputs:
    """Reads a REST API."""
    with _missing_told(f"REST API {api_id}"):
        found = clients("apigateway").get_rest_api(restApiId=api_id)
    return {
        "name": found["name"],
        "description": found.get("description"),
        "endpointConfiguration": {"types": ",".join(found["endpointConfiguration"]["types"])},
        "tags": found.get("tags", {}),
    }


def repository(clients: Clients, name: str) -> Inputs:
    """Reads a repository of images."""
    ecr = clients("ecr")
    with _missing_told(f"ECR repository {name}"):
        (found,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
    tags = ecr.list_tags_for_resource(resourceArn=found["repositoryArn"])["tags"]
    return {
        "name": name,
        "imageTagMutability": found["imageTagMutability"],
        "imageScanningConfiguration": found.get("imageScanningConfiguration", {"scanOnPush": False}),
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }


READERS: Mapping[str, Callable[[Clients, str], Inputs]] = {
    "aws:s3/bucket:Bucket": bucket,
    "aws:dynamodb/table:Table": table,
    "aws:cognito/userPool:UserPool": user_pool,
    "aws:cognito/userPoolClient:UserPoolClient": user_pool_client,
    "aws:cognito/userGroup:UserGroup": user_group,
    "aws:apigateway/restApi:RestApi": rest_api,
    "aws:ecr/repository:Repository": repository,
}
"""By the type that the program registers."""


def _camel(value: Any) -> Any:  # noqa: ANN401 - any answer
    """An answer of AWS with its names as the provider writes them: a small letter first."""
    if isinstance(value, Mapping):
        return {_small(key): _camel(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_camel(inner) for inner in value]
    return value


def _small(name: str) -> str:
    """`ID` is `id`, `MFADelete` is `mfaDelete`, `AllowedOrigins` is `allowedOrigins`."""
    capitals = len(name) - len(name.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    if capitals == len(name):
        return name.lower()
    end = max(capitals - 1, 1)
    return name[:end].lower() + name[end:]
