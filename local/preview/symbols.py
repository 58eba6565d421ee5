"""Outputs by name: `${uploads-bucket.arn}` instead of an ARN that a run made up."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pulumi

from local.preview.outputs import ACCOUNT
from local.preview.registrations import Registration, Run

# Shorter texts, such as an id of one digit, would be found where they mean something else.
SHORTEST = 8
_DIGITS = re.compile(r"[0-9a-f]{8,}", re.IGNORECASE)


class Symbols:
    """The outputs that a run's provider made up, and what they are called.

    Args:
        run: A run; with steady suffixes its texts are those of every other run, but for what differs.
    """

    def __init__(self, run: Run) -> None:
        self._by_digits: dict[str, dict[str, str]] = defaultdict(dict)
        self._others = {ACCOUNT: "${account}"}
        # In a steady order: where two resources give the same text, the first one names it.
        for registration in sorted(run.registrations, key=lambda one: one.urn):
            for text, symbol in _made_up(registration):
                for digits in _DIGITS.findall(text):
                    self._by_digits[digits].setdefault(text, symbol)
                if not _DIGITS.search(text):
                    self._others.setdefault(text, symbol)

    def of(self, value: Any) -> Any:  # noqa: ANN401 - any property value
        """A value in plain terms, made-up outputs in it replaced by their symbols."""
        if isinstance(value, dict):
            return {name: self.of(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.of(item) for item in value]
        if isinstance(value, str):
            return self._text(value)
        return _plain(value)

    def _text(self, text: str) -> str:
        found = dict(self._others)
        for digits in _DIGITS.findall(text):
            found |= self._by_digits.get(digits, {})
        for made_up in sorted(found, key=len, reverse=True):
            text = text.replace(made_up, found[made_up])
        return text


def symbolic(run: Run) -> Run:
    """A run with every made-up output replaced by its symbol, wherever it went."""
    symbols = Symbols(run)
    registrations = [
        replace(
            one,
            id=symbols.of(one.id),
            provider=symbols.of(one.provider),
            inputs=symbols.of(one.inputs),
            outputs=symbols.of(one.outputs),
        )
        for one in run.registrations
    ]
    documents = {symbols.of(text) for text in run.documents}
    return Run(registrations, symbols.of(run.outputs), documents)


def _made_up(registration: Registration) -> Iterator[tuple[str, str]]:
    given = set(_texts(registration.inputs))
    outputs = {name: value for name, value in registration.outputs.items() if name not in registration.inputs}
    for path, text in _leaves({**outputs, "id": registration.id}, registration.name):
        if len(text) >= SHORTEST and text not in given:
            yield text, f"${{{path}}}"


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any property value
    """Texts in a value, each with its place."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _leaves(item, f"{path}.{name}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]")
    elif isinstance(value, str):
        yield path, value


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 - any property value
    return (text for _, text in _leaves(value, ""))


def _plain(value: Any) -> Any:  # noqa: ANN401 - any property value
    if isinstance(value, pulumi.AssetArchive):
        return {name: _plain(asset) for name, asset in value.assets.items()}
    if isinstance(value, pulumi.FileAsset | pulumi.FileArchive):
        return f"file {value.path}"
    if isinstance(value, pulumi.StringAsset):
        return f"text {value.text}"
    if isinstance(value, float) and value.is_integer():
        return int(value)  # the wire knows floats only
    return value
