"""How people get in, whole: the deployed program under IAM, tokens, invitations, the waitlist, feedback."""

import re
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http import HTTPStatus

import httpx
import pytest

from components import routes
from components.identity import ADMIN_GROUP
from components.routes import Route
from local import client, people
from local.deployed import Deployed
from tests.local.cloud_kit import CloudKit, until
from tests.local.tokens import Person, refused_tokens

pytestmark = [pytest.mark.cloud, pytest.mark.slow, pytest.mark.timeout(600)]

ORIGIN = "http://localhost:3000"
OWN_PASSWORD = "Own-Word-1"
SECONDS = 30.0

GATEWAY_BYTES = 10 * 1024 * 1024
API_OUTPUTS = {
    "FILE_UPLOAD": "fileUploadApiUrl",
    "PROJECTS": "projectsApiUrl",
    "DRONE_PATH": "dronePathApiUrl",
    "ML": "mlApiUrl",
    "INVITE_V2": "inviteV2ApiUrl",
    "INVITE_V3": "inviteV3ApiUrl",
    "WAITLIST": "waitlistApiUrl",
}
TABLES = {name: table for name, table in vars(routes).items() if name.isupper() and isinstance(table, tuple)}

Post = Callable[..., httpx.Response]


@pytest.fixture
def post() -> Iterator[Post]:
    """Give a function that posts a body, with a token if there is one."""
    with httpx.Client(timeout=SECONDS, trust_env=False) as browser:

        def send(url: str, body: client.Json, token: str | None = None) -> httpx.Response:
            headers = {"Origin": ORIGIN} | ({"Authorization": f"Bearer {token}"} if token else {})
            return browser.post(url, json=body, headers=headers)

        yield send


@pytest.fixture
def email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def addresses(up: Deployed, version: str) -> client.Addresses:
    outputs = up.deployment.outputs
    return replace(
        client.Addresses.from_outputs(outputs),
        user_pool_id=outputs[f"userPool{version}Id"],
        user_pool_client_id=outputs[f"userPool{version}ClientId"],
    )


def sign_in(up: Deployed, version: str, email: str, password: str) -> str:
    """Sign in for the first time; returns the ID token."""
    cognito = up.cloud.client("cognito-idp")
    return client.sign_in(
        cognito, addresses(up, version), email=email, password=password, new_password=OWN_PASSWORD
    ).identity


def mails_to(up: Deployed, address: str) -> list[str]:
    return [mail["BodyText"] for mail in up.cloud.mail() if mail["To"] == [address]]


@pytest.fixture(scope="module")
def administrator(up: Deployed) -> str:
    """The first administrator, made as docs/people.md says; the ID token."""
    return people.sign_in_new(
        up.cloud.client("cognito-idp"), addresses(up, "V3"), "first@example.com", group=ADMIN_GROUP
    ).token


@pytest.mark.parametrize("version", ["V2", "V3"])
def test_an_administrator_invites_and_the_person_signs_in(
    up: Deployed, post: Post, administrator: str, email: str, version: str
):
    url = up.deployment.outputs[f"invite{version}ApiUrl"]
    answer = post(url, {"email": email, "name": "Ada", "handle": "ada-1"}, administrator)
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.json()["group"] == f"beta-testers-{version.lower()}"
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN

    (mail,) = mails_to(up, email)
    found = re.search(r"Temporary password: (\S+)", mail)
    assert found, mail
    token = sign_in(up, version, email, found[1])

    projects = httpx.get(
        up.deployment.outputs["projectsApiUrl"],
        headers={"Authorization": f"Bearer {token}"},
        timeout=SECONDS,
        trust_env=False,
    )
    assert projects.json()["projects"] == []
    for other in ("V2", "V3"):
        refused = post(up.deployment.outputs[f"invite{other}ApiUrl"], {"email": email}, token)
        assert (refused.status_code, refused.json()["code"]) == (HTTPStatus.FORBIDDEN, "FORBIDDEN")


@pytest.mark.parametrize("version", ["V2", "V3"])
def test_an_invitation_goes_to_its_own_pool_alone(
    up: Deployed, post: Post, administrator: str, email: str, version: str
):
    post(up.deployment.outputs[f"invite{version}ApiUrl"], {"email": email, "handle": "ada-2"}, administrator)
    cognito = up.cloud.client("cognito-idp")
    have = {
        pool
        for pool in ("V2", "V3")
        for user in cognito.list_users(UserPoolId=addresses(up, pool).user_pool_id)["Users"]
        if {"Name": "email", "Value": email} in user["Attributes"]
    }
    assert have == {version}


def test_handles_are_wanted_where_they_stay(up: Deployed, post: Post, administrator: str, email: str):
    outputs = up.deployment.outputs
    assert post(outputs["inviteV2ApiUrl"], {"email": email}, administrator).status_code == (
        HTTPStatus.BAD_REQUEST
    )
    assert post(outputs["inviteV3ApiUrl"], {"email": email}, administrator).status_code == HTTPStatus.OK


def test_nobody_invites_without_signing_in(up: Deployed, post: Post, email: str):
    for version in ("V2", "V3"):
        answer = post(up.deployment.outputs[f"invite{version}ApiUrl"], {"email": email})
        assert answer.status_code == HTTPStatus.UNAUTHORIZED
    assert mails_to(up, email) == []


def test_a_sign_up_twice_is_one_item_and_one_mail(up: Deployed, post: Post, email: str):
    url = f"{up.deployment.outputs['waitlistApiUrl']}/waitlist"
    first = post(url, {"name": "Ada", "email": email})
    second = post(url, {"name": "Ada", "email": email.upper()})
    assert first.status_code == second.status_code == HTTPStatus.OK
    assert first.json() == second.json()
    assert first.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert len(mails_to(up, email)) == 1
    assert len([mail for mail in up.cloud.mail() if email in mail["BodyText"]]) == 1
    table = next(one.id for one in up.deployment.resources if one.name == "waitlist-table")
    rows = up.cloud.client("dynamodb").scan(TableName=table)["Items"]
    assert len([row for row in rows if row["email"]["S"].lower() == email]) == 1


def test_feedback_reaches_the_staff(up: Deployed, post: Post, email: str):
    answer = post(f"{up.deployment.outputs['waitlistApiUrl']}/feedback", {"message": f"Nice, says {email}"})
    assert answer.json()["success"] is True
    assert len([mail for mail in up.cloud.mail() if email in mail["BodyText"]]) == 1


def test_a_flood_is_turned_away_and_spares_other_routes(up: Deployed, post: Post):
    base = up.deployment.outputs["waitlistApiUrl"]
    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(lambda _: post(f"{base}/feedback", {}).status_code, range(40)))
    assert statuses == {HTTPStatus.BAD_REQUEST, HTTPStatus.TOO_MANY_REQUESTS}
    assert post(f"{base}/waitlist", {}).status_code == HTTPStatus.BAD_REQUEST


def address(up: Deployed, api: str, route: Route) -> str:
    """Give a route's address, with ids that nothing has."""
    base = re.sub(r"/(projects|invite)$", "", up.deployment.outputs[API_OUTPUTS[api]])
    return base + re.sub(r"{\w+}", lambda _: str(uuid.uuid4()), route.path)


def test_no_route_takes_a_token_that_is_not_right(up: Deployed):
    person = Person(up.cloud, addresses(up, "V3").user_pool_id)
    tokens = refused_tokens(up.cloud, person)
    taken = []
    with httpx.Client(timeout=SECONDS, trust_env=False, headers={"Origin": ORIGIN}) as browser:
        for api, route in [(api, route) for api, table in TABLES.items() for route in table]:
            if route.public:
                continue
            for wrong, token in tokens.items():
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                answer = browser.request(route.method, address(up, api, route), headers=headers)
                right = answer.status_code == HTTPStatus.UNAUTHORIZED and (
                    set(answer.json()) == {"error", "code", "requestId"}
                    and answer.json()["code"] == "UNAUTHORIZED"
                    and answer.headers["Access-Control-Allow-Origin"] == ORIGIN
                )
                taken += [] if right else [(route.method, route.path, wrong, answer.status_code)]
        assert taken == []
        own = {"Authorization": f"Bearer {person.identity}"}
        listed = browser.get(up.deployment.outputs["projectsApiUrl"], headers=own)
    assert listed.json()["projects"] == []


@pytest.mark.parametrize("size", [1_100_000, GATEWAY_BYTES + 1])
def test_a_body_too_large_is_told_so(up: Deployed, post: Post, administrator: str, size: int):
    answer = post(up.deployment.outputs["projectsApiUrl"], {"title": "x" * size}, administrator)
    assert answer.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert set(answer.json()) == {"error", "code", "requestId"}
    assert answer.json()["code"] == "BODY_TOO_LARGE"
    assert ("MB" in answer.json()["error"]) == (size > GATEWAY_BYTES)
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN


def test_a_persons_webhook_is_tried_and_its_failure_put_off(up: Deployed, administrator: str):
    """The receiver's name has no address: what this shows is the way there, with the roles' rights."""
    url = f"{up.deployment.outputs['mlApiUrl']}/settings"
    headers = {"Authorization": f"Bearer {administrator}"}
    with httpx.Client(headers=headers, timeout=SECONDS, trust_env=False) as browser:
        put = browser.put(url, json={"webhook": {"url": "https://nowhere.invalid.example.com/"}})
        assert put.json()["webhookSecret"].startswith("whsec_"), put.text
        test = browser.post(f"{url}/webhook/test", json={})
        assert test.status_code == HTTPStatus.OK, test.text
        sent = test.json()["eventId"]
        kit = CloudKit(up.cloud)
        (group,) = (one.id for one in up.deployment.resources if one.name == "webhooks-logs")

        def tries() -> list[str]:
            return [line for line in kit.log_lines(group) if sent in line and "not delivered" in line]

        until(tries, "the first try")
        (queue,) = (one.id for one in up.deployment.resources if one.name == "webhooks-queue")
        until(lambda: hidden(up, queue), "the message's being put off")
        assert browser.get(url).json()["webhookFailure"] is None
        assert len(tries()) == 1


def hidden(up: Deployed, queue: str) -> bool:
    """Tell whether a queue has one message, which is to come later."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    sqs = up.cloud.client("sqs")
    told = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return [told[name] for name in names] == ["0", "1"]
