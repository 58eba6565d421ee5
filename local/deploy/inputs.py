"""A resource's inputs, which remember what was read of them: nothing may be skipped in silence."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Inputs(Mapping[str, Any]):
    """Inputs of a resource, or of an object inside them.

    Reading a plain value marks it as used. Reading an object gives another `Inputs`, a list of them a list
    of `Inputs`: their fields count one by one. `whole` takes a value as it is and marks all of it.
    """

    def __init__(self, values: Mapping[str, Any], path: str = "") -> None:
        self._values = values
        self._path = path
        self._used: set[str] = set()
        self._children: dict[str, list[Inputs]] = {}

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        value = self._values[name]
        self._used.add(name)
        if isinstance(value, Mapping):
            return self._nested(name, [value])[0]
        if isinstance(value, list) and value and all(isinstance(item, Mapping) for item in value):
            return self._nested(name, value)
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def whole(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """The plain value, None when absent; everything inside counts as used."""
        self._used.add(name)
        return self._values.get(name)

    def take(self, *names: str) -> dict[str, Any]:
        """The plain values of those names that are there, each marked whole."""
        return {name: self.whole(name) for name in names if name in self._values}

    def ignore(self, *names: str, because: str) -> None:
        """Leaves inputs aside knowingly.

        Args:
            names: Of the inputs.
            because: What the embedded cloud lacks, or why the input means nothing here.
        """
        if not because:
            raise ValueError(f"say why {', '.join(names)} may be ignored")
        self._used.update(names)

    def plain(self) -> dict[str, Any]:
        """All of it as it came, marking nothing."""
        return dict(self._values)

    def unused(self) -> list[str]:
        """Paths of what nobody has read, such as `rules[0].filter`."""
        paths = []
        for name in self._values:
            if name not in self._used:
                paths.append(f"{self._path}{name}")
            for child in self._children.get(name, []):
                paths.extend(child.unused())
        return paths

    def _nested(self, name: str, values: Sequence[Mapping[str, Any]]) -> list["Inputs"]:
        if name not in self._children:
            is_list = isinstance(self._values[name], list)
            self._children[name] = [
                Inputs(value, f"{self._path}{name}[{index}]." if is_list else f"{self._path}{name}.")
                for index, value in enumerate(values)
            ]
        return self._children[name]
