"""What goes wrong in the embedded cloud, because a test or the demo asked for it."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Json = dict[str, Any]
JsonValue = Any


class Kind(StrEnum):
    """What can go wrong."""

    NO_CAPACITY = "no-capacity"
    INTERRUPTION = "interruption"
    QUOTA = "quota"
    LOST_EVENT = "lost-event"
    DOUBLED_EVENT = "doubled-event"
    API_ERROR = "api-error"
    LOST_ANSWER = "lost-answer"


class FaultError(ValueError):
    """A fault is not described as it must be; the message says how."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        kind: What.
        instance_type: The machine that it happens to; None for any.
        spot: Whether it happens to spot machines or to those on demand; None for both.
        after_seconds: How long a spot machine works before it is taken away.
        limit: The quota that is reached; one of 0 was never granted.
        source: Whose events; None for any.
        status: The status that the event tells; None for any.
        service: Whose API, by the name that requests are signed for, such as `dynamodb` or `states`; None for
            any.
        action: Which operation of it, such as `PutItem`; None for any.
        resource: Name of the table, bucket, function or whatever else the call is about; None for any.
        error: The code that is answered; None for the service's own word for too many requests.
        after: How many calls are answered as usual first.
        times: How often it happens; None for as long as it is planned.
    """

    kind: Kind
    instance_type: str | None = None
    spot: bool | None = None
    after_seconds: float = 0.0
    limit: int = 1
    source: str | None = None
    status: str | None = None
    service: str | None = None
    action: str | None = None
    resource: str | None = None
    error: str | None = None
    after: int = 0
    times: int | None = None

    @classmethod
    def parse(cls, described: JsonValue) -> "Fault":
        """Reads a fault as the control interface takes it.

        Raises:
            FaultError: It has no known kind, a field that its kind does not know, or a value of a wrong type.
        """
        if not isinstance(described, dict) or described.get("fault") not in list(Kind):
            msg = f"A fault is an object with `fault` as one of {', '.join(Kind)}, not {described!r}."
            raise FaultError(msg)
        kind = Kind(described["fault"])
        fields = _FIELDS[kind]
        values = {}
        for name, value in described.items():
            if name == "fault":
                continue
            if name not in fields:
                msg = f"{kind} has no {name}; it takes {', '.join(fields)}."
                raise FaultError(msg)
            attribute, types = fields[name]
            if type(value) not in types:
                msg = f"{name} of {kind} must be {' or '.join(one.__name__ for one in types)}, not {value!r}."
                raise FaultError(msg)
            values[attribute] = value
        return cls(**{"times": _TIMES[kind], **values, "kind": kind})

    def concerns(self, kind: Kind, facts: Mapping[str, JsonValue]) -> bool:
        """Tells whether it happens in a situation: every attribute it names is a fact, or one of a set."""
        return self.kind is kind and all(_agree(getattr(self, name), fact) for name, fact in facts.items())


def _agree(named: JsonValue, fact: JsonValue) -> bool:
    return named is None or (named in fact if isinstance(fact, frozenset) else named == fact)


_MACHINE = {"instanceType": ("instance_type", (str,)), "spot": ("spot", (bool,))}
_EVENT = {"source": ("source", (str,)), "status": ("status", (str,))}
_COUNTED = {"times": ("times", (int,))}
_CALL = {
    "service": ("service", (str,)),
    "action": ("action", (str,)),
    "resource": ("resource", (str,)),
    "after": ("after", (int,)),
}
_FIELDS: Mapping[Kind, Mapping[str, tuple[str, tuple[type, ...]]]] = {
    Kind.NO_CAPACITY: _MACHINE,
    Kind.INTERRUPTION: {
        "instanceType": _MACHINE["instanceType"],
        "afterSeconds": ("after_seconds", (int, float)),
        **_COUNTED,
    },
    Kind.QUOTA: {**_MACHINE, "limit": ("limit", (int,)), **_COUNTED},
    Kind.LOST_EVENT: {**_EVENT, **_COUNTED},
    Kind.DOUBLED_EVENT: {**_EVENT, **_COUNTED},
    Kind.API_ERROR: {**_CALL, "error": ("error", (str,)), **_COUNTED},
    Kind.LOST_ANSWER: {**_CALL, **_COUNTED},
}
# Capacity and services come back when it is planned so; the rest happens once, unless more is asked for.
_TIMES = {kind: None if kind in (Kind.NO_CAPACITY, Kind.API_ERROR) else 1 for kind in Kind}


@dataclass
class _Planned:
    """A fault with how often it will not happen yet, and how often it will then; None for ever."""

    fault: Fault
    spared: int
    left: int | None


class FaultPlan:
    """The faults that are still to happen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[_Planned] = []

    def replace(self, faults: Sequence[Fault]) -> None:
        """Plans these faults and no others."""
        with self._lock:
            self._left = [_Planned(fault, fault.after, fault.times) for fault in faults]

    def has(self, *kinds: Kind) -> bool:
        """Tells whether a fault of one of these kinds is planned, whether or not it has happened."""
        return any(planned.fault.kind in kinds for planned in self._left)

    def take(self, kind: Kind, **facts: JsonValue) -> Fault | None:
        """Lets the first fault that concerns a situation happen; None where none does.

        Args:
            kind: What would go wrong.
            facts: The situation, by the names of a fault's attributes.
        """
        with self._lock:
            for planned in self._left:
                if not planned.fault.concerns(kind, facts):
                    continue
                if planned.spared > 0:
                    planned.spared -= 1
                elif planned.left is None:
                    return planned.fault
                elif planned.left > 0:
                    planned.left -= 1
                    return planned.fault
        return None


plan = FaultPlan()
"""What is planned in this cloud."""


def copies_of_event(source: str, *statuses: str | None) -> int:
    """Tells how often an event is told: once, unless a fault concerns one of the statuses that it tells."""
    for kind, copies in ((Kind.LOST_EVENT, 0), (Kind.DOUBLED_EVENT, 2)):
        if any(plan.take(kind, source=source, status=status) for status in statuses if status):
            return copies
    return 1
