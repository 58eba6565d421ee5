"""Who may do what, as the policies of a run of the program say it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from local.preview.registrations import Registration, Run
from release.patterns import ANYTHING, Condition, Pattern

ROLE = "aws:iam/role:Role"
PERMISSION = "aws:lambda/permission:Permission"
_HOLDERS = {"role": "role", "user": "user", "group": "group"}
_ATTACHED = "all of the policy"
_UNBOUNDED = "go beyond a permissions boundary"
_DIRECTORIES = {"AWS": "", "Service": "the service ", "Federated": "people of ", "CanonicalUser": "the user "}
_PERMISSION_CONDITIONS = {
    "sourceArn": ("ArnLike", "AWS:SourceArn"),
    "sourceAccount": ("StringEquals", "AWS:SourceAccount"),
    "principalOrgId": ("StringEquals", "aws:PrincipalOrgID"),
    "functionUrlAuthType": ("StringEquals", "lambda:FunctionUrlAuthType"),
    "eventSourceToken": ("StringEquals", "lambda:EventSourceToken"),
}


@dataclass(frozen=True)
class Grant:
    """One principal, one action, one resource: what a statement says of them.

    Attributes:
        allows: Whether it allows; otherwise it denies.
        principal: Who.
        action: What.
        resource: On what.
        condition: When.
    """

    allows: bool
    principal: Pattern
    action: Pattern
    resource: Pattern
    condition: Condition = field(default_factory=Condition)

    def covers(self, other: "Grant") -> bool:
        """Whether it says at least what the other one does."""
        return (
            self.allows == other.allows
            and self.principal.covers(other.principal)
            and self.action.covers(other.action)
            and self.resource.covers(other.resource)
            and self.condition.covers(other.condition)
        )


def grants(run: Run) -> list[Grant]:
    """Find everything that policies of a run say: of roles, of whom they trust, of resources.

    A policy is whatever input has statements, so that no type of resource can be forgotten.

    Args:
        run: With outputs by name: two runs are compared.
    """
    return [grant for one in run.registrations for grant in _of(one)]


def _of(one: Registration) -> Iterator[Grant]:
    if one.type == PERMISSION:
        yield _permission(one)
    if one.type == ROLE and not one.inputs.get("permissionsBoundary"):
        yield _held(_name(one.name), _UNBOUNDED)
    holder = _holder(one)
    for policy in _attached(one):
        yield _held(holder or _name(one.name), f"{_ATTACHED} {policy}")
    for document in _documents(one.inputs):
        for statement in _listed(document["Statement"]):
            yield from _stated(statement, one, holder)


def _documents(value: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 - any property value
    """Policies in an input, as texts of JSON or as they are; an inline policy of a role is within a list."""
    if isinstance(value, str) and '"Statement"' in value:
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, Mapping):
        if "Statement" in value:
            yield value
        else:
            for inner in value.values():
                yield from _documents(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _documents(inner)


def _stated(statement: Mapping[str, Any], one: Registration, holder: str | None) -> Iterator[Grant]:
    if "Principal" in statement or "NotPrincipal" in statement:
        principals = _principals(statement)
    else:
        principals = [Pattern((holder or _name(one.name),))]
    resources = _patterns(statement, "Resource")
    if not resources or (one.type.startswith("aws:kms/") and resources == [Pattern((ANYTHING,))]):
        # A role's trust names no resource, and a key's policy says `*`: each is about itself.
        resources = [Pattern((_name(one.name),))]
    condition = Condition.of(statement.get("Condition"))
    allows = statement["Effect"] == "Allow"
    actions = [
        Pattern(tuple(text.lower() for text in one.texts), one.but) for one in _patterns(statement, "Action")
    ]
    for principal, action, resource in product(principals, actions, resources):
        yield Grant(allows, principal, action, resource, condition)


def _patterns(statement: Mapping[str, Any], word: str) -> list[Pattern]:
    left_out = statement.get(f"Not{word}")
    if left_out is not None:
        return [Pattern(tuple(sorted(_listed(left_out))), but=True)]
    return [Pattern((text,)) for text in _listed(statement.get(word, []))]


def _principals(statement: Mapping[str, Any]) -> list[Pattern]:
    if "NotPrincipal" in statement:
        return [Pattern(tuple(sorted(_named(statement["NotPrincipal"]))), but=True)]
    return [Pattern((name,)) for name in _named(statement["Principal"])]


def _named(principal: str | Mapping[str, Any]) -> list[str]:
    if isinstance(principal, str):
        return [principal]
    return [
        ANYTHING if text == ANYTHING and directory == "AWS" else f"{_DIRECTORIES.get(directory, '')}{text}"
        for directory, texts in principal.items()
        for text in _listed(texts)
    ]


def _permission(one: Registration) -> Grant:
    inputs = one.inputs
    principal = inputs["principal"]
    who = f"{_DIRECTORIES['Service']}{principal}" if principal.endswith(".amazonaws.com") else principal
    function = inputs["function"] + (f":{inputs['qualifier']}" if inputs.get("qualifier") else "")
    conditions: dict[str, dict[str, str]] = {}
    for name, (operator, key) in _PERMISSION_CONDITIONS.items():
        if inputs.get(name):
            conditions.setdefault(operator, {})[key] = inputs[name]
    action = Pattern((inputs["action"].lower(),))
    return Grant(True, Pattern((who,)), action, Pattern((function,)), Condition.of(conditions))


def _attached(one: Registration) -> Iterator[str]:
    yield from one.inputs.get("managedPolicyArns") or []
    if "policyArn" in one.inputs and one.type.startswith("aws:iam/"):
        yield one.inputs["policyArn"]


def _held(holder: str, what: str) -> Grant:
    return Grant(True, Pattern((holder,)), Pattern((what,)), Pattern((ANYTHING,)))


def _holder(one: Registration) -> str | None:
    """Whose policy it is, where the policy itself does not say it."""
    if one.type == ROLE:
        return _name(one.name)
    if not one.type.startswith("aws:iam/"):
        return None
    return next((one.inputs[word] for word in _HOLDERS if isinstance(one.inputs.get(word), str)), None)


def _name(name: str) -> str:
    """A resource as other resources' inputs name it: `${name.name}`."""
    return f"${{{name}.name}}"


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - one or a list
    return value if isinstance(value, list) else [value]
