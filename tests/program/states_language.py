"""A small interpreter of the Amazon States Language, for the parts that our state machine uses.

Stricter than the embedded cloud: a path that leads nowhere, a field that it does not know and a wrong kind of
value are errors, as they are on AWS. Time does not pass; it is added up.
"""

import fnmatch
import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
JsonValue = Any
MAX_STATES = 20_000

FIELDS = {
    "Pass": {"Type", "Next", "End", "Result", "Parameters", "ResultPath"},
    "Task": {
        *("Type", "Next", "End", "Resource", "Parameters", "ResultSelector", "ResultPath"),
        *("TimeoutSeconds", "Retry", "Catch"),
    },
    "Parallel": {"Type", "Next", "End", "Branches", "ResultSelector", "ResultPath", "Catch"},
    "Choice": {"Type", "Choices", "Default"},
    "Wait": {"Type", "Next", "End", "Seconds", "SecondsPath"},
    "Succeed": {"Type"},
    "Fail": {"Type", "Error", "Cause", "ErrorPath", "CausePath"},
}


class StateError(Exception):
    """An error of the States Language: what Retry and Catch look at."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error, self.cause = error, cause


class DefinitionError(AssertionError):
    """The definition does what AWS would not run."""


def machines_of(machine: Json) -> Iterator[Json]:
    """Give a state machine and those in its parallel branches."""
    yield machine
    for state in machine["States"].values():
        for branch in state.get("Branches", []):
            yield from machines_of(branch)


def states_of(machine: Json) -> Json:
    """Give all states by their names, those in parallel branches too."""
    return {name: state for one in machines_of(machine) for name, state in one["States"].items()}


@dataclass
class Interpreter:
    """Runs a definition.

    Attributes:
        definition: The state machine.
        call: Does a task: its resource and parameters in, its result out. A StateError that it raises stands
            for what is left after the task's retries.
        visited: Names of the states, in order.
        waited: Seconds in Wait states.
    """

    definition: Json
    call: Callable[[str, Json], JsonValue]
    visited: list[str] = field(default_factory=list)
    waited: float = 0.0

    def run(self, data: Json) -> Json:
        """Run to the end and give the output; a failed execution raises its StateError."""
        return self._machine(self.definition, data)

    def _machine(self, machine: Json, data: JsonValue) -> JsonValue:
        name, data = machine["StartAt"], deepcopy(data)
        while True:
            self.visited.append(name)
            if len(self.visited) > MAX_STATES:
                raise DefinitionError(f"it goes on for ever at {name}")
            state = machine["States"][name]
            if unknown := set(state) - FIELDS[state["Type"]]:
                raise DefinitionError(f"{name} has {unknown}")
            if state["Type"] == "Succeed":
                return data
            data, following = getattr(self, f"_{state['Type'].lower()}")(state, data)
            if following is None:
                return data
            name = following

    def _pass(self, state: Json, data: JsonValue) -> tuple[JsonValue, str | None]:
        result = state["Result"] if "Result" in state else evaluate(state.get("Parameters", data), data)
        return placed(state, data, result), next_of(state)

    def _task(self, state: Json, data: JsonValue) -> tuple[JsonValue, str | None]:
        parameters = evaluate(state["Parameters"], data)
        return self._guarded(state, data, lambda: self.call(state["Resource"], parameters))

    def _parallel(self, state: Json, data: JsonValue) -> tuple[JsonValue, str | None]:
        def branches() -> list[JsonValue]:
            # The last one first: a watcher is asked before the end of what it watches.
            results = [self._machine(branch, data) for branch in reversed(state["Branches"])]
            return results[::-1]

        return self._guarded(state, data, branches)

    def _guarded(
        self, state: Json, data: JsonValue, work: Callable[[], JsonValue]
    ) -> tuple[JsonValue, str | None]:
        try:
            result = work()
        except StateError as error:
            for catcher in state.get("Catch", []):
                if error.error in catcher["ErrorEquals"] or "States.ALL" in catcher["ErrorEquals"]:
                    told = {"Error": error.error, "Cause": error.cause}
                    return placed(catcher, data, told), catcher["Next"]
            raise
        if "ResultSelector" in state:
            result = evaluate(state["ResultSelector"], result)
        return placed(state, data, result), next_of(state)

    def _choice(self, state: Json, data: JsonValue) -> tuple[JsonValue, str | None]:
        for rule in state["Choices"]:
            if holds(rule, data):
                return data, rule["Next"]
        return data, state["Default"]

    def _wait(self, state: Json, data: JsonValue) -> tuple[JsonValue, str | None]:
        self.waited += read(state["SecondsPath"], data) if "SecondsPath" in state else state["Seconds"]
        return data, next_of(state)

    def _fail(self, state: Json, data: JsonValue) -> tuple[JsonValue, str | None]:
        told = [
            read(state[f"{key}Path"], data) if f"{key}Path" in state else state[key]
            for key in ("Error", "Cause")
        ]
        if not all(isinstance(text, str) for text in told):
            raise DefinitionError(f"a failure must be told in text: {told}")
        raise StateError(*told)


def next_of(state: Json) -> str | None:
    return None if state.get("End") else state["Next"]


def placed(state: Json, data: JsonValue, result: JsonValue) -> JsonValue:
    """Put a result where ResultPath says."""
    path = state.get("ResultPath", "$")
    if path is None:
        return data
    if path == "$":
        return deepcopy(result)
    output = deepcopy(data)
    *holders, last = path.removeprefix("$.").split(".")
    place = output
    for holder in holders:
        place = place.setdefault(holder, {})
    place[last] = deepcopy(result)
    return output


MISSING = object()


def look_up(path: str, data: JsonValue) -> JsonValue:
    found = data
    for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path.removeprefix("$")):
        try:
            found = found[name] if name else found[int(index)]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return found


def read(path: str, data: JsonValue) -> JsonValue:
    if (found := look_up(path, data)) is MISSING:
        raise DefinitionError(f"{path} leads nowhere in {json.dumps(data)[:500]}")
    return found


def evaluate(template: JsonValue, data: JsonValue) -> JsonValue:
    """Fill a payload template in."""
    if isinstance(template, list):
        return [evaluate(item, data) for item in template]
    if not isinstance(template, dict):
        return template
    return {
        key.removesuffix(".$"): expression(value, data) if key.endswith(".$") else evaluate(value, data)
        for key, value in template.items()
    }


def expression(text: str, data: JsonValue) -> JsonValue:
    """Evaluate a path or an intrinsic function; ours are not nested."""
    call = re.fullmatch(r"States\.(\w+)\((.*)\)", text)
    if call is None:
        return read(text, data)
    name, *arguments = call[1], *split(call[2])
    values = [argument(one, data) for one in arguments]
    if name == "Format":
        template, *given = values
        if template.count("{}") != len(given):
            raise DefinitionError(text)
        return template.replace("{}", "%s") % tuple(given)
    if name == "MathAdd":
        return int(values[0]) + int(values[1])
    if name == "ArrayGetItem":
        if not 0 <= values[1] < len(values[0]):
            raise DefinitionError(f"{text}: no item {values[1]}")
        return values[0][values[1]]
    raise DefinitionError(f"unknown: {text}")


def split(arguments: str) -> Iterator[str]:
    return (one[0].strip() for one in re.findall(r"('[^']*'|[^,]+)(,|$)", arguments))


def argument(text: str, data: JsonValue) -> JsonValue:
    if text.startswith("'"):
        return text[1:-1]
    return read(text, data) if text.startswith("$") else int(text)


def holds(rule: Json, data: JsonValue) -> bool:
    """Decide a rule of a Choice."""
    if "And" in rule:
        return all(holds(part, data) for part in rule["And"])
    if "Or" in rule:
        return any(holds(part, data) for part in rule["Or"])
    if "Not" in rule:
        return not holds(rule["Not"], data)
    (test,) = set(rule) - {"Variable", "Next"}
    return compares(test, rule, data)


def compares(test: str, rule: Json, data: JsonValue) -> bool:
    """Decide a single comparison."""
    wanted = rule[test]
    if test == "IsPresent":
        return (look_up(rule["Variable"], data) is not MISSING) is wanted
    value = read(rule["Variable"], data)
    if type(value) is not type(wanted):
        raise DefinitionError(f"{rule} of {value!r}")
    match test:
        case "StringEquals" | "BooleanEquals":
            return bool(value == wanted)
        case "StringMatches":
            # As in AWS, `*` is the only wildcard.
            return fnmatch.fnmatchcase(value, re.sub(r"[\[?]", r"[\g<0>]", wanted))
        case "NumericLessThan":
            return bool(value < wanted)
    raise DefinitionError(f"unknown: {rule}")
