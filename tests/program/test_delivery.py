"""The delivery: models for signed cookies only, links for everybody, nothing else."""

import json
import uuid
from fnmatch import fnmatchcase

import pytest

from components.delivery import CACHING_DISABLED
from functions.shared.job_names import model_prefix
from local.preview import run_program, stack_config


def distribution(run):
    (found,) = run.of("aws:cloudfront/distribution:Distribution")
    return found


def origin(run, behaviour):
    (found,) = [
        one for one in distribution(run).inputs["origins"] if one["originId"] == behaviour["targetOriginId"]
    ]
    return found


def test_models_are_given_to_cookies_signed_with_the_configured_key(stack, bootstrap):
    models = distribution(stack).inputs["defaultCacheBehavior"]
    (key,) = stack.of("aws:cloudfront/publicKey:PublicKey")
    (group,) = stack.of("aws:cloudfront/keyGroup:KeyGroup")
    assert models["trustedKeyGroups"] == [group.id]
    assert group.inputs["items"] == [key.id]
    assert key.inputs["encodedKey"] == bootstrap["spaceport:deliveryPublicKey"]
    variables = stack.one("aws:lambda/function:Function", "delivery-function").inputs["environment"][
        "variables"
    ]
    assert variables["DELIVERY_KEY_PAIR_ID"] == key.id


def test_only_the_opening_of_links_needs_no_cookie(stack):
    inputs = distribution(stack).inputs
    open_to_all = [one for one in inputs["orderedCacheBehaviors"] if not one.get("trustedKeyGroups")]
    assert [one["pathPattern"] for one in open_to_all] == ["/open/*"]
    (links,) = open_to_all
    assert links["cachePolicyId"] == CACHING_DISABLED
    assert inputs["defaultCacheBehavior"]["cachePolicyId"] != CACHING_DISABLED
    api = stack.one("aws:apigateway/restApi:RestApi", "ml-api")
    (stage,) = [one for one in stack.of("aws:apigateway/stage:Stage") if one.inputs["restApi"] == api.id]
    at = origin(stack, links)
    assert f"https://{at['domainName']}{at['originPath']}" == stage.outputs["invokeUrl"]
    assert at["customOriginConfig"]["originProtocolPolicy"] == "https-only"
    assert set(at["customOriginConfig"]["originSslProtocols"]) <= {"TLSv1.2", "TLSv1.3"}


def test_everything_is_asked_for_by_https_and_only_read(stack):
    inputs = distribution(stack).inputs
    for behaviour in (inputs["defaultCacheBehavior"], *inputs["orderedCacheBehaviors"]):
        assert behaviour["viewerProtocolPolicy"] in ("https-only", "redirect-to-https")
        assert set(behaviour["allowedMethods"]) == {"GET", "HEAD"}
        assert behaviour["compress"] is True


def test_the_bucket_is_read_through_the_distribution_alone_and_models_only(stack):
    models = distribution(stack).inputs["defaultCacheBehavior"]
    at = origin(stack, models)
    (access,) = stack.of("aws:cloudfront/originAccessControl:OriginAccessControl")
    bucket = stack.one("aws:s3/bucket:Bucket", "ml-bucket")
    assert at["domainName"] == bucket.outputs["bucketRegionalDomainName"]
    assert at["originAccessControlId"] == access.id
    assert access.inputs["signingBehavior"] == "always"
    policy = stack.one("aws:s3/bucketPolicy:BucketPolicy", "ml-bucket-policy").inputs["policy"]
    (allowed,) = [one for one in json.loads(policy)["Statement"] if one["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert allowed["Action"] == ["s3:GetObject"]
    assert allowed["Condition"] == {"StringEquals": {"AWS:SourceArn": distribution(stack).outputs["arn"]}}
    (models,) = allowed["Resource"]
    job = str(uuid.uuid4())
    assert fnmatchcase(f"{bucket.outputs['arn']}/{model_prefix(job)}model.sog", models)
    assert not fnmatchcase(f"{bucket.outputs['arn']}/jobs/{job}/sfm/model/model.sog", models)
    others = stack.one("aws:s3/bucketPolicy:BucketPolicy", "uploads-bucket-policy").inputs["policy"]
    assert not [one for one in json.loads(others)["Statement"] if one["Effect"] == "Allow"]


def test_models_come_with_security_headers(stack):
    (headers,) = stack.of("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
    assert distribution(stack).inputs["defaultCacheBehavior"]["responseHeadersPolicyId"] == headers.id
    security = headers.inputs["securityHeadersConfig"]
    assert security["contentTypeOptions"]["override"] is True
    assert security["strictTransportSecurity"]["accessControlMaxAgeSec"] > 365 * 24 * 3600
    assert security["referrerPolicy"]["referrerPolicy"] == "no-referrer"


def test_pages_of_the_allowed_origins_alone_load_and_embed_models(stack):
    (headers,) = stack.of("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
    uploads = stack.one("aws:s3/bucketCorsConfiguration:BucketCorsConfiguration", "uploads-bucket-cors")
    origins = uploads.inputs["corsRules"][0]["allowedOrigins"]
    cors = headers.inputs["corsConfig"]
    assert cors["accessControlAllowOrigins"]["items"] == origins
    # With cookies, browsers take no `*` for any of these.
    assert cors["accessControlAllowCredentials"] is True
    assert "*" not in [value for part in cors.values() if isinstance(part, dict) for value in part["items"]]
    policy = headers.inputs["securityHeadersConfig"]["contentSecurityPolicy"]["contentSecurityPolicy"]
    assert policy.split() == ["frame-ancestors", "'self'", *origins]


def test_only_the_persons_own_browser_keeps_a_model(stack):
    (headers,) = stack.of("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy")
    custom = {one["header"]: one for one in headers.inputs["customHeadersConfig"]["items"]}
    assert custom["Cache-Control"]["value"].startswith("private, max-age=")
    assert custom["Cache-Control"]["override"] is True


def test_a_domain_of_our_own_has_its_certificate(stack, bootstrap):
    assert "aliases" not in distribution(stack).inputs
    certificate = "arn:aws:acm:us-east-1:123456789012:certificate/1a-2b"
    config = {
        "spaceport:deliveryDomain": "models.example.com",
        "spaceport:deliveryCertificateArn": certificate,
    }
    run = run_program(stack_config("prod", {**bootstrap, **config}), stack="prod")
    inputs = distribution(run).inputs
    assert inputs["aliases"] == ["models.example.com"]
    assert inputs["viewerCertificate"]["acmCertificateArn"] == certificate
    assert inputs["viewerCertificate"]["sslSupportMethod"] == "sni-only"
    assert run.outputs["deliveryUrl"] == "https://models.example.com"
    assert run.outputs["deliveryDomainName"] == distribution(run).outputs["domainName"]


def test_people_open_the_distributions_own_address_unless_told_otherwise(stack, bootstrap):
    assert stack.outputs["deliveryUrl"] == f"https://{distribution(stack).outputs['domainName']}"
    url = "https://models.spaceport.example"
    other = run_program(stack_config("prod", {**bootstrap, "spaceport:deliveryUrl": url}), stack="prod")
    assert other.outputs["deliveryUrl"] == url
    told = {
        one.inputs["environment"]["variables"].get("DELIVERY_URL")
        for one in other.of("aws:lambda/function:Function")
    }
    assert told == {url, None}


@pytest.mark.parametrize("name", ["pipeline-steps-function", "delivery-function"])
def test_no_function_waits_for_the_rollout(stack, name):
    assert distribution(stack).inputs["waitForDeployment"] is False
    assert distribution(stack).urn in stack.one("aws:lambda/function:Function", name).dependencies
