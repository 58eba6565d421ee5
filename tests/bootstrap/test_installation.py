"""What people type: what cannot be is refused with a word about what to do, and names never collide."""

import pytest

from bootstrap.__main__ import main
from bootstrap.account import principals
from bootstrap.installation import MAX_QUALIFIER, BootstrapError, Installation, Repository

ACCOUNT = "123456789012"
LONGEST_REGION = "ap-northeast-1"


def installation(qualifier: str = "prod", region: str = "us-west-2", **more: object) -> Installation:
    return Installation(ACCOUNT, region, qualifier, **more)


@pytest.mark.parametrize(
    "name", ["repo", "owner/", "/repo", "owner/repo/more", "ow ner/repo", "-owner/repo", ""]
)
def test_a_name_that_is_no_repository_is_refused(name: str):
    with pytest.raises(BootstrapError, match="OWNER/REPO"):
        Repository(name, environment="prod")


def test_either_an_environment_or_a_ref_deploys():
    for given in ({}, {"environment": "prod", "ref": "refs/heads/main"}):
        with pytest.raises(BootstrapError, match="either"):
            Repository("owner/repo", **given)


@pytest.mark.parametrize(
    "ref", ["main", "refs/heads/*", "refs/pull/1/merge", "refs/heads/", "refs/heads/a b"]
)
def test_a_ref_that_github_does_not_send_is_refused(ref: str):
    with pytest.raises(BootstrapError, match="refs/heads/BRANCH"):
        Repository("owner/repo", ref=ref)


def test_an_environment_that_would_be_a_pattern_is_refused():
    with pytest.raises(BootstrapError, match="Environment"):
        Repository("owner/repo", environment="prod:*")


@pytest.mark.parametrize(
    "reader", ["pull_request", "environment:*", "ref:refs/heads/*", "ref:main", "environment:", "*"]
)
def test_a_reader_that_is_no_job_or_would_be_a_pattern_is_refused(reader: str):
    with pytest.raises(BootstrapError, match="no reader"):
        Repository("owner/repo", environment="prod", readers=(reader,))


@pytest.mark.parametrize("qualifier", ["", "Prod", "pr-od", "1prod", "prod_"])
def test_a_qualifier_that_could_begin_another_ones_names_is_refused(qualifier: str):
    with pytest.raises(BootstrapError, match="small letters and digits"):
        installation(qualifier)


def test_a_qualifier_too_long_for_a_buckets_name_is_refused():
    assert len(installation("q" * MAX_QUALIFIER, LONGEST_REGION).state_bucket) <= 63
    with pytest.raises(BootstrapError, match=f"{MAX_QUALIFIER} are the most"):
        installation("q" * (MAX_QUALIFIER + 1))


def test_the_name_of_bootstraps_own_things_is_no_qualifier():
    with pytest.raises(BootstrapError, match="bootstrap"):
        installation("bootstrap")


def test_what_is_no_region_or_administrator_is_refused():
    with pytest.raises(BootstrapError, match="region"):
        installation(region="oregon")
    with pytest.raises(BootstrapError, match="ARN"):
        installation(administrators=("ada",))


def test_stacks_are_told_by_their_names():
    one, other = installation("prod"), installation("prod2")
    assert one.has("prod")
    assert one.has("prod-eu")
    assert not one.has("prod2")
    assert not other.has("prod")
    assert not other.prefix.startswith(f"{one.prefix}-")


def test_what_bootstrap_makes_is_not_named_as_what_a_stack_makes():
    ours = installation("prod")
    own = (ours.state_bucket, ours.deploy_role, ours.preview_role, ours.boundary.rpartition("/")[2])
    assert not any(name.startswith(f"{ours.prefix}-") for name in own)


def test_a_session_of_a_role_is_known_by_the_role_whatever_its_path():
    names = principals(f"arn:aws:sts::{ACCOUNT}:assumed-role/Admin/ada")
    assert names == (f"arn:aws:iam::{ACCOUNT}:role/Admin", f"arn:aws:iam::{ACCOUNT}:role/*/Admin")
    assert principals(f"arn:aws:iam::{ACCOUNT}:user/ada") == (f"arn:aws:iam::{ACCOUNT}:user/ada",)


def test_without_credentials_it_says_where_they_come_from(monkeypatch, capsys, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    assert main(["quotas", "--qualifier", "staging"]) == 1
    assert "no AWS credentials" in capsys.readouterr().out


def test_a_stack_of_another_qualifier_or_without_a_region_is_refused(capsys):
    assert main(["quotas", "--qualifier", "none", "--stack", "none"]) == 1
    assert "--region" in capsys.readouterr().out
