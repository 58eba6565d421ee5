"""The REST APIs: closed but for what the design opens, deployed whenever a route changes."""

import json
import re

import pytest

from components import routes
from components.routes import Route, digest, path_prefixes, with_preflights

TABLES = {
    "file-upload-api": routes.FILE_UPLOAD,
    "projects-api": routes.PROJECTS,
    "drone-path-api": routes.DRONE_PATH,
    "ml-api": routes.ML,
}
PUBLIC = {("GET", "/open/{token}")}
"""Open to callers without a token, CORS preflights apart; nothing else may be."""

METHOD = "aws:apigateway/method:Method"
INTEGRATION = "aws:apigateway/integration:Integration"


def api_id(run, name):
    return run.one("aws:apigateway/restApi:RestApi", name).id


def paths_of(run, name):
    """Path by resource id, of one API."""
    rest_api = run.one("aws:apigateway/restApi:RestApi", name)
    ids = {rest_api.outputs["rootResourceId"]: ""}
    left = [one for one in run.of("aws:apigateway/resource:Resource") if one.inputs["restApi"] == rest_api.id]
    while left:
        known = [one for one in left if one.inputs["parentId"] in ids]
        assert known, "a path hangs in the air"
        for one in known:
            ids[one.id] = f"{ids[one.inputs['parentId']]}/{one.inputs['pathPart']}"
            left.remove(one)
    return ids


def made_routes(run, name):
    """What an API really has: method and path, authorization, authorizer, and the function behind it."""
    paths = paths_of(run, name)
    functions = {one.outputs["invokeArn"]: one.name for one in run.of("aws:lambda/function:Function")}
    behind = {
        (one.inputs["resourceId"], one.inputs["httpMethod"]): one.inputs
        for one in run.of(INTEGRATION)
        if one.inputs["restApi"] == api_id(run, name)
    }
    for one in run.of(METHOD):
        if one.inputs["restApi"] == api_id(run, name):
            integration = behind[(one.inputs["resourceId"], one.inputs["httpMethod"])]
            assert (integration["type"], integration["integrationHttpMethod"]) == ("AWS_PROXY", "POST")
            method, path = one.inputs["httpMethod"], paths[one.inputs["resourceId"]]
            yield method, path, one.inputs, functions[integration["uri"]]


@pytest.mark.parametrize("name", TABLES)
def test_an_api_has_the_routes_of_its_table_and_no_other(stack, name):
    expected = {
        (route.method, route.path, route.function.replace("_", "-") + "-function")
        for route in with_preflights(TABLES[name])
    }
    assert {(m, p, f) for m, p, _, f in made_routes(stack, name)} == expected


def test_no_api_is_forgotten_here(stack):
    assert {one.name for one in stack.of("aws:apigateway/restApi:RestApi")} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_every_route_but_the_public_ones_wants_a_signed_in_person(stack, name):
    (authorizer,) = [
        one
        for one in stack.of("aws:apigateway/authorizer:Authorizer")
        if one.inputs["restApi"] == api_id(stack, name)
    ]
    for method, path, inputs, _ in made_routes(stack, name):
        if method == "OPTIONS" or (method, path) in PUBLIC:
            assert inputs["authorization"] == "NONE"
        else:
            assert inputs["authorization"] == "COGNITO_USER_POOLS", (method, path)
            assert inputs["authorizerId"] == authorizer.id, (method, path)


def test_both_pools_are_let_in_everywhere(stack):
    pools = {one.outputs["arn"] for one in stack.of("aws:cognito/userPool:UserPool")}
    assert len(pools) == 2
    for authorizer in stack.of("aws:apigateway/authorizer:Authorizer"):
        assert set(authorizer.inputs["providerArns"]) == pools
        assert authorizer.inputs["type"] == "COGNITO_USER_POOLS"


def test_a_function_is_called_by_its_api_and_stage_only(stack):
    permissions = stack.of("aws:lambda/permission:Permission")
    gateway = [one for one in permissions if one.inputs["principal"] == "apigateway.amazonaws.com"]
    functions = {one.outputs["name"]: one.name for one in stack.of("aws:lambda/function:Function")}
    sources = {(functions[one.inputs["function"]], one.inputs["sourceArn"]) for one in gateway}
    expected = set()
    for name, table in TABLES.items():
        arn = stack.one("aws:apigateway/restApi:RestApi", name).outputs["executionArn"]
        expected |= {(r.function.replace("_", "-") + "-function", f"{arn}/prod/*") for r in table}
    assert sources == expected
    assert all(one.inputs.get("sourceArn") for one in permissions)


def test_the_gateways_own_errors_can_be_read_by_the_pages(prod, staging):
    for run in (prod, staging):
        answers = run.of("aws:apigateway/response:Response")
        by_api = {(one.inputs["restApiId"], one.inputs["responseType"]) for one in answers}
        assert by_api == {
            (api_id(run, name), kind) for name in TABLES for kind in ("DEFAULT_4XX", "DEFAULT_5XX")
        }
    key = "gatewayresponse.header.Access-Control-Allow-Origin"
    one_origin = prod.of("aws:apigateway/response:Response")[0].inputs["responseParameters"][key]
    several = staging.of("aws:apigateway/response:Response")[0].inputs["responseParameters"][key]
    assert one_origin == "'https://spaceport.example'"
    assert several == "method.request.header.Origin"


def test_stages_are_limited_and_logged_without_tokens(stack):
    limits = stack.of("aws:apigateway/methodSettings:MethodSettings")
    assert len(limits) == len(TABLES)
    for one in limits:
        assert one.inputs["methodPath"] == "*/*"
        assert (
            0
            < one.inputs["settings"]["throttlingRateLimit"]
            <= one.inputs["settings"]["throttlingBurstLimit"]
        )
    groups = {one.outputs["arn"] for one in stack.of("aws:cloudwatch/logGroup:LogGroup")}
    for stage in stack.of("aws:apigateway/stage:Stage"):
        log = stage.inputs["accessLogSettings"]
        assert log["destinationArn"] in groups
        fields = set(json.loads(log["format"]).values())
        assert "$context.resourcePath" in fields
        assert "$context.path" not in fields
        assert stage.inputs["xrayTracingEnabled"] is True


def test_a_deployment_waits_for_its_routes_and_follows_them(stack):
    for name, table in TABLES.items():
        (deployment,) = [
            one
            for one in stack.of("aws:apigateway/deployment:Deployment")
            if one.inputs["restApi"] == api_id(stack, name)
        ]
        assert deployment.inputs["triggers"]["routes"] == digest(with_preflights(table))
        waited = {urn for urn in deployment.dependencies if INTEGRATION in urn}
        made = {one.urn for one in stack.of(INTEGRATION) if one.inputs["restApi"] == api_id(stack, name)}
        assert waited == made


@pytest.mark.parametrize(
    "changed",
    [
        Route("POST", "/start-job", "ml_jobs"),
        Route("GET", "/other", "ml_jobs"),
        Route("GET", "/start-job", "projects"),
        Route("GET", "/start-job", "ml_jobs", public=True),
    ],
)
def test_every_change_of_a_route_changes_the_digest(changed):
    assert digest([changed]) != digest([Route("GET", "/start-job", "ml_jobs")])


def test_paths_come_after_what_they_lie_below():
    prefixes = path_prefixes([Route("GET", "/a/{b}/c", "f"), Route("GET", "/a", "f")])
    assert prefixes == ["/a", "/a/{b}", "/a/{b}/c"]


def test_route_names_are_no_duplicates():
    for table in TABLES.values():
        pairs = [(route.method, route.path) for route in table]
        assert len(pairs) == len(set(pairs))
        assert all(re.fullmatch(r"(/([a-z0-9-]+|\{[a-zA-Z]+\}))+", path) for _, path in pairs)
