"""Where the smoke test finds a stack, and what it says when it does not."""

import json
from pathlib import Path

import pytest

from operations.smoke.__main__ import main
from operations.smoke.checks import CheckFailedError, Checks
from operations.smoke.outputs import OutputsError, Stack, find_stack
from operations.smoke.removal import Made, Removal

OUTPUTS = {
    "fileUploadApiUrl": "https://api.example/upload",
    "projectsApiUrl": "https://api.example/projects",
    "mlApiUrl": "https://api.example/ml",
    "dronePathApiUrl": "https://api.example/path",
    "userPoolV3Id": "eu-west-3_Pool",
    "userPoolV3ClientId": "client",
    "mailEventsQueueUrl": "https://sqs.example/queue",
    "uploadsBucket": "uploads",
    "mlBucket": "ml",
    "projectsTable": "projects",
}


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give a function that puts a CLI on the PATH that answers so."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def answer(script: str) -> None:
        cli = tmp_path / "pulumi"
        cli.write_text(f"#!/bin/sh\n{script}\n")
        cli.chmod(0o755)

    return answer


def test_pulumi_is_asked_for_the_stack(pulumi):
    pulumi(f"[ \"$*\" = 'stack output --json --stack staging' ] && echo '{json.dumps(OUTPUTS)}'")
    stack = find_stack("staging", None)
    assert stack.addresses.projects_api_url == OUTPUTS["projectsApiUrl"]
    assert stack.region == "eu-west-3"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (None, "no pulumi CLI"),
        ("echo working >&2; echo \"error: no stack named 'staging' found\" >&2; exit 255", "no stack named"),
        ("exit 1", "no reason"),
        ("echo nothing", "no JSON"),
        ("echo []", "no object"),
        ("echo '{}'", "no output"),
    ],
)
def test_one_line_says_why_a_stack_is_not_found(pulumi, capsys, script: str | None, said: str):
    if script:
        pulumi(script)
    assert main(["--stack", "staging"]) == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert said in line


def test_outputs_come_from_a_file(tmp_path):
    with pytest.raises(OutputsError, match="cannot be read"):
        find_stack("staging", tmp_path / "nothing.json")
    (tmp_path / "outputs.json").write_text(json.dumps(OUTPUTS))
    assert find_stack("staging", tmp_path / "outputs.json") == Stack.of("staging", OUTPUTS)


@pytest.mark.parametrize("missing", OUTPUTS)
def test_a_missing_output_is_named(missing: str):
    with pytest.raises(OutputsError, match=missing):
        Stack.of("staging", {name: value for name, value in OUTPUTS.items() if name != missing})


def test_a_failed_check_says_what_to_do_and_is_not_the_last_word():
    said: list[str] = []
    checks = Checks(said.append)
    with checks.making("first", next_step="Wait.") as check:
        check.message = "found"
    assert checks.ok
    with checks.making("second", next_step="Wait."):
        raise CheckFailedError("it is gone", "Look for it.")
    checks.skip(["first", "second", "third"])
    assert not checks.ok
    assert [(check.name, check.state) for check in checks.done] == [
        ("first", "ok"),
        ("second", "failed"),
        ("third", "skipped"),
    ]
    assert any("it is gone" in line for line in said)
    assert any("Look for it." in line for line in said)
    assert not any("Wait." in line for line in said)


def test_a_mistake_of_ours_fails_a_check_and_is_raised():
    checks = Checks(lambda _: None)
    with pytest.raises(ZeroDivisionError), checks.making("first", next_step="Wait."):
        _ = 1 / 0
    assert [check.state for check in checks.done] == ["failed"]


def test_where_nothing_was_made_nothing_is_removed():
    removal = Removal(Stack.of("staging", OUTPUTS), pytest.fail, Made())
    removal.run()
    assert removal.left == []
