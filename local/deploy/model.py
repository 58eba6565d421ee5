"""What a deployment is made of, and what it asks of a cloud."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


class Cloud(Protocol):
    """The embedded cloud as the deployer sees it.

    Attributes:
        endpoint: Address of every AWS API, without a trailing slash.
        account: Twelve-digit account number.
        region: The one region.
        run_dir: Folder of this run, for files that last as long as the cloud.
        image_registry: JSON file that maps an image's URI to the command that runs it on this machine.
    """

    @property
    def endpoint(self) -> str: ...  # noqa: D102 - see the class
    @property
    def account(self) -> str: ...  # noqa: D102 - see the class
    @property
    def region(self) -> str: ...  # noqa: D102 - see the class
    @property
    def run_dir(self) -> Path: ...  # noqa: D102 - see the class
    @property
    def image_registry(self) -> Path: ...  # noqa: D102 - see the class

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """A boto3 client with the administrator's keys."""


@dataclass(frozen=True)
class ResourceState:
    """A resource as it stands in the cloud.

    Attributes:
        urn: Pulumi's name for it.
        type: Pulumi type token.
        name: Logical name.
        id: The provider's id; empty for components.
        custom: True for what exists in the cloud, False for components.
        inputs: What the program asked for.
        outputs: What the program gets to see.
        dependencies: URNs that must outlive it.
        protect: Whether `destroy` must refuse.
        retain: Whether `destroy` leaves it in place.
        imported: Whether it existed before.
        delete: Removes it from the cloud; None when there is nothing to remove.
    """

    urn: str
    type: str
    name: str
    id: str
    custom: bool
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    dependencies: frozenset[str] = frozenset()
    protect: bool = False
    retain: bool = False
    imported: bool = False
    delete: Callable[[], None] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Deployment:
    """What `deploy` made.

    Attributes:
        outputs: The stack's outputs.
        resources: In the order in which they were finished: every resource comes after those it needs.
        seconds: How long it took.
    """

    outputs: dict[str, Any]
    resources: list[ResourceState]
    seconds: float


@dataclass(frozen=True)
class Failure:
    """Why one registration (or the program itself) failed.

    Attributes:
        subject: URN of the resource, or what was asked for.
        reason: One or more sentences.
    """

    subject: str
    reason: str

    def __str__(self) -> str:
        return f"{self.subject}: {self.reason}"


class DeployError(Exception):
    """A deployment (or its removal) did not come to its end.

    Attributes:
        failures: What went wrong, the first one first.
        deployment: What had been made by then, for `destroy`.
    """

    def __init__(self, failures: list[Failure], deployment: Deployment) -> None:
        super().__init__("\n".join(str(failure) for failure in failures))
        self.failures = failures
        self.deployment = deployment
