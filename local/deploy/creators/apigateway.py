"""Amazon API Gateway: REST APIs."""

# ruff: noqa: D102 - create, read and delete are described in kinds.Kind

from typing import Any, ClassVar

from local.deploy.kinds import Kind, Registration, present

LOCAL_PATH = "_aws/execute-api"


class RestApi(Kind):
    """A REST API."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/restApi:RestApi",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        endpoint = inputs.get("endpointConfiguration")
        made = registration.client("apigateway").create_rest_api(
            name=registration.physical_name(),
            tags=registration.tags,
            **present(
                endpointConfiguration={"types": endpoint["types"].split(",")} if endpoint else None,
                minimumCompressionSize=_number(inputs.get("minimumCompressionSize")),
                policy=registration.document("policy"),
            ),
            **inputs.take("description", "binaryMediaTypes", "disableExecuteApiEndpoint", "apiKeySource"),
        )
        api_id: str = made["id"]
        return api_id

    def read(self, registration: Registration) -> dict[str, Any]:
        api = registration.client("apigateway").get_rest_api(restApiId=registration.id)
        cloud = registration.cloud
        roots = [
            item["id"]
            for item in registration.client("apigateway").get_resources(restApiId=registration.id, limit=500)[
                "items"
            ]
            if item["path"] == "/"
        ]
        return {
            "name": api["name"],
            "arn": f"arn:aws:apigateway:{cloud.region}::/restapis/{registration.id}",
            "executionArn": f"arn:aws:execute-api:{cloud.region}:{cloud.account}:{registration.id}",
            "rootResourceId": roots[0],
        }

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_rest_api(restApiId=registration.id)


class _OfApi(Kind):
    """Something inside a REST API."""

    importable: ClassVar[bool] = False

    @staticmethod
    def api(registration: Registration) -> str:
        value = registration.inputs["restApi"]
        return str(value)


class Resource(_OfApi):
    """One segment of a path."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/resource:Resource",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        made = registration.client("apigateway").create_resource(
            restApiId=self.api(registration), parentId=inputs["parentId"], pathPart=inputs["pathPart"]
        )
        resource_id: str = made["id"]
        return resource_id

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("apigateway").get_resource(
            restApiId=self.api(registration), resourceId=registration.id
        )
        return {"path": found["path"]}

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_resource(
            restApiId=self.api(registration), resourceId=registration.id
        )


class Method(_OfApi):
    """One verb on a path, and who may use it."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/method:Method",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        registration.client("apigateway").put_method(
            **_place(registration),
            authorizationType=inputs["authorization"],
            **present(
                authorizerId=inputs.get("authorizerId"),
                authorizationScopes=inputs.get("authorizationScopes"),
                apiKeyRequired=inputs.get("apiKeyRequired"),
                operationName=inputs.get("operationName"),
                requestModels=inputs.whole("requestModels"),
                requestParameters=inputs.whole("requestParameters"),
                requestValidatorId=inputs.get("requestValidatorId"),
            ),
        )
        return "agm-{restApiId}-{resourceId}-{httpMethod}".format(**_place(registration))

    def read(self, registration: Registration) -> dict[str, Any]:
        registration.client("apigateway").get_method(**_place(registration))
        return {}

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_method(**_place(registration))


class Integration(_OfApi):
    """What a method calls."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/integration:Integration",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        registration.client("apigateway").put_integration(
            **_place(registration),
            **inputs.take(
                "type",
                "uri",
                "requestTemplates",
                "requestParameters",
                "passthroughBehavior",
                "contentHandling",
                "credentials",
                "cacheKeyParameters",
                "cacheNamespace",
                "connectionType",
                "connectionId",
            ),
            **present(
                integrationHttpMethod=inputs.get("integrationHttpMethod"),
                timeoutInMillis=inputs.get("timeoutMilliseconds"),
            ),
        )
        return "agi-{restApiId}-{resourceId}-{httpMethod}".format(**_place(registration))

    def read(self, registration: Registration) -> dict[str, Any]:
        registration.client("apigateway").get_integration(**_place(registration))
        return {}

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_integration(**_place(registration))


class MethodResponse(_OfApi):
    """A status that a method may answer with."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/methodResponse:MethodResponse",)

    def create(self, registration: Registration) -> str:
        registration.client("apigateway").put_method_response(
            **_status(registration), **registration.inputs.take("responseModels", "responseParameters")
        )
        return "agmr-{restApiId}-{resourceId}-{httpMethod}-{statusCode}".format(**_status(registration))

    def read(self, registration: Registration) -> dict[str, Any]:
        return {"statusCode": registration.inputs["statusCode"]}

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_method_response(**_status(registration))


class IntegrationResponse(_OfApi):
    """How an integration's answer becomes the method's."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/integrationResponse:IntegrationResponse",)

    def create(self, registration: Registration) -> str:
        registration.client("apigateway").put_integration_response(
            **_status(registration),
            **registration.inputs.take(
                "responseTemplates", "responseParameters", "selectionPattern", "contentHandling"
            ),
        )
        return "agir-{restApiId}-{resourceId}-{httpMethod}-{statusCode}".format(**_status(registration))

    def read(self, registration: Registration) -> dict[str, Any]:  # noqa: ARG002 - the interface
        return {}

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_integration_response(**_status(registration))


class Authorizer(_OfApi):
    """Who checks callers."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/authorizer:Authorizer",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        made = registration.client("apigateway").create_authorizer(
            restApiId=self.api(registration),
            name=registration.physical_name(),
            type=inputs.get("type", "TOKEN"),
            identitySource=inputs.get("identitySource", "method.request.header.Authorization"),
            **present(providerARNs=inputs.get("providerArns")),
            **inputs.take(
                "authorizerUri",
                "authorizerCredentials",
                "authorizerResultTtlInSeconds",
                "identityValidationExpression",
            ),
        )
        authorizer_id: str = made["id"]
        return authorizer_id

    def read(self, registration: Registration) -> dict[str, Any]:
        api = self.api(registration)
        found = registration.client("apigateway").get_authorizer(restApiId=api, authorizerId=registration.id)
        arn = f"arn:aws:apigateway:{registration.cloud.region}::/restapis/{api}/authorizers/{registration.id}"
        return {"name": found["name"], "arn": arn}

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_authorizer(
            restApiId=self.api(registration), authorizerId=registration.id
        )


class Deployment(_OfApi):
    """A snapshot of an API that stages can serve."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/deployment:Deployment",)

    def create(self, registration: Registration) -> str:
        made = registration.client("apigateway").create_deployment(
            restApiId=self.api(registration), **registration.inputs.take("description", "variables")
        )
        registration.inputs.ignore(
            "triggers", because="they say when to deploy anew, and everything here is new"
        )
        deployment_id: str = made["id"]
        return deployment_id

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("apigateway").get_deployment(
            restApiId=self.api(registration), deploymentId=registration.id
        )
        return {"createdDate": found["createdDate"].isoformat()}

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_deployment(
            restApiId=self.api(registration), deploymentId=registration.id
        )


class Stage(_OfApi):
    """A published deployment with an address."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/stage:Stage",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        api, name = self.api(registration), inputs["stageName"]
        apigateway = registration.client("apigateway")
        apigateway.create_stage(
            restApiId=api,
            stageName=name,
            deploymentId=inputs["deployment"],
            tags=registration.tags,
            **present(
                description=inputs.get("description"),
                variables=inputs.whole("variables"),
                tracingEnabled=inputs.get("xrayTracingEnabled"),
            ),
        )
        log_settings = inputs.get("accessLogSettings")
        if log_settings:
            apigateway.update_stage(
                restApiId=api,
                stageName=name,
                patchOperations=[
                    {
                        "op": "replace",
                        "path": "/accessLogSettings/destinationArn",
                        "value": log_settings["destinationArn"],
                    },
                    {"op": "replace", "path": "/accessLogSettings/format", "value": log_settings["format"]},
                ],
            )
        inputs.ignore(
            "cacheClusterEnabled", "cacheClusterSize", because="the embedded API Gateway has no cache"
        )
        return f"ags-{api}-{name}"

    def read(self, registration: Registration) -> dict[str, Any]:
        api, name = self.api(registration), registration.inputs["stageName"]
        registration.client("apigateway").get_stage(restApiId=api, stageName=name)
        cloud = registration.cloud
        return {
            "invokeUrl": f"{cloud.endpoint}/{LOCAL_PATH}/{api}/{name}",
            "executionArn": f"arn:aws:execute-api:{cloud.region}:{cloud.account}:{api}/{name}",
            "arn": f"arn:aws:apigateway:{cloud.region}::/restapis/{api}/stages/{name}",
        }

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_stage(
            restApiId=self.api(registration), stageName=registration.inputs["stageName"]
        )


_METHOD_SETTINGS = {
    "metricsEnabled": "metrics/enabled",
    "loggingLevel": "logging/loglevel",
    "dataTraceEnabled": "logging/dataTrace",
    "throttlingBurstLimit": "throttling/burstLimit",
    "throttlingRateLimit": "throttling/rateLimit",
    "cachingEnabled": "caching/enabled",
}


class MethodSettings(_OfApi):
    """Throttling, metrics and logs of a stage's methods."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/methodSettings:MethodSettings",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        # The provider hands the path on as it is: a method's own has `~1` for the slashes of its resource.
        path = f"/{inputs['methodPath']}"
        settings = inputs["settings"]
        operations = [
            {"op": "replace", "path": f"{path}/{place}", "value": _patch_value(settings[name])}
            for name, place in _METHOD_SETTINGS.items()
            if name in settings
        ]
        registration.client("apigateway").update_stage(
            restApiId=self.api(registration), stageName=inputs["stageName"], patchOperations=operations
        )
        return f"{self.api(registration)}-{inputs['stageName']}-{inputs['methodPath']}"

    def read(self, registration: Registration) -> dict[str, Any]:  # noqa: ARG002 - the interface
        return {}

    def delete(self, registration: Registration) -> None:
        """They go with the stage."""


class GatewayResponse(_OfApi):
    """What API Gateway itself answers, say when a token is missing."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/response:Response",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        api, kind = inputs["restApiId"], inputs["responseType"]
        registration.client("apigateway").put_gateway_response(
            restApiId=api,
            responseType=kind,
            **inputs.take("statusCode", "responseTemplates", "responseParameters"),
        )
        return f"aggr-{api}-{kind}"

    def read(self, registration: Registration) -> dict[str, Any]:
        registration.client("apigateway").get_gateway_response(
            restApiId=registration.inputs["restApiId"], responseType=registration.inputs["responseType"]
        )
        return {}

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_gateway_response(
            restApiId=registration.inputs["restApiId"], responseType=registration.inputs["responseType"]
        )


class RequestValidator(_OfApi):
    """What of a request is checked before it is passed on."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/requestValidator:RequestValidator",)

    def create(self, registration: Registration) -> str:
        made = registration.client("apigateway").create_request_validator(
            restApiId=self.api(registration),
            name=registration.physical_name(),
            **registration.inputs.take("validateRequestBody", "validateRequestParameters"),
        )
        validator_id: str = made["id"]
        return validator_id

    def read(self, registration: Registration) -> dict[str, Any]:
        found = registration.client("apigateway").get_request_validator(
            restApiId=self.api(registration), requestValidatorId=registration.id
        )
        return {"name": found["name"]}

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_request_validator(
            restApiId=self.api(registration), requestValidatorId=registration.id
        )


class Model(_OfApi):
    """A JSON schema of a request's body."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/model:Model",)

    def create(self, registration: Registration) -> str:
        inputs = registration.inputs
        name = inputs.get("name") or registration.name.replace("-", "")
        made = registration.client("apigateway").create_model(
            restApiId=self.api(registration),
            name=name,
            contentType=inputs["contentType"],
            **present(schema=registration.document("schema"), description=inputs.get("description")),
        )
        registration.notes["name"] = name
        model_id: str = made["id"]
        return model_id

    def read(self, registration: Registration) -> dict[str, Any]:
        return {"name": registration.notes["name"]}

    def delete(self, registration: Registration) -> None:
        registration.client("apigateway").delete_model(
            restApiId=self.api(registration), modelName=registration.notes["name"]
        )


class Account(Kind):
    """The role with which API Gateway writes logs: one per account and region."""

    tokens: ClassVar[tuple[str, ...]] = ("aws:apigateway/account:Account",)

    def create(self, registration: Registration) -> str:
        role = registration.inputs.get("cloudwatchRoleArn")
        if role:
            registration.client("apigateway").update_account(
                patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}]
            )
        registration.inputs.ignore("resetOnDelete", because="the account goes with the cloud")
        return "api-gateway-account"

    def read(self, registration: Registration) -> dict[str, Any]:
        account = registration.client("apigateway").get_account()
        return {"cloudwatchRoleArn": account.get("cloudwatchRoleArn", "")}

    def delete(self, registration: Registration) -> None:
        """It goes with the cloud."""


def _place(registration: Registration) -> dict[str, str]:
    inputs = registration.inputs
    return {
        "restApiId": inputs["restApi"],
        "resourceId": inputs["resourceId"],
        "httpMethod": inputs["httpMethod"],
    }


def _status(registration: Registration) -> dict[str, str]:
    return {**_place(registration), "statusCode": registration.inputs["statusCode"]}


def _number(value: Any) -> int | None:  # noqa: ANN401 - the provider takes it as a text
    return None if value in (None, "") else int(value)


def _patch_value(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return str(value).lower() if isinstance(value, bool) else str(value)
