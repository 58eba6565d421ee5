"""Reads Google docstrings: what an API's document says of a model is what its class says."""

import inspect
import re

_SECTION = re.compile(r"^(?:Args|Attributes|Raises|Returns):\s*$", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(?P<name>\w+):\s(?P<text>.+(?:\n {5,}.+)*)", re.MULTILINE)


def prose(docstring: str | None) -> str:
    """Give what stands before the first section."""
    return _SECTION.split(inspect.cleandoc(docstring or ""))[0].strip()


def attributes(docstring: str | None) -> dict[str, str]:
    """Give the entries of the section `Attributes`, each as one line."""
    _, _, section = inspect.cleandoc(docstring or "").partition("\nAttributes:\n")
    own = _SECTION.split(section)[0]
    return {entry["name"]: " ".join(entry["text"].split()) for entry in _ENTRY.finditer(own)}
