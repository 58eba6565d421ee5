import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from local.cloud import EmbeddedCloud
from local.edge import Edge
from tests.local.cloud_kit import CloudKit
from tests.local.signing import Signer, header

pytestmark = pytest.mark.cloud

MODEL = bytes(range(256)) * 4096
PAGE = "https://app.example"
OPEN = """
def handler(event, context):
    token = event["pathParameters"]["token"]
    if token == "revoked":
        return {"statusCode": 410, "body": "revoked"}
    return {
        "statusCode": 302,
        "headers": {"Location": "https://elsewhere.example/jobs/one/model/index.html"},
        "multiValueHeaders": {
            "Set-Cookie": ["a=1; Path=/jobs/one; Secure; HttpOnly", "b=2; Path=/jobs/one; Secure"]
        },
    }
"""


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    cookies: list[str]
    body: bytes


@dataclass
class Delivery:
    edge: Edge
    signer: Signer
    key_id: str
    distribution_id: str
    bucket: str

    def fetch(
        self, path: str, cookies: dict[str, str] | None = None, method: str = "GET", **headers: str
    ) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.edge.url).netloc, timeout=20)
        if cookies:
            headers["Cookie"] = header(cookies)
        connection.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        answer = connection.getresponse()
        cookies_set = answer.headers.get_all("Set-Cookie") or []
        told = Answer(answer.status, answer.headers, cookies_set, answer.read())
        connection.close()
        return told

    def cookies(self, folder: str = "/jobs/one/model/*", seconds: int = 60) -> dict[str, str]:
        return self.signer.cookies(self.key_id, self.edge.url + folder, int(time.time()) + seconds)


def cache_behaviour(origin: str, *, groups: list[str] | None = None, **more: object) -> dict:
    return {
        "TargetOriginId": origin,
        "ViewerProtocolPolicy": "redirect-to-https",
        # Managed-CachingDisabled and Managed-AllViewerExceptHostHeader.
        "CachePolicyId": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
        "OriginRequestPolicyId": "b689b0a8-53d0-40ab-baf2-68738e2966ac",
        "TrustedKeyGroups": {"Enabled": bool(groups), "Quantity": len(groups or []), "Items": groups or []},
        **more,
    }


@pytest.fixture(scope="module")
def delivery(cloud: EmbeddedCloud, kit: CloudKit) -> Iterator[Delivery]:
    signer = Signer()
    cloudfront = cloud.client("cloudfront")
    bucket = kit.bucket(
        {
            "jobs/one/model/model.sog": MODEL,
            "jobs/one/model/index.html": "<html>",
            "jobs/two/model/index.html": "<two>",
        }
    )
    key_id = cloudfront.create_public_key(
        PublicKeyConfig={
            "CallerReference": kit.name("key"),
            "Name": kit.name("key"),
            "EncodedKey": signer.public_pem,
        }
    )["PublicKey"]["Id"]
    group_config = {"Name": kit.name("group"), "Items": [key_id]}
    group = cloudfront.create_key_group(KeyGroupConfig=group_config)["KeyGroup"]["Id"]
    access = cloudfront.create_origin_access_control(
        OriginAccessControlConfig={
            "Name": kit.name("access"),
            "SigningProtocol": "sigv4",
            "SigningBehavior": "always",
            "OriginAccessControlOriginType": "s3",
        }
    )["OriginAccessControl"]["Id"]
    custom = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    origins = [
        {
            "Id": "models",
            "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
            "OriginAccessControlId": access,
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        },
        {
            "Id": "api",
            "DomainName": f"{make_api(cloud, kit)}.execute-api.us-east-1.amazonaws.com",
            "OriginPath": "/v1",
            "CustomOriginConfig": custom,
        },
    ]
    added = cloudfront.create_response_headers_policy(
        ResponseHeadersPolicyConfig={
            "Name": kit.name("headers"),
            "SecurityHeadersConfig": {"ContentTypeOptions": {"Override": True}},
            "CorsConfig": {
                "AccessControlAllowOrigins": {"Quantity": 1, "Items": [PAGE]},
                "AccessControlAllowHeaders": {"Quantity": 1, "Items": ["Range"]},
                "AccessControlAllowMethods": {"Quantity": 1, "Items": ["GET"]},
                "AccessControlExposeHeaders": {"Quantity": 1, "Items": ["ETag"]},
                "AccessControlAllowCredentials": True,
                "OriginOverride": True,
            },
            "CustomHeadersConfig": {
                "Quantity": 1,
                "Items": [{"Header": "Content-Type", "Value": "model/sog", "Override": True}],
            },
        }
    )["ResponseHeadersPolicy"]["Id"]
    made = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": kit.name("distribution"),
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 2, "Items": origins},
            "DefaultCacheBehavior": cache_behaviour("models", groups=[group], ResponseHeadersPolicyId=added),
            "CacheBehaviors": {"Quantity": 1, "Items": [cache_behaviour("api", PathPattern="/open/*")]},
        }
    )["Distribution"]
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudfront.amazonaws.com"},
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/jobs/*",
                "Condition": {"StringEquals": {"AWS:SourceArn": made["ARN"]}},
            }
        ],
    }
    kit.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    with Edge(cloud) as edge:
        delivery = Delivery(edge, signer, key_id, made["Id"], bucket)
        assert delivery.fetch("/jobs/one/model/index.html").status == 503
        edge.serve(made["Id"])
        yield delivery


def make_api(cloud: EmbeddedCloud, kit: CloudKit) -> str:
    function = kit.function(OPEN)
    gateway = cloud.client("apigateway")
    api_id: str = gateway.create_rest_api(name=kit.name("api"))["id"]
    (resource,) = (item["id"] for item in gateway.get_resources(restApiId=api_id)["items"])
    for part in ("open", "{token}"):
        resource = gateway.create_resource(restApiId=api_id, parentId=resource, pathPart=part)["id"]
    where = {"restApiId": api_id, "resourceId": resource, "httpMethod": "GET"}
    gateway.put_method(**where, authorizationType="NONE")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api_id, stageName="v1")
    kit.lambdas.add_permission(
        FunctionName=function,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{cloud.account}:{api_id}/*/GET/open/*",
    )
    return api_id


def test_signed_cookies_open_their_folder_only(delivery: Delivery):
    cookies = delivery.cookies()
    page = delivery.fetch("/jobs/one/model/index.html", cookies)
    assert (page.status, page.body) == (200, b"<html>")
    assert delivery.fetch("/jobs/one/model/model.sog", cookies).body == MODEL
    assert delivery.fetch("/jobs/two/model/index.html", cookies).status == 403
    # A path that only looks like the folder's.
    assert delivery.fetch("/jobs/one/model/../../two/model/index.html", cookies).status >= 400
    assert delivery.fetch("/jobs/one/model/%2e%2e/%2e%2e/two/model/index.html", cookies).status in (
        400,
        403,
        404,
    )


def test_without_good_cookies_nothing_is_served(delivery: Delivery):
    path = "/jobs/one/model/index.html"
    refused = delivery.fetch(path)
    assert refused.status == 403
    assert refused.headers["Content-Type"] == "text/xml"
    assert b"<Code>MissingKey</Code>" in refused.body
    assert delivery.fetch(path, delivery.cookies(seconds=-1)).status == 403
    forged = {
        **delivery.cookies(),
        "CloudFront-Signature": delivery.cookies("/other/*")["CloudFront-Signature"],
    }
    assert delivery.fetch(path, forged).status == 403
    assert delivery.fetch(path, method="HEAD").body == b""
    # The bucket is not open by itself either.
    cloud = urlsplit(delivery.edge._cloud.endpoint)
    connection = http.client.HTTPConnection(cloud.netloc)
    connection.request("GET", f"/{delivery.bucket}{path}")
    assert connection.getresponse().status == 403


def test_signed_address_opens_one_object(delivery: Delivery):
    path = "/jobs/one/model/index.html"
    query = delivery.signer.canned_query(delivery.key_id, delivery.edge.url + path, int(time.time()) + 60)
    assert delivery.fetch(f"{path}?{query}").status == 200
    assert delivery.fetch(f"/jobs/two/model/index.html?{query}").status == 403


def test_head_and_ranges(delivery: Delivery):
    cookies = delivery.cookies()
    path = "/jobs/one/model/model.sog"
    head = delivery.fetch(path, cookies, method="HEAD")
    assert (head.status, head.body, int(head.headers["Content-Length"])) == (200, b"", len(MODEL))
    part = delivery.fetch(path, cookies, Range="bytes=1000-1999")
    assert part.status == 206
    assert part.body == MODEL[1000:2000]
    assert part.headers["Content-Range"] == f"bytes 1000-1999/{len(MODEL)}"
    beyond = delivery.fetch(path, cookies, Range=f"bytes={len(MODEL)}-")
    assert beyond.status == 416
    etag = head.headers["ETag"]
    assert delivery.fetch(path, cookies, If_None_Match=etag).status == 304


def test_many_ranges_at_once(delivery: Delivery):
    cookies = delivery.cookies()
    wrong: list[int] = []

    def read(number: int) -> None:
        first = number * 10_000
        part = delivery.fetch("/jobs/one/model/model.sog", cookies, Range=f"bytes={first}-{first + 9_999}")
        if part.body != MODEL[first : first + 10_000]:
            wrong.append(number)

    readers = [threading.Thread(target=read, args=(number,)) for number in range(16)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert not wrong


def test_one_connection_serves_several_requests(delivery: Delivery):
    connection = http.client.HTTPConnection(urlsplit(delivery.edge.url).netloc, timeout=20)
    for expected, cookies in ((403, {}), (200, delivery.cookies()), (403, {}), (200, delivery.cookies())):
        connection.request("GET", "/jobs/one/model/index.html", headers={"Cookie": header(cookies)})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == expected
    connection.close()


def test_open_is_public_and_sets_cookies(delivery: Delivery):
    answer = delivery.fetch("/open/token")
    assert answer.status == 302
    assert answer.headers["Location"] == "https://elsewhere.example/jobs/one/model/index.html"
    # This address has no TLS, so that no cookie may ask for it.
    assert answer.cookies == ["a=1; Path=/jobs/one; HttpOnly", "b=2; Path=/jobs/one"]
    assert delivery.fetch("/open/revoked").status == 410


def test_missing_object_is_not_found_or_denied(delivery: Delivery):
    assert delivery.fetch("/jobs/one/model/none", delivery.cookies()).status in (403, 404)


def test_bucket_that_does_not_let_the_distribution_read_serves_nothing(delivery: Delivery, kit: CloudKit):
    policy = kit.s3.get_bucket_policy(Bucket=delivery.bucket)["Policy"]
    other = policy.replace(delivery.distribution_id, "EOTHER")
    assert other != policy
    kit.s3.put_bucket_policy(Bucket=delivery.bucket, Policy=other)
    try:
        assert delivery.fetch("/jobs/one/model/index.html", delivery.cookies()).status == 403
    finally:
        kit.s3.put_bucket_policy(Bucket=delivery.bucket, Policy=policy)


def test_closed_edge_is_gone(cloud: EmbeddedCloud):
    with Edge(cloud) as edge:
        netloc = urlsplit(edge.url).netloc
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(netloc, timeout=5).request("GET", "/")


def test_the_headers_policy_of_a_behaviour_is_added_to_its_answers(delivery: Delivery) -> None:
    answer = delivery.fetch("/jobs/one/model/model.sog", delivery.cookies(), Origin=PAGE)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers.get_all("Content-Type") == ["model/sog"]
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert answer.headers["Access-Control-Allow-Credentials"] == "true"
    assert answer.headers["Access-Control-Expose-Headers"] == "ETag"
    other = delivery.fetch("/open/abc", Origin=PAGE)
    assert "X-Content-Type-Options" not in other.headers


def test_pages_of_other_origins_get_no_cors_headers(delivery: Delivery) -> None:
    for origin in ({}, {"Origin": "https://other.example"}):
        answer = delivery.fetch("/jobs/one/model/model.sog", delivery.cookies(), **origin)
        assert answer.status == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers
