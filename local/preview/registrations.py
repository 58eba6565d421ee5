"""What a run of the program registered."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Registration:
    """A resource as the program registered it.

    Attributes:
        parent: URN of its parent.
        custom: Whether a provider makes it; a component is none of these.
        id: Physical id, empty for a component and where it is not known yet.
        inputs: By the provider's names, secrets opened, outputs of other resources filled in.
        outputs: Inputs and what the provider adds to them.
        secret_inputs: Inputs that are marked as secret, whole or in part.
        provider: `urn::id` of its provider.
        aliases: URNs that it had before.
        secret_outputs: Outputs that the program or the SDK marks as secret.
    """

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    secret_inputs: frozenset[str]
    protect: bool
    import_id: str
    retain_on_delete: bool
    delete_before_replace: bool
    ignore_changes: tuple[str, ...]
    replace_on_changes: tuple[str, ...]
    provider: str
    dependencies: frozenset[str]
    aliases: tuple[str, ...]
    secret_outputs: tuple[str, ...]

    @property
    def component(self) -> str:
        """Logical name of the component that it belongs to."""
        return self.parent.rpartition("::")[2]


@dataclass
class Run:
    """What a program registered and exported.

    Attributes:
        registrations: Every resource, in the order in which they were finished.
        outputs: The stack's outputs.
        documents: Every policy document that `components/grants.py` wrote.
    """

    registrations: list[Registration] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    documents: set[str] = field(default_factory=set)

    def of(self, token: str) -> list[Registration]:
        """Resources of a type."""
        return [one for one in self.registrations if one.type == token]

    def one(self, token: str, name: str) -> Registration:
        """The one resource of a type and name."""
        (found,) = [one for one in self.of(token) if one.name == name]
        return found
