"""IAM: policies, roles and the identity provider."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bootstrap.installation import AUDIENCE, GITHUB_HOST, OWN, SHARED_TAGS, Installation
from bootstrap.items import Change, Client, Removal, found, pairs

NO_ENTITY = "NoSuchEntity"
MAX_VERSIONS = 5
"""Versions that IAM keeps of a policy."""


def is_same(text: str | Mapping[str, Any], wanted: str) -> bool:
    """Whether two policy documents say the same."""
    return bool((json.loads(text) if isinstance(text, str) else text) == json.loads(wanted))


@dataclass(frozen=True)
class Policy:
    """A managed policy.

    Attributes:
        iam: IAM.
        installation: Whose.
        name: Its name.
        text: Its document.
        what: What it is for, in a word.
    """

    iam: Client
    installation: Installation
    name: str
    text: str
    what: str

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        return f"{self.what} {self.name}"

    @property
    def arn(self) -> str:
        """Its ARN."""
        return self.installation.policy(self.name)

    def changes(self) -> list[Change]:
        """What differs."""
        there = found(self.iam.get_policy, NO_ENTITY, PolicyArn=self.arn)
        if there is None:
            return [Change("made", self._make)]
        version = self.iam.get_policy_version(
            PolicyArn=self.arn, VersionId=there["Policy"]["DefaultVersionId"]
        )["PolicyVersion"]
        return (
            [] if is_same(version["Document"], self.text) else [Change("document written anew", self._write)]
        )

    def removal(self) -> Removal | None:
        """What `destroy` does with it."""
        if found(self.iam.get_policy, NO_ENTITY, PolicyArn=self.arn) is None:
            return None
        return Removal("removed", partial(remove_policy, self.iam, self.arn))

    def _make(self) -> None:
        self.iam.create_policy(
            PolicyName=self.name, PolicyDocument=self.text, Tags=pairs(self.installation.tags)
        )

    def _write(self) -> None:
        others = _other_versions(self.iam, self.arn)
        if len(others) >= MAX_VERSIONS - 1:
            self.iam.delete_policy_version(PolicyArn=self.arn, VersionId=others[-1])
        self.iam.create_policy_version(PolicyArn=self.arn, PolicyDocument=self.text, SetAsDefault=True)


def remove_policy(iam: Client, arn: str) -> None:
    """Remove a policy that nothing has any more."""
    for version in _other_versions(iam, arn):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    iam.delete_policy(PolicyArn=arn)


def _other_versions(iam: Client, arn: str) -> list[str]:
    """Ids of the versions that do not count, the oldest last."""
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    others = [one for one in versions if not one["IsDefaultVersion"]]
    return [
        one["VersionId"] for one in sorted(others, key=lambda one: int(one["VersionId"][1:]), reverse=True)
    ]


@dataclass(frozen=True)
class Role:
    """A role, whom it trusts and what it may do.

    Attributes:
        iam: IAM.
        name: Its name.
        description: What it is for.
        what: The same in two words.
        trust: Whom it trusts, a document.
        attached: ARNs of the managed policies that it has; others are taken off.
        tags: Its tags.
    """

    iam: Client
    name: str
    description: str
    what: str
    trust: str = "{}"
    attached: Sequence[str] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        return f"{self.what} {self.name}"

    def changes(self) -> list[Change]:
        """What differs."""
        there = found(self.iam.get_role, NO_ENTITY, RoleName=self.name)
        if there is None:
            return [Change("made", self._make)]
        changes = []
        if not is_same(there["Role"]["AssumeRolePolicyDocument"], self.trust):
            changes.append(Change("trust written anew", self._trust))
        tags = self.iam.list_role_tags(RoleName=self.name)["Tags"]
        if not self.tags.items() <= {tag["Key"]: tag["Value"] for tag in tags}.items():
            changes.append(Change("tags set", self._tag))
        has = self._has()
        changes += [
            Change(f"policy {_name(arn)} attached", partial(self._attach, arn))
            for arn in self.attached
            if arn not in has
        ]
        changes += [
            Change(f"policy {_name(arn)} taken off", partial(self._detach, arn))
            for arn in has
            if arn not in self.attached
        ]
        inline = self.iam.list_role_policies(RoleName=self.name)["PolicyNames"]
        changes += [
            Change(f"inline policy {name} removed", partial(self._remove_inline, name)) for name in inline
        ]
        return changes

    def removal(self) -> Removal | None:
        """What `destroy` does with it."""
        if found(self.iam.get_role, NO_ENTITY, RoleName=self.name) is None:
            return None
        return Removal("removed", self._remove)

    def _has(self) -> list[str]:
        attached = self.iam.list_attached_role_policies(RoleName=self.name)["AttachedPolicies"]
        return [one["PolicyArn"] for one in attached]

    def _make(self) -> None:
        self.iam.create_role(
            RoleName=self.name,
            AssumeRolePolicyDocument=self.trust,
            Description=self.description,
            Tags=pairs(self.tags),
        )

    def _trust(self) -> None:
        self.iam.update_assume_role_policy(RoleName=self.name, PolicyDocument=self.trust)

    def _tag(self) -> None:
        self.iam.tag_role(RoleName=self.name, Tags=pairs(self.tags))

    def _attach(self, arn: str) -> None:
        self.iam.attach_role_policy(RoleName=self.name, PolicyArn=arn)

    def _detach(self, arn: str) -> None:
        self.iam.detach_role_policy(RoleName=self.name, PolicyArn=arn)
        if _name(arn).startswith(f"{self.name}-"):
            # One of its own: an earlier version of this program had more of them.
            remove_policy(self.iam, arn)

    def _remove_inline(self, name: str) -> None:
        self.iam.delete_role_policy(RoleName=self.name, PolicyName=name)

    def _remove(self) -> None:
        for name in self.iam.list_role_policies(RoleName=self.name)["PolicyNames"]:
            self._remove_inline(name)
        for arn in self._has():
            self._detach(arn)
        self.iam.delete_role(RoleName=self.name)


def _name(arn: str) -> str:
    return arn.rpartition("/")[2]


@dataclass(frozen=True)
class OwnPolicies:
    """All policies that are one role's own, for their end.

    Attributes:
        iam: IAM.
        role: Name of the role.
    """

    iam: Client
    role: str

    @property
    def title(self) -> str:
        """What they are called on the screen."""
        return f"policies {self.role}-*"

    def removal(self) -> Removal | None:
        """What `destroy` does with them."""
        return Removal("removed", self._remove) if self._all() else None

    def _remove(self) -> None:
        for arn in self._all():
            remove_policy(self.iam, arn)

    def _all(self) -> list[str]:
        pages = self.iam.get_paginator("list_policies").paginate(Scope="Local")
        policies = [one for page in pages for one in page["Policies"]]
        return [one["Arn"] for one in policies if one["PolicyName"].startswith(f"{self.role}-")]


@dataclass(frozen=True)
class Provider:
    """GitHub's identity provider, one for the account and all installations in it.

    Attributes:
        iam: IAM.
        installation: The one at hand.
        others: Qualifiers of the others in the account.
    """

    iam: Client
    installation: Installation
    others: Sequence[str]

    @property
    def title(self) -> str:
        """What it is called on the screen."""
        return f"identity provider {GITHUB_HOST}"

    def changes(self) -> list[Change]:
        """What differs."""
        there = self._there()
        if there is None:
            return [Change("made", self._make)]
        if AUDIENCE in there["ClientIDList"]:
            return []
        return [Change(f"audience {AUDIENCE} added", self._add_audience)]

    def removal(self) -> Removal | None:
        """What `destroy` does with it."""
        there = self._there()
        if there is None:
            return None
        if {"Key": "managed-by", "Value": OWN} not in there.get("Tags", []):
            return Removal("kept: bootstrap has not made it")
        if self.others:
            return Removal(f"kept: {', '.join(self.others)} uses it")
        return Removal("removed", self._remove)

    def _there(self) -> Any | None:  # noqa: ANN401 - boto3's answer
        arn = self.installation.provider
        return found(self.iam.get_open_id_connect_provider, NO_ENTITY, OpenIDConnectProviderArn=arn)

    def _make(self) -> None:
        # AWS checks GitHub's certificate by its own list of authorities and needs no thumbprint.
        self.iam.create_open_id_connect_provider(
            Url=f"https://{GITHUB_HOST}", ClientIDList=[AUDIENCE], Tags=pairs(SHARED_TAGS)
        )

    def _add_audience(self) -> None:
        self.iam.add_client_id_to_open_id_connect_provider(
            OpenIDConnectProviderArn=self.installation.provider, ClientID=AUDIENCE
        )

    def _remove(self) -> None:
        self.iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=self.installation.provider)
