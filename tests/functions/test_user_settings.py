"""The settings API over real DynamoDB and SQS calls."""

import base64
import json
import threading
import uuid

import pytest

from functions.shared.stores import Table
from functions.shared.user_settings import SettingsStore
from functions.user_settings.handler import handler
from functions.user_settings.service import TESTS_PER_DAY

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]

URL = "https://hooks.example.com/spaceport"
PATH = "/settings"


@pytest.fixture
def change(call, user):
    """Give a function that changes the user's settings."""
    return lambda body: call(handler, "PUT", PATH, body, user=user)


@pytest.fixture
def shown(call, user):
    """Give a function that shows the user's settings."""

    def show():
        answer = call(handler, "GET", PATH, user=user)
        assert answer.status == 200
        return answer.body

    return show


def test_somebody_who_has_set_nothing_has_the_defaults(cloud, shown):
    variables = cloud.environment
    assert shown() == {
        "mailNotices": True,
        "webhook": None,
        "webhookFailure": None,
        "quotas": {
            "jobsAtOnce": int(variables["QUOTA_JOBS_AT_ONCE"]),
            "jobsPerDay": int(variables["QUOTA_JOBS_PER_DAY"]),
            "spendPerMonthUsd": int(variables["QUOTA_SPEND_PER_MONTH_USD"]),
        },
        "version": 0,
    }


def test_what_is_changed_is_shown_and_the_rest_stays(change, shown):
    first = change({"mailNotices": False})
    assert (first.status, first.body["version"]) == (200, 1)
    second = change({"webhook": {"url": URL}})
    assert (second.body["mailNotices"], second.body["webhook"]["url"]) == (False, URL)
    assert second.body["version"] == 2
    assert shown() == {name: value for name, value in second.body.items() if name != "webhookSecret"}


def test_the_secret_is_told_once_and_is_hard_to_guess(change, shown, user):
    secret = change({"webhook": {"url": URL}}).body["webhookSecret"]
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert change({"webhook": {"url": f"{URL}/2"}}).body["webhookSecret"] is None
    assert change({"mailNotices": False}).body["webhookSecret"] is None
    assert secret not in json.dumps(shown())
    assert shown()["webhook"]["secretEnding"] == secret[-4:]
    assert Table("settings").get({"userSub": user})["webhookSecret"] == secret


def test_a_new_secret_is_made_on_request_and_for_a_new_webhook(change, shown):
    secrets = [change({"webhook": {"url": URL}}).body["webhookSecret"]]
    secrets.append(change({"rotateSecret": True}).body["webhookSecret"])
    assert change({"webhook": None}).body["webhook"] is None
    assert shown()["webhook"] is None
    secrets.append(change({"webhook": {"url": URL}}).body["webhookSecret"])
    assert len(set(secrets)) == 3
    assert None not in secrets


@pytest.mark.parametrize("body", [{"rotateSecret": True}, {"rotateSecret": True, "mailNotices": False}])
def test_no_secret_is_made_for_no_webhook(change, shown, body):
    answer = change(body)
    assert (answer.status, answer.body["code"]) == (409, "NO_WEBHOOK")
    assert shown()["version"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"webhook": {"url": "http://hooks.example.com/"}}, "webhook.url"),
        ({"webhook": {"url": "https://127.0.0.1/"}}, "webhook.url"),
        ({"webhook": {}}, "webhook.url"),
        ({"webhook": "https://hooks.example.com/"}, "webhook"),
        ({"mailNotices": "no"}, "mailNotices"),
        ({"version": -1}, "version"),
        ({"webhook": None, "rotateSecret": True}, "rotateSecret"),
    ],
)
def test_a_wrong_field_is_named(change, shown, body, field):
    answer = change(body)
    assert (answer.status, answer.body["code"]) == (400, "INVALID_REQUEST")
    assert field in answer.body["error"]
    assert shown()["version"] == 0


@pytest.mark.parametrize("body", [{}, {"quotas": {"jobsAtOnce": 99}}, {"mailNotices": None, "version": 0}])
def test_a_change_of_nothing_is_refused(change, shown, body):
    answer = change(body)
    assert (answer.status, answer.body["code"]) == (400, "NOTHING_TO_CHANGE")
    assert shown()["quotas"]["jobsAtOnce"] == 2


def test_a_change_of_another_version_is_refused(change, shown):
    assert change({"mailNotices": False, "version": 0}).status == 200
    for version in (0, 2):
        answer = change({"mailNotices": True, "version": version})
        assert (answer.status, answer.body["code"]) == (409, "VERSION_CONFLICT")
    assert change({"mailNotices": True, "version": 1}).status == 200
    assert shown()["version"] == 2


def test_settings_that_were_changed_since_they_were_read_stay_as_they_are(user):
    store = SettingsStore(Table("settings"))
    for version in (0, 1):
        changed = store.change(user, {"webhookUrl": f"{URL}/{version}"}, version=version)
        assert changed is not None
        assert store.change(user, {"webhookUrl": URL}, version=version) is None
        assert store.read(user) == changed


def test_of_changes_at_once_none_is_lost_and_every_told_secret_was_one(change, shown):
    answers = []
    together = threading.Barrier(6)

    def put():
        together.wait()
        answers.append(change({"webhook": {"url": URL}}))

    threads = [threading.Thread(target=put) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = [answer for answer in answers if answer.status == 200]
    assert {answer.status for answer in answers} <= {200, 409}
    (secret,) = [answer.body["webhookSecret"] for answer in done if answer.body["webhookSecret"]]
    assert shown()["webhook"]["secretEnding"] == secret[-4:]
    assert shown()["version"] == len(done)


def test_what_staff_grant_is_shown_and_survives_changes(change, shown, user):
    Table("settings").put_new({"userSub": user, "quotas": {"jobsPerDay": 25}}, key="userSub")
    assert change({"mailNotices": False, "version": 0}).status == 200
    assert shown()["quotas"] == {"jobsAtOnce": 2, "jobsPerDay": 25, "spendPerMonthUsd": 200}
    assert shown()["mailNotices"] is False


@pytest.mark.parametrize("quotas", [{"jobsPerDay": "many"}, {"jobsAtOnce": -1}, {"spendPerMonthUsd": 1.5}])
def test_a_grant_that_makes_no_sense_is_an_error_of_ours(call, user, quotas):
    Table("settings").put_new({"userSub": user, "quotas": quotas}, key="userSub")
    answer = call(handler, "GET", PATH, user=user)
    assert (answer.status, answer.body["code"]) == (500, "INTERNAL")


def test_people_see_their_own_settings_only(call, change):
    change({"webhook": {"url": URL}})
    other = call(handler, "GET", PATH, user=str(uuid.uuid4())).body
    assert other["webhook"] is None


def test_a_test_is_put_on_the_queue_without_address_and_secret(call, told, change, user):
    secret = change({"webhook": {"url": URL}}).body["webhookSecret"]
    answer = call(handler, "POST", f"{PATH}/webhook/test", user=user)
    assert answer.status == 200
    (event,) = told()
    assert (event["id"], event["type"]) == (answer.body["eventId"], "webhook.test")
    assert URL not in json.dumps(event)
    assert secret not in json.dumps(event)


def test_there_is_no_test_without_a_webhook(call, told, user):
    answer = call(handler, "POST", f"{PATH}/webhook/test", user=user)
    assert (answer.status, answer.body["code"]) == (409, "NO_WEBHOOK")
    assert told() == []


def test_tests_are_limited(call, told, change, user, monkeypatch):
    monkeypatch.setattr("functions.user_settings.service.TESTS_PER_DAY", 2)
    assert TESTS_PER_DAY > 2
    change({"webhook": {"url": URL}})
    answers = [call(handler, "POST", f"{PATH}/webhook/test", user=user) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[-1].header("Retry-After")
    assert len(told()) == 2
