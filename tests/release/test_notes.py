"""After a deployment that has failed: what failed, what is deployed, how to go on and back."""

import json

import pytest

from local.preview import ROOT
from release.notes import STEPS, Failure, failed_step, write
from release.state import Deployed, StateError, export, read
from tests.release.tool_kit import Tools, bash
from tests.release.workflow_checks import jobs

LIVE = ("uploads-1", "live")
BEFORE = Deployed({}, {"sfm": "sha256:a", "3dgs": "sha256:b"}, {LIVE: "3", ("other-1", "live"): "8"})
AFTER = Deployed({}, {"sfm": "sha256:new", "3dgs": "sha256:b"}, {LIVE: "4", ("other-1", "live"): "8"})
CHANGING = ("apply", "settled", "smoke")


def notes(step, before=BEFORE, after=AFTER):
    return write(Failure("prod", "0123abc", step), before, after)


def commands(text):
    return text.partition("```sh\n")[2].partition("```")[0].splitlines()


@pytest.mark.parametrize("step", [*(step for step in STEPS if step not in CHANGING), ""])
def test_before_the_plan_is_applied_nothing_has_changed(step):
    text = notes(step)
    assert "Nothing of the stack has been changed" in text
    assert "update-alias" not in text
    assert "0123abc" in text


@pytest.mark.parametrize("step", CHANGING)
def test_after_it_the_way_back_has_the_earlier_values(step):
    text = notes(step)
    assert STEPS[step] in text.splitlines()[0]
    assert "prod" in text.splitlines()[0]
    assert "docs/releasing.md" in text
    assert "sha256:new" in text
    lines = commands(text)
    assert lines[0] == "aws lambda update-alias --function-name uploads-1 --name live --function-version 3"
    assert not any("other-1" in line for line in lines)
    assert "pulumi config set --stack prod --path imageDigests.sfm sha256:a" in lines
    assert "pulumi config set --stack prod --path imageDigests.3dgs sha256:b" in lines
    assert lines[-1] == "pulumi up --stack prod"


def test_what_has_not_moved_needs_no_way_back():
    assert commands(notes("smoke", after=BEFORE)) == [
        "# No function and no image has moved: what is deployed of them is what was."
    ]


def test_what_nobody_knows_is_said():
    assert "could not be read" in notes("smoke", after=None)
    assert commands(notes("smoke", before=None))[0].startswith("# What was deployed before could not be read")


def test_the_first_step_that_failed_is_found():
    steps = {
        "before": {"outcome": "success"},
        "apply": {"outcome": "failure"},
        "smoke": {"outcome": "skipped"},
    }
    assert failed_step(json.dumps(steps)) == "apply"
    assert failed_step(json.dumps({"setup": {"outcome": "failure"}})) == ""


def resource(token, logical, **outputs):
    return {"urn": f"urn:pulumi:prod::spaceport::{token}::{logical}", "type": token, "outputs": outputs}


def state(*resources):
    return json.dumps({"version": 3, "deployment": {"resources": list(resources)}})


def alias(version):
    return resource(
        "aws:lambda/alias:Alias", "x-alias", functionName="x-1", name="live", functionVersion=version
    )


STATE = [
    resource("aws:ecr/repository:Repository", "3dgs-repository", repositoryUrl="host/r"),
    resource("aws:ecr/repository:Repository", "another", repositoryUrl="host/other"),
    resource("spaceport:images:Image", "3dgs-image", uri="host/r@sha256:1"),
    resource("spaceport:images:Image", "sfm-image", uri="host/s:tag"),
]


def test_a_state_is_read():
    found = read(state(*STATE, alias("5"), {**alias("4"), "delete": True}))
    assert found == Deployed({"3dgs": "host/r"}, {"3dgs": "sha256:1"}, {("x-1", "live"): "5"})
    assert read(json.dumps({"deployment": {}})) == Deployed()


def test_what_the_program_registers_is_what_a_state_is_read_by(staging):
    """The tokens and outputs are the program's own."""
    resources = [{"urn": one.urn, "type": one.type, "outputs": one.outputs} for one in staging.registrations]
    found = read(state(*resources))
    assert set(found.repositories) == {"sfm", "3dgs", "compressor"}
    assert len(found.functions) == len(staging.of("aws:lambda/alias:Alias")) > 0


@pytest.mark.parametrize("text", ["", "[]", "{}", "null"])
def test_what_is_no_state_is_refused(text):
    with pytest.raises(StateError, match="pulumi stack export"):
        read(text)


def test_pulumis_own_words_are_passed_on(tmp_path, monkeypatch):
    tools = Tools(tmp_path / "tools", monkeypatch, alone=True)
    with pytest.raises(StateError, match="no Pulumi CLI"):
        export("prod", tmp_path)
    tools.add("pulumi", "sys.exit('error: no stack named prod')")
    with pytest.raises(StateError, match="no stack named prod"):
        export("prod", tmp_path)


def deploy_step(contains):
    (job,) = [job for job in jobs(ROOT / ".github") if job.where == "deploy.deploy"]
    (found,) = [run for run in job.runs if contains in run]
    return found


@pytest.mark.slow
def test_the_workflows_step_writes_the_notes(tmp_path, monkeypatch):
    (tmp_path / "before.json").write_text(state(*STATE, alias("4")))
    tools = Tools(tmp_path / "tools", monkeypatch)
    after = state(*STATE, alias("5"))
    tools.add("pulumi", f"Path(arguments[arguments.index('--file') + 1]).write_text({after!r})")
    variables = {
        "RUNNER_TEMP": str(tmp_path),
        "STACK": "prod",
        "GITHUB_SHA": "abc",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
        "STEPS": json.dumps({"smoke": {"outcome": "failure"}}),
    }
    done = bash(deploy_step("release notes"), ROOT, **variables)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "summary").read_text()
    assert "the smoke test failed" in text
    assert "update-alias --function-name x-1 --name live --function-version 4" in text


@pytest.mark.parametrize("copies", [True, False])
def test_the_workflows_step_copies_images_where_there_is_a_source(tmp_path, copies):
    """The step's lines, with a Python that says how it was called."""
    folder = tmp_path / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "python").write_text('#!/bin/bash\necho "$@"\n')
    (folder / "python").chmod(0o755)
    if copies:
        (tmp_path / "source").mkdir()
    done = bash(deploy_step("release images"), tmp_path, RUNNER_TEMP=str(tmp_path), STACK="prod")
    assert done.returncode == 0, done.stderr
    said = done.stdout.split()
    assert "--no-build" in said
    assert (f"--source {tmp_path / 'source'}" in done.stdout) == copies
