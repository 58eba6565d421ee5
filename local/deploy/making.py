"""Makes, reads and imports single resources, each with the creator of its type."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from google.protobuf import struct_pb2
from pulumi.runtime.proto import resource_pb2

from local.deploy.creators import KINDS
from local.deploy.dockerfile import DockerfileError
from local.deploy.inputs import Inputs
from local.deploy.invokes import ANSWERS, UnansweredError
from local.deploy.kinds import Kind, MissingResourceError, Registration
from local.deploy.model import Cloud, ResourceState
from local.deploy.naming import Naming
from local.deploy.properties import PropertyError, from_struct

_PROVIDER_PREFIX = "pulumi:providers:"


class RegistrationError(Exception):
    """A registration cannot be followed, in words for whoever writes the program.

    Attributes:
        made: The resource, where it exists all the same and must be removed one day.
    """

    def __init__(self, message: str, made: ResourceState | None = None) -> None:
        super().__init__(message)
        self.made = made


class Maker:
    """Turns registrations into resources of one cloud; safe to use from several threads."""

    def __init__(self, cloud: Cloud, project_dir: Path, naming: Naming) -> None:
        self._cloud = cloud
        self._naming = naming
        self._project_dir = project_dir
        self._default_tags: dict[str, Mapping[str, str]] = {}
        self._clients: dict[str, Any] = {}
        self._clients_lock = threading.Lock()

    def make(self, urn: str, request: resource_pb2.RegisterResourceRequest) -> ResourceState:
        """Makes a resource, or checks the one to be imported.

        Raises:
            RegistrationError: The type has no creator, or its creator has left inputs unread.
            MissingResourceError: There is nothing to import.
        """
        kind = _kind(urn, request.type)
        registration = self._registration(urn, request.name, request.object, request.provider)
        if request.importId:
            outputs = _import(kind, registration, request.importId)
        else:
            registration.id = kind.create(registration)
            outputs = kind.read(registration)
        if request.type.startswith(_PROVIDER_PREFIX):
            self._default_tags[f"{urn}::{registration.id}"] = registration.notes["default_tags"]
        state = ResourceState(
            urn=urn,
            type=request.type,
            name=request.name,
            id=registration.id,
            custom=True,
            inputs=registration.inputs.plain(),
            outputs=outputs,
            dependencies=frozenset(request.dependencies),
            protect=request.protect,
            retain=request.retainOnDelete,
            imported=bool(request.importId),
            delete=lambda: kind.delete(registration),
        )
        # An import takes what exists as it is, so nothing of the inputs is applied there.
        unused = [] if request.importId else registration.inputs.unused()
        if unused:
            raise RegistrationError(
                f"the creator of {request.type} knows no input {', '.join(unused)}: teach it in "
                "local/deploy/creators/, or let it say there why the input is ignored",
                made=state,
            )
        return state

    def read(self, urn: str, request: resource_pb2.ReadResourceRequest) -> dict[str, Any]:
        """Outputs of a resource that the program did not make."""
        kind = _kind(urn, request.type)
        registration = self._registration(urn, request.name, request.properties, request.provider)
        return _import(kind, registration, request.id)

    def answer(self, request: resource_pb2.ResourceInvokeRequest) -> dict[str, Any]:
        """Answers a question to the provider.

        Raises:
            UnansweredError: Nobody here answers it.
        """
        if request.tok not in ANSWERS:
            raise UnansweredError(
                f"the program asks for {request.tok}, and nothing here answers it: give it an answer in "
                "local/deploy/invokes.py"
            )
        return ANSWERS[request.tok](self._cloud, self.client, from_struct(request.args))

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 makes its clients at run time
        """The one client of a service; making clients is not thread-safe, using them is."""
        with self._clients_lock:
            if service not in self._clients:
                self._clients[service] = self._cloud.client(service)
            return self._clients[service]

    def _registration(
        self, urn: str, name: str, properties: struct_pb2.Struct, provider: str
    ) -> Registration:
        return Registration(
            cloud=self._cloud,
            project_dir=self._project_dir,
            urn=urn,
            name=name,
            inputs=Inputs(from_struct(properties)),
            default_tags=self._default_tags.get(provider, {}),
            clients=self.client,
            naming=self._naming,
        )


def reason(error: Exception) -> str:
    """An error in words: AWS's with its code, one not foreseen with its type."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        return f"{error.operation_name} failed with {details.get('Code')}: {details.get('Message', error)}"
    if isinstance(
        error,
        BotoCoreError
        | DockerfileError
        | MissingResourceError
        | PropertyError
        | RegistrationError
        | UnansweredError
        | ValueError,
    ):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _kind(urn: str, token: str) -> Kind:
    if token not in KINDS:
        raise RegistrationError(
            f"there is no creator for resources of type {token}: write one in local/deploy/creators/, or "
            f"leave {urn.rpartition('::')[2]!r} out of this stack"
        )
    return KINDS[token]


def _import(kind: Kind, registration: Registration, existing: str) -> dict[str, Any]:
    if not kind.importable:
        raise RegistrationError("resources of this type cannot be imported here")
    registration.id = existing
    try:
        return kind.read(registration)
    except (MissingResourceError, ClientError) as error:
        raise MissingResourceError(
            f"there is nothing to import under the id {existing!r}: {reason(error)}"
        ) from error
