"""A REST API: its address and who may enter, and the stage that serves its routes."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components.adopt import Retention
from components.api_domain import ApiDomain
from components.base import Component, stack_name
from components.function import Function
from components.gateway_answers import ANSWERS, parameters
from components.routes import Route, digest, path_prefixes, with_preflights
from components.settings import Settings

API_GATEWAY = "apigateway.amazonaws.com"
REQUESTS_PER_SECOND = 50
_JSON = "application/json"
_JSON_OBJECT = json.dumps({"$schema": "http://json-schema.org/draft-04/schema#", "type": "object"})
_WITH_BODY = frozenset({"PATCH", "POST", "PUT"})
BURST_SECONDS = 2
"""A burst may have the requests of so many seconds at once."""
# The route's template, never the path itself: a link's token is part of the path.
_ACCESS_LOG = json.dumps(
    {
        "requestId": "$context.requestId",
        "time": "$context.requestTimeEpoch",
        "method": "$context.httpMethod",
        "route": "$context.resourcePath",
        "status": "$context.status",
        "milliseconds": "$context.responseLatency",
        "bytes": "$context.responseLength",
        "error": "$context.error.responseType",
        "user": "$context.authorizer.claims.sub",
    }
)


@dataclass(frozen=True)
class ApiDefaults:
    """What all APIs have in common.

    Attributes:
        region: Region of their addresses.
        user_pools: ARNs of the pools whose people they take.
        allowed_origins: Origins whose pages may call them.
        stage_name: Their one stage, part of their addresses.
        log_retention_days: How long access logs are kept.
        retention: How they are kept.
        domain: Our own domain, where there is one.
        address: Address of a stage, `{id}` and `{stage}` in it, where it is not AWS's own.
    """

    region: str
    user_pools: Sequence[pulumi.Input[str]]
    allowed_origins: Sequence[str]
    stage_name: str
    log_retention_days: int
    retention: Retention
    domain: ApiDomain | None = None
    address: str | None = None

    @classmethod
    def of(
        cls,
        settings: Settings,
        *,
        user_pools: Sequence[pulumi.Input[str]],
        retention: Retention,
        opts: pulumi.ResourceOptions,
    ) -> "ApiDefaults":
        """Make the domain, if the stack has one, and take the rest from the settings.

        Args:
            settings: The stack's settings.
            user_pools: ARNs of the pools whose people they take.
            retention: How they are kept.
            opts: Options of the domain.
        """
        return cls(
            region=settings.region,
            user_pools=user_pools,
            allowed_origins=settings.allowed_origins,
            stage_name=settings.api_stage_name,
            log_retention_days=settings.log_retention_days,
            retention=retention,
            domain=ApiDomain.where_configured("api-domain", settings.api_domain, opts=opts),
            address=settings.api_address,
        )


class Api(Component):
    """A REST API before it serves anything: its address, its authorizer, its own error answers.

    It knows no function until it is told to `serve`: what a function needs can so know the API's address.

    Attributes:
        rest_api: The REST API.
        authorizer: Takes tokens of every given pool.
        host: Host name of its address.
        address: Where its routes are, without a trailing slash; on our own domain where there is one.
        stage_name: Its one stage, which may come later.
        answers: Its own error answers.
        answers_digest: Digest of them: only a new deployment makes them effective.
    """

    TYPE: ClassVar[str] = "spaceport:api:Api"
    rest_api: aws.apigateway.RestApi
    authorizer: aws.apigateway.Authorizer
    host: pulumi.Output[str]
    address: pulumi.Output[str]
    stage_name: str
    answers: list[pulumi.Resource]
    answers_digest: str

    def __init__(
        self,
        name: str,
        *,
        description: str,
        defaults: ApiDefaults,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, opts=opts)
        self._defaults = defaults
        self.stage_name = defaults.stage_name
        self.rest_api = aws.apigateway.RestApi(
            name,
            description=description,
            endpoint_configuration={"types": "REGIONAL"},
            opts=defaults.retention.stateful(name, parent=self),
        )
        self.host = pulumi.Output.concat(self.rest_api.id, f".execute-api.{defaults.region}.amazonaws.com")
        self.address = self._address()
        self.authorizer = aws.apigateway.Authorizer(
            f"{name}-authorizer",
            rest_api=self.rest_api.id,
            type="COGNITO_USER_POOLS",
            provider_arns=list(defaults.user_pools),
            opts=self._child(),
        )
        headers = {kind: parameters(answer, defaults.allowed_origins) for kind, answer in ANSWERS.items()}
        self.answers = [
            aws.apigateway.Response(
                f"{name}-{kind.lower().replace('_', '-')}",
                rest_api_id=self.rest_api.id,
                response_type=kind,
                status_code=str(answer.status) if answer.status else None,
                response_templates={_JSON: answer.template},
                response_parameters=headers[kind],
                opts=self._child(),
            )
            for kind, answer in ANSWERS.items()
        ]
        written = [[kind, answer.status, answer.template, headers[kind]] for kind, answer in ANSWERS.items()]
        self.answers_digest = hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()
        self.register_outputs({"host": self.host})

    def _address(self) -> pulumi.Output[str]:
        if self._defaults.domain:
            return pulumi.Output.from_input(self._defaults.domain.address(_base_path(self._name)))
        if self._defaults.address is None:
            return pulumi.Output.concat("https://", self.host, "/", self.stage_name)
        return pulumi.Output.format(self._defaults.address, id=self.rest_api.id, stage=self.stage_name)

    def serve(self, routes: Sequence[Route], functions: Mapping[str, Function]) -> pulumi.Output[str]:
        """Serve a route table, and return the address of the stage. To be called once.

        Args:
            routes: The routes, preflights left out.
            functions: By the name that routes give.
        """
        stage = ApiStage(
            self._name,
            api=self,
            routes=routes,
            functions=functions,
            defaults=self._defaults,
            opts=self._child(),
        )
        return stage.url


class ApiStage(Component):
    """What an API serves: its routes, deployed to one stage.

    Attributes:
        url: Address of the stage, without a trailing slash; on our own domain where there is one.
    """

    TYPE: ClassVar[str] = "spaceport:api:ApiStage"
    url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        api: Api,
        routes: Sequence[Route],
        functions: Mapping[str, Function],
        defaults: ApiDefaults,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the stage.

        Args:
            name: Logical name.
            api: The API.
            routes: What it serves, preflights left out.
            functions: By the name that routes give.
            defaults: Stage name and how long access logs are kept.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        self._json_object = aws.apigateway.Model(
            f"{name}-json-object",
            rest_api=api.rest_api.id,
            name="JsonObject",
            description="Any JSON object; its fields are the function's affair.",
            content_type=_JSON,
            schema=_JSON_OBJECT,
            opts=self._child(),
        )
        self._validator = aws.apigateway.RequestValidator(
            f"{name}-validator",
            rest_api=api.rest_api.id,
            validate_request_body=True,
            validate_request_parameters=True,
            opts=self._child(),
        )
        served = with_preflights(routes)
        path_ids = self._paths(api.rest_api, served)
        integrations = [
            self._route(api, route, path_ids[route.path], functions[route.function]) for route in served
        ]
        called = {route.function: functions[route.function] for route in served}
        for function in called.values():
            function.allow_calls(
                name,
                service=API_GATEWAY,
                source=pulumi.Output.concat(api.rest_api.execution_arn, f"/{defaults.stage_name}/*"),
            )
        deployment = aws.apigateway.Deployment(
            f"{name}-deployment",
            rest_api=api.rest_api.id,
            triggers={
                "routes": digest(served),
                "answers": api.answers_digest,
                "bodies": _JSON_OBJECT,
                **{called_as: function.arn for called_as, function in called.items()},
            },
            opts=self._child(depends_on=[*api.answers, *integrations]),
        )
        access_logs = aws.cloudwatch.LogGroup(
            f"{name}-access-logs",
            name_prefix=f"/aws/apigateway/{stack_name(name)}-",
            retention_in_days=defaults.log_retention_days,
            opts=self._child(),
        )
        stage = aws.apigateway.Stage(
            f"{name}-stage",
            rest_api=api.rest_api.id,
            deployment=deployment.id,
            stage_name=defaults.stage_name,
            xray_tracing_enabled=True,
            access_log_settings={"destination_arn": access_logs.arn, "format": _ACCESS_LOG},
            opts=self._child(),
        )
        limits = self._limit(f"{name}-limits", stage, "*/*", REQUESTS_PER_SECOND)
        for route in routes:
            if route.requests_per_second is not None:
                # Gateway writes the slashes of a method's path so; one change of a stage waits for the other.
                path = f"{route.path.replace('/', '~1')}/{route.method}"
                slug = f"{route.method.lower()}{_slug(route.path)}"
                self._limit(
                    f"{name}-{slug}-limits", stage, path, route.requests_per_second, depends_on=[limits]
                )
        self.url = stage.invoke_url
        if defaults.domain:
            self.url = pulumi.Output.from_input(
                defaults.domain.publish(_base_path(name), rest_api=api.rest_api.id, stage=stage.stage_name)
            )
        self.register_outputs({"url": self.url})

    def _limit(
        self,
        name: str,
        stage: aws.apigateway.Stage,
        method_path: str,
        requests_per_second: int,
        *,
        depends_on: list[pulumi.Resource] | None = None,
    ) -> aws.apigateway.MethodSettings:
        return aws.apigateway.MethodSettings(
            name,
            rest_api=stage.rest_api,
            stage_name=stage.stage_name,
            method_path=method_path,
            settings={
                "throttling_rate_limit": requests_per_second,
                "throttling_burst_limit": BURST_SECONDS * requests_per_second,
                "metrics_enabled": True,
            },
            opts=self._child(depends_on=depends_on),
        )

    def _paths(
        self, rest_api: aws.apigateway.RestApi, routes: Sequence[Route]
    ) -> dict[str, pulumi.Output[str]]:
        ids: dict[str, pulumi.Output[str]] = {"/": rest_api.root_resource_id}
        for path in path_prefixes(routes):
            parent, _, part = path.rpartition("/")
            resource = aws.apigateway.Resource(
                f"{self._name}{_slug(path)}",
                rest_api=rest_api.id,
                parent_id=ids[parent or "/"],
                path_part=part,
                opts=self._child(),
            )
            ids[path] = resource.id
        return ids

    def _route(
        self, api: Api, route: Route, path_id: pulumi.Output[str], function: Function
    ) -> aws.apigateway.Integration:
        name = f"{self._name}-{route.method.lower()}{_slug(route.path)}"
        method = aws.apigateway.Method(
            f"{name}-method",
            rest_api=api.rest_api.id,
            resource_id=path_id,
            http_method=route.method,
            authorization="NONE" if route.public else "COGNITO_USER_POOLS",
            authorizer_id=None if route.public else api.authorizer.id,
            request_validator_id=self._validator.id,
            request_parameters={
                f"method.request.path.{parameter}": True for parameter in re.findall(r"\{(\w+)\}", route.path)
            },
            request_models={_JSON: self._json_object.name} if route.method in _WITH_BODY else None,
            opts=self._child(),
        )
        return aws.apigateway.Integration(
            f"{name}-integration",
            rest_api=api.rest_api.id,
            resource_id=path_id,
            http_method=method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=function.invoke_arn,
            opts=self._child(),
        )


def _base_path(name: str) -> str:
    return name.removesuffix("-api")


def _slug(path: str) -> str:
    return "-" + re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-").lower()
