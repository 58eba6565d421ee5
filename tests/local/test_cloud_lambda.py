import http.client
import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.local.cloud_kit import RUNTIME, CloudKit, allow, until

pytestmark = pytest.mark.cloud

COUNTING = """
calls = []
class CaptureTooSmall(Exception):
    pass
def handler(event, context):
    calls.append(1)
    print("call", len(calls))
    if event.get("fail"):
        raise CaptureTooSmall("only 2 photos")
    return {"calls": len(calls)}
"""


def test_error_has_its_class_and_the_environment_stays_warm(kit: CloudKit):
    function = kit.function(COUNTING)
    assert kit.invoke(function)["payload"] == {"calls": 1}
    failed = kit.invoke(function, {"fail": True})
    assert failed["error"] == "Unhandled"
    assert failed["payload"]["errorType"] == "CaptureTooSmall"
    assert failed["payload"]["errorMessage"] == "only 2 photos"
    assert any("raise CaptureTooSmall" in line for line in failed["payload"]["stackTrace"])
    assert kit.invoke(function)["payload"] == {"calls": 3}
    name = function.rpartition(":")[2]
    lines = until(lambda: kit.log_lines(f"/aws/lambda/{name}"), "log")
    assert {line for line in lines if line.startswith("call")} == {"call 1", "call 2", "call 3"}
    text = "\n".join(lines)
    assert "[ERROR] CaptureTooSmall: only 2 photos" in text


def test_function_acts_with_its_role(kit: CloudKit):
    bucket = kit.bucket({"key": "value"})
    code = f"""
import boto3
def handler(event, context):
    return boto3.client("s3").get_object(Bucket={bucket!r}, Key="key")["Body"].read().decode()
"""
    reader = kit.role("lambda", allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"))
    allowed = kit.function(code, reader, Timeout=20)
    denied = kit.function(code, kit.role("lambda"), Timeout=20)
    assert kit.invoke(allowed)["payload"] == "value"
    failed = kit.invoke(denied)
    assert "AccessDenied" in failed["payload"]["errorMessage"]


def test_other_runtime_is_refused_by_name(kit: CloudKit):
    other = "python3.13" if RUNTIME != "python3.13" else "python3.12"
    failed = kit.invoke(kit.function(COUNTING, Runtime=other))
    assert failed["error"]
    assert f"functionRuntime to {RUNTIME}" in failed["payload"]["errorMessage"]


@pytest.fixture(scope="module")
def api(kit: CloudKit) -> tuple[str, str]:
    """A REST API with GET /open/{token} on a function; its id and the function's ARN."""
    function = kit.function(
        "import json\ndef handler(event, context):\n"
        "    return {'statusCode': 200, 'body': json.dumps(event['pathParameters'])}\n"
    )
    gateway = kit.cloud.client("apigateway")
    api_id = gateway.create_rest_api(name=kit.name("api"))["id"]
    (root,) = (item["id"] for item in gateway.get_resources(restApiId=api_id)["items"])
    resource = root
    for part in ("open", "{token}"):
        resource = gateway.create_resource(restApiId=api_id, parentId=resource, pathPart=part)["id"]
    where = {"restApiId": api_id, "resourceId": resource, "httpMethod": "GET"}
    gateway.put_method(**where, authorizationType="NONE")
    uri = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    gateway.put_integration(**where, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri)
    gateway.create_deployment(restApiId=api_id, stageName="v1")
    return api_id, function


def fetch(kit: CloudKit, api_id: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", kit.cloud.port, timeout=20)
    connection.request("GET", f"/_aws/execute-api/{api_id}/v1/open/abc")
    answer = connection.getresponse()
    body = json.load(answer)
    connection.close()
    assert body == ({"token": "abc"} if answer.status == 200 else {"message": "Internal server error"})
    return answer.status


@pytest.mark.parametrize(
    ("source", "status"),
    [("*/GET/open/*", 200), ("*/*", 200), ("v1/POST/open/*", 500), ("other/*", 500), (None, 500)],
)
def test_api_needs_the_permission_to_invoke(
    kit: CloudKit, api: tuple[str, str], source: str | None, status: int
):
    api_id, function = api
    if source is not None:
        kit.lambdas.add_permission(
            FunctionName=function,
            StatementId="api",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=f"arn:aws:execute-api:us-east-1:{kit.cloud.account}:{api_id}/{source}",
        )
    try:
        assert fetch(kit, api_id) == status
    finally:
        if source is not None:
            kit.lambdas.remove_permission(FunctionName=function, StatementId="api")


@pytest.mark.parametrize("qualifier", ["live", None])
def test_an_alias_needs_a_permission_of_its_own(kit: CloudKit, qualifier: str | None):
    bucket = kit.bucket()
    code = f"""
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket={bucket!r}, Key="seen", Body=b"")
"""
    writer = kit.role("lambda", allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    function = kit.function(code, writer, Timeout=20, Publish=True)
    alias = kit.lambdas.create_alias(FunctionName=function, Name="live", FunctionVersion="1")["AliasArn"]
    source = kit.name("source")
    rule = kit.rule({"source": [source]}, alias)
    kit.lambdas.add_permission(
        FunctionName=function,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
        **({"Qualifier": qualifier} if qualifier else {}),
    )
    kit.events.put_events(Entries=[{"Source": source, "DetailType": "test", "Detail": "{}"}])
    if qualifier:
        until(lambda: kit.keys(bucket), "the event at the alias")
    else:
        time.sleep(2)
        assert not kit.keys(bucket)


def test_rule_needs_the_permission_to_invoke(kit: CloudKit):
    bucket = kit.bucket()
    code = f"""
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket={bucket!r}, Key=event["detail"]["key"], Body=b"seen")
"""
    writer = kit.role("lambda", allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*"))
    function = kit.function(code, writer, Timeout=20)
    source = kit.name("source")
    rule = kit.rule({"source": [source]}, function)

    def put(key: str) -> None:
        entry = {"Source": source, "DetailType": "test", "Detail": json.dumps({"key": key})}
        kit.events.put_events(Entries=[entry])

    put("before")
    kit.lambdas.add_permission(
        FunctionName=function,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    put("after")
    until(lambda: kit.read(bucket, "after"), "the event at the function")
    assert kit.keys(bucket) == {"after"}


TAKING = """
def handler(event, context):
    print("took", *(record["body"] for record in event["Records"]))
    bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": name} for name in bad]}
"""
QUEUE_ACTIONS = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]


def map_queue(kit: CloudKit, arn: str, *actions: str, timeout: int = 3) -> str:
    """Map a queue to a new function whose role may do some things with it; return the function's ARN."""
    role = kit.role("lambda", allow("logs:*", "*"), *([allow(actions, arn)] if actions else []))
    function = kit.function(TAKING, role, Timeout=timeout)
    kit.lambdas.create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName=function,
        BatchSize=1,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    return function


def test_a_queue_is_worked_off_and_what_failed_stays(kit: CloudKit):
    url, arn = kit.queue()
    function = map_queue(kit, arn, *QUEUE_ACTIONS)
    for body in ("good", "bad"):
        kit.sqs.send_message(QueueUrl=url, MessageBody=body)

    def left() -> tuple[int, int]:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = kit.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return int(told[names[0]]), int(told[names[1]])

    until(lambda: left() == (0, 1), "the good one's end")
    name = function.rpartition(":")[2]
    until(lambda: {"took good", "took bad"} <= set(kit.log_lines(f"/aws/lambda/{name}")), "both messages")


@pytest.mark.parametrize("missing", QUEUE_ACTIONS)
def test_a_queue_needs_a_role_that_takes_its_messages(kit: CloudKit, missing: str):
    _, arn = kit.queue()
    with pytest.raises(ClientError, match=rf"permissions to call {missing.removeprefix('sqs:')} on SQS"):
        map_queue(kit, arn, *(action for action in QUEUE_ACTIONS if action != missing))


def test_a_queue_must_not_give_a_message_twice_while_it_is_worked_on(kit: CloudKit):
    _, arn = kit.queue()
    with pytest.raises(ClientError, match="30 seconds is less than Function timeout: 31 seconds"):
        map_queue(kit, arn, *QUEUE_ACTIONS, timeout=31)
