"""Causes of failed executions, as Step Functions keeps them, in words for people."""

import json

import pytest

from functions.shared.failures import explain

SENTENCE = "This capture has 2 photos; a model needs at least 3."


def sentence(error, cause):
    failure = explain("FAILED", error, cause if isinstance(cause, str) else json.dumps(cause))
    assert failure is not None
    assert failure.next_step
    return failure.sentence


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            "CaptureRejected",
            {"errorType": "CaptureRejected", "errorMessage": SENTENCE, "stackTrace": []},
        ),
        ("CaptureRejected", SENTENCE),
        ("States.TaskFailed", {"ProcessingJobName": "n", "ExitMessage": f"{SENTENCE}\nTraceback: y"}),
        ("States.TaskFailed", {"FailureReason": f"AlgorithmError: {SENTENCE}\nx, exit code: 1"}),
        ("States.TaskFailed", {"FailureReason": f"AlgorithmError: {SENTENCE}, exit code: 1"}),
        ("JobFailed", {"Error": "CaptureRejected", "Cause": json.dumps({"errorMessage": SENTENCE})}),
    ],
)
def test_the_sentence_for_people_is_found(error, cause):
    assert sentence(error, cause) == SENTENCE


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("KeyError", {"errorType": "KeyError", "errorMessage": "'secret'"}),
        ("States.Runtime", "User: arn:aws:sts::1:assumed-role/x is not authorized"),
        ("States.TaskFailed", {"FailureReason": "AlgorithmError: See job logs for more information"}),
        ("States.TaskFailed", {"FailureReason": "InternalServerError: secret"}),
        ("CaptureRejected", ""),
        (None, None),
        ("x", "[1]"),
    ],
)
def test_internals_are_not_told(error, cause):
    failure = explain("FAILED", error, json.dumps(cause) if isinstance(cause, dict) else cause)
    assert failure is not None
    assert failure.sentence == "Something went wrong on our side."


def test_the_next_step_depends_on_whose_fault_it_was():
    ours = {"ExitMessage": "Something went wrong on our side (while matching photos). ..."}
    theirs = {"ExitMessage": SENTENCE}
    steps = [explain("FAILED", "States.TaskFailed", json.dumps(cause)) for cause in (ours, theirs)]
    assert "again" in steps[0].next_step
    assert "Correct" in steps[1].next_step


def test_a_limit_of_time_or_machines_is_not_the_captures_fault():
    stopped = json.dumps({"ExitMessage": "A step was stopped because it took longer than it may."})
    for error, cause, word in (
        ("JobStopped", stopped, "longer"),
        ("States.Timeout", "", "longer"),
        ("SageMaker.ResourceLimitExceededException", "The account-level service limit ...", "machine"),
        ("States.TaskFailed", json.dumps({"FailureReason": "CapacityError: Unable to ..."}), "machine"),
    ):
        failure = explain("FAILED", error, cause)
        assert word in failure.sentence
        assert "photos are kept" in failure.next_step
        assert "Correct" not in failure.next_step


def test_other_ends_have_their_own_words():
    assert explain("SUCCEEDED", None, None) is None
    assert explain("RUNNING", None, None) is None
    sentences = {explain(status, None, None).sentence for status in ("ABORTED", "TIMED_OUT", "FAILED")}
    assert len(sentences) == 3
