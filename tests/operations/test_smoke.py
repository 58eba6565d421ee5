"""The smoke test of a stack, run as a person runs it, against the program in an embedded cloud."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

import operations.smoke
from local import client, people
from local.capture import TINY, SampleCapture
from local.capture.faults import make_fault
from local.deployed import Deployed
from operations.smoke.__main__ import main
from operations.smoke.checks import CheckFailedError
from operations.smoke.mail import MailEvents
from operations.smoke.trial import NAMES
from tests.local.cloud_kit import CloudKit, allow, use_keys_of

pytestmark = [pytest.mark.cloud, pytest.mark.slow, pytest.mark.timeout(900)]

KEPT_FOR_A_WHILE = {"limits-table", "idempotency-table"}
"""Their rows go by themselves, and count on what was used when everything else is gone."""
TABLE = "aws:dynamodb/table:Table"

Smoke = Callable[..., tuple[int, str, dict[str, Any]]]


def rights(up: Deployed) -> Iterator[dict[str, Any]]:
    """What the package's table says that the credentials must allow."""
    outputs = up.deployment.outputs
    pool, queue = outputs["userPoolV3Id"], outputs["mailEventsQueueUrl"].rpartition("/")[2]
    where = f"{up.cloud.region}:{up.cloud.account}"
    buckets = [f"arn:aws:s3:::{outputs[one]}" for one in ("uploadsBucket", "mlBucket")]
    below = {"StringLike": {"s3:prefix": ["uploads/*", "jobs/*", "exports/*"]}}
    resources: dict[str, tuple[str | list[str], dict[str, Any]]] = {
        "cognito-idp": (f"arn:aws:cognito-idp:{where}:userpool/{pool}", {}),
        "sqs": (f"arn:aws:sqs:{where}:{queue}", {}),
        "dynamodb": (f"arn:aws:dynamodb:{where}:table/{outputs['projectsTable']}", {}),
        "s3": (buckets, below),
    }
    named = re.findall(r"^\| ([\w-]+):(\w+(?:, \w+)*) \|", operations.smoke.__doc__ or "", re.MULTILINE)
    assert {service for service, _ in named} == set(resources)
    for service, actions in named:
        arn, condition = resources[service]
        yield allow([f"{service}:{action}" for action in actions.split(", ")], arn, **condition)


@pytest.fixture
def smoke(up: Deployed, tmp_path, monkeypatch, capsys) -> Smoke:
    """Give a function that runs the command with the stated rights: exit code, what it said, its JSON."""
    use_keys_of(CloudKit(up.cloud).as_user("sts", *rights(up)), monkeypatch)
    outputs, told = tmp_path / "outputs.json", tmp_path / "smoke.json"
    outputs.write_text(json.dumps(up.deployment.outputs))

    def command(*arguments: str):
        code = main(["--stack", "local", "--outputs", str(outputs), "--json", str(told), *arguments])
        return code, capsys.readouterr().out, json.loads(told.read_text())

    return command


def left(up: Deployed) -> list[str]:
    """Everything that people have in the stack: rows, objects, accounts."""
    found = []
    for table in up.deployment.resources:
        if table.type == TABLE and table.name not in KEPT_FOR_A_WHILE:
            rows = up.cloud.client("dynamodb").scan(TableName=table.id)["Items"]
            found += [f"{table.name}: {row}" for row in rows]
    for bucket in ("uploadsBucket", "mlBucket"):
        listed = up.cloud.client("s3").list_objects_v2(Bucket=up.deployment.outputs[bucket])
        found += [item["Key"] for item in listed.get("Contents", [])]
    users = up.cloud.client("cognito-idp").list_users(UserPoolId=up.deployment.outputs["userPoolV3Id"])
    return found + [user["Username"] for user in users["Users"]]


def states(told: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["state"] for check in told["checks"]}


def check_of(told: dict[str, Any], name: str) -> dict[str, Any]:
    return next(check for check in told["checks"] if check["name"] == name)


def mail_events(up: Deployed) -> list[str]:
    received = up.cloud.client("sqs").receive_message(
        QueueUrl=up.deployment.outputs["mailEventsQueueUrl"], MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [message["Body"] for message in received.get("Messages", [])]


@pytest.fixture
def somebody_elses_mail(up: Deployed):
    """An event in the queue that is not about the test person."""
    event = {"detail-type": "Email Delivered", "detail": {"mail": {"destination": ["ada@example.com"]}}}
    url, sqs = up.deployment.outputs["mailEventsQueueUrl"], up.cloud.client("sqs")
    # A job that was stopped for its time is mailed after its test has ended.
    sqs.purge_queue(QueueUrl=url)
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    yield json.dumps(event)
    sqs.purge_queue(QueueUrl=url)


def test_a_stack_that_works_passes_and_is_left_as_it_was(
    up: Deployed, smoke: Smoke, somebody_elses_mail: str
):
    before = left(up)
    code, said, told = smoke()
    assert code == 0, said
    assert told["ok"] is True
    assert states(told) == dict.fromkeys(NAMES, "ok")
    for name in NAMES:
        assert re.search(rf"^ok +{name} +\d+\.\d s ", said, re.MULTILINE), said
    assert "Gaussian splatting: done in" in said
    assert f"{TINY.photos} of {TINY.photos} photos" in check_of(told, "model")["message"]
    assert left(up) == before
    assert mail_events(up) == [somebody_elses_mail]


def test_a_job_that_fails_is_named_and_cleaned_up(
    up: Deployed, smoke: Smoke, sample: SampleCapture, tmp_path: Path
):
    before = left(up)
    cut = make_fault("two_photos", sample, tmp_path / "capture")
    code, said, told = smoke("--photos", str(cut))
    assert code == 1
    assert told["ok"] is False
    assert states(told) == dict.fromkeys(NAMES, "ok") | {"job": "failed", "model": "skipped"}
    job = check_of(told, "job")
    assert "ended FAILED: " in job["message"]
    assert re.search(r"at least 3|3 or more|too few", job["message"])
    assert job["nextStep"] in said
    assert left(up) == before


def test_a_mail_that_bounces_is_named(up: Deployed, smoke: Smoke, sample: SampleCapture, tmp_path: Path):
    before = left(up)
    cut = make_fault("two_photos", sample, tmp_path / "capture")
    code, _, told = smoke("--photos", str(cut), "--mail-to", "bounce")
    assert code == 1
    assert states(told)["mail"] == "failed"
    mail = check_of(told, "mail")
    assert "Email Bounced" in mail["message"]
    assert "user unknown" in mail["message"]
    assert mail["nextStep"]
    assert left(up) == before
    assert mail_events(up) == []


def test_a_job_that_takes_too_long_is_stopped_and_cleaned_up(up: Deployed, smoke: Smoke):
    before = left(up)
    code, _, told = smoke("--timeout", "0.02")
    assert code == 1
    assert states(told)["job"] == "failed"
    assert states(told)["clean-up"] == "ok", check_of(told, "clean-up")
    assert "--timeout" in check_of(told, "job")["nextStep"]
    assert left(up) == before


def test_what_cannot_be_removed_is_named(up: Deployed, smoke: Smoke, sample: SampleCapture, tmp_path: Path):
    cut = make_fault("two_photos", sample, tmp_path / "capture")
    up.cloud.plan_faults(
        {
            "fault": "api-error",
            "service": "cognito-idp",
            "action": "AdminDeleteUser",
            "error": "InternalErrorException",
        }
    )
    try:
        code, _, told = smoke("--photos", str(cut))
    finally:
        up.cloud.plan_faults()
    assert code == 1
    cleaned = check_of(told, "clean-up")
    assert cleaned["state"] == "failed"
    (user,) = left(up)
    assert user in cleaned["message"]
    up.cloud.client("cognito-idp").admin_delete_user(
        UserPoolId=up.deployment.outputs["userPoolV3Id"], Username=user
    )


def test_a_token_that_has_run_out_is_renewed(up: Deployed):
    cognito, addresses = up.cloud.client("cognito-idp"), client.Addresses.from_outputs(up.deployment.outputs)
    person = people.sign_in_new(cognito, addresses, "renewed@example.com")
    with closing(client.Spaceport(addresses, "run out")) as pilot, pytest.raises(client.ApiError) as refused:
        pilot.create_project("Never")
    assert refused.value.status == HTTPStatus.UNAUTHORIZED
    renew = partial(client.renew, cognito, addresses, person.tokens.refresh)
    with closing(client.Spaceport(addresses, "run out", renew)) as pilot:
        project = pilot.create_project("Renewed")
        assert project["userSub"] == person.sub
        pilot.delete_project(project["projectId"])
    people.remove(cognito, addresses, person.name)


def test_a_person_who_cannot_sign_in_is_not_left_behind(up: Deployed):
    before = left(up)
    outputs = {**up.deployment.outputs, "userPoolV3ClientId": "nobodys"}
    addresses = client.Addresses.from_outputs(outputs)
    with pytest.raises(ClientError):
        people.sign_in_new(up.cloud.client("cognito-idp"), addresses, "never@example.com")
    assert left(up) == before


def test_a_mail_that_nothing_is_told_of_is_named_and_others_stay(up: Deployed, somebody_elses_mail: str):
    events = MailEvents(
        up.cloud.client("sqs"), up.deployment.outputs["mailEventsQueueUrl"], "eve@example.com"
    )
    with pytest.raises(CheckFailedError, match=r"Nothing was told of a mail to eve@example\.com") as failed:
        events.wait_for_delivery(1)
    assert "job-events" in failed.value.next_step
    assert mail_events(up) == [somebody_elses_mail]
