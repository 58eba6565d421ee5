"""A run as a JSON document, for other programs and for later."""

import json
from dataclasses import asdict, fields
from typing import Any

from local.preview.registrations import Registration, Run

_SETS = {one.name for one in fields(Registration) if one.type == frozenset[str]}
_TUPLES = {one.name for one in fields(Registration) if one.type == tuple[str, ...]}


def dump(run: Run) -> str:
    """Write everything registered and exported, in a steady order.

    Args:
        run: With outputs by name, as `symbolic` makes it: assets and unfinished outputs are no JSON.
    """
    registrations = sorted((asdict(one) for one in run.registrations), key=lambda one: str(one["urn"]))
    document = {"registrations": registrations, "outputs": run.outputs}
    return json.dumps(document, indent=2, sort_keys=True, default=sorted)


def load(text: str) -> Run:
    """Read what `dump` has written; without the documents, which it leaves out.

    Raises:
        ValueError: It is no such document.
    """
    try:
        document = json.loads(text)
        registrations = [_registration(one) for one in document["registrations"]]
        return Run(registrations, document["outputs"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"this is no run of the program: {error!r}") from error


def _registration(values: dict[str, Any]) -> Registration:
    made = {
        **values,
        **{name: frozenset(values[name]) for name in _SETS},
        **{name: tuple(values[name]) for name in _TUPLES},
    }
    return Registration(**made)
