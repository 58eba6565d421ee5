"""How fast the APIs answer, and whether they hold: `python -m benchmarks.apis [--minutes 5] [--users 50]`.

One run deploys the program into an embedded cloud, with a function beside it that does nothing, behind a
REST API of its own. First one client asks in turns, warm, for every kind of route and for the trivial one:
the ratio of the medians is what our code adds. Then many people work at once, each with things of their own:
every answer must be a success, and hold nothing of anybody else.
"""

import argparse
import io
import json
import statistics
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from local import client, people
from local.deployed import Deployed, deployed

WANTED_RATIO = 3.0
ROUNDS = 40
TRIVIAL = b"""
def handler(event, context):
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "{}"}
"""

Ask = Callable[[], httpx.Response]


def main() -> int:
    """Print both tables. Returns the exit code: 1 for a route that is too slow, an error or a leak."""
    parser = argparse.ArgumentParser(description="Time the APIs, and load them.")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--users", type=int, default=50)
    asked = parser.parse_args()
    with deployed() as up:
        slow = print_ratios(up)
        broken = print_load(up, users=asked.users, seconds=60 * asked.minutes)
    return int(slow or broken)


@dataclass
class Person:
    """A signed-in person with a connection of their own.

    Attributes:
        sub: Their id.
    """

    up: Deployed
    email: str
    sub: str = ""
    _http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        addresses = client.Addresses.from_outputs(self.up.deployment.outputs)
        person = people.sign_in_new(self.up.cloud.client("cognito-idp"), addresses, self.email)
        self.sub = person.sub
        self._http = httpx.Client(
            timeout=60, headers={"Authorization": f"Bearer {person.token}"}, trust_env=False
        )

    def ask(self, method: str, output: str, path: str = "", body: Any = None) -> httpx.Response:  # noqa: ANN401 -- any JSON
        """Send a request to one of the APIs, by the name of its output."""
        url = self.up.deployment.outputs[output].rstrip("/") + path
        return self._http.request(method, url, json=body)

    def get(self, url: str) -> httpx.Response:
        """Fetch an address."""
        return self._http.get(url)


def print_ratios(up: Deployed) -> bool:
    """Time one client's requests, and tell whether a route is slower than wanted."""
    pilot = Person(up, "pilot@example.com")
    project = pilot.ask("POST", "projectsApiUrl", body={"title": "Barn"}).json()["project"]["projectId"]
    begun = pilot.ask(
        "POST", "fileUploadApiUrl", "/start-multipart-upload", {"fileName": "a.jpg", "size": 1000}
    ).json()
    place = {name: begun[name] for name in ("uploadId", "bucketName", "objectKey")}
    flight = {"center": "41.7, -111.8", "terrain": "flat"}
    with trivial_api(up) as address:
        routes: dict[str, Ask] = {
            "trivial": lambda: pilot.get(address),
            "GET /projects": lambda: pilot.ask("GET", "projectsApiUrl"),
            "POST /projects": lambda: pilot.ask("POST", "projectsApiUrl", body={"title": "x"}),
            "GET /projects/{id}": lambda: pilot.ask("GET", "projectsApiUrl", f"/{project}"),
            "PATCH /projects/{id}": lambda: pilot.ask(
                "PATCH", "projectsApiUrl", f"/{project}", {"progress": 5}
            ),
            "POST /start-multipart-upload": lambda: pilot.ask(
                "POST", "fileUploadApiUrl", "/start-multipart-upload", {"fileName": "b.jpg", "size": 1000}
            ),
            "POST /get-presigned-url": lambda: pilot.ask(
                "POST", "fileUploadApiUrl", "/get-presigned-url", {**place, "partNumber": 1}
            ),
            "POST /list-parts": lambda: pilot.ask("POST", "fileUploadApiUrl", "/list-parts", place),
            "GET /captures/{captureId}": lambda: pilot.ask(
                "GET", "fileUploadApiUrl", f"/captures/{begun['captureId']}"
            ),
            "GET /jobs": lambda: pilot.ask("GET", "mlApiUrl", "/jobs"),
            "POST /estimate": lambda: pilot.ask("POST", "mlApiUrl", "/estimate", {"photos": 200}),
            "GET /settings": lambda: pilot.ask("GET", "mlApiUrl", "/settings"),
            "POST /api/optimize-spiral": lambda: pilot.ask(
                "POST", "dronePathApiUrl", "/api/optimize-spiral", flight
            ),
            "GET /api/plans": lambda: pilot.ask("GET", "dronePathApiUrl", "/api/plans"),
        }
        seconds: dict[str, list[float]] = {name: [] for name in routes}
        for number in range(ROUNDS + 3):
            for name, ask in routes.items():
                started = time.perf_counter()
                ask().raise_for_status()
                if number >= 3:  # noqa: PLR2004 -- the first ones start the functions
                    seconds[name].append(time.perf_counter() - started)
    medians = {name: statistics.median(taken) for name, taken in seconds.items()}
    sys.stdout.write("| route, one client, warm | p50 ms | of the trivial one |\n|---|---|---|\n")
    for name, median in medians.items():
        sys.stdout.write(f"| {name} | {median * 1000:.1f} | {median / medians['trivial']:.2f} |\n")
    return any(median > WANTED_RATIO * medians["trivial"] for median in medians.values())


@contextmanager
def trivial_api(up: Deployed) -> Iterator[str]:
    """Put a function that does nothing behind a REST API that takes the same people's tokens; its address."""
    cloud, packed = up.cloud, io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("trivial.py", TRIVIAL)
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = cloud.client("iam").create_role(
        RoleName="trivial",
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    functions, apis = cloud.client("lambda"), cloud.client("apigateway")
    one = next(made for made in functions.list_functions()["Functions"])
    arn = functions.create_function(
        FunctionName="trivial",
        Runtime=one["Runtime"],
        Role=role,
        Handler="trivial.handler",
        Code={"ZipFile": packed.getvalue()},
        MemorySize=512,
        Timeout=29,
    )["FunctionArn"]
    api = apis.create_rest_api(name="trivial")["id"]
    root = apis.get_resources(restApiId=api)["items"][0]["id"]
    functions.add_permission(
        FunctionName="trivial",
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:{cloud.region}:{cloud.account}:{api}/*",
    )
    pools = up.cloud.client("cognito-idp").describe_user_pool(
        UserPoolId=up.deployment.outputs["userPoolV3Id"]
    )["UserPool"]["Arn"]
    authorizer = apis.create_authorizer(
        restApiId=api,
        name="people",
        type="COGNITO_USER_POOLS",
        providerARNs=[pools],
        identitySource="method.request.header.Authorization",
    )["id"]
    apis.put_method(
        restApiId=api,
        resourceId=root,
        httpMethod="GET",
        authorizationType="COGNITO_USER_POOLS",
        authorizerId=authorizer,
    )
    apis.put_integration(
        restApiId=api,
        resourceId=root,
        httpMethod="GET",
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:{cloud.region}:lambda:path/2015-03-31/functions/{arn}/invocations",
    )
    apis.create_deployment(restApiId=api, stageName="prod")
    ours = up.deployment.outputs["mlApiUrl"].rstrip("/")
    yield ours.replace(_api_id(ours), api)


def _api_id(address: str) -> str:
    """Find the API's id in its address: the one part of it that is ten letters and digits."""
    parts = [part for part in address.replace("//", "/").replace(".", "/").split("/") if part.isalnum()]
    return next(part for part in parts if len(part) >= 8 and any(map(str.isdigit, part)))  # noqa: PLR2004


@dataclass
class Load:
    """What many people met.

    Attributes:
        answers: How many answers there were.
        problems: Errors, and answers that hold something of somebody else.
    """

    answers: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seconds: float, problem: str | None) -> None:
        """Count an answer."""
        with self._lock:
            self.answers += 1
            self.seconds.append(seconds)
            if problem:
                self.problems.append(problem)


def print_load(up: Deployed, *, users: int, seconds: float) -> bool:
    """Let people work at once, and tell whether anything went wrong."""
    people = [Person(up, f"person-{number}@example.com") for number in range(users)]
    load, subs = Load(), {person.sub for person in people}
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(users) as pool:
        for done in [pool.submit(_work, person, subs - {person.sub}, load, until) for person in people]:
            done.result()
    ordered = sorted(load.seconds)
    sys.stdout.write(
        "| people | seconds | answers | p50 ms | p99 ms | errors and leaks |\n|---|---|---|---|---|---|\n"
    )
    sys.stdout.write(
        f"| {users} | {seconds:.0f} | {load.answers} | {ordered[len(ordered) // 2] * 1000:.0f} "
        f"| {ordered[int(0.99 * len(ordered))] * 1000:.0f} | {len(load.problems)} |\n"
    )
    for problem in load.problems[:10]:
        sys.stdout.write(f"{problem}\n")
    return bool(load.problems)


def _work(person: Person, others: set[str], load: Load, until: float) -> None:
    """Make, change, list and delete things, as long as there is time."""
    made: list[str] = []

    def ask(method: str, output: str, path: str = "", body: Any = None) -> dict[str, Any]:  # noqa: ANN401 -- any JSON
        started = time.perf_counter()
        answer = person.ask(method, output, path, body)
        taken, problem = time.perf_counter() - started, None
        if answer.is_error:
            problem = f"{method} {path} answered {answer.status_code}: {answer.text[:200]}"
        elif leaked := [sub for sub in others if sub in answer.text]:
            problem = f"{method} {path} told {person.sub} of {leaked[0]}"
        load.add(taken, problem)
        told: dict[str, Any] = answer.json() if answer.is_success else {}
        return told

    while time.monotonic() < until:
        project = ask("POST", "projectsApiUrl", body={"title": person.sub}).get("project", {})
        if project:
            made.append(project["projectId"])
            ask("PATCH", "projectsApiUrl", f"/{made[-1]}", {"progress": 20, "version": project["version"]})
        listed = {one["projectId"] for one in ask("GET", "projectsApiUrl").get("projects", [])}
        if listed != set(made):
            load.problems.append(f"{person.sub} has {len(made)} projects and sees {len(listed)}")
        ask("POST", "fileUploadApiUrl", "/start-multipart-upload", {"fileName": "a.jpg", "size": 1000})
        ask("GET", "mlApiUrl", "/jobs")
        ask("POST", "mlApiUrl", "/estimate", {"photos": 100})
        if len(made) > 5:  # noqa: PLR2004 -- so that lists stay short
            ask("DELETE", "projectsApiUrl", f"/{made.pop(0)}")


if __name__ == "__main__":
    sys.exit(main())
