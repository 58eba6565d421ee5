"""What differs between two runs of the program."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from local.preview.registrations import Registration, Run
from local.preview.tree import options_of


@dataclass(frozen=True)
class Change:
    """One value that differs.

    Attributes:
        path: Where in the resource's inputs, such as `policy.Statement[2].Resource[0]`.
        ours: In the first run; None where only the second has one.
        theirs: In the second run; None where only the first has one.
    """

    path: str
    ours: Any
    theirs: Any


@dataclass(frozen=True)
class Changed:
    """A resource that both runs have, with what differs."""

    resource: Registration
    inputs: tuple[Change, ...]
    options: tuple[Change, ...]


@dataclass(frozen=True)
class Differences:
    """What differs between two runs.

    Attributes:
        only_ours: Resources and components of the first run alone.
        only_theirs: Of the second run alone.
        changed: What both have and differs.
        outputs: Outputs of the stack that differ.
    """

    only_ours: tuple[Registration, ...]
    only_theirs: tuple[Registration, ...]
    changed: tuple[Changed, ...]
    outputs: tuple[Change, ...]


def compare(ours: Run, theirs: Run) -> Differences:
    """Compare two runs whose outputs are symbols: made-up ones would differ everywhere.

    A resource is the same one where its type, name and place in the tree are.
    """
    first, second = _by_place(ours), _by_place(theirs)
    changed = (
        Changed(
            resource=one,
            inputs=tuple(changes(one.inputs, second[place].inputs)),
            options=tuple(changes(_options(one), _options(second[place]))),
        )
        for place, one in first.items()
        if place in second
    )
    return Differences(
        only_ours=tuple(one for place, one in first.items() if place not in second),
        only_theirs=tuple(one for place, one in second.items() if place not in first),
        changed=tuple(one for one in changed if one.inputs or one.options),
        outputs=tuple(changes(ours.outputs, theirs.outputs)),
    )


def changes(ours: Any, theirs: Any, path: str = "") -> Iterator[Change]:  # noqa: ANN401 - any JSON values
    """The innermost values that differ; JSON in a text is looked into."""
    if isinstance(ours, str) and isinstance(theirs, str) and ours != theirs:
        ours, theirs = _opened(ours, theirs)
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for name in sorted({*ours, *theirs}):
            inner = f"{path}.{name}" if path else name
            yield from changes(ours.get(name), theirs.get(name), inner)
    elif isinstance(ours, list) and isinstance(theirs, list):
        yield from _of_lists(ours, theirs, path)
    elif ours != theirs:
        yield Change(path, ours, theirs)


def _of_lists(ours: list[Any], theirs: list[Any], path: str) -> Iterator[Change]:
    """Items are matched by what they are: one more at the front does not make all the others differ."""
    first, second = ([json.dumps(item, sort_keys=True) for item in items] for items in (ours, theirs))
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        for offset in range(max(end - start, other_end - other_start)):
            index, other = start + offset, other_start + offset
            if index >= end:
                yield Change(f"{path}[{other}]", None, theirs[other])
            elif other >= other_end:
                yield Change(f"{path}[{index}]", ours[index], None)
            else:
                yield from changes(ours[index], theirs[other], f"{path}[{index}]")


def _opened(ours: str, theirs: str) -> tuple[Any, Any]:
    """Both texts as the JSON documents that they are, or as they came where one is none."""
    try:
        documents = json.loads(ours), json.loads(theirs)
    except ValueError:
        return ours, theirs
    return documents if all(isinstance(one, dict | list) for one in documents) else (ours, theirs)


def _by_place(run: Run) -> dict[str, Registration]:
    """Resources by their URN without stack and project."""
    places = {one.urn.split("::", 2)[2]: one for one in run.registrations}
    return dict(sorted(places.items()))


def _options(one: Registration) -> dict[str, Any]:
    """Options in words, with the provider and what it waits for, stack and project left out."""
    return {
        **options_of(one),
        "provider": one.provider.split("::", 2)[-1],
        "depends on": sorted(urn.rpartition("::")[2] for urn in one.dependencies),
    }
