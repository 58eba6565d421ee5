"""Every route of the table: its owner, other people, large bodies, AWS refusing calls and losing answers."""

import json
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import _lru_cache_wrapper
from types import SimpleNamespace
from typing import Any

import boto3
import botocore.endpoint
import pytest

from functions.api_docs import handler as api_docs
from functions.delivery import signing
from functions.drone_path import handler as drone_path
from functions.shared import aws
from functions.shared.jobs import ENDED
from functions.shared.request_body import MAX_BODY_CHARACTERS
from functions.waitlist import handler as waitlist
from tests.functions.conftest import KEYS, Answer, Call, Cloud
from tests.functions.route_examples import EXAMPLES, Change, Others, Request, World
from tests.functions.test_routes import TABLE, handler_module

pytestmark = [pytest.mark.cloud]

GATEWAY_SECONDS = 29
ERROR_SHAPE = {"error", "code", "requestId"}
READS = ("Get", "List", "Describe", "Head", "Query", "Scan", "AdminGet", "AdminList")
INTERNALS = re.compile(r"Exception|Traceback|botocore|dynamodb|SlowDown|Throttl|arn:aws", re.IGNORECASE)
# One handler answers an address of several APIs: it is tried once.
ROUTE_OF = {f"{route.method} {route.path}": route for route in TABLE}
CASES = {name: ROUTE_OF[name.partition(" (")[0]] for name in EXAMPLES}
OF_A_PERSON = [name for name, route in CASES.items() if not route.public]
WITH_A_BODY = [name for name, route in CASES.items() if route.method in ("POST", "PUT", "PATCH")]
ONCE = [name for name in CASES if not EXAMPLES[name].repeats]

REFUSALS = {
    Others.NOT_FOUND: (404, "NOT_FOUND"),
    Others.NO_WEBHOOK: (409, "NO_WEBHOOK"),
    Others.FORBIDDEN: (403, "FORBIDDEN"),
}

Place = dict[str, Any]
Snapshot = dict[str, Place]


def every(names: Iterable[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names)


@dataclass
class Calls:
    """What the functions' clients did.

    Attributes:
        made: Calls in order, as `service:Operation`.
        slept: Seconds that botocore would have waited between attempts.
    """

    made: list[str]
    slept: list[float]


MARKS = {"countedAt", "expiresAt", "lastChange"}
"""Attributes that say when something was touched: what is taken back keeps them."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """Watch the functions' clients, made new so that no earlier test has used up their retries."""
    seen = Calls([], [])
    make: Callable[..., Any] = boto3.client

    def watched(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 -- as boto3
        client = make(*arguments, **options)
        client.meta.events.register("before-call", note)
        return client

    def note(model: Any, **_: object) -> None:  # noqa: ANN401 -- botocore's
        seen.made.append(f"{model.service_model.signing_name}:{model.name}")

    monkeypatch.setattr(boto3, "client", watched)
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=seen.slept.append))
    monkeypatch.setattr(waitlist, "ANSWER_SECONDS", 0.0)
    # In place of the documents that a deployment makes.
    monkeypatch.setattr(api_docs, "document", lambda api, _address: {"openapi": "3.1.0", "of": api})
    _forget()
    yield seen
    _forget()


def _forget() -> None:
    """Empty what a process keeps between requests."""
    for made in vars(aws).values():
        if isinstance(made, _lru_cache_wrapper):
            made.cache_clear()


class Trial:
    """One route's example, made anew for every request.

    Attributes:
        route: The route.
        example: The example.
    """

    def __init__(self, name: str, cloud: Cloud, call: Call, calls: Calls) -> None:
        self.route = CASES[name]
        self.example = EXAMPLES[name]
        self.calls = calls
        self._cloud = cloud
        self._call = call

    def prepare(self) -> tuple[World, Request]:
        """Make a new owner with what the request needs."""
        world = World(self._call, self._cloud)
        request = self.example.request(world)
        signing.signer.cache_clear()
        drone_path._grounds.cache_clear()
        self.calls.made.clear()
        self.calls.slept.clear()
        return world, request

    def send(self, request: Request, user: str | None, body: object = None) -> Answer:
        """Send a request as somebody; `body` instead of its own."""
        path = re.sub(r"{(\w+)}", lambda found: request.parameters[found[1]], self.route.path)
        return self._call(
            handler_module(self.route.function).handler,
            self.route.method,
            path,
            body or (None if request.body is None else dict(request.body)),
            user=None if self.route.public else user,
            query=dict(request.query) if request.query else None,
            groups=request.groups,
            source_ip=request.source_ip,
        )

    def faults(self, *faults: Mapping[str, object]) -> None:
        """Plan these faults and no others."""
        self._cloud.embedded.plan_faults(*faults)

    @contextmanager
    def fault(self, kind: str, call: str) -> Iterator[None]:
        """Let a fault happen to a call, as `needed` names it."""
        service, action, nth = re.fullmatch(r"([\w-]+):(\w+) ?(\d*)", call).groups()
        self.faults({"fault": kind, "service": service, "action": action, "after": int(nth or 1) - 1})
        yield
        self.faults()

    def must_be_busy(self, answer: Answer) -> None:
        """Check that an answer asks to try again, in the one shape, and tells nothing of the inside."""
        assert answer.status == 503, answer.body
        assert int(answer.header("Retry-After") or 0) > 0, answer.headers
        assert not INTERNALS.search(json.dumps(answer.body)), answer.body
        if self.route.function != "delivery":
            assert set(answer.body) == ERROR_SHAPE

    def needed(self) -> list[str]:
        """Give the calls that the request needs, in order; the second of one kind has a 2 behind it."""
        world, request = self.prepare()
        answer = self.send(request, world.owner)
        assert answer.status == self.example.status, answer.body
        counted: Counter[str] = Counter()
        named = []
        for call in self.calls.made:
            counted[call] += 1
            named.append(call if counted[call] == 1 else f"{call} {counted[call]}")
        return named

    def snapshot(self, calls: Iterable[str]) -> Snapshot:
        """Give all that there is in the services that calls write to, by place and id."""
        writing = {call.split(":")[0] for call in calls if writes(call)}
        places: Snapshot = {}
        for service in writing:
            places |= _LOOKS[service](self._cloud)
        return places


def writes(call: str) -> bool:
    """Tell whether a call changes anything."""
    return not call.split(":")[1].startswith(READS)


@pytest.fixture
def trial(name: str, cloud: Cloud, call: Call, calls: Calls) -> Iterator[Trial]:
    made = Trial(name, cloud, call, calls)
    yield made
    made.faults()


def _tables(cloud: Cloud) -> Snapshot:
    scan = cloud.client("dynamodb").get_paginator("scan")
    places = {}
    for table, keys in KEYS.items():
        rows = [row for page in scan.paginate(TableName=table) for row in page["Items"]]
        places[table] = {
            json.dumps([row[key] for key in keys]): {k: v for k, v in row.items() if k not in MARKS}
            for row in rows
        }
    return places


def _buckets(cloud: Cloud) -> Snapshot:
    client = cloud.client("s3")
    places: Snapshot = {"uploads in S3": {}}
    for bucket in ("test-uploads", "test-ml"):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        places[bucket] = {found["Key"]: found["ETag"] for page in pages for found in page.get("Contents", [])}
        for upload in client.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            places["uploads in S3"][upload["UploadId"]] = 1
    return places


def _executions(cloud: Cloud) -> Snapshot:
    client = cloud.client("stepfunctions")
    pages = client.get_paginator("list_executions").paginate(
        stateMachineArn=cloud.environment["STATE_MACHINE_ARN"]
    )
    places: Snapshot = {f"executions {status}": {} for status in ("RUNNING", *ENDED)}
    for page in pages:
        for found in page["executions"]:
            places[f"executions {found['status']}"][found["executionArn"]] = 1
    return places


def _people(cloud: Cloud) -> Snapshot:
    client, pool = cloud.client("cognito-idp"), cloud.environment["USER_POOL_ID"]
    invited = client.list_users_in_group(UserPoolId=pool, GroupName=cloud.environment["INVITED_GROUP"])
    members = {user["Username"] for user in invited["Users"]}
    users = client.list_users(UserPoolId=pool)["Users"]
    return {"people": {user["Username"]: (user["UserStatus"], user["Username"] in members) for user in users}}


def _mails(cloud: Cloud) -> Snapshot:
    return {"mails": {mail["MessageId"]: 1 for mail in cloud.embedded.mail()}}


def _messages(cloud: Cloud) -> Snapshot:
    number = "ApproximateNumberOfMessages"
    told = cloud.client("sqs").get_queue_attributes(
        QueueUrl=cloud.environment["WEBHOOK_QUEUE_URL"], AttributeNames=[number]
    )
    return {"messages": dict.fromkeys(map(str, range(int(told["Attributes"][number]))), 1)}


def _events(_cloud: Cloud) -> Snapshot:
    """Of an event that a function was sent, nothing is to be seen."""
    return {}


_LOOKS: Mapping[str, Callable[[Cloud], Snapshot]] = {
    "dynamodb": _tables,
    "s3": _buckets,
    "states": _executions,
    "cognito-idp": _people,
    "ses": _mails,
    "sqs": _messages,
    "lambda": _events,
}


def changes(before: Snapshot, after: Snapshot) -> Counter[Change]:
    """Count what is new, changed and gone."""
    found: Counter[Change] = Counter()
    for place, things in after.items():
        earlier = before[place]
        found[place, "new"] = len(things.keys() - earlier.keys())
        found[place, "gone"] = len(earlier.keys() - things.keys())
        found[place, "changed"] = sum(things[one] != earlier[one] for one in things.keys() & earlier.keys())
    return +found


def test_every_route_has_an_example() -> None:
    assert {name.partition(" (")[0] for name in EXAMPLES} == set(ROUTE_OF)


@every(CASES)
def test_the_owner_is_served(trial: Trial) -> None:
    assert trial.needed() or trial.route.function in ("api_docs", "drone_path"), "it does nothing"


@every(OF_A_PERSON)
def test_another_person_gets_nothing_of_it(trial: Trial) -> None:
    calls = trial.needed()
    world, request = trial.prepare()
    before = trial.snapshot(calls)
    if trial.example.others is Others.FORBIDDEN:
        request = replace(request, groups="[pilots]")
    answer = trial.send(request, str(uuid.uuid4()))
    told = json.dumps(answer.body) + json.dumps(answer.headers)
    assert not [one for one in world.ids if one in told]
    asked = json.dumps([dict(request.parameters), request.body, request.query])
    named = [one for one in world.ids if one in asked]
    if trial.example.others is Others.NOTHING:
        assert not named, "others may not send what names the owner's things"
        assert answer.status == trial.example.status
        return
    assert changes(before, trial.snapshot(calls)) == {}
    assert set(answer.body) == ERROR_SHAPE
    assert named or trial.example.others is not Others.NOT_FOUND, "it names nothing of the owner's"
    assert (answer.status, answer.body["code"]) == REFUSALS[trial.example.others]


@every(WITH_A_BODY)
def test_a_body_too_large_is_refused(trial: Trial) -> None:
    world, request = trial.prepare()
    if request.body is None:
        # Its function reads none.
        return
    large = json.dumps({**request.body, "more": "x" * MAX_BODY_CHARACTERS})
    answer = trial.send(request, world.owner, large)
    assert (answer.status, answer.body["code"]) == (413, "BODY_TOO_LARGE")
    assert set(answer.body) == ERROR_SHAPE


@every(CASES)
def test_a_call_refused_for_good_is_a_503_and_leaves_nothing(trial: Trial) -> None:
    calls = trial.needed()
    left, done_without = {}, set()
    for call in calls:
        world, request = trial.prepare()
        before = trial.snapshot(calls)
        with trial.fault("api-error", call):
            answer = trial.send(request, world.owner)
        # Between attempts botocore waits up to 1, then up to 2 seconds.
        assert 1.5 * len(trial.calls.slept) < GATEWAY_SECONDS / 2, call
        if answer.status == trial.example.status:
            done_without.add(call)
            continue
        trial.must_be_busy(answer)
        if changed := changes(before, trial.snapshot(calls)):
            left[call] = changed
        again = trial.send(request, world.owner)
        assert again.status == trial.example.status, (call, again.body)
    assert done_without == trial.example.does_without
    assert left == trial.example.leaves


def done_by_one(trial: Trial, calls: Iterable[str]) -> Counter[Change]:
    """Send one request; give what it changes."""
    world, request = trial.prepare()
    before = trial.snapshot(calls)
    assert trial.send(request, world.owner).status == trial.example.status
    return changes(before, trial.snapshot(calls))


@every(CASES)
def test_a_lost_answer_makes_nothing_twice_and_loses_nothing(trial: Trial) -> None:
    calls = trial.needed()
    done = done_by_one(trial, calls)
    assert bool(done) == any(map(writes, calls))
    doubled = {}
    for call in filter(writes, calls):
        world, request = trial.prepare()
        before = trial.snapshot(calls)
        with trial.fault("lost-answer", call):
            answer = trial.send(request, world.owner)
        assert len(trial.calls.slept) == 1, call
        assert answer.status == trial.example.status, (call, answer.body)
        made = changes(before, trial.snapshot(calls))
        assert not done - made, (call, "is lost")
        if made != done:
            doubled[call] = made - done
    assert doubled == trial.example.doubles


@every(ONCE)
def test_the_same_request_twice_at_once_makes_one_thing(trial: Trial) -> None:
    calls = trial.needed()
    done = done_by_one(trial, calls)
    world, request = trial.prepare()
    before = trial.snapshot(calls)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: trial.send(request, world.owner), range(2)))
    statuses = sorted(answer.status for answer in answers)
    assert statuses[0] == trial.example.status, [answer.body for answer in answers]
    assert statuses[1] in (trial.example.status, 404, 409), [answer.body for answer in answers]
    assert changes(before, trial.snapshot(calls)) == done
