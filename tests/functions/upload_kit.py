"""What the tests of uploads share: a person's way through the routes, and what the table and S3 then have."""

import base64
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import httpx
from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import ClientError, EndpointConnectionError

from functions.file_upload.handler import handler
from functions.shared import aws
from tests.functions.conftest import Answer, Call, Cloud

Json = dict[str, Any]


def sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


@dataclass(frozen=True)
class Person:
    """A signed-in person."""

    call: Call
    sub: str

    def post(self, path: str, body: Json, **headers: str) -> Answer:
        return self.call(handler, "POST", path, body, user=self.sub, headers=headers)

    def start(self, name: str = "a.jpg", **fields: Any) -> Json:  # noqa: ANN401 -- fields of the request
        answer = self.post("/start-multipart-upload", {"fileName": name, **fields})
        assert answer.status == 200, answer.body
        return dict(answer.body)

    def urls(self, upload: Json, numbers: list[int], **fields: Any) -> list[Json]:  # noqa: ANN401 -- as above
        answer = self.post("/get-presigned-urls", {**place(upload), "partNumbers": numbers, **fields})
        assert answer.status == 200, answer.body
        return list(answer.body["parts"])

    def parts(self, upload: Json) -> Json:
        answer = self.post("/list-parts", place(upload))
        assert answer.status == 200, answer.body
        return dict(answer.body)

    def complete(self, upload: Json, **fields: Any) -> Answer:  # noqa: ANN401 -- as above
        return self.post("/complete-multipart-upload", {**place(upload), **fields})

    def abort(self, upload: Json) -> Answer:
        return self.post("/abort-multipart-upload", place(upload))

    def whole(self, name: str, data: bytes, **fields: Any) -> Json:  # noqa: ANN401 -- as above
        """Upload a file of one part."""
        upload = self.start(name, size=len(data), **fields)
        put(upload["parts"][0], data)
        answer = self.complete(upload)
        assert answer.status == 200, answer.body
        return upload


def place(upload: Json) -> Json:
    return {key: upload[key] for key in ("uploadId", "bucketName", "objectKey")}


def send(link: Json, data: bytes, **headers: str) -> httpx.Response:
    return httpx.put(
        link["url"], content=data, headers=link["headers"] | headers, timeout=20, trust_env=False
    )


def put(link: Json, data: bytes) -> str:
    answer = send(link, data)
    assert answer.status_code == 200, answer.text
    return answer.headers["ETag"]


def rows(cloud: Cloud, capture: str) -> SimpleNamespace:
    """Read a capture's items as the table has them: its own, and its files' by name."""
    answer = cloud.client("dynamodb").query(
        TableName="uploads",
        KeyConditionExpression="captureId = :capture",
        ExpressionAttributeValues={":capture": {"S": capture}},
        ConsistentRead=True,
    )
    read = TypeDeserializer().deserialize
    items = [{name: read(value) for name, value in item.items()} for item in answer["Items"]]
    own = [item for item in items if item["itemId"] == "capture"]
    files = {item["fileName"]: item for item in items if item["itemId"] != "capture"}
    return SimpleNamespace(capture=own[0] if own else None, files=files)


def change_row(cloud: Cloud, capture: str, item: str, **numbers: int) -> None:
    """Set numbers of an item, as time or DynamoDB would."""
    cloud.client("dynamodb").update_item(
        TableName="uploads",
        Key={"captureId": {"S": capture}, "itemId": {"S": item}},
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in numbers),
        ExpressionAttributeValues={f":{name}": {"N": str(number)} for name, number in numbers.items()},
    )


def uploads_of(cloud: Cloud, person: str) -> set[str]:
    """Give the multipart uploads that S3 holds for a person."""
    listed = cloud.client("s3").list_multipart_uploads(Bucket="test-uploads", Prefix=f"uploads/{person}/")
    return {item["UploadId"] for item in listed.get("Uploads", [])}


@contextmanager
def failing(service: str, operation: str, when: str, *, after: int = 0) -> Iterator[list[str]]:
    """Make one AWS operation fail once.

    Args:
        service: `s3` or `dynamodb`.
        operation: Its name.
        when: `lost`: it happens, and its answer never comes; else the code with which it is refused.
        after: How many of these calls go well before.

    Yields:
        A list that is empty until the fault has happened.
    """
    client: Any = getattr(aws, service)()
    event = f"{'after' if when == 'lost' else 'before'}-call.{service}.{operation}"
    happened: list[str] = []
    seen = 0

    def fail(**_: object) -> None:
        nonlocal seen
        seen += 1
        if seen != after + 1:
            return
        happened.append(event)
        if when == "lost":
            raise EndpointConnectionError(endpoint_url="http://aws")
        response = {"Error": {"Code": when, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        raise ClientError(response, operation)  # type: ignore[arg-type] # all that is read of it

    client.meta.events.register(event, fail)
    try:
        yield happened
    finally:
        client.meta.events.unregister(event, fail)


@contextmanager
def meanwhile(service: str, operation: str, act: Callable[[], object]) -> Iterator[None]:
    """Let something else happen right before one AWS operation, once."""
    client: Any = getattr(aws, service)()
    event = f"before-call.{service}.{operation}"

    def hook(**_: object) -> None:
        client.meta.events.unregister(event, hook)
        act()

    client.meta.events.register(event, hook)
    try:
        yield
    finally:
        client.meta.events.unregister(event, hook)
