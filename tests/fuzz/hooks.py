"""Hooks of schemathesis: requests name what earlier answers gave, so that more of them find something."""

import json
from collections import deque
from typing import Any

import schemathesis
from schemathesis import Case, GenerationMode, HookContext, Response

KEPT = 40
"""Of the latest answers' objects."""
ONE_IN = 4
"""How many requests there are to one that is left as it was made up."""

_seen: deque[dict[str, str]] = deque(maxlen=KEPT)


@schemathesis.hook
def after_call(_context: HookContext, _case: Case, response: Response) -> None:
    """Remembers the texts of each object in an answer."""
    if response.status_code == 200 and "json" in str(response.headers.get("content-type")):
        _remember(json.loads(response.content))


@schemathesis.hook
def before_call(_context: HookContext, case: Case, _kwargs: dict[str, Any]) -> None:
    """Puts what one object had into the fields and parameters of the same names."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE or not _seen:
        return
    number = sum(map(ord, case.id))
    if number % ONE_IN == 0:
        return
    parts = [part for part in (case.body, case.path_parameters) if isinstance(part, dict)]
    wanted = {name for part in parts for name in part}
    fitting = [one for one in _seen if wanted & set(one)]
    if fitting:
        chosen = fitting[number % len(fitting)]
        for part in parts:
            part.update({name: chosen[name] for name in part if name in chosen})


def _remember(value: object) -> None:
    if isinstance(value, dict):
        texts = {name: text for name, text in value.items() if isinstance(text, str) and name.endswith("Id")}
        if texts:
            _seen.append({name: text for name, text in value.items() if isinstance(text, str)})
        for part in value.values():
            _remember(part)
    elif isinstance(value, list):
        for part in value[:KEPT]:
            _remember(part)
