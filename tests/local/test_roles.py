"""Every role of the deployed program, tried: it can do its job, and nothing of its neighbours'.

What a role may do stands in `role_matrix`, written by hand. Here every call of `role_probes` is made with
each role's own temporary keys, and IAM's answer must be the matrix's.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.deployed import Deployed
from tests.local.cloud_kit import CloudKit, allow
from tests.local.role_matrix import IMPLIED, MATRIX, NO_CALL, NOBODYS
from tests.local.role_probes import BUCKET, PLACES, ROLE, Probe, Probes

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(300)]

REFUSALS = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
AT_ONCE = 4
ONE_TRY = Config(
    s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, max_pool_connections=AT_ONCE
)

Keys = Mapping[str, str]
Clients = Mapping[str, Any]
"""A role's boto3 clients by service."""


@pytest.fixture(scope="module")
def probes(up: Deployed) -> list[Probe]:
    return Probes(up).all()


@pytest.fixture(scope="module")
def clients(up: Deployed, probes: Sequence[Probe]) -> dict[str, Clients]:
    """Every role's clients, with its temporary keys."""
    services = {probe.service for probe in probes}
    session = boto3.Session(region_name=up.cloud.region)
    return {
        role: {
            service: session.client(service, endpoint_url=up.cloud.endpoint, config=ONE_TRY, **keys)
            for service in services
        }
        for role, keys in taken(up).items()
    }


def roles_of(up: Deployed) -> dict[str, str]:
    """ARNs of the program's roles."""
    return {one.name: one.outputs["arn"] for one in up.deployment.resources if one.type == ROLE}


def taken(up: Deployed) -> dict[str, Keys]:
    """Take every role as a user whom it trusts for that moment: else it trusts a service alone."""
    roles = roles_of(up)
    sts = CloudKit(up.cloud).as_user("sts", allow("sts:AssumeRole", list(roles.values())))
    user = sts.get_caller_identity()["Arn"]
    keys = {}
    for name, arn in roles.items():
        with trusting(up, arn, user):
            given = sts.assume_role(RoleArn=arn, RoleSessionName=name)["Credentials"]
        with pytest.raises(ClientError, match="AccessDenied"):
            sts.assume_role(RoleArn=arn, RoleSessionName=name)
        keys[name] = {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }
    return keys


@contextmanager
def trusting(up: Deployed, role: str, user: str) -> Iterator[None]:
    """Let a role trust a user too."""
    iam, name = up.cloud.client("iam"), role.rpartition("/")[2]
    before = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    too = {"Effect": "Allow", "Principal": {"AWS": user}, "Action": "sts:AssumeRole"}
    trust = {**before, "Statement": [*before["Statement"], too]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trust))
    try:
        yield
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(before))


def refused(probe: Probe, clients: Clients) -> bool:
    """Make a call; any answer that is not a refusal says that the role has the right."""
    try:
        probe.send(clients[probe.service])
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return error.response["Error"]["Code"] in REFUSALS
    return False


def may(role: str, probe: Probe) -> bool:
    words = MATRIX[role].get(probe.thing, "").split()
    return probe.ability in words or IMPLIED.get(probe.ability) in words


@pytest.mark.parametrize("role", MATRIX)
def test_a_role_can_do_its_job_and_nothing_else(
    clients: dict[str, Clients], probes: Sequence[Probe], role: str
):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda probe: refused(probe, clients[role]), probes))
    told = list(zip(probes, answers, strict=True))
    lacks = [str(probe) for probe, no in told if no and may(role, probe)]
    has = [str(probe) for probe, no in told if not no and not may(role, probe)]
    assert not lacks, f"{role} is refused what its job needs: {'; '.join(lacks)}"
    assert not has, f"{role} may do what is not its job: {'; '.join(has)}"


def test_the_matrix_knows_every_role_and_thing(up: Deployed, probes: Sequence[Probe]):
    assert set(roles_of(up)) == set(MATRIX)
    assert {one.name for one in up.deployment.resources if one.type == BUCKET} == set(PLACES)
    known = {thing for abilities in MATRIX.values() for thing in abilities}
    assert known.isdisjoint(NOBODYS)
    assert {probe.thing for probe in probes} == known | NOBODYS


def test_every_word_of_the_matrix_is_tried(probes: Sequence[Probe]):
    tried = {(probe.thing, probe.ability) for probe in probes}
    written = {
        (thing, word)
        for abilities in MATRIX.values()
        for thing, words in abilities.items()
        for word in words.split()
    }
    assert written <= tried


def test_every_action_that_a_role_is_given_is_tried(up: Deployed, probes: Sequence[Probe]):
    iam = up.cloud.client("iam")
    given = set()
    for arn in roles_of(up).values():
        name = arn.rpartition("/")[2]
        assert iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            given |= {action for statement in document["Statement"] for action in statement["Action"]}
    assert given - {probe.action for probe in probes} == NO_CALL
