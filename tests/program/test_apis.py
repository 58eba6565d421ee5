"""The REST APIs: closed but for what the design opens, deployed whenever a route changes."""

import json
import re

import pytest

from components import adopt, routes
from components.gateway_answers import ANSWERS
from components.offers import OFFERS
from components.routes import Route, digest, path_prefixes, with_preflights
from functions.api_docs.logic import DOCUMENTS
from functions.openapi.build import OUTPUT
from functions.shared.errors import error_body, internal, not_found, unauthorized
from local.preview import ROOT, run_program, stack_config

TABLES = {name: offer.routes for name, offer in OFFERS.items()}
PUBLIC = {("GET", "/open/{token}"), ("POST", "/waitlist"), ("POST", "/feedback")}
"""Open to callers without a token, CORS preflights apart; nothing else may be."""

METHOD = "aws:apigateway/method:Method"
ANSWER = "aws:apigateway/response:Response"
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


def functions_by_alias(run, output):
    """Logical name of each function, by an output of its alias."""
    names = {one.outputs["name"]: one.name for one in run.of("aws:lambda/function:Function")}
    return {
        one.outputs[output]: names[one.inputs["functionName"]] for one in run.of("aws:lambda/alias:Alias")
    }


def made_routes(run, name):
    """What an API really has: method and path, authorization, authorizer, and the function behind it."""
    paths = paths_of(run, name)
    functions = functions_by_alias(run, "invokeArn")
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
    written = {table for name, table in vars(routes).items() if name.isupper() and isinstance(table, tuple)}
    assert set(TABLES.values()) == written
    assert set(adopt.APIS) == set(TABLES)


def test_every_address_is_published_with_its_entry(stack):
    published = list(stack.outputs.values())
    stages = {one.inputs["restApi"]: one for one in stack.of("aws:apigateway/stage:Stage")}
    for name, offer in OFFERS.items():
        assert stages[api_id(stack, name)].outputs["invokeUrl"] + offer.entry in published
        assert not offer.entry or offer.entry in {route.path for route in offer.routes}


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


def test_every_api_has_the_gateways_own_answers(stack):
    answers = stack.of(ANSWER)
    by_api = {(one.inputs["restApiId"], one.inputs["responseType"]) for one in answers}
    assert by_api == {(api_id(stack, name), kind) for name in TABLES for kind in ANSWERS}
    assert {"DEFAULT_4XX", "DEFAULT_5XX"} <= set(ANSWERS)


def test_the_gateways_own_answers_have_the_shape_and_codes_of_the_functions(stack):
    for one in stack.of(ANSWER):
        body = json.loads(one.inputs["responseTemplates"]["application/json"])
        assert set(body) == set(error_body(unauthorized(), ""))
        assert body["requestId"] == "$context.requestId"
    assert ANSWERS["UNAUTHORIZED"].code == unauthorized().code
    assert ANSWERS["MISSING_AUTHENTICATION_TOKEN"].code == not_found("x").code
    assert ANSWERS["MISSING_AUTHENTICATION_TOKEN"].status == not_found("x").status
    assert ANSWERS["DEFAULT_5XX"].code == internal().code


def test_the_gateways_own_answers_can_be_read_by_the_pages(prod, staging):
    key = "gatewayresponse.header.Access-Control-Allow-Origin"

    def origins(run):
        return {one.inputs["responseParameters"][key] for one in run.of(ANSWER)}

    assert origins(prod) == {"'https://spaceport.example'"}
    assert origins(staging) == {"method.request.header.Origin"}


def test_bodies_are_checked_where_there_is_one(stack):
    models = {one.inputs["restApi"]: one for one in stack.of("aws:apigateway/model:Model")}
    validators = {
        one.inputs["restApi"]: one for one in stack.of("aws:apigateway/requestValidator:RequestValidator")
    }
    assert set(models) == set(validators) == {api_id(stack, name) for name in TABLES}
    for one in stack.of(METHOD):
        api = one.inputs["restApi"]
        assert one.inputs["requestValidatorId"] == validators[api].id
        has_body = one.inputs["httpMethod"] in ("PATCH", "POST", "PUT")
        wanted = {"application/json": models[api].inputs["name"]} if has_body else None
        assert one.inputs.get("requestModels") == wanted
    assert all(json.loads(one.inputs["schema"])["type"] == "object" for one in models.values())
    assert all(one.inputs["validateRequestBody"] is True for one in validators.values())


def test_every_parameter_of_a_path_is_declared(stack):
    for name in TABLES:
        for _, path, inputs, _ in made_routes(stack, name):
            declared = {key.rpartition(".")[2] for key in inputs.get("requestParameters") or {}}
            assert declared == set(re.findall(r"\{(\w+)\}", path)), path


def test_a_domain_of_our_own_has_a_base_path_for_every_api(bootstrap):
    certificate = "arn:aws:acm:us-west-2:123456789012:certificate/1a-2b"
    config = {"spaceport:apiDomain": "api.example.com", "spaceport:apiCertificateArn": certificate}
    run = run_program(stack_config("prod", {**bootstrap, **config}), stack="prod")
    (domain,) = run.of("aws:apigateway/domainName:DomainName")
    assert domain.inputs["regionalCertificateArn"] == certificate
    assert domain.inputs["securityPolicy"] == "TLS_1_2"
    mapped = {
        one.inputs["restApi"]: one.inputs for one in run.of("aws:apigateway/basePathMapping:BasePathMapping")
    }
    stages = {one.inputs["restApi"]: one.inputs["stageName"] for one in run.of("aws:apigateway/stage:Stage")}
    assert {api: inputs["stageName"] for api, inputs in mapped.items()} == stages
    assert len({inputs["basePath"] for inputs in mapped.values()}) == len(TABLES)
    base = mapped[api_id(run, "ml-api")]["basePath"]
    assert run.outputs["mlApiUrl"] == f"https://api.example.com/{base}"
    assert told_addresses(run) == published_addresses(run)


def told_addresses(run):
    """Addresses that the function of the documents gives."""
    function = run.one("aws:lambda/function:Function", "api-docs-function")
    return json.loads(function.inputs["environment"]["variables"]["API_ADDRESSES"])


def published_addresses(run):
    return {name: run.outputs[offer.output].removesuffix(offer.entry) for name, offer in OFFERS.items()}


def test_the_documents_say_where_every_api_is(stack):
    assert told_addresses(stack) == published_addresses(stack)


def test_the_documents_say_where_every_api_is_that_something_else_stands_in_for(bootstrap):
    config = {"spaceport:apiAddress": "http://127.0.0.1:4566/apis/{id}/{stage}"}
    run = run_program(stack_config("staging", {**bootstrap, **config}), stack="staging")
    assert told_addresses(run) == {
        name: f"http://127.0.0.1:4566/apis/{api_id(run, name)}/prod" for name in OFFERS
    }


def test_every_apis_document_is_packed_where_its_function_looks(stack):
    files = stack.one("aws:lambda/function:Function", "api-docs-function").inputs["code"].assets
    below = DOCUMENTS.relative_to(ROOT).as_posix()
    written = OUTPUT.relative_to(ROOT).as_posix()
    packed = {path: asset.path for path, asset in files.items() if path.startswith(below)}
    assert packed == {f"{below}/{name}.json": f"{written}/{name}.json" for name in OFFERS}


def limits_of(run, name):
    """Limits of an API's stage by the method that they are for, as AWS writes it."""
    return {
        one.inputs["methodPath"]: one
        for one in run.of("aws:apigateway/methodSettings:MethodSettings")
        if one.inputs["restApi"] == api_id(run, name)
    }


@pytest.mark.parametrize("name", TABLES)
def test_a_stage_and_its_limited_routes_are_limited(stack, name):
    limits = limits_of(stack, name)
    own = {
        "/".join((route.path.replace("/", "~1"), route.method)): route.requests_per_second
        for route in TABLES[name]
        if route.requests_per_second
    }
    assert set(limits) == {"*/*", *own}
    everything = limits.pop("*/*")
    for one in (everything, *limits.values()):
        settings = one.inputs["settings"]
        assert 0 < settings["throttlingRateLimit"] <= settings["throttlingBurstLimit"]
        assert settings["metricsEnabled"] is True
    for path, one in limits.items():
        assert one.inputs["settings"]["throttlingRateLimit"] == own[path]
        assert own[path] < everything.inputs["settings"]["throttlingRateLimit"]
        assert everything.urn in one.dependencies


def test_what_anybody_may_send_is_limited_more_than_the_rest():
    for table in TABLES.values():
        for route in table:
            assert bool(route.requests_per_second) == (route.public and route.method == "POST"), route


def test_stages_are_logged_without_tokens(stack):
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
        waited = {urn for urn in deployment.dependencies if INTEGRATION in urn or ANSWER in urn}
        made = {one.urn for one in stack.of(INTEGRATION) if one.inputs["restApi"] == api_id(stack, name)}
        made |= {one.urn for one in stack.of(ANSWER) if one.inputs["restApiId"] == api_id(stack, name)}
        assert waited == made


@pytest.mark.parametrize("name", TABLES)
def test_a_deployment_follows_its_error_answers(prod, staging, name):
    """They differ between the stacks, for the allowed origins do; the routes are the same."""
    triggers = [
        run.one("aws:apigateway/deployment:Deployment", f"{name}-deployment").inputs["triggers"]
        for run in (prod, staging)
    ]
    assert triggers[0]["routes"] == triggers[1]["routes"]
    assert triggers[0]["answers"] != triggers[1]["answers"]


@pytest.mark.parametrize(
    "changed",
    [
        Route("POST", "/start-job", "ml_jobs"),
        Route("GET", "/other", "ml_jobs"),
        Route("GET", "/start-job", "projects"),
        Route("GET", "/start-job", "ml_jobs", public=True),
        Route("GET", "/start-job", "ml_jobs", requests_per_second=1),
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
