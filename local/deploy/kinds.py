"""The interface of a creator, and the table of creators by Pulumi type token."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from local.deploy.inputs import Inputs
from local.deploy.model import Cloud
from local.deploy.naming import Naming, checked, random_digits


class MissingResourceError(Exception):
    """What is to be read or imported is not there."""


@dataclass
class Registration:
    """One resource that the program asks for, on its way into the cloud.

    Attributes:
        cloud: Where it is made.
        project_dir: The program's folder: relative paths of assets start there.
        urn: Pulumi's name for it.
        name: Logical name.
        inputs: What was asked for.
        default_tags: Tags of its provider.
        clients: Gives boto3 clients, the same one for the same service.
        naming: How it is named where the inputs do not say it.
        id: The provider's id, once it is known.
    """

    cloud: Cloud
    project_dir: Path
    urn: str
    name: str
    inputs: Inputs
    default_tags: Mapping[str, str]
    clients: Callable[[str], Any]
    naming: Naming
    id: str = ""
    notes: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """A boto3 client of the cloud's administrator."""
        return self.clients(service)

    def physical_name(
        self, given: str = "name", *, limit: int = 255, lower: bool = False, suffix: str = ""
    ) -> str:
        """The name asked for in the input `given`, or one made as Pulumi makes it."""
        prefix = self.inputs.get(f"{given}Prefix")
        if prefix:
            return checked(f"{prefix}{random_digits()}{suffix}", limit=limit, lower=lower)
        return self.inputs.get(given) or self.naming.name(self.name, limit=limit, lower=lower, suffix=suffix)

    @property
    def tags(self) -> dict[str, str]:
        """The provider's default tags and the resource's own, which win."""
        return {**self.default_tags, **(self.inputs.whole("tags") or {})}

    def tag_list(self, key: str = "Key", value: str = "Value") -> list[dict[str, str]]:
        """The tags as a list of pairs."""
        return [{key: name, value: text} for name, text in self.tags.items()]

    def document(self, name: str) -> str | None:
        """A policy or another JSON document: a text as it is, an object as JSON, None when absent."""
        value = self.inputs.whole(name)
        return value if value is None or isinstance(value, str) else json.dumps(value)


class Kind:
    """A type of resource: how to make, read and delete it.

    `create` returns the new id. `read` returns the outputs and is also what an import is checked with: it
    raises `MissingResourceError` or lets the service's own error through when there is nothing of that id.

    Attributes:
        tokens: Pulumi type tokens that it answers for.
        importable: False where an import makes no sense.
    """

    tokens: ClassVar[tuple[str, ...]]
    importable: ClassVar[bool] = True

    def create(self, registration: Registration) -> str:
        """Makes the resource and returns its id."""
        raise NotImplementedError

    def read(self, registration: Registration) -> dict[str, Any]:
        """Outputs of the resource of `registration.id`."""
        raise NotImplementedError

    def delete(self, registration: Registration) -> None:
        """Removes the resource of `registration.id`."""
        raise NotImplementedError


def pascal(value: Any, renames: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 - any JSON value
    """Turns Pulumi's camelCase keys into boto3's PascalCase at every depth.

    Not for maps whose keys are data (tags, environment variables). boto3 refuses keys that no API knows.

    Args:
        value: JSON value.
        renames: Keys that do not follow the rule.
    """
    if isinstance(value, Mapping):
        renamed = renames or {}
        return {
            renamed.get(key, key[:1].upper() + key[1:]): pascal(item, renames) for key, item in value.items()
        }
    if isinstance(value, list):
        return [pascal(item, renames) for item in value]
    return value


def present(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - arguments of any boto3 call
    """The arguments that are not None."""
    return {name: value for name, value in values.items() if value is not None}
