"""An example request of every route of the APIs, for the tests that go through all of them.

A route without an example fails `test_every_route_has_an_example`. To add one:

1. Add an entry to `EXAMPLES` under "METHOD /path/{as}/{in}/{the table}", or more, with something in brackets
   behind the path. Its function gets a `World`, makes what the request needs through the world
   (`world.project()`, `world.capture()`, ...; add a method where a new kind of thing comes, and tell the
   world its ids with `world.owns(...)`), and returns the request as the owner sends it.
2. Say what others get (`Others`), and the status of success where it is not 200.
3. Run `pytest tests/functions/test_route_faults.py -k "part of the path"`. It sends the request as the owner,
   as another person, twice at once, with every AWS call of it refused for good, and with every answer to a
   write lost once. Where a failed request may leave something that does no harm, where one succeeds without a
   call, or where a lost answer doubles something, say so in `leaves`, `does_without` or `doubles`, with the
   reason as a comment. They are held to: what is named and does not happen fails, too.
"""

import secrets
import uuid
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any

import httpx
import numpy as np

from functions.shared.clock import now_ms
from functions.shared.failures import Failure
from functions.shared.jobs import JobStore
from functions.shared.stores import Table
from tests.functions.conftest import Answer, Call, Cloud
from tests.functions.terrain_kit import copernicus

Change = tuple[str, str]
"""A place, as in `Snapshot`, and what happened to things there: new, changed or gone."""
ADMINS = "[admins]"
WEBHOOK = "https://hooks.example.com/spaceport"
CENTER = "41.7, -111.8"
TILE = "N41W112"
FLIGHT = {"center": CENTER, "terrain": "flat", "batteries": 1, "N": 6}

# SES has no token that tells a repeated call from a second one.
MAIL_TWICE: Mapping[str, Mapping[Change, int]] = {"ses:SendEmail": {("mails", "new"): 1}}
COUNTED: Mapping[Change, int] = {("limits", "new"): 1}
COUNTED_TWICE: Mapping[Change, int] = {("limits", "new"): 2}
# Nobody knows the first one's id, and the bucket's lifecycle ends it.
UPLOAD_TWICE: Mapping[Change, int] = {("uploads in S3", "new"): 1}
PUT_TOGETHER: Mapping[Change, int] = {("uploads in S3", "gone"): 1, ("test-uploads", "new"): 1}


class Others(Enum):
    """What another signed-in person gets who sends the owner's request."""

    NOT_FOUND = "404: the ids in it are the owner's"
    NOTHING = "success, without anything of the owner's: it names nobody's things"
    NO_WEBHOOK = "409: it is about the sender's own webhook"
    FORBIDDEN = "403: it is for administrators"


@dataclass(frozen=True)
class Request:
    """A request as the owner sends it.

    Attributes:
        parameters: Values of the path's parameters.
        body: The body, None for none.
        query: The query.
        user: The sender, None for nobody.
        groups: The sender's groups, as the gateway passes them on.
        source_ip: Where it comes from.
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    query: Mapping[str, str] | None = None
    groups: str = "[pilots]"
    source_ip: str = "127.0.0.1"


@dataclass(frozen=True)
class Example:
    """A route's example.

    Attributes:
        request: Makes what the request needs, and the request.
        others: What another person gets.
        status: Of success.
        leaves: By the call that was refused for good, how many things a failed request leaves. A call is
            `service:Operation`, the second one of the request `service:Operation 2`.
        does_without: Calls that may fail without the request failing.
        doubles: By the call whose answer was lost, how many things too many it makes.
        repeats: Whether the same request again makes a second thing: nothing in it says that it is the same.
    """

    request: "Callable[[World], Request]"
    others: Others
    status: int = 200
    leaves: Mapping[str, Mapping[Change, int]] = field(default_factory=dict)
    does_without: AbstractSet[str] = frozenset()
    doubles: Mapping[str, Mapping[Change, int]] = field(default_factory=dict)
    repeats: bool = False


class World:
    """A new person, and what this person owns.

    Attributes:
        owner: The person's id.
        ids: The ids of everything the person owns: nobody else may ever see one.
    """

    def __init__(self, call: Call, cloud: Cloud) -> None:
        self.owner = str(uuid.uuid4())
        self.ids = {self.owner}
        self.cloud = cloud
        self._call = call

    def owns(self, *ids: str) -> None:
        """Keep ids that belong to the owner."""
        self.ids |= set(ids)

    def made(self, function: str, method: str, path: str, body: Mapping[str, Any]) -> Answer:
        """Send one of the requests that make things; it must succeed."""
        handler = import_module(f"functions.{function}.handler").handler
        answer = self._call(handler, method, path, dict(body), user=self.owner)
        assert answer.status == 200, answer.body
        return answer

    def project(self) -> str:
        """Make a project; its id."""
        made = self.made("projects", "POST", "/projects", {"title": f"Project of {self.owner}"})
        self.owns(made.body["project"]["projectId"])
        return str(made.body["project"]["projectId"])

    def export(self) -> str:
        """Have a project exported; the project's id."""
        project = self.project()
        exported = self.made("projects", "POST", f"/projects/{project}/export", {}).body["export"]
        self.owns(exported["exportId"])
        return project

    def upload(self) -> dict[str, Any]:
        """Start the upload of a file with its one part; what complete, abort and the like take."""
        started = self.made("file_upload", "POST", "/start-multipart-upload", {"fileName": "a.jpg"}).body
        self.owns(started["captureId"], started["objectKey"], started["uploadId"])
        place = {name: started[name] for name in ("uploadId", "bucketName", "objectKey")}
        part = self.made("file_upload", "POST", "/get-presigned-url", {**place, "partNumber": 1}).body
        sent = httpx.put(part["url"], content=b"photo", trust_env=False).raise_for_status()
        parts = [{"ETag": sent.headers["ETag"], "PartNumber": 1}]
        return {**place, "captureId": started["captureId"], "parts": parts}

    def capture(self) -> dict[str, Any]:
        """Upload a capture of one photo; `captureId` and `s3Url`."""
        done = self.made("file_upload", "POST", "/complete-multipart-upload", self.upload()).body
        return {"captureId": done["captureId"], "s3Url": done["s3Url"]}

    def job(self) -> str:
        """Start a job; its id."""
        started = self.made("ml_jobs", "POST", "/start-job", {"s3Url": self.capture()["s3Url"]}).body
        self.owns(started["jobId"], started["executionArn"])
        return str(started["jobId"])

    def plan(self) -> str:
        """Save a plan; its id."""
        plan_id = self.made("drone_path", "POST", "/api/plan", {**FLIGHT, "save": True}).body["id"]
        self.owns(plan_id)
        return str(plan_id)

    def terrain(self) -> None:
        """Keep the ground of the centre's degree in the bucket."""
        key = f"terrain/copernicus/{TILE}.tif"
        self.cloud.client("s3").put_object(Bucket="test-ml", Key=key, Body=_tile())

    def link(self) -> str:
        """Publish a model; the token of its link."""
        job_id = self.model()
        link = self.made("ml_jobs", "POST", f"/jobs/{job_id}/links", {}).body
        self.owns(link["linkId"])
        return str(link["linkId"])

    def ended_job(self) -> str:
        """Start a job that fails; its id."""
        job_id = self.job()
        JobStore(Table("jobs")).ended(job_id, 1, "FAILED", 5, None)
        return job_id

    def failed_job(self) -> str:
        """Start a job that fails at its beginning; its id."""
        job_id, jobs = self.job(), JobStore(Table("jobs"))
        assert jobs.ended(job_id, 1, "FAILED", now_ms(), Failure("It failed.", "Start it again."))
        return job_id

    def model(self) -> str:
        """Start a job and publish its model; the job's id."""
        job_id = self.job()
        JobStore(Table("jobs")).published(job_id, "https://view.example.org/open/x", {}, 5)
        return job_id


@cache
def _tile() -> bytes:
    return copernicus(41, -112, lambda latitudes, _: np.full(latitudes.shape, 1500.0))


def _network() -> str:
    return "10." + ".".join(str(secrets.randbelow(256)) for _ in range(3))


def _elevation(world: World) -> Request:
    world.terrain()
    return Request(body={"center": CENTER})


def _flight(world: World) -> Request:
    world.terrain()
    return Request(body={**FLIGHT, "terrain": "elevation"})


def _battery(world: World) -> Request:
    world.terrain()
    return Request({"id": "1"}, {**FLIGHT, "terrain": "elevation"})


def _with_a_capture(world: World) -> Request:
    world.capture()
    return Request()


def _with_a_project(world: World) -> Request:
    world.project()
    return Request()


def _with_a_plan(world: World) -> Request:
    world.plan()
    return Request()


def _with_a_job(world: World) -> Request:
    world.job()
    return Request()


def _with_a_webhook(world: World) -> Request:
    world.made("user_settings", "PUT", "/settings", {"webhook": {"url": WEBHOOK}})
    return Request()


def _own_link(world: World) -> Request:
    link = world.made("ml_jobs", "POST", f"/jobs/{(job_id := world.model())}/links", {}).body["linkId"]
    world.owns(link)
    return Request({"jobId": job_id, "linkId": link})


EXAMPLES: Mapping[str, Example] = {
    "POST /start-multipart-upload (new capture)": Example(
        lambda _: Request(body={"fileName": "a.jpg"}),
        Others.NOTHING,
        doubles={"s3:CreateMultipartUpload": UPLOAD_TWICE},
        repeats=True,
    ),
    "POST /start-multipart-upload": Example(
        lambda world: Request(body={"fileName": "b.jpg", "captureId": world.upload()["captureId"]}),
        Others.NOT_FOUND,
        doubles={"s3:CreateMultipartUpload": UPLOAD_TWICE},
        repeats=True,
    ),
    "POST /get-presigned-url": Example(
        lambda world: Request(body={**world.upload(), "partNumber": 1}), Others.NOT_FOUND
    ),
    "POST /get-presigned-urls": Example(
        lambda world: Request(body={**world.upload(), "partNumbers": [1, 2]}), Others.NOT_FOUND
    ),
    "POST /list-parts": Example(lambda world: Request(body=world.upload()), Others.NOT_FOUND),
    "POST /complete-multipart-upload": Example(
        lambda world: Request(body=world.upload()),
        Others.NOT_FOUND,
        # The capture counts the file's bytes; the file is whole, and the next request notes it.
        leaves={
            "s3:CompleteMultipartUpload": {("uploads", "changed"): 1},
            "dynamodb:UpdateItem 2": {("uploads", "changed"): 1, **PUT_TOGETHER},
            "dynamodb:UpdateItem 3": {("uploads", "changed"): 1, **PUT_TOGETHER},
        },
    ),
    "POST /abort-multipart-upload": Example(
        lambda world: Request(body=world.upload()),
        Others.NOT_FOUND,
        # It goes step by step, and the next request goes on; the capture may count a file too many.
        leaves={
            "s3:HeadObject": {("uploads in S3", "gone"): 1},
            "dynamodb:DeleteItem": {("uploads in S3", "gone"): 1},
            "dynamodb:UpdateItem": {("uploads in S3", "gone"): 1, ("uploads", "gone"): 1},
        },
    ),
    "GET /captures/{captureId}": Example(
        lambda world: Request({"captureId": world.capture()["captureId"]}), Others.NOT_FOUND
    ),
    "GET /captures": Example(_with_a_capture, Others.NOTHING),
    "DELETE /captures/{captureId}": Example(
        lambda world: Request({"captureId": world.capture()["captureId"]}), Others.NOT_FOUND
    ),
    "POST /captures/{captureId}/check": Example(
        lambda world: Request({"captureId": world.capture()["captureId"]}),
        Others.NOT_FOUND,
        # The check has begun, and the next request tells so.
        leaves={call: {("uploads", "changed"): 1} for call in ("dynamodb:GetItem 2", "dynamodb:Query 2")},
    ),
    "GET /projects": Example(_with_a_project, Others.NOTHING),
    "POST /projects": Example(
        lambda _: Request(body={"projectId": str(uuid.uuid4()), "title": "New"}), Others.NOTHING
    ),
    "GET /projects/{id}": Example(lambda world: Request({"id": world.project()}), Others.NOT_FOUND),
    "PUT /projects/{id}": Example(
        lambda world: Request({"id": world.project()}, {"title": "Changed", "version": 1}), Others.NOT_FOUND
    ),
    "PATCH /projects/{id}": Example(
        lambda world: Request({"id": world.project()}, {"title": "Changed", "version": 1}), Others.NOT_FOUND
    ),
    "DELETE /projects/{id}": Example(lambda world: Request({"id": world.project()}), Others.NOT_FOUND),
    "POST /projects/{id}/export": Example(lambda world: Request({"id": world.project()}), Others.NOT_FOUND),
    "GET /projects/{id}/export": Example(lambda world: Request({"id": world.export()}), Others.NOT_FOUND),
    "POST /api/optimize-spiral": Example(_flight, Others.NOTHING),
    "POST /api/elevation": Example(_elevation, Others.NOTHING),
    "POST /api/csv": Example(_flight, Others.NOTHING),
    "POST /api/csv/battery/{id}": Example(_battery, Others.NOTHING),
    "POST /api/kmz": Example(_flight, Others.NOTHING),
    "POST /api/plan": Example(
        lambda world: Request(body={**FLIGHT, "projectId": world.project()}), Others.NOT_FOUND, repeats=True
    ),
    "POST /api/preview": Example(_flight, Others.NOTHING),
    "GET /api/plans": Example(_with_a_plan, Others.NOTHING),
    "GET /api/plans/{planId}": Example(lambda world: Request({"planId": world.plan()}), Others.NOT_FOUND),
    "GET /api/plans/{planId}/csv": Example(lambda world: Request({"planId": world.plan()}), Others.NOT_FOUND),
    "GET /api/plans/{planId}/csv/battery/{batteryId}": Example(
        lambda world: Request({"planId": world.plan(), "batteryId": "1"}), Others.NOT_FOUND
    ),
    "GET /api/plans/{planId}/kmz": Example(lambda world: Request({"planId": world.plan()}), Others.NOT_FOUND),
    "POST /start-job": Example(
        lambda world: Request(body={**world.capture(), "projectId": world.project()}),
        Others.NOT_FOUND,
        # Rows that count nothing any more, unless that could not be taken back. What nobody could record is
        # ended at once: no row tells of it.
        leaves={
            "dynamodb:UpdateItem 2": COUNTED,
            "s3:PutObject": COUNTED_TWICE,
            "states:StartExecution": COUNTED_TWICE,
            "dynamodb:UpdateItem 3": {**COUNTED_TWICE, ("executions ABORTED", "new"): 1},
        },
        # Its answer was not kept: that it is there is told all the same.
        does_without={"dynamodb:UpdateItem 4"},
    ),
    "POST /stop-job": Example(
        lambda world: Request(body={"jobId": world.job()}),
        Others.NOT_FOUND,
        # The job says that it is being stopped, and the next request stops it.
        leaves={"states:StopExecution": {("jobs", "changed"): 1}},
    ),
    "GET /jobs": Example(_with_a_job, Others.NOTHING),
    "GET /jobs/{jobId}": Example(lambda world: Request({"jobId": world.job()}), Others.NOT_FOUND),
    "DELETE /jobs/{jobId}": Example(lambda world: Request({"jobId": world.ended_job()}), Others.NOT_FOUND),
    "GET /api/ml-pipeline/status/{jobId}": Example(
        lambda world: Request({"jobId": world.job()}), Others.NOT_FOUND
    ),
    "POST /estimate": Example(
        lambda world: Request(body={"s3Url": world.capture()["s3Url"]}), Others.NOT_FOUND
    ),
    "POST /jobs/{jobId}/retry": Example(
        lambda world: Request({"jobId": world.failed_job()}, {}),
        Others.NOT_FOUND,
        # Where the job's row could not be taken back, the next request goes on with the attempt. It counts no
        # more as one that runs, which it did not.
        leaves={
            "dynamodb:UpdateItem 2": {("jobs", "changed"): 1},
            "dynamodb:UpdateItem 3": {("jobs", "changed"): 1},
            "states:StartExecution": {("limits", "changed"): 1},
            "dynamodb:UpdateItem 4": {
                ("jobs", "changed"): 1,
                ("limits", "changed"): 1,
                ("executions ABORTED", "new"): 1,
            },
        },
    ),
    "GET /jobs/{jobId}/logs": Example(lambda world: Request({"jobId": world.job()}), Others.NOT_FOUND),
    "GET /jobs/{jobId}/artifacts": Example(lambda world: Request({"jobId": world.model()}), Others.NOT_FOUND),
    "GET /jobs/{jobId}/links": Example(lambda world: Request({"jobId": world.model()}), Others.NOT_FOUND),
    "POST /jobs/{jobId}/links": Example(
        lambda world: Request({"jobId": world.model()}, {}), Others.NOT_FOUND, repeats=True
    ),
    "DELETE /jobs/{jobId}/links/{linkId}": Example(_own_link, Others.NOT_FOUND),
    "GET /openapi/{api}": Example(lambda _: Request({"api": "ml-api"}), Others.NOTHING),
    "GET /settings": Example(_with_a_webhook, Others.NOTHING),
    "PUT /settings": Example(
        lambda _: Request(body={"webhook": {"url": WEBHOOK}, "version": 0}), Others.NOTHING
    ),
    "POST /settings/webhook/test": Example(
        _with_a_webhook,
        Others.NO_WEBHOOK,
        # The test is counted.
        leaves={"sqs:SendMessage": {("limits", "new"): 1}},
        # The queue may deliver twice anyway, and receivers know an event by its id.
        doubles={"sqs:SendMessage": {("messages", "new"): 1}},
        repeats=True,
    ),
    "GET /open/{token}": Example(lambda world: Request({"token": world.link()}), Others.NOTHING, status=302),
    "POST /invite": Example(
        lambda world: Request(body={"email": f"{world.owner}@example.net"}, groups=ADMINS),
        Others.FORBIDDEN,
        # The request and the mail are counted. The answer says that the account is there and how to have the
        # invitation sent.
        leaves={
            "cognito-idp:AdminGetUser": COUNTED,
            "dynamodb:UpdateItem 2": COUNTED,
            "cognito-idp:AdminCreateUser": COUNTED_TWICE,
            "cognito-idp:AdminGetUser 2": COUNTED,
            "ses:SendEmail": {**COUNTED_TWICE, ("people", "new"): 1},
            "cognito-idp:AdminAddUserToGroup": {
                **COUNTED_TWICE,
                ("people", "new"): 1,
                ("mails", "new"): 1,
            },
        },
        doubles=MAIL_TWICE,
    ),
    "POST /waitlist": Example(
        lambda world: Request(
            body={"name": "Ada", "email": f"{world.owner}@example.net"}, source_ip=_network()
        ),
        Others.NOTHING,
        # The request is counted. What a person sent is kept whether or not mails can be sent and counted: one
        # to the person, one to the staff.
        leaves={
            "dynamodb:PutItem": {("limits", "new"): 1},
            "dynamodb:UpdateItem 2": {("limits", "new"): 1, ("waitlist", "new"): 1},
        },
        does_without={
            "dynamodb:UpdateItem 3",
            "dynamodb:UpdateItem 4",
            "ses:SendEmail",
            "dynamodb:UpdateItem 5",
            "ses:SendEmail 2",
        },
        doubles={**MAIL_TWICE, "ses:SendEmail 2": {("mails", "new"): 1}},
    ),
    "POST /feedback": Example(
        lambda world: Request(body={"message": f"Nice, says {world.owner}"}, source_ip=_network()),
        Others.NOTHING,
        # As on the waitlist.
        leaves={"dynamodb:PutItem": {("limits", "new"): 1}},
        does_without={"dynamodb:UpdateItem 2", "ses:SendEmail"},
        doubles=MAIL_TWICE,
    ),
}
