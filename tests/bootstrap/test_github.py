"""Who takes the roles: exactly the jobs of one repository that are to, and nobody else's."""

import pytest
from botocore.exceptions import ClientError

from bootstrap.installation import AUDIENCE, GITHUB_HOST
from tests.bootstrap.account_kit import REPOSITORY, AccountKit, token

pytestmark = pytest.mark.cloud

ENVIRONMENT, REF = "web", "ref"
"""Qualifiers of an installation that an Environment deploys, and of one that a branch does."""
DEPLOYS = f"repo:{REPOSITORY}:environment:production"
DEPLOYS_REF = f"repo:{REPOSITORY}:ref:refs/heads/main"
PREVIEWS = f"repo:{REPOSITORY}:pull_request"
READERS = (f"repo:{REPOSITORY}:ref:refs/heads/drift", f"repo:{REPOSITORY}:environment:copies")
"""Who else may look at the installation that a branch deploys."""
STRANGERS = {
    "a fork": "repo:somebody/repo:environment:production",
    "a repository whose name begins alike": f"repo:{REPOSITORY}2:environment:production",
    "another Environment": f"repo:{REPOSITORY}:environment:staging",
    "another branch": f"repo:{REPOSITORY}:ref:refs/heads/feature",
    "a branch whose name begins alike": f"repo:{REPOSITORY}:ref:refs/heads/main2",
    "a tag": f"repo:{REPOSITORY}:ref:refs/tags/main",
    "a fork's pull request": "repo:somebody/repo:pull_request",
    "other letters": f"repo:{REPOSITORY.upper()}:environment:production",
    "nobody": "",
}


@pytest.fixture(scope="module")
def roles(cloud) -> dict[str, str]:
    kit = AccountKit(cloud)
    kit.up(ENVIRONMENT, environment="production")
    code, said = kit.run(
        *("up", "--qualifier", REF, "--region", cloud.region),
        *("--repository", REPOSITORY, "--ref", "refs/heads/main"),
        *("--reader", "ref:refs/heads/drift", "--reader", "environment:copies"),
    )
    assert code == 0, said
    by_environment, by_ref = kit.installation(ENVIRONMENT), kit.installation(REF)
    return {
        "deploy": by_environment.deploy_role,
        "preview": by_environment.preview_role,
        "deploy-ref": by_ref.deploy_role,
        "preview-ref": by_ref.preview_role,
    }


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("deploy", DEPLOYS),
        ("deploy-ref", DEPLOYS_REF),
        ("preview", PREVIEWS),
        ("preview-ref", PREVIEWS),
        *(("preview-ref", reader) for reader in READERS),
    ],
)
def test_the_right_job_takes_its_role(kit: AccountKit, roles, role: str, subject: str):
    keys = kit.assume(roles[role], token(subject))
    arn = kit.as_role(keys)("sts").get_caller_identity()["Arn"]
    assert f":assumed-role/{roles[role]}/" in arn


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("role", ["deploy", "deploy-ref", "preview", "preview-ref"])
def test_a_stranger_takes_none(kit: AccountKit, roles, role: str, who: str):
    with pytest.raises(ClientError, match="AccessDenied"):
        kit.assume(roles[role], token(STRANGERS[who]))


@pytest.mark.parametrize(
    ("role", "subject"),
    [
        ("deploy", PREVIEWS),
        ("deploy-ref", PREVIEWS),
        ("preview", DEPLOYS),
        ("preview-ref", DEPLOYS_REF),
        ("deploy", DEPLOYS_REF),
        ("deploy-ref", DEPLOYS),
        *((role, reader) for role in ("deploy", "deploy-ref", "preview") for reader in READERS),
    ],
)
def test_a_job_takes_no_role_of_another_kind(kit: AccountKit, roles, role: str, subject: str):
    with pytest.raises(ClientError, match="AccessDenied"):
        kit.assume(roles[role], token(subject))


@pytest.mark.parametrize(
    "wrong",
    [
        {"audience": "https://github.com/owner"},
        {"audience": f"{AUDIENCE}.cn"},
        {"issuer": "https://tokens.example.com"},
        {"issuer": f"https://{GITHUB_HOST}.example.com"},
    ],
)
def test_a_token_for_another_audience_or_of_another_issuer_takes_none(kit: AccountKit, roles, wrong):
    for role, subject in (("deploy", DEPLOYS), ("preview", PREVIEWS)):
        with pytest.raises(ClientError, match="AccessDenied"):
            kit.assume(roles[role], token(subject, **wrong))
