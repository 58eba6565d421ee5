"""Requests that come twice, over the real table."""

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from functions.shared.api import AnswerModel
from functions.shared.errors import ApiError
from functions.shared.idempotency import once

pytestmark = [pytest.mark.cloud, pytest.mark.usefixtures("cloud")]


class Made(AnswerModel):
    number: int


@pytest.fixture
def made(lambda_context):
    """Give a function that makes a number once per key, and how often it was really made."""
    calls: list[int] = []

    def make(
        key: str | None, request: object = None, wait: threading.Event | None = None, fail: bool = False
    ) -> int:
        def body() -> Made:
            calls.append(1)
            if wait:
                wait.wait(5)
            if fail:
                raise ConnectionResetError("the machine went away")
            return Made(number=len(calls))

        return once(
            body,
            answer=Made,
            table="idempotency",
            scope=("alice", "POST /things"),
            key=key,
            request={"asked": request},
            context=lambda_context,
        ).number

    return SimpleNamespace(make=make, calls=calls)


def test_the_second_answers_what_the_first_did(made):
    key = uuid.uuid4().hex
    assert made.make(key) == made.make(key)
    assert len(made.calls) == 1
    made.make(uuid.uuid4().hex)
    assert len(made.calls) == 2


def test_without_a_key_every_request_makes_its_own(made):
    assert made.make(None) != made.make(None)


def test_two_at_once_make_one_thing(made):
    key, going_on = uuid.uuid4().hex, threading.Event()
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(made.make, key, wait=going_on) for _ in range(8)]
        going_on.set()
        assert len({answer.result() for answer in answers}) == 1
    assert len(made.calls) == 1


def test_a_failed_one_leaves_the_key_free(made):
    key = uuid.uuid4().hex
    with pytest.raises(ConnectionResetError):
        made.make(key, fail=True)
    assert made.make(key) == 2


def test_a_key_is_for_one_request(made):
    key = uuid.uuid4().hex
    made.make(key, request={"a": 1})
    with pytest.raises(ApiError) as refused:
        made.make(key, request={"a": 2})
    assert (refused.value.status, refused.value.code) == (400, "IDEMPOTENCY_KEY_USED")
    assert len(made.calls) == 1


@pytest.mark.parametrize("action", ["PutItem", "UpdateItem"])
def test_a_lost_answer_of_the_table_holds_nothing_up(made, cloud, action):
    key = uuid.uuid4().hex
    cloud.embedded.plan_faults(
        {"fault": "lost-answer", "service": "dynamodb", "action": action, "resource": "idempotency"}
    )
    assert made.make(key) == made.make(key)
    assert len(made.calls) == 1
