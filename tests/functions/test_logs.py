"""What functions log: nothing that opens a door, nothing that a person wrote."""

import io
import json
import re
import secrets
import uuid
from dataclasses import replace

import pytest

from functions.delivery.handler import handler as delivery
from functions.file_upload.handler import handler as file_upload
from functions.invites import handler as invites
from functions.ml_jobs.handler import handler as ml_jobs
from functions.projects.handler import handler as projects
from functions.shared.observability import logger
from functions.shared.stores import Table
from functions.waitlist import handler as waitlist
from tests.functions.mail_kit import UNKNOWN_SENDER

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]


@pytest.fixture
def log(monkeypatch):
    """Collect all log lines, the most talkative level included."""
    stream = io.StringIO()
    for log_handler in logger.handlers:
        monkeypatch.setattr(log_handler, "stream", stream)
    level = logger.log_level
    logger.setLevel("DEBUG")
    yield stream
    logger.setLevel(level)


def test_no_secret_reaches_the_log(call, cloud, user, log):
    secret = "my-private-word"
    started = call(
        file_upload, "POST", "/start-multipart-upload", {"fileName": f"{secret}.jpg"}, user=user
    ).body
    url = call(file_upload, "POST", "/get-presigned-url", {**started, "partNumber": 1}, user=user).body["url"]
    call(projects, "POST", "/projects", {"title": secret}, user=user)
    call(projects, "POST", "/projects", {"title": secret, "status": secret}, user=user)
    call(projects, "POST", "/projects", f"{{{secret}", user=user)
    prefix = f"uploads/{user}/{uuid.uuid4()}/"
    cloud.client("s3").put_object(Bucket="test-uploads", Key=f"{prefix}a.jpg", Body=b"1")
    call(ml_jobs, "POST", "/start-job", {"s3Url": f"s3://test-uploads/{prefix}"}, user=user)
    call(ml_jobs, "POST", "/start-job", {"s3Url": secret, "hyperparameters": {secret: 1}}, user=user)
    token, job_id = secrets.token_urlsafe(32), str(uuid.uuid4())
    Table("jobs").put_new({"jobId": job_id, "publishedAt": 5}, key="jobId")
    Table("links").put_new({"token": token, "jobId": job_id, "owner": user, "createdAt": 1}, key="token")
    opened = call(delivery, "GET", f"/open/{token}", user=None)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert {"refused", "job started", "link opened"} <= {line["message"] for line in lines}
    text = log.getvalue()
    signature = next(c for c in opened.headers["Set-Cookie"] if "Signature" in c).split("=")[1].split(";")[0]
    for hidden in (secret, token, signature, url.split("X-Amz-Signature=")[1], f"{user}@example.org"):
        assert hidden not in text


def test_nobody_who_signs_up_or_is_invited_is_in_the_log(call, cloud, user, log, monkeypatch):
    name, waiting, invited = f"Ada {user}", f"{user}@example.com", f"{user}@example.net"
    monkeypatch.setattr(waitlist, "ANSWER_SECONDS", 0.0)

    def send_all():
        statuses = [
            call(waitlist.handler, "POST", "/waitlist", {"name": name, "email": waiting}, user=None).status,
            call(waitlist.handler, "POST", "/waitlist", {"name": name, "email": name}, user=None).status,
            call(waitlist.handler, "POST", "/feedback", {"message": name}, user=None).status,
        ]
        for resend in (False, True):
            body = {"email": invited, "name": name, "resend": resend}
            statuses.append(call(invites.handler, "POST", "/invite", body, groups="[admins]").status)
        return statuses

    with monkeypatch.context() as patch:
        for module, name_of_parts in ((waitlist, "_forms"), (invites, "_invitations")):
            parts = replace(getattr(module, name_of_parts)(), mail_from=UNKNOWN_SENDER)
            patch.setattr(module, name_of_parts, lambda parts=parts: parts)
        assert send_all() == [200, 400, 200, 503, 503]
    assert send_all() == [200, 400, 200, 200, 200]
    text = log.getvalue()
    messages = {json.loads(line)["message"] for line in text.splitlines()}
    assert {"mail not sent", "feedback kept", "person on the waitlist", "invitation answered"} <= messages
    sent = "".join(mail["BodyText"] for mail in cloud.embedded.mail() if mail["To"] == [invited])
    passwords = re.findall(r"Temporary password: (\S+)", sent)
    assert passwords
    for hidden in (user, *passwords):
        assert hidden not in text


def test_an_unexpected_error_is_logged_and_not_told(call, user, log, monkeypatch):
    def broken():
        raise RuntimeError("inner working")

    monkeypatch.setattr("functions.projects.handler._projects", broken)
    answer = call(projects, "GET", "/projects", user=user)
    assert (answer.status, answer.body["code"]) == (500, "INTERNAL")
    assert "inner working" not in json.dumps(answer.body)
    assert answer.header("Access-Control-Allow-Origin")
    (line,) = [entry for entry in map(json.loads, log.getvalue().splitlines()) if entry["level"] == "ERROR"]
    assert "inner working" in line["exception"]
    assert line["correlation_id"] == answer.body["requestId"]
