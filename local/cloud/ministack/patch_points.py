"""The places in MiniStack that are changed at run time, checked before they are touched.

They are private names of a project that releases almost daily: a version that moved one of them must fail at
the start, not later in a job.
"""

import importlib
import importlib.metadata
import inspect
from types import ModuleType
from typing import Any

VERSION = "1.5.33"

MiniStack = Any
"""Something of MiniStack, which is untyped."""
JsonValue = Any
"""Any JSON."""


class PatchPointError(Exception):
    """MiniStack is not the version that this code was written for."""


def check_version() -> None:
    """Checks the installed version.

    Raises:
        PatchPointError: It is another one.
    """
    found = importlib.metadata.version("ministack")
    if found != VERSION:
        msg = (
            f"MiniStack {found} is installed, {VERSION} is what the embedded cloud is written for: "
            "make .venv-cloud again from local/ministack.lock."
        )
        raise PatchPointError(msg)


def module(name: str) -> ModuleType:
    """Imports a module of MiniStack.

    Raises:
        PatchPointError: It is not there.
    """
    try:
        return importlib.import_module(f"ministack.{name}")
    except ModuleNotFoundError as error:
        msg = f"MiniStack {VERSION} should have a module ministack.{name}."
        raise PatchPointError(msg) from error


def function(owner: MiniStack, name: str, parameters: tuple[str, ...]) -> MiniStack:
    """Returns the function that is about to be wrapped.

    Args:
        owner: The module or class it lives in.
        name: Its name.
        parameters: The names its parameters begin with.

    Raises:
        PatchPointError: It is not there, or takes something else.
    """
    found = getattr(owner, name, None)
    if not callable(found):
        msg = f"MiniStack {VERSION} should have {owner.__name__}.{name}."
        raise PatchPointError(msg)
    actual = tuple(inspect.signature(found).parameters)
    if actual[: len(parameters)] != parameters:
        msg = f"{owner.__name__}.{name} of MiniStack takes {actual}; {parameters} was expected."
        raise PatchPointError(msg)
    return found


def value(owner: MiniStack, name: str, kind: type = object) -> MiniStack:
    """Returns what a module keeps under a private name.

    Raises:
        PatchPointError: It is not there, or of another type.
    """
    found = getattr(owner, name, None)
    if found is None or not isinstance(found, kind):
        msg = f"MiniStack {VERSION} should have {owner.__name__}.{name}, a {kind.__name__}."
        raise PatchPointError(msg)
    return found


def replace(owner: MiniStack, name: str, replacement: object) -> None:
    """Puts something of ours in the place of what `function` or `value` found."""
    setattr(owner, name, replacement)


def text(source: str, expected: str, place: str) -> str:
    """Checks that a source text has a passage exactly once, and returns it.

    Raises:
        PatchPointError: It has not.
    """
    if source.count(expected) != 1:
        msg = f"{place} of MiniStack {VERSION} should have {expected!r} once."
        raise PatchPointError(msg)
    return expected
