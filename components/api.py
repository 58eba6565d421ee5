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
from components.base import Component
from components.function import Function
from components.routes import Route, digest, path_prefixes, with_preflights

API_GATEWAY = "apigateway.amazonaws.com"
REQUESTS_PER_SECOND = 50
BURST = 100
_ALLOWED_HEADERS = "Authorization,Content-Type"
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
    """

    region: str
    user_pools: Sequence[pulumi.Input[str]]
    allowed_origins: Sequence[str]
    stage_name: str
    log_retention_days: int
    retention: Retention


class Api(Component):
    """A REST API before it serves anything: its address, its authorizer, its own error answers.

    It knows no function until it is told to `serve`: what a function needs can so know the API's address.

    Attributes:
        rest_api: The REST API.
        authorizer: Takes tokens of every given pool.
        host: Host name of its address.
        stage_name: Its one stage.
        answers: Its own error answers.
        answers_digest: Digest of them: only a new deployment makes them effective.
    """

    TYPE: ClassVar[str] = "spaceport:api:Api"
    rest_api: aws.apigateway.RestApi
    authorizer: aws.apigateway.Authorizer
    host: pulumi.Output[str]
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
        self.authorizer = aws.apigateway.Authorizer(
            f"{name}-authorizer",
            rest_api=self.rest_api.id,
            type="COGNITO_USER_POOLS",
            provider_arns=list(defaults.user_pools),
            opts=self._child(),
        )
        headers = _cors_headers(defaults.allowed_origins)
        self.answers = [
            aws.apigateway.Response(
                f"{name}-{response_type.lower().replace('_', '-')}",
                rest_api_id=self.rest_api.id,
                response_type=response_type,
                response_parameters=headers,
                opts=self._child(),
            )
            for response_type in ("DEFAULT_4XX", "DEFAULT_5XX")
        ]
        self.answers_digest = hashlib.sha256(json.dumps(headers, sort_keys=True).encode()).hexdigest()
        self.register_outputs({"host": self.host})

    def serve(self, routes: Sequence[Route], functions: Mapping[str, Function]) -> pulumi.Output[str]:
        """Serve a route table, and return the address of the stage. To be called once.

        Args:
            routes: The routes, preflights left out.
            functions: By the folder that routes name.
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
        url: Address of the stage, without a trailing slash.
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
            functions: By the folder that routes name.
            defaults: Stage name and how long access logs are kept.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
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
                **{folder: function.arn for folder, function in called.items()},
            },
            opts=self._child(depends_on=[*api.answers, *integrations]),
        )
        access_logs = aws.cloudwatch.LogGroup(
            f"{name}-access-logs",
            name_prefix=f"/aws/apigateway/{name}-",
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
        aws.apigateway.MethodSettings(
            f"{name}-limits",
            rest_api=api.rest_api.id,
            stage_name=stage.stage_name,
            method_path="*/*",
            settings={
                "throttling_rate_limit": REQUESTS_PER_SECOND,
                "throttling_burst_limit": BURST,
                "metrics_enabled": True,
            },
            opts=self._child(),
        )
        self.url = stage.invoke_url
        self.register_outputs({"url": self.url})

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
            opts=self._child(),
        )
        return aws.apigateway.Integration(
            f"{name}-integration",
            rest_api=api.rest_api.id,
            resource_id=path_id,
            http_method=method.http_method,
            type="AWS_PROXY",
            integration_http_method="POST",
            uri=function.function.invoke_arn,
            opts=self._child(),
        )


def _cors_headers(allowed_origins: Sequence[str]) -> dict[str, str]:
    """CORS headers of the gateway's own error answers.

    They can hold one value: with several origins it is the caller's own, which gives nothing away, for these
    answers carry no data and no cookie counts here.
    """
    one_origin = len(allowed_origins) == 1
    return {
        "gatewayresponse.header.Access-Control-Allow-Origin": (
            f"'{allowed_origins[0]}'" if one_origin else "method.request.header.Origin"
        ),
        "gatewayresponse.header.Access-Control-Allow-Headers": f"'{_ALLOWED_HEADERS}'",
        "gatewayresponse.header.Vary": "'Origin'",
    }


def _slug(path: str) -> str:
    return "-" + re.sub(r"[^A-Za-z0-9]+", "-", path).strip("-").lower()
