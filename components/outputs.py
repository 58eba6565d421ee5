"""The stack's outputs: what clients, scripts and people are told."""

from collections.abc import Mapping, Sequence

import pulumi


def export(
    *groups: Mapping[str, pulumi.Output[str]]
    | Mapping[str, pulumi.Output[str] | pulumi.Output[Sequence[str]]],
) -> None:
    """Export groups of outputs by their public names, which clients rely on.

    Raises:
        ValueError: Two outputs have one name.
    """
    names = [name for group in groups for name in group]
    if len(set(names)) < len(names):
        raise ValueError(f"two outputs have one name: {', '.join(sorted(names))}")
    for group in groups:
        for name, value in group.items():
            pulumi.export(name, value)
