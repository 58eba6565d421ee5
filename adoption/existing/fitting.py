"""Whether what exists fits what the program registers, and what an update would change on it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from adoption.existing.readers import READERS, Inputs, MissingError, bucket_settings
from components.adopt import ADOPTABLE, BUCKETS, USER_GROUPS, USER_POOL_CLIENTS
from local.aws import Clients
from local.preview import Run
from local.preview.registrations import Registration

_PROVIDER = "pulumi:providers:aws"
_PROVIDERS_OWN = frozenset({"forceDestroy", "forceDelete"})
"""Inputs that only say how the provider deletes."""
_CANNOT_CHANGE: Mapping[str, tuple[str, ...]] = {
    "aws:dynamodb/table:Table": ("hashKey", "rangeKey"),
    "aws:cognito/userPool:UserPool": ("aliasAttributes", "usernameConfiguration", "schemas"),
    "aws:cognito/userPoolClient:UserPoolClient": ("generateSecret",),
    "aws:cognito/userGroup:UserGroup": ("name",),
}
"""A change of one of these makes another resource in the place of the one that holds the data."""
_TAGS = ("tags", "tagsAll")


@dataclass(frozen=True)
class Difference:
    """One input, or setting of a bucket, that is otherwise than the program wants it.

    Attributes:
        name: The input's or setting's name.
        there: What exists; None where it has not got it.
        wanted: What the program registers.
    """

    name: str
    there: Any
    wanted: Any


@dataclass(frozen=True)
class Finding:
    """What was found out about one resource that is to be adopted.

    Attributes:
        name: Our name of it.
        id: What it is imported by.
        refusals: Why it cannot be adopted, each with what to do; empty where it fits.
        later: Inputs that the first `up` leaves as they are, and a later one changes.
        first: A bucket's settings that the first `up` writes over.
    """

    name: str
    id: str
    refusals: tuple[str, ...] = ()
    later: tuple[Difference, ...] = ()
    first: tuple[Difference, ...] = ()

    @property
    def ignore_changes(self) -> tuple[str, ...]:
        """Inputs that the import must not compare."""
        names = [one.name for one in self.later]
        return tuple([*names, "tagsAll"] if "tags" in names else names)

    @property
    def absent(self) -> tuple[str, ...]:
        """A bucket's settings that are made, not imported."""
        return tuple(one.name for one in self.first)


@dataclass(frozen=True)
class Fitting:
    """Holds what exists against one run of the program.

    Attributes:
        run: What the program registers for the stack, outputs of resources by name.
        clients: Gives the boto3 client of a service.
        region: The stack's.
        adopted: What is adopted, or to be: ids by our names.
    """

    run: Run
    clients: Clients
    region: str
    adopted: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str, id_: str) -> Finding:
        """Looks at one resource. Only reads.

        Args:
            name: Our name of it.
            id_: What it is imported by.
        """
        if name not in ADOPTABLE:
            known = ", ".join(sorted(ADOPTABLE))
            return Finding(name, id_, (f"there is nothing of this name to adopt; there are {known}",))
        registered = self._registered(name)
        try:
            there = READERS[registered.type](self.clients, id_)
        except MissingError as error:
            return Finding(name, id_, (f"{error}: look for it in {self.region}, and at how it is spelt",))
        different = {one.name: one for one in self._differences(registered, there)}
        fixed = [one for key in _CANNOT_CHANGE.get(registered.type, ()) if (one := different.pop(key, None))]
        refusals = [_refusal(name, one) for one in fixed] + self._misplaced(name, id_, there)
        return Finding(
            name,
            id_,
            tuple(refusals),
            tuple(different.values()),
            tuple(self._settings(name, id_)) if name in BUCKETS else (),
        )

    def _registered(self, name: str) -> Registration:
        (found,) = [one for one in self.run.registrations if one.name == name and one.type in READERS]
        return found

    def _differences(self, registered: Registration, there: Inputs) -> list[Difference]:
        found = [
            Difference(key, there.get(key), wanted)
            for key, wanted in sorted(registered.inputs.items())
            if key not in _PROVIDERS_OWN and key not in _TAGS and not _symbol(wanted)
            if not _same(wanted, there.get(key), whole=key != "schemas")
        ]
        # The sort key of a table that wants none is told, too: it is not among the inputs.
        if registered.type == "aws:dynamodb/table:Table" and not registered.inputs.get("rangeKey"):
            found += [Difference("rangeKey", there["rangeKey"], None)] if there["rangeKey"] else []
        if "tags" in there and there["tags"] != self._default_tags:
            found.append(Difference("tags", there["tags"], self._default_tags))
        return found

    @property
    def _default_tags(self) -> dict[str, str]:
        (provider,) = [one for one in self.run.of(_PROVIDER) if one.name == "aws"]
        tags: dict[str, str] = json.loads(provider.inputs["defaultTags"])["tags"]
        return tags

    def _misplaced(self, name: str, id_: str, there: Inputs) -> list[str]:
        """Why a resource that fits by itself is in the wrong place."""
        if name in BUCKETS and (region := there["region"]) != self.region:
            return [f"it is in {region}, and the stack in {self.region}: copy it, or move the stack there"]
        if name in (*USER_POOL_CLIENTS, *USER_GROUPS):
            pool = name.rpartition("-")[0]
            if self.adopted.get(pool) != id_.partition("/")[0]:
                return [f"it belongs to a pool that is not adopted: adopt {pool}={id_.partition('/')[0]} too"]
        return []

    def _settings(self, name: str, id_: str) -> list[Difference]:
        there = bucket_settings(self.clients, id_)
        found = []
        for setting, now in there.items():
            registered = [one for one in self.run.registrations if one.name == f"{name}-{setting}"]
            for one in registered:
                wanted = {key: value for key, value in one.inputs.items() if key != "bucket"}
                filled = json.loads(_filled(json.dumps(wanted), name, id_))
                if now is None or not all(_same(filled[key], now.get(key)) for key in filled):
                    found.append(Difference(setting, now, filled))
        return found


def _refusal(name: str, different: Difference) -> str:
    sentence = (
        f"its {different.name} is {_words(different.there)} and has to be {_words(different.wanted)}, which "
        "cannot be changed: leave it out, the stack makes its own"
    )
    if name == "projects-table":
        return f"{sentence}; `make migrate-projects` copies a projects table with the key id"
    return f"{sentence}, and copy what is in it"


def _words(value: Any) -> str:  # noqa: ANN401 - any JSON
    return "nothing" if value is None else value if isinstance(value, str) else json.dumps(value)


def _symbol(value: Any) -> bool:  # noqa: ANN401 - any JSON
    return "${" in json.dumps(value)


def _filled(text: str, name: str, id_: str) -> str:
    """Puts the bucket's own name and ARN in the place of their symbols."""
    return text.replace(f"${{{name}.bucket}}", id_).replace(f"${{{name}.arn}}", f"arn:aws:s3:::{id_}")


def _same(wanted: Any, there: Any, *, whole: bool = True) -> bool:  # noqa: ANN401 - any JSON
    """Whether what exists is what is wanted; what AWS tells besides does not count, nor does a list's order.

    Args:
        wanted: The program's value.
        there: What exists.
        whole: Whether a list must have no other items.
    """
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(
            _same(value, there.get(key), whole=whole) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        items = there or []
        if not isinstance(items, list) or (whole and len(items) != len(wanted)):
            return False
        return all(any(_same(one, other, whole=whole) for other in items) for one in wanted)
    if isinstance(wanted, str) and isinstance(there, str) and wanted[:1] == "{" == there[:1]:
        return bool(json.loads(wanted) == json.loads(there))
    if wanted is None or there is None:
        return not wanted and not there
    # AWS tells some numbers as text.
    return bool(wanted == there) if isinstance(wanted, bool) else str(wanted) == str(there)
