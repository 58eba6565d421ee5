"""A resource monitor that is as strict as the engine, over mocks that answer as the provider would.

A type without outputs, a second resource of one URN and a question to the provider that nobody answers are
errors. Requests are recorded with their options.
"""

import hashlib
import secrets
import threading
from collections.abc import Callable
from typing import Any

from pulumi.output import Unknown
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import alias_pb2, resource_pb2
from pulumi.runtime.settings import get_project, get_stack

from local.preview.outputs import ACCOUNT, OUTPUTS
from local.preview.registrations import Registration, Run

STACK_TYPE = "pulumi:pulumi:Stack"
CALLER_IDENTITY = "aws:index/getCallerIdentity:getCallerIdentity"
DIGITS = 8

Suffix = Callable[[str, str], str]
"""Digits at the end of a physical name, from the resource's type and logical name."""


def random_suffix(_type: str, _name: str) -> str:
    """Digits that are new in every run: an ARN in a policy can only match if it came from that resource."""
    return secrets.token_hex(DIGITS // 2)


def steady_suffix(type_: str, name: str) -> str:
    """Digits that are the same in every run and stack, so that two runs can be compared."""
    return hashlib.sha256(f"{type_}::{name}".encode()).hexdigest()[:DIGITS]


class StrictMocks(Mocks):
    """Answers with the outputs that the type really has.

    Args:
        suffix: Ends the physical names.
        unknown: Whether a new resource's outputs are not known yet, as in a first preview.
    """

    def __init__(self, *, suffix: Suffix = random_suffix, unknown: bool = False) -> None:
        self._suffix = suffix
        self._unknown = unknown

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Make a resource up: its id and its state."""
        if not args.custom and not args.typ.startswith("awsx:"):
            return None, {}
        if args.typ not in OUTPUTS:
            raise NotImplementedError(f"no outputs for {args.typ}: add them to local/preview/outputs.py")
        if self._unknown:
            return None, {name: value for name, value in args.inputs.items() if not _has_unknown(value)}
        given = args.resource_id or args.inputs.get("name")
        physical = given or f"{args.name}-{self._suffix(args.typ, args.name)}"
        outputs = OUTPUTS[args.typ](physical, args.inputs)
        return outputs.pop("id", physical), {**args.inputs, **outputs}

    def call(self, args: MockCallArgs) -> dict[str, Any]:  # type: ignore[override]  # the SDK takes a bare dict too
        """Answer a question to the provider."""
        if args.token != CALLER_IDENTITY:
            raise NotImplementedError(f"nobody answers {args.token}")
        if not args.provider:
            raise AssertionError(f"{args.token} is asked without the explicit provider")
        return {
            "accountId": ACCOUNT,
            "arn": f"arn:aws:iam::{ACCOUNT}:user/deployer",
            "userId": "AIDA1",
            "id": "1",
        }


class StrictMonitor(MockMonitor):
    """Records requests and refuses what the engine refuses."""

    def __init__(self, mocks: Mocks) -> None:
        super().__init__(mocks)
        self.run = Run()
        self._lock = threading.Lock()
        self._urns: set[str] = set()

    def make_urn(self, parent: str, type_: str, name: str) -> str:
        """Make the URN that the engine would: the stock monitor forgets all but the last parent's type."""
        return _urn(get_stack(), get_project(), parent, type_, name)

    def RegisterResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        """Record a resource and answer with its state."""
        urn = self.make_urn(request.parent, request.type, request.name)
        with self._lock:
            if urn in self._urns:
                raise AssertionError(f"duplicate URN {urn}")
            self._urns.add(urn)
        response: resource_pb2.RegisterResourceResponse = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # untyped in the SDK
        if request.type != STACK_TYPE:
            registration = self._registration(urn, request, response)
            with self._lock:
                self.run.registrations.append(registration)
        return response

    def _registration(
        self,
        urn: str,
        request: resource_pb2.RegisterResourceRequest,
        response: resource_pb2.RegisterResourceResponse,
    ) -> Registration:
        given = rpc.deserialize_properties(request.object)
        return Registration(
            urn=urn,
            type=request.type,
            name=request.name,
            parent=request.parent,
            custom=request.custom,
            id=response.id,
            inputs={name: rpc.unwrap_rpc_secret(value) for name, value in given.items()},
            outputs={name: rpc.unwrap_rpc_secret(value) for name, value in self.resources[urn].state.items()},
            secret_inputs=frozenset(name for name, value in given.items() if rpc.is_rpc_secret(value)),
            protect=request.protect,
            import_id=request.importId,
            retain_on_delete=request.retainOnDelete,
            delete_before_replace=request.deleteBeforeReplace,
            ignore_changes=tuple(request.ignoreChanges),
            replace_on_changes=tuple(request.replaceOnChanges),
            provider=request.provider or request.providers.get("aws", ""),
            dependencies=frozenset(request.dependencies),
            aliases=(*request.aliasURNs, *(_alias_urn(alias, request) for alias in request.aliases)),
            secret_outputs=tuple(request.additionalSecretOutputs),
        )


def _alias_urn(alias: alias_pb2.Alias, request: resource_pb2.RegisterResourceRequest) -> str:
    """Write an alias out: what its specification leaves out is as the resource has it now."""
    if alias.urn:
        return alias.urn
    spec = alias.spec
    return _urn(
        spec.stack or get_stack(),
        spec.project or get_project(),
        "" if spec.noParent else spec.parentUrn or request.parent,
        spec.type or request.type,
        spec.name or request.name,
    )


def _urn(stack: str, project: str, parent: str, type_: str, name: str) -> str:
    if parent and f"::{STACK_TYPE}::" not in parent:
        type_ = f"{parent.split('::')[2]}${type_}"
    return f"urn:pulumi:{stack}::{project}::{type_}::{name}"


def _has_unknown(value: Any) -> bool:  # noqa: ANN401 - any property value
    if isinstance(value, dict):
        return any(_has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(_has_unknown(item) for item in value)
    return isinstance(value, Unknown)
