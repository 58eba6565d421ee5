"""docs/new-account.md, followed by a newcomer: its commands run, and what it says of names is so."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator

import pytest

from bootstrap.gateway_logs import NAME as LOG_ROLE
from bootstrap.installation import MAX_QUALIFIER, Installation
from components.settings import MAX_STACK_NAME
from local.cloud import EmbeddedCloud
from local.preview import ROOT

PAGE = (ROOT / "docs" / "new-account.md").read_text()
OURS = Installation("ACCOUNT".rjust(12, "1"), "us-west-2", "staging")


@pytest.fixture
def cloud() -> Iterator[EmbeddedCloud]:
    """A new account."""
    with EmbeddedCloud() as cloud:
        yield cloud


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    return [line.strip() for block in blocks for line in block.strip().splitlines()]


def run(cloud: EmbeddedCloud, command: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ENDPOINT_URL": cloud.endpoint,
        "AWS_ACCESS_KEY_ID": cloud.account,
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    make, *rest = shlex.split(command)
    # What `make setup` makes is there: tests run in it.
    return subprocess.run(
        [make, "--old-file=setup", *rest],
        cwd=ROOT,
        env=environment,
        text=True,
        capture_output=True,
        check=False,
    )


@pytest.mark.cloud
def test_its_commands_run_in_their_order_from_an_empty_account_to_an_empty_account(cloud: EmbeddedCloud):
    told = []
    for command in commands():
        assert command.startswith("make bootstrap ")
        done = run(cloud, command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        told.append(done.stdout)
    plan, up, *_, destroy = told
    assert "Nothing has been changed" in plan
    assert "pulumi login" in up
    assert f"Pulumi.{OURS.qualifier}.yaml" in up
    assert "identity provider" in destroy
    assert cloud.client("s3").list_buckets()["Buckets"] == []
    assert cloud.client("iam").list_roles()["Roles"] == []


@pytest.mark.cloud
def test_a_command_of_make_fails_as_bootstrap_does(cloud: EmbeddedCloud):
    done = run(cloud, "make bootstrap QUALIFIER=staging REPOSITORY=nobody ENVIRONMENT=staging")
    assert done.returncode != 0
    assert "OWNER/REPO" in done.stdout


def test_the_names_it_gives_are_those_that_are_made():
    names = {
        "state": OURS.state_bucket.replace(OURS.region, "REGION").replace(OURS.account, "ACCOUNT"),
        "alias": OURS.key_alias,
        "deploy": OURS.deploy_role,
        "boundary": OURS.boundary.rpartition("/")[2],
        "secret": OURS.signing_secret,
        "logs": LOG_ROLE,
    }
    for name in names.values():
        assert name.replace(OURS.qualifier, "QUALIFIER") in PAGE, name


def test_the_limits_it_gives_are_those_that_hold():
    assert re.search(rf"at most {MAX_QUALIFIER}\b", PAGE)
    assert re.search(rf"at most {MAX_STACK_NAME}\s+characters", PAGE)
