"""Rights of the roles that deploy and preview, and how they become policies of a size that IAM takes."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bootstrap.installation import COST_TAG, PROJECT, BootstrapError, Installation

MAX_POLICY = 6144
"""Characters of a managed policy that IAM counts: all but white space."""
MAX_POLICIES = 10
"""Managed policies that a role may have, where the account has asked for no more."""

Statement = Mapping[str, Any]


class Only(Enum):
    """On what condition a right holds, besides its resources."""

    ALWAYS = "always"
    OURS = "ours"
    """The resource bears the cost tag of one of the installation's stacks: its ARN says nothing of it."""
    NEW = "new"
    """The request gives it that tag."""
    TAGGED_OURS = "tagged-ours"
    """The request gives it that tag, and it bears no other's; AWS asks when something is made, too."""
    BOUNDED = "bounded"
    """The role has, or gets, the boundary."""
    PASSED = "passed"
    """The role is given to Lambda or Step Functions."""
    PASSED_TO_JOBS = "passed-to-jobs"
    """The role is given to SageMaker."""
    OUR_FUNCTION = "our-function"
    """The event source is mapped to a function of the installation's."""


@dataclass(frozen=True)
class Right:
    """Some actions on some resources.

    Attributes:
        actions: IAM actions.
        on: ARNs, with `{region}`, `{account}`, `{prefix}` and kinds of names in them, such as `{table}`.
        only: On what condition.
        reads: Whether it changes nothing, so that a preview may do it.
    """

    actions: tuple[str, ...]
    on: tuple[str, ...]
    only: Only = Only.ALWAYS
    reads: bool = False


def read(*actions: str, on: str | Sequence[str], only: Only = Only.ALWAYS) -> Right:
    """A right to look."""
    return Right(actions, _tuple(on), only, reads=True)


def write(*actions: str, on: str | Sequence[str], only: Only = Only.ALWAYS) -> Right:
    """A right to change."""
    return Right(actions, _tuple(on), only)


def _tuple(on: str | Sequence[str]) -> tuple[str, ...]:
    return (on,) if isinstance(on, str) else tuple(on)


@dataclass(frozen=True)
class _Kind:
    """Names that stand for a word in braces in an ARN.

    Attributes:
        ours: What the stacks name; `*` where AWS makes up an id.
        adoptable: Endings of our names of what stacks may adopt instead, which is called otherwise.
    """

    ours: tuple[str, ...]
    adoptable: tuple[str, ...]


_KINDS: Mapping[str, _Kind] = {
    "{bucket}": _Kind(("{prefix}-*",), ("-bucket",)),
    "{artifacts}": _Kind(
        ("{prefix}-artifacts-bucket-*", "{prefix}-*-artifacts-bucket-*"), ("artifacts-bucket",)
    ),
    "{projects}": _Kind(("{prefix}-projects-table-*", "{prefix}-*-projects-table-*"), ("projects-table",)),
    "{table}": _Kind(("{prefix}-*",), ("-table",)),
    "{repository}": _Kind(("{prefix}-*",), ("-repository",)),
    "{pool}": _Kind(("*",), ("user-pool-v2", "user-pool-v3")),
    "{api}": _Kind(("*",), ("-api",)),
}


class Scope:
    """What an installation's rights reach: its names, its tags, and what its stacks adopt."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def statements(self, rights: Iterable[Right]) -> list[Statement]:
        """Write rights down, those on the same resources together."""
        together: dict[tuple[tuple[str, ...], Only], set[str]] = {}
        for right in rights:
            together.setdefault((right.on, right.only), set()).update(right.actions)
        return [
            statement
            for (on, only), actions in sorted(together.items(), key=lambda one: (one[0][0], one[0][1].value))
            for statement in self._written(on, only, sorted(actions))
        ]

    def _written(self, on: tuple[str, ...], only: Only, actions: list[str]) -> Iterator[Statement]:
        allow = {"Effect": "Allow", "Action": actions}
        ours = [arn for place in on for arn in self._filled(place, adopted=False)]
        adopted = [arn for place in on for arn in self._filled(place, adopted=True)]
        if only is not Only.OURS:
            ours, adopted = [*ours, *adopted], []
        condition = self._condition(only)
        yield {**allow, "Resource": ours, **({"Condition": condition} if condition else {})}
        if adopted:
            # It has the tags that it had before.
            yield {**allow, "Resource": adopted}

    def _filled(self, place: str, *, adopted: bool) -> list[str]:
        ours = self._installation
        words = [word for word in _KINDS if word in place]
        if not words:
            names = [] if adopted else [""]
        elif adopted:
            endings = _KINDS[words[0]].adoptable
            names = [id_ for name, id_ in sorted(ours.adopted.items()) if name.endswith(endings)]
        else:
            names = list(_KINDS[words[0]].ours)
        filled = [place.replace(words[0], name) if words else place for name in names]
        values = {
            "region": ours.region,
            "account": ours.account,
            "prefix": ours.prefix,
            "secrets": f"{PROJECT}/{ours.qualifier}",
        }
        return [arn.format(**values) for arn in filled]

    def _condition(self, only: Only) -> Statement:
        ours = self._installation
        tag = [ours.prefix, f"{ours.prefix}-*"]
        function = f"arn:aws:lambda:{ours.region}:{ours.account}:function:{ours.prefix}-*"
        conditions: dict[Only, Statement] = {
            Only.ALWAYS: {},
            Only.OURS: {"StringLike": {f"aws:ResourceTag/{COST_TAG}": tag}},
            Only.NEW: {"StringLike": {f"aws:RequestTag/{COST_TAG}": tag}},
            Only.TAGGED_OURS: {
                "StringLike": {f"aws:RequestTag/{COST_TAG}": tag},
                "StringLikeIfExists": {f"aws:ResourceTag/{COST_TAG}": tag},
            },
            Only.BOUNDED: {"StringEquals": {"iam:PermissionsBoundary": ours.boundary}},
            Only.PASSED: {
                "StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "states.amazonaws.com"]}
            },
            Only.PASSED_TO_JOBS: {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            Only.OUR_FUNCTION: {"ArnLike": {"lambda:FunctionArn": [function]}},
        }
        return conditions[only]


def document(statements: Sequence[Statement]) -> str:
    """Write a policy as short as it goes, always the same for the same statements."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, separators=(",", ":"))


def size(text: str) -> int:
    """Characters that IAM counts."""
    return sum(not letter.isspace() for letter in text)


def split(statements: Sequence[Statement]) -> list[str]:
    """Share statements out among as few policies as they fit into in this order.

    Raises:
        BootstrapError: One statement is too long by itself, or they fill more policies than a role may have.
    """
    shares: list[list[Statement]] = [[]]
    for statement in statements:
        if size(document([*shares[-1], statement])) > MAX_POLICY:
            shares.append([])
        shares[-1].append(statement)
        if size(document(shares[-1])) > MAX_POLICY:
            raise BootstrapError(f"a statement is longer than a policy may be: {statement['Action']}")
    if len(shares) > MAX_POLICIES:
        raise BootstrapError(f"the rights fill {len(shares)} policies, and a role may have {MAX_POLICIES}")
    return [document(share) for share in shares]
