"""Workflows and bootstrap know the same variables, and the page tells of the jobs that take reading roles."""

import re

import pytest

from bootstrap.installation import Installation, Repository
from bootstrap.show import variables
from local.preview import ROOT
from tests.release.workflow_checks import ENVIRONMENTS, jobs

PAGE = (ROOT / "docs" / "releasing.md").read_text()
ROWS = {
    qualifier: (environment, tuple(re.findall(r"--reader (\S+?)`?(?= |$)", more)))
    for qualifier, environment, more in re.findall(
        r"^   \| `(staging|prod|pr)` \| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE
    )
}


def repository(qualifier):
    environment, readers = ROWS[qualifier]
    return Repository("o/r", environment=environment, readers=readers)


def printed(qualifier):
    """Variables that bootstrap prints: for the Environment of an installation, and for the repository."""
    lines = variables(Installation("123456789012", "us-west-2", qualifier), repository(qualifier))
    return {(line.split()[3], "--env" in line) for line in lines}


def used():
    """Variables that the workflows use, each with the Environment of its job."""
    for job in jobs(ROOT / ".github"):
        text = str(job.job)
        for name in re.findall(r"vars\.(\w+)", text):
            yield job, name


def test_the_page_bootstraps_an_installation_per_environment():
    assert {environment for environment, _ in ROWS.values()} == ENVIRONMENTS


def test_every_variable_of_a_workflow_is_printed_by_bootstrap_for_its_place():
    of_repository = {
        name for qualifier in ROWS for name, in_environment in printed(qualifier) if not in_environment
    }
    of_environment = {name for name, in_environment in printed("staging") if in_environment}
    for job, name in used():
        known = of_repository | (of_environment if "environment" in job.job else set())
        assert name in known, (job.where, name)


@pytest.mark.parametrize("qualifier", ["staging", "prod"])
def test_whoever_takes_a_reading_role_is_trusted_by_it(qualifier):
    trusted = set(repository(qualifier).preview_subjects)
    wanted = set()
    for job, name in used():
        if name != f"AWS_PREVIEW_ROLE_{qualifier.upper()}":
            continue
        if "environment" in job.job:
            # `deploy` takes it on main alone, where its Environment is production.
            environment = re.findall(r"'(\w+)' \|\|", job.job["environment"]) or [job.job["environment"]]
            wanted.add(f"repo:o/r:environment:{environment[0]}")
        elif "schedule" in job.document["on"]:
            wanted.add("repo:o/r:ref:refs/heads/main")
        else:
            wanted.add("repo:o/r:pull_request")
    assert wanted == trusted
