"""Amazon DynamoDB tables."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from collections.abc import Mapping
from typing import Any, ClassVar

from local.deploy.inputs import Inputs
from local.deploy.kinds import Kind, Registration, pascal


class Table(Kind):
    """A table with its indexes, time to live, point-in-time recovery and deletion protection."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:dynamodb/table:Table",)

    def create(self, registration: Registration) -> str:
        dynamodb = registration.client("dynamodb")
        inputs = registration.inputs
        name = registration.physical_name()
        arguments: dict[str, Any] = {
            "TableName": name,
            "AttributeDefinitions": [
                {"AttributeName": attribute["name"], "AttributeType": attribute["type"]}
                for attribute in inputs["attributes"]
            ],
            "KeySchema": _key_schema(inputs),
            "BillingMode": inputs.get("billingMode", "PROVISIONED"),
            "DeletionProtectionEnabled": inputs.get("deletionProtectionEnabled", False),
            "Tags": registration.tag_list(),
        }
        for ours, theirs in (
            ("globalSecondaryIndexes", "GlobalSecondaryIndexes"),
            ("localSecondaryIndexes", "LocalSecondaryIndexes"),
        ):
            if inputs.get(ours):
                arguments[theirs] = [_index(index) for index in inputs[ours]]
        if arguments["BillingMode"] == "PROVISIONED":
            capacity = {
                "readCapacity": inputs.get("readCapacity", 1),
                "writeCapacity": inputs.get("writeCapacity", 1),
            }
            arguments["ProvisionedThroughput"] = {
                "ReadCapacityUnits": capacity["readCapacity"],
                "WriteCapacityUnits": capacity["writeCapacity"],
            }
        if inputs.get("streamEnabled"):
            arguments["StreamSpecification"] = {
                "StreamEnabled": True,
                "StreamViewType": inputs["streamViewType"],
            }
        encryption = inputs.get("serverSideEncryption")
        if encryption and encryption["enabled"]:
            arguments["SSESpecification"] = {"Enabled": True, "SSEType": "KMS"}
            if encryption.get("kmsKeyArn"):
                arguments["SSESpecification"]["KMSMasterKeyId"] = encryption["kmsKeyArn"]
        inputs.ignore("tableClass", "onDemandThroughput", because="they set a price, which nothing here has")
        dynamodb.create_table(**arguments)
        time_to_live = inputs.get("ttl")
        if time_to_live:
            dynamodb.update_time_to_live(
                TableName=name,
                TimeToLiveSpecification={
                    "Enabled": time_to_live.get("enabled", False),
                    "AttributeName": time_to_live["attributeName"],
                },
            )
        recovery = inputs.whole("pointInTimeRecovery")
        if recovery:
            dynamodb.update_continuous_backups(
                TableName=name,
                PointInTimeRecoverySpecification=pascal(recovery, {"enabled": "PointInTimeRecoveryEnabled"}),
            )
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        table = registration.client("dynamodb").describe_table(TableName=registration.id)["Table"]
        return {
            "name": table["TableName"],
            "arn": table["TableArn"],
            "streamArn": table.get("LatestStreamArn"),
            "streamLabel": table.get("LatestStreamLabel"),
        }

    def delete(self, registration: Registration) -> None:
        registration.client("dynamodb").delete_table(TableName=registration.id)


def _key_schema(keys: Mapping[str, Any]) -> list[dict[str, str]]:
    schema = [{"AttributeName": keys["hashKey"], "KeyType": "HASH"}] if keys.get("hashKey") else []
    if keys.get("rangeKey"):
        schema.append({"AttributeName": keys["rangeKey"], "KeyType": "RANGE"})
    schema.extend(
        {"AttributeName": key["attributeName"], "KeyType": key["keyType"]}
        for key in keys.get("keySchemas") or []
    )
    return schema


def _index(index: Inputs) -> dict[str, Any]:
    projection: dict[str, Any] = {"ProjectionType": index["projectionType"]}
    if index.get("nonKeyAttributes"):
        projection["NonKeyAttributes"] = index["nonKeyAttributes"]
    return {"IndexName": index["name"], "KeySchema": _key_schema(index), "Projection": projection}
