"""Who gains and who loses what between two revisions."""

import json
from dataclasses import replace

import pytest

from local.preview.documents import dump, load
from release.abilities import compare
from release.grants import PERMISSION, ROLE, grants
from release.patterns import Condition, Pattern, matches
from tests.release.conftest import registered, role_policy, run_of, statement

BUCKET = "${uploads-bucket.arn}"


def policies(*statements):
    return run_of(role_policy(*statements))


def between(before, after):
    return compare(policies(*before), policies(*after))


READ = statement(["s3:GetObject"], [f"{BUCKET}/*"])
ONLY_TLS = {"Bool": {"aws:SecureTransport": "true"}}
DENY = statement(["s3:*"], [f"{BUCKET}/*"], effect="Deny")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([], [READ], ["worker-role", "s3:getobject", f"{BUCKET}/*"]),
        ([READ], [statement(["s3:Get*"], [f"{BUCKET}/*"])], ["s3:get*"]),
        ([READ], [statement(["s3:GetObject"], ["*"])], ["anything"]),
        ([{**READ, "Condition": ONLY_TLS}], [READ], ["s3:getobject"]),
        ([READ, DENY], [READ], ["no longer denied", "s3:*"]),
        ([DENY], [{**DENY, "Condition": ONLY_TLS}], ["no longer denied"]),
        (
            [{**READ, "Condition": {"StringEquals": {"aws:SourceAccount": ["1"]}}}],
            [{**READ, "Condition": {"StringEquals": {"aws:SourceAccount": ["1", "2"]}}}],
            ["1 or 2"],
        ),
        (
            [{**READ, "Condition": {"StringNotEquals": {"aws:SourceAccount": ["1", "2"]}}}],
            [{**READ, "Condition": {"StringNotEquals": {"aws:SourceAccount": "1"}}}],
            ["if aws:SourceAccount StringNotEquals 1"],
        ),
        (
            [statement(["s3:GetObject"], ["a", "b"])],
            [{"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "b"}],
            ["everything but b"],
        ),
    ],
)
def test_what_is_gained_is_lost_the_other_way_round(before, after, words):
    forth, back = between(before, after), between(after, before)
    assert len(forth.gained) == len(back.lost) > 0
    assert all(any(word in line for line in forth.gained) for word in words)
    assert any("no longer" in line or "now denied" in line for line in back.lost)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([READ], [READ, READ]),
        ([READ], [statement("s3:GETOBJECT", f"{BUCKET}/*")]),
        ([statement(["s3:GetObject", "s3:PutObject"], ["a", "b"])], None),
        ([statement(["s3:*"], ["*"])], [statement(["s3:*"], ["*"]), READ]),
    ],
)
def test_the_same_said_otherwise_is_no_change(before, after):
    if after is None:
        after = [
            statement([action], [place])
            for place in ("b", "a")
            for action in ("s3:PutObject", "s3:GetObject")
        ]
    assert not between(before, after)


def test_what_is_denied_instead_of_allowed_is_lost_twice():
    change = between([READ], [DENY])
    assert not change.gained
    assert any("may no longer" in line for line in change.lost)
    assert any("now denied" in line for line in change.lost)


def test_a_narrowed_right_loses_and_gains_nothing():
    change = between([statement(["s3:*"], ["*"])], [READ])
    assert change.lost
    assert not change.gained


def test_a_right_that_moves_to_another_policy_of_its_role_is_no_change():
    assert not compare(run_of(role_policy(READ)), run_of(role_policy(READ, name="renamed")))
    assert compare(run_of(role_policy(READ)), run_of(role_policy(READ, role="other-role")))


TRUST = {
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    ]
}


def trusting(principal, **inputs):
    document = json.loads(json.dumps(TRUST))
    document["Statement"][0]["Principal"] = principal
    return run_of(
        registered("aws:iam/role:Role", "worker-role", assumeRolePolicy=json.dumps(document), **inputs)
    )


def test_a_role_that_trusts_more_is_a_gain_of_whom_it_trusts():
    before = trusting({"Service": "lambda.amazonaws.com"})
    change = compare(before, trusting({"Service": ["lambda.amazonaws.com", "states.amazonaws.com"]}))
    (line,) = change.gained
    assert "states.amazonaws.com" in line
    assert "sts:assumerole" in line
    assert "worker-role" in line
    assert any("**anybody**" in line for line in compare(before, trusting({"AWS": "*"})).gained)


def test_managed_policies_inline_policies_and_boundaries_count():
    before = trusting("*", permissionsBoundary="arn:boundary")
    inline = [{"name": "x", "policy": json.dumps({"Statement": READ})}]
    after = trusting(
        "*", managedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"], inlinePolicies=inline
    )
    gained = " ".join(compare(before, after).gained)
    assert "AdministratorAccess" in gained
    assert "s3:getobject" in gained
    assert "permissions boundary" in gained
    attachment = registered(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        "a",
        role="${worker-role.name}",
        policyArn="arn:all",
    )
    (line,) = compare(run_of(), run_of(attachment)).gained
    assert "`worker-role`" in line
    assert "arn:all" in line


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        ("aws:s3/bucketPolicy:BucketPolicy", {"bucket": "b"}),
        ("aws:sqs/queuePolicy:QueuePolicy", {"queueUrl": "q"}),
        ("aws:sns/topicPolicy:TopicPolicy", {"arn": "t"}),
        ("aws:kms/key:Key", {}),
        ("aws:ecr/repositoryPolicy:RepositoryPolicy", {"repository": "r"}),
    ],
)
def test_resources_that_let_somebody_in_count(type_, inputs):
    opened = {"Statement": [statement(["x:Do"], ["*"], Principal={"AWS": "*"})]}
    (line,) = compare(run_of(), run_of(registered(type_, "one", policy=json.dumps(opened), **inputs))).gained
    assert line.startswith("**anybody** may now `x:do` on ")
    assert ("${one.name}" in line) == type_.startswith("aws:kms/")


def test_a_functions_permission_says_who_calls_it_and_on_what_condition():
    permission = registered(
        "aws:lambda/permission:Permission",
        "called",
        action="lambda:InvokeFunction",
        function="${f.name}",
        qualifier="live",
        principal="apigateway.amazonaws.com",
        sourceArn="arn:api/*",
    )
    (line,) = compare(run_of(), run_of(permission)).gained
    assert "the service apigateway.amazonaws.com" in line
    assert "${f.name}:live" in line
    assert "arn:api/*" in line
    unbound = replace(permission, inputs={**permission.inputs, "sourceArn": None})
    assert compare(run_of(permission), run_of(unbound)).gained


def test_the_real_program_against_itself_and_against_one_that_may_more(staging):
    assert not compare(staging, load(dump(staging)))
    (policy,) = [one for one in staging.of("aws:iam/rolePolicy:RolePolicy") if one.name == "delivery-policy"]
    document = json.loads(policy.inputs["policy"])
    document["Statement"].append(statement(["dynamodb:*"], ["*"]))
    wider = replace(policy, inputs={**policy.inputs, "policy": json.dumps(document)})
    others = [one for one in staging.registrations if one is not policy]
    change = compare(staging, run_of(*others, wider))
    assert change.gained == ("`delivery-role` may now `dynamodb:*` on anything",)
    assert not change.lost


def test_every_policy_of_the_real_program_is_seen(staging):
    for one in staging.registrations:
        speaks = '\\"Statement\\"' in json.dumps(one.inputs) or one.type == PERMISSION
        said = [grant for grant in grants(run_of(one)) if "boundary" not in str(grant.action)]
        assert speaks == bool(said), one.name
    holders = {str(grant.principal) for grant in grants(staging)}
    assert {f"${{{one.name}.name}}" for one in staging.of(ROLE)} <= holders


def test_a_document_that_is_no_run_is_refused():
    for text in ("{}", "[]", '{"registrations": [{}], "outputs": {}}'):
        with pytest.raises(ValueError, match="no run"):
            load(text)


@pytest.mark.parametrize(
    ("pattern", "text", "covers"),
    [
        ("s3:*", "s3:Get*", True),
        ("s3:Get*", "s3:*", False),
        ("s3:Get?bject", "s3:GetObject", True),
        ("s3:Get?", "s3:Get*", False),
        ("a*c*e", "abcde", True),
        ("a*c*e", "abcd", False),
        ("*", "", True),
        ("a", "ab", False),
    ],
)
def test_wildcards(pattern, text, covers):
    assert matches(pattern, text) == covers


@pytest.mark.parametrize(
    ("wide", "narrow", "covers"),
    [
        (Pattern(("*",)), Pattern(("a",), but=True), True),
        (Pattern(("a*",)), Pattern(("b",), but=True), False),
        (Pattern(("a",), but=True), Pattern(("a", "b"), but=True), True),
        (Pattern(("a", "b"), but=True), Pattern(("a",), but=True), False),
        (Pattern(("a*",), but=True), Pattern(("b",)), True),
        (Pattern(("a*",), but=True), Pattern(("ab",)), False),
        (Pattern(("ab",), but=True), Pattern(("a*",)), False),
    ],
)
def test_everything_but(wide, narrow, covers):
    assert wide.covers(narrow) == covers


def test_a_condition_more_is_narrower():
    one, two = Condition.of(ONLY_TLS), Condition.of({**ONLY_TLS, "StringEquals": {"a": "b"}})
    assert one.covers(two)
    assert not two.covers(one)
    assert Condition.of(None).covers(one)
    assert not one.covers(Condition.of(None))
