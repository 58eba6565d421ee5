"""AWS Lambda: functions, layers, permissions, aliases."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.archives import zip_archive
from local.deploy.kinds import Kind, Registration, pascal, present
from local.deploy.properties import Archive


class Function(Kind):
    """A function whose code is a zip archive."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:lambda/function:Function",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        client = registration.client("lambda")
        name = registration.physical_name(limit=64)
        if inputs.get("packageType", "Zip") != "Zip":
            raise ValueError("functions of container images do not run here: use a zip archive")
        if "code" not in inputs:
            raise ValueError("code is missing: give the function an archive")
        environment = inputs.get("environment")
        variables = environment.whole("variables") if environment else None
        client.create_function(
            FunctionName=name,
            Code={"ZipFile": _zip(registration, "code")},
            Role=inputs["role"],
            Handler=inputs["handler"],
            Runtime=inputs["runtime"],
            Tags=registration.tags,
            Publish=inputs.get("publish", False),
            **present(
                Environment={"Variables": variables} if variables else None,
                DeadLetterConfig=pascal(inputs.whole("deadLetterConfig")),
                TracingConfig=pascal(inputs.whole("tracingConfig")),
                EphemeralStorage=pascal(inputs.whole("ephemeralStorage")),
                LoggingConfig=pascal(inputs.whole("loggingConfig")),
            ),
            **pascal(
                inputs.take("timeout", "memorySize", "layers", "architectures", "description", "kmsKeyArn")
            ),
        )
        reserved = inputs.get("reservedConcurrentExecutions", -1)
        if reserved >= 0:
            client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
        inputs.ignore("sourceCodeHash", because="the code itself is here")
        return name

    def read(self, registration: Registration) -> dict[str, Any]:
        configuration = registration.client("lambda").get_function_configuration(FunctionName=registration.id)
        arn = configuration["FunctionArn"]
        version = "1" if registration.inputs.get("publish") else "$LATEST"
        region = registration.cloud.region
        path = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions"
        return {
            "name": configuration["FunctionName"],
            "arn": arn,
            "version": version,
            "qualifiedArn": f"{arn}:{version}",
            "invokeArn": f"{path}/{arn}/invocations",
            "qualifiedInvokeArn": f"{path}/{arn}:{version}/invocations",
            "codeSha256": configuration["CodeSha256"],
            "lastModified": configuration["LastModified"],
        }

    def delete(self, registration: Registration) -> None:
        registration.client("lambda").delete_function(FunctionName=registration.id)


class LayerVersion(Kind):
    """A layer of libraries."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:lambda/layerVersion:LayerVersion",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        made = registration.client("lambda").publish_layer_version(
            LayerName=registration.physical_name("layerName", limit=140),
            Content=_layer_content(registration),
            **pascal(
                inputs.take("compatibleRuntimes", "compatibleArchitectures", "description", "licenseInfo")
            ),
        )
        inputs.ignore("sourceCodeHash", "skipDestroy", because="a layer is made anew with each cloud")
        arn: str = made["LayerVersionArn"]
        return arn

    def read(self, registration: Registration) -> dict[str, Any]:
        layer, _, version = registration.id.rpartition(":")
        found = registration.client("lambda").get_layer_version_by_arn(Arn=registration.id)
        return {
            "arn": registration.id,
            "layerArn": layer,
            "layerName": layer.rpartition(":")[2],
            "version": version,
            "codeSha256": found["Content"].get("CodeSha256"),
        }

    def delete(self, registration: Registration) -> None:
        layer, _, version = registration.id.rpartition(":")
        # By its name: the embedded Lambda takes an ARN here for a layer that is gone.
        registration.client("lambda").delete_layer_version(
            LayerName=layer.rpartition(":")[2], VersionNumber=int(version)
        )


class Alias(Kind):
    """A name for one version of a function."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:lambda/alias:Alias",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        made = registration.client("lambda").create_alias(
            FunctionName=inputs["functionName"],
            Name=registration.physical_name(limit=128),
            FunctionVersion=inputs["functionVersion"],
            **pascal(inputs.take("description")),
        )
        arn: str = made["AliasArn"]
        return arn

    def read(self, registration: Registration) -> dict[str, Any]:
        function, _, name = registration.id.rpartition(":")
        registration.client("lambda").get_alias(FunctionName=function, Name=name)
        path = f"arn:aws:apigateway:{registration.cloud.region}:lambda:path/2015-03-31/functions"
        return {"arn": registration.id, "name": name, "invokeArn": f"{path}/{registration.id}/invocations"}

    def delete(self, registration: Registration) -> None:
        function, _, name = registration.id.rpartition(":")
        registration.client("lambda").delete_alias(FunctionName=function, Name=name)


class Permission(Kind):
    """Who else may call a function."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:lambda/permission:Permission",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        statement = registration.physical_name("statementId", limit=100)
        registration.client("lambda").add_permission(
            FunctionName=inputs["function"],
            StatementId=statement,
            **present(Qualifier=inputs.get("qualifier")),
            **pascal(
                inputs.take("action", "principal", "sourceArn", "sourceAccount", "principalOrgId"),
                {
                    "principalOrgId": "PrincipalOrgID",
                },
            ),
        )
        registration.notes["statement"] = statement
        return statement

    def read(self, registration: Registration) -> dict[str, Any]:
        return {"statementId": registration.id}

    def delete(self, registration: Registration) -> None:
        registration.client("lambda").remove_permission(
            FunctionName=registration.inputs["function"],
            StatementId=registration.id,
            **present(Qualifier=registration.inputs.get("qualifier")),
        )


class FunctionEventInvokeConfig(Kind):
    """How often and for how long an asynchronous call is tried, and where its end is told."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        name: str = inputs["functionName"]
        registration.client("lambda").put_function_event_invoke_config(
            FunctionName=name,
            **present(Qualifier=inputs.get("qualifier")),
            **pascal(inputs.take("maximumEventAgeInSeconds", "maximumRetryAttempts")),
            **present(DestinationConfig=pascal(inputs.whole("destinationConfig"))),
        )
        return f"{name}:{inputs['qualifier']}" if "qualifier" in inputs else name

    def read(self, registration: Registration) -> dict[str, Any]:
        registration.client("lambda").get_function_event_invoke_config(**self._key(registration))
        return {}

    def delete(self, registration: Registration) -> None:
        registration.client("lambda").delete_function_event_invoke_config(**self._key(registration))

    @staticmethod
    def _key(registration: Registration) -> dict[str, str]:
        inputs = registration.inputs
        return present(FunctionName=inputs["functionName"], Qualifier=inputs.get("qualifier"))


class EventSourceMapping(Kind):
    """A queue or a stream that calls a function."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:lambda/eventSourceMapping:EventSourceMapping",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        made = registration.client("lambda").create_event_source_mapping(
            **pascal(
                inputs.take(
                    "eventSourceArn",
                    "functionName",
                    "enabled",
                    "batchSize",
                    "startingPosition",
                    "functionResponseTypes",
                    "filterCriteria",
                    "maximumBatchingWindowInSeconds",
                    "maximumRetryAttempts",
                    "bisectBatchOnFunctionError",
                )
            )
        )
        uuid: str = made["UUID"]
        return uuid

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("lambda").get_event_source_mapping(UUID=registration.id)
        return {"uuid": registration.id, "functionArn": found["FunctionArn"]}

    def delete(self, registration: Registration) -> None:
        registration.client("lambda").delete_event_source_mapping(UUID=registration.id)


def _layer_content(registration: Registration) -> dict[str, Any]:
    if "code" in registration.inputs:
        return {"ZipFile": _zip(registration, "code")}
    where: dict[str, Any] = pascal(registration.inputs.take("s3Bucket", "s3Key", "s3ObjectVersion"))
    return where


def _zip(registration: Registration, name: str) -> bytes:
    archive = registration.inputs.whole(name)
    if not isinstance(archive, Archive):
        raise ValueError(f"{name} must be an archive")  # noqa: TRY004 - the program's fault, told as such
    return zip_archive(archive, registration.project_dir)
