"""The workflows: well-formed, with no more rights than they need, and about things that are there."""

import json
import re
import shutil
import tomllib

import pytest
import yaml

from local.preview import ROOT
from release import notes
from tests.release.workflow_checks import CHECKS, GUARD, jobs, read, workflows

GITHUB = ROOT / ".github"


@pytest.mark.parametrize("name", CHECKS)
def test_the_workflows_are_as_they_should_be(name):
    assert list(CHECKS[name](GITHUB)) == []


WORKFLOWS = GITHUB / "workflows"
ROLE_STEP = "      - uses: aws-actions/configure-aws-credentials@"
BROKEN = [
    ("triggers", "preview.yml", "  pull_request:\n    branches", "  pull_request_target:\n    branches"),
    ("triggers", "deploy.yml", "branches: [development, main]", "branches: [development, main, x]"),
    ("pins", "check.yml", "df4cb1c069e1874edd31b4311f1884172cec0e10 # v6.0.3", "v6"),
    ("pins", "check.yml", "df4cb1c069e1874edd31b4311f1884172cec0e10 # v6.0.3", "a" * 40 + " # v6.0.3"),
    ("pins", "check.yml", " # v6.0.3", ""),
    ("pins", "deploy.yml", "./.github/workflows/images.yml", "./.github/workflows/pictures.yml"),
    ("permissions", "drift.yml", "permissions: {}\n", "permissions:\n  contents: read\n"),
    ("permissions", "check.yml", "      contents: read\n", "      contents: write\n"),
    ("permissions", "check.yml", "      contents: read\n", "      contents: read\n      id-token: write\n"),
    ("permissions", "drift.yml", "      id-token: write\n", ""),
    ("guards", "preview.yml", f"    if: {GUARD}\n", ""),
    ("guards", "preview.yml", "!cancelled() && github.event", "!cancelled() || github.event"),
    ("guards", "branch.yml", f"      && {GUARD}\n", ""),
    ("guards", "branch.yml", "      && (github.event.action == 'cl", "      || (github.event.action == 'cl"),
    ("credentials", "check.yml", "          persist-credentials: false\n", "          fetch-depth: 1\n"),
    ("credentials", "drift.yml", "GH_TOKEN: ${{ github.token }}", "GH_TOKEN: ${{ secrets.TOKEN }}"),
    ("interpolations", "branch.yml", '--number "$NUMBER"', '--number "${{ github.event.number }}"'),
    ("limits", "drift.yml", "    timeout-minutes: 45\n", ""),
    ("limits", "deploy.yml", "      cancel-in-progress: false\n", "      cancel-in-progress: true\n"),
    ("environments", "images.yml", "    environment: staging\n", ""),
    ("environments", "deploy.yml", "'production'", "'live'"),
    ("references", "check.yml", ".ci/run", ".ci/ran"),
    ("references", "deploy.yml", "make smoke", "make smokes"),
    ("references", "deploy.yml", "release notes --stack", "release notes --name"),
    ("references", "deploy.yml", "--no-build", "--no-builds"),
    ("references", "images.yml", "vars.AWS_DEPLOY_ROLE", "vars.AWS_DEPLOYS"),
    ("references", "drift.yml", "- stack: prod", "- stack: production"),
    ("shells", "deploy.yml", "          done < ", "          finished < "),
    ("shells", "preview.yml", "    shell: bash", "    shell: sh"),
    ("lint", "preview.yml", "matrix.stack }}\n      PULUMI", "matrix.stacks }}\n      PULUMI"),
    ("lint", "deploy.yml", "needs: images", "needs: pictures"),
    ("audit", "preview.yml", "  pull_request:\n    branches", "  pull_request_target:\n    branches"),
    ("audit", "branch.yml", '--number "$NUMBER"', '--number "${{ github.head_ref }}"'),
]  # fmt: skip


@pytest.mark.parametrize(("check", "file", "text", "instead"), BROKEN)
def test_a_broken_workflow_is_seen(tmp_path, check, file, text, instead):
    copy = tmp_path / ".github"
    shutil.copytree(GITHUB, copy)
    path = copy / "workflows" / file
    whole = path.read_text()
    assert text in whole
    path.write_text(whole.replace(text, instead))
    assert list(CHECKS[check](copy))


def test_every_check_has_been_seen_to_fail():
    assert {check for check, *_ in BROKEN} == set(CHECKS)


def test_the_pulumi_cli_is_that_of_the_lock():
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    (locked,) = [one["version"] for one in lock["package"] if one["name"] == "pulumi"]
    (step,) = [
        step
        for step in read(GITHUB / "actions/setup/action.yml")["runs"]["steps"]
        if step.get("uses", "").startswith("pulumi/actions@")
    ]
    assert step["with"] == {"pulumi-version": locked}


def deploy():
    (job,) = [job for job in jobs(GITHUB) if job.where == "deploy.deploy"]
    return job


def test_the_notes_know_the_steps_of_the_deployment_in_their_order():
    ids = [step["id"] for step in deploy().steps if "id" in step]
    assert ids == ["setup", *notes.STEPS]


def test_what_is_applied_is_what_was_planned_and_nothing_is_left_after_it():
    runs = {step["id"]: step["run"] for step in deploy().steps if "id" in step and "run" in step}
    (saved,) = re.findall(r"--save-plan (\S+)", runs["plan"])
    assert re.findall(r"--plan (\S+)", runs["apply"]) == [saved]
    assert "--expect-no-changes" in runs["settled"]
    assert "preview" in runs["settled"]
    assert "--no-build" in runs["images"]


@pytest.mark.parametrize(("ref", "stack", "environment"), [
    ("refs/heads/main", "prod", "production"), ("refs/heads/development", "staging", "staging"),
])  # fmt: skip
def test_a_branch_has_one_stack_and_one_environment(ref, stack, environment):
    for value, expected in (
        (deploy().job["environment"], environment),
        (deploy().job["env"]["STACK"], stack),
        (deploy().steps[1]["with"]["stack"], stack),
        (deploy().job["concurrency"]["group"], f"deploy-{stack}"),
    ):
        choice = re.search(r"\$\{\{ github\.ref == '(.*?)' && '(.*?)' \|\| '(.*?)' \}\}", value)
        assert value.replace(choice[0], choice[2] if choice[1] == ref else choice[3]) == expected


def test_a_pull_request_to_main_is_previewed_for_production_too():
    matrix = workflows(GITHUB)["preview"]["jobs"]["preview"]["strategy"]["matrix"]["stack"]
    base, to_main, to_others = re.search(r"base_ref == '(\w+)' && '(.*?)' \|\| '(.*?)'", matrix).groups()
    assert base == "main"
    assert set(json.loads(to_main)) - set(json.loads(to_others)) == {"prod"}
    assert "staging" in json.loads(to_others)


def test_only_reading_roles_are_taken_outside_of_environments():
    for job in jobs(GITHUB):
        roles = re.findall(r"vars\.(AWS_\w+)", yaml.safe_dump(job.job))
        if "environment" not in job.job:
            assert all(role.startswith("AWS_PREVIEW_ROLE_") for role in roles), job.where
