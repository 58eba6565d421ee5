"""The roles' rights, held against the program: what it is made of, and what its own roles do."""

import fnmatch
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import operations.smoke
from bootstrap.boundary import boundary
from bootstrap.installation import Installation
from bootstrap.resource_rights import RIGHTS, all_rights
from bootstrap.rights import MAX_POLICIES, MAX_POLICY, Only, Scope, size, split, write
from bootstrap.roles import deploy_rights, preview_rights
from bootstrap.smoke_rights import SMOKE
from components.adopt import ADOPTABLE
from local.preview import Run, run_program, stack_config
from local.preview.config import stand_ins

LONGEST = Installation("123456789012", "ap-northeast-1", "q" * 12)
KEY = f"arn:aws:kms:{LONGEST.region}:{LONGEST.account}:key/00000000-0000-0000-0000-000000000000"
CERTIFICATE = "arn:aws:acm:us-west-2:123456789012:certificate/00000000-0000-0000-0000-000000000000"
READING = ("Get", "List", "Describe", "Batch", "View", "Validate", "GET", "Decrypt")
UNNAMED = {
    "cloudfront:CreateDistribution",
    "cloudfront:CreateDistributionWithTags",
    *(
        f"cloudfront:{verb}{kind}"
        for kind in ("KeyGroup", "OriginAccessControl", "PublicKey", "ResponseHeadersPolicy")
        for verb in ("Create", "Delete", "Update")
    ),
}
"""What changes something and is on everything: CloudFront knows neither names nor tags of these."""

Statement = Mapping[str, Any]


def stack(name: str, **more: str) -> Run:
    config = stack_config(name, {f"spaceport:{key}": value for key, value in more.items()})
    return run_program(config | stand_ins(name, config), stack=name)


@pytest.fixture(scope="module")
def runs() -> dict[str, Run]:
    domain = {"apiDomain": "api.example.com", "apiCertificateArn": CERTIFICATE}
    return {
        "prod": stack("prod"),
        "staging": stack("staging"),
        "local": stack("local"),
        "domain": stack("prod", **domain),
    }


def types(run: Run) -> set[str]:
    return {one.type for one in run.registrations if one.custom or one.type.startswith("awsx:")}


def test_every_type_of_the_program_has_its_rights_and_no_other_has(runs: Mapping[str, Run]):
    made = set().union(*(types(run) for run in runs.values()))
    assert made - set(RIGHTS) == set(), "bootstrap/resource_rights.py does not say what these need"
    assert set(RIGHTS) - made == set(), "nothing of the program needs these any more"


def test_all_policies_are_as_long_as_iam_takes_them_and_no_more_than_a_role_may_have():
    for rights in (deploy_rights(LONGEST, KEY), preview_rights(LONGEST, KEY)):
        texts = split(rights)
        assert len(texts) <= MAX_POLICIES
        assert all(size(text) <= MAX_POLICY for text in texts)
        assert [one for text in texts for one in json.loads(text)["Statement"]] == rights
    assert size(boundary(LONGEST)) <= MAX_POLICY


def test_rights_that_do_not_fit_are_shared_out():
    many = [write(f"s3:Put{'x' * 100}{number}", on=f"arn:aws:s3:::{number}") for number in range(100)]
    statements = Scope(LONGEST).statements(many)
    texts = split(statements)
    assert len(texts) > 1
    assert all(size(text) <= MAX_POLICY for text in texts)


def test_a_right_to_everything_changes_nothing_that_has_a_name_or_a_tag():
    for statement in deploy_rights(LONGEST, KEY):
        if "*" in statement["Resource"] and "Condition" not in statement:
            changing = {one for one in statement["Action"] if not one.partition(":")[2].startswith(READING)}
            assert changing <= UNNAMED
    changed = {action for right in all_rights() if right.on == ("*",) for action in right.actions}
    assert changed >= UNNAMED


def test_no_right_is_to_all_actions_of_a_service():
    for statement in (*deploy_rights(LONGEST, KEY), *json.loads(boundary(LONGEST))["Statement"]):
        assert not [action for action in statement["Action"] if "*" in action]


def test_a_preview_has_no_right_whose_name_is_of_changing():
    actions = {action for statement in preview_rights(LONGEST, KEY) for action in statement["Action"]}
    assert {one for one in actions if not one.partition(":")[2].startswith(READING)} == set()


def test_names_are_of_the_qualifier():
    for statement in Scope(LONGEST).statements(all_rights()):
        for arn in statement["Resource"]:
            named = LONGEST.prefix in arn or "aws-service-role" in arn
            assert named or arn == "*" or "Condition" in statement, (arn, statement["Action"])


def test_what_is_adopted_can_be_reached_by_its_own_name(runs: Mapping[str, Run]):
    ids = {name: f"old-{number}" for number, name in enumerate(sorted(ADOPTABLE))}
    ids |= {
        name: f"pool/{id_}" for name, id_ in ids.items() if name.endswith(("-client", "-group", "-admins"))
    }
    adopting = Installation("123456789012", "us-west-2", "prod", adopted=ids)
    reached = {
        arn
        for one in (*deploy_rights(adopting, KEY), *json.loads(boundary(adopting))["Statement"])
        for arn in one["Resource"]
    }
    for name, id_ in ids.items():
        if "/" in id_:
            # Within a pool, which is reached by its own id.
            assert not any(id_ in arn for arn in reached)
            continue
        assert any(arn.endswith((f":::{id_}", f"/{id_}")) for arn in reached), name
    assert size(boundary(adopting)) <= MAX_POLICY
    split(deploy_rights(adopting, KEY))


def given(run: Run) -> Iterator[Statement]:
    """What the program's own roles may do, by their policies."""
    for policy in run.of("aws:iam/rolePolicy:RolePolicy"):
        yield from json.loads(policy.inputs["policy"])["Statement"]


def test_the_boundary_knows_every_action_of_the_programs_roles_and_no_other(runs: Mapping[str, Run]):
    ceiling = {action for one in json.loads(boundary(LONGEST))["Statement"] for action in one["Action"]}
    needed = {action for run in runs.values() for statement in given(run) for action in statement["Action"]}
    assert needed == ceiling


def test_the_boundary_lets_nobody_near_iam_but_to_give_jobs_their_roles():
    (passing,) = [
        one
        for one in json.loads(boundary(LONGEST))["Statement"]
        if any(a.startswith("iam:") for a in one["Action"])
    ]
    assert passing["Action"] == ["iam:PassRole"]
    assert passing["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    assert all(
        fnmatch.fnmatch(f"arn:aws:iam::{LONGEST.account}:role/{LONGEST.prefix}-x", arn)
        for arn in passing["Resource"]
    )


def test_a_role_is_made_and_changed_only_with_the_boundary():
    bounded = {
        "iam:CreateRole",
        "iam:PutRolePolicy",
        "iam:DeleteRolePolicy",
        "iam:PutRolePermissionsBoundary",
    }
    for statement in deploy_rights(LONGEST, KEY):
        if bounded & set(statement["Action"]):
            assert set(statement["Action"]) <= bounded
            assert statement["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": LONGEST.boundary}}


def test_every_condition_is_used():
    used = {right.only for right in all_rights()}
    assert set(Only) - used == {Only.PASSED_TO_JOBS}


def test_the_deploy_role_may_do_what_the_smoke_test_needs_and_no_more_of_it():
    named = re.findall(r"^\| ([\w-]+):(\w+(?:, \w+)*) \|", operations.smoke.__doc__ or "", re.MULTILINE)
    stated = {f"{service}:{action}" for service, actions in named for action in actions.split(", ")}
    assert {action for right in SMOKE for action in right.actions} < stated
    allowed = [
        (action, arn)
        for statement in deploy_rights(LONGEST, KEY)
        for action in statement["Action"]
        for arn in statement["Resource"]
    ]
    assert stated <= {action for action, _ in allowed}

    def may(action: str, arn: str) -> bool:
        return any(one == action and fnmatch.fnmatchcase(arn, pattern) for one, pattern in allowed)

    where = f"{LONGEST.region}:{LONGEST.account}"
    for stack_name in (LONGEST.qualifier, f"{LONGEST.qualifier}-12"):
        queues = f"arn:aws:sqs:{where}:spaceport-{stack_name}"
        assert may("sqs:ReceiveMessage", f"{queues}-mail-events-1a2b3c4")
        assert not may("sqs:ReceiveMessage", f"{queues}-webhooks-queue-1a2b3c4")
        tables = f"arn:aws:dynamodb:{where}:table/spaceport-{stack_name}"
        assert may("dynamodb:GetItem", f"{tables}-projects-table-1a2b3c4")
        assert not may("dynamodb:GetItem", f"{tables}-jobs-table-1a2b3c4")
