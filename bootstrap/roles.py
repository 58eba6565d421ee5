"""The two roles that GitHub's workflows take: one deploys, one previews."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bootstrap.iam_items import OwnPolicies, Policy, Role
from bootstrap.installation import AUDIENCE, GITHUB_HOST, OWN, Installation, Repository
from bootstrap.items import Client, Kept, Leaving
from bootstrap.resource_rights import all_rights
from bootstrap.rights import Scope, Statement, split
from bootstrap.smoke_rights import SMOKE

REGION_TAG, REPOSITORY_TAG = "region", "repository"
_DEPLOYS = f"{OWN}-", "-deploy"


@dataclass(frozen=True)
class Installed:
    """An installation that is in the account.

    Attributes:
        region: Its region.
        repository: Whose workflows deploy it.
    """

    region: str
    repository: str


def trust(installation: Installation, subjects: Sequence[str]) -> str:
    """Write that subjects of GitHub's may take a role, with a token meant for AWS."""
    claims = {f"{GITHUB_HOST}:aud": AUDIENCE, f"{GITHUB_HOST}:sub": list(subjects)}
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": installation.provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": claims},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def state_rights(installation: Installation, key: str, *, writes: bool) -> list[Statement]:
    """Write what using the stacks' state takes.

    Args:
        installation: Whose state.
        key: ARN of the key of its secrets.
        writes: Whether it may be changed; a preview only reads, and takes no lock (Pulumi locks a stack for
            `up`, `destroy` and `refresh`).
    """
    bucket = f"arn:aws:s3:::{installation.state_bucket}"
    on_objects = ["s3:GetObject"] + (["s3:DeleteObject", "s3:PutObject"] if writes else [])
    with_key = ["kms:Decrypt", "kms:DescribeKey"] + (["kms:Encrypt", "kms:GenerateDataKey"] if writes else [])
    return [
        {"Effect": "Allow", "Action": ["s3:GetBucketLocation", "s3:ListBucket"], "Resource": [bucket]},
        {"Effect": "Allow", "Action": on_objects, "Resource": [f"{bucket}/*"]},
        {"Effect": "Allow", "Action": with_key, "Resource": [key]},
    ]


def deploy_rights(installation: Installation, key: str) -> list[Statement]:
    """Write what deploying the program, and trying it afterwards, takes."""
    rights = [*all_rights(), *SMOKE]
    return [*state_rights(installation, key, writes=True), *Scope(installation).statements(rights)]


def preview_rights(installation: Installation, key: str) -> list[Statement]:
    """Write what previewing the program takes: nothing that changes anything."""
    reads = (right for right in all_rights() if right.reads)
    return [*state_rights(installation, key, writes=False), *Scope(installation).statements(reads)]


def role_items(iam: Client, installation: Installation, repository: Repository, key: str) -> list[Kept]:
    """Both roles with their policies, in the order in which they are made.

    Args:
        iam: IAM.
        installation: Whose.
        repository: Whose workflows may take them.
        key: ARN of the key of the stacks' secrets.
    """
    items: list[Kept] = []
    for role, subjects, rights in (
        (_deploy_role(iam, installation), [repository.deploy_subject], deploy_rights(installation, key)),
        (_preview_role(iam, installation), repository.preview_subjects, preview_rights(installation, key)),
    ):
        policies = [
            Policy(iam, installation, f"{role.name}-{number}", text, f"policy of the {role.what}")
            for number, text in enumerate(split(rights), start=1)
        ]
        tags = {
            **installation.tags,
            REGION_TAG: installation.region,
            REPOSITORY_TAG: repository.name,
        }
        attached = [policy.arn for policy in policies]
        items += [
            *policies,
            replace(role, trust=trust(installation, subjects), attached=attached, tags=tags),
        ]
    return items


def leaving_roles(iam: Client, installation: Installation) -> list[Leaving]:
    """Both roles, each before the policies that are its own."""
    roles = [_deploy_role(iam, installation), _preview_role(iam, installation)]
    return [leaving for role in roles for leaving in (role, OwnPolicies(iam, role.name))]


def _deploy_role(iam: Client, installation: Installation) -> Role:
    description = f"Deploys the stacks of {installation.qualifier}."
    return Role(iam, installation.deploy_role, description, "deploy role")


def _preview_role(iam: Client, installation: Installation) -> Role:
    description = f"Looks at the stacks of {installation.qualifier}; changes nothing."
    return Role(iam, installation.preview_role, description, "preview role")


def installed(iam: Client) -> dict[str, Installed]:
    """Every installation in the account, by qualifier."""
    begins, ends = _DEPLOYS
    names = [
        role["RoleName"]
        for page in iam.get_paginator("list_roles").paginate()
        for role in page["Roles"]
        if role["RoleName"].startswith(begins) and role["RoleName"].endswith(ends)
    ]
    there = {}
    for name in names:
        tags = {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName=name)["Tags"]}
        there[name.removeprefix(begins).removesuffix(ends)] = Installed(
            tags.get(REGION_TAG, ""), tags.get(REPOSITORY_TAG, "")
        )
    return there
