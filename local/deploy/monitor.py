"""The resource monitor: Pulumi's protocol between the running program and whoever makes its resources."""

# ruff: noqa: ARG002, N802 - the methods have the names and parameters of the protocol

import threading
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import callback_pb2, provider_pb2, resource_pb2, resource_pb2_grpc

from local.deploy.invokes import UnansweredError
from local.deploy.making import Maker, RegistrationError, reason
from local.deploy.model import Failure, ResourceState
from local.deploy.properties import from_struct, to_struct

STACK_TYPE = "pulumi:pulumi:Stack"
_FEATURES = [
    resource_pb2.RESOURCE_MONITOR_FEATURE_SECRETS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    resource_pb2.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    resource_pb2.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    resource_pb2.RESOURCE_MONITOR_FEATURE_PARAMETERIZATION,
]
T = TypeVar("T")


class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """Pulumi's resource monitor for one run of one program.

    After every resource it tells how many there are and which one it was, from one thread at a time.

    Attributes:
        resources: Finished resources, in order.
        outputs: Of the stack, as far as the program has given them.
        failures: What went wrong, the first one first.
        failed: Set with the first failure.
        calls: How often the program has asked for something.
        under_way: Calls that have no answer yet.
    """

    def __init__(
        self,
        maker: Maker,
        *,
        project: str,
        stack: str,
        on_finished: Callable[[int, ResourceState], None],
    ) -> None:
        self.resources: list[ResourceState] = []
        self.outputs: dict[str, Any] = {}
        self.failures: list[Failure] = []
        self.failed = threading.Event()
        self.calls = 0
        self.under_way = 0
        self._maker = maker
        self._project = project
        self._stack = stack
        self._on_finished = on_finished
        self._lock = threading.Lock()
        self._urns: set[str] = set()

    def GetDeploymentInfo(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> resource_pb2.DeploymentInfo:
        """What this monitor can do."""
        return resource_pb2.DeploymentInfo(supportedFeatures=_FEATURES)

    def SupportsFeature(
        self, request: resource_pb2.SupportsFeatureRequest, context: grpc.ServicerContext
    ) -> resource_pb2.SupportsFeatureResponse:
        """The same, asked one by one."""
        return resource_pb2.SupportsFeatureResponse(
            hasSupport=request.id in {"secrets", "resourceReferences", "aliasSpecs", "deletedWith"}
        )

    def RegisterResource(
        self, request: resource_pb2.RegisterResourceRequest, context: grpc.ServicerContext
    ) -> resource_pb2.RegisterResourceResponse:
        """Makes one resource."""
        urn = self._urn(request.parent, request.type, request.name)
        return self._guarded(urn, context, lambda: self._register(urn, request))

    def RegisterResourceOutputs(
        self, request: resource_pb2.RegisterResourceOutputsRequest, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Keeps the outputs of the stack; those of components are the program's own affair."""
        if f"::{STACK_TYPE}::" in request.urn:
            self._guarded("stack outputs", context, lambda: self.outputs.update(from_struct(request.outputs)))
        return empty_pb2.Empty()

    def ReadResource(
        self, request: resource_pb2.ReadResourceRequest, context: grpc.ServicerContext
    ) -> resource_pb2.ReadResourceResponse:
        """Gives the outputs of a resource that exists outside of the program (`X.get`)."""
        urn = self._urn(request.parent, request.type, request.name)
        outputs = self._guarded(urn, context, lambda: self._maker.read(urn, request))
        return resource_pb2.ReadResourceResponse(
            urn=urn, id=request.id, properties=to_struct(outputs), unknown=True
        )

    def Invoke(
        self, request: resource_pb2.ResourceInvokeRequest, context: grpc.ServicerContext
    ) -> resource_pb2.ResourceInvokeResponse:
        """Answers a question to the provider."""
        values = self._guarded(f"invoke {request.tok}", context, lambda: self._maker.answer(request))
        response = resource_pb2.ResourceInvokeResponse()
        # The field bears the name of a keyword of Python.
        getattr(response, "return").CopyFrom(to_struct(values))
        return response

    def Call(
        self, request: resource_pb2.ResourceCallRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CallResponse:
        """Refuses: methods of packaged components do not run here."""
        error = UnansweredError(f"the program calls the method {request.tok}, and no method runs here")
        return self._guarded(f"call {request.tok}", context, _raiser(error))

    def RegisterPackage(
        self, request: resource_pb2.RegisterPackageRequest, context: grpc.ServicerContext
    ) -> resource_pb2.RegisterPackageResponse:
        """Accepts a package by its name: its resources are looked up by type."""
        return resource_pb2.RegisterPackageResponse(ref=request.name)

    def RegisterStackTransform(
        self, request: callback_pb2.Callback, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Refuses: a transform left aside would change what is made, in silence."""
        error = RegistrationError("the program registers a stack transform, and transforms do not run here")
        return self._guarded("stack transform", context, _raiser(error))

    def SignalAndWaitForShutdown(
        self, request: empty_pb2.Empty, context: grpc.ServicerContext
    ) -> empty_pb2.Empty:
        """Lets the program go: it keeps no hooks for later."""
        return empty_pb2.Empty()

    def _guarded(self, subject: str, context: grpc.ServicerContext, work: Callable[[], T]) -> T:
        with self._lock:
            self.under_way += 1
            self.calls += 1
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - whatever it is ends the deployment, with the resource's name
            failure = Failure(subject, reason(error))
            with self._lock:
                self.failures.append(failure)
            self.failed.set()
            context.abort(grpc.StatusCode.UNKNOWN, str(failure))
        finally:
            with self._lock:
                self.under_way -= 1

    def _register(
        self, urn: str, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        with self._lock:
            if urn in self._urns:
                raise RegistrationError(
                    "a resource of this type and name is registered already: give one of them another name"
                )
            self._urns.add(urn)
        if request.type == STACK_TYPE:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        if not request.custom and not request.remote:
            component = ResourceState(
                urn=urn,
                type=request.type,
                name=request.name,
                id="",
                custom=False,
                inputs={},
                outputs={},
                dependencies=frozenset(request.dependencies),
            )
            self._finish(component)
            return resource_pb2.RegisterResourceResponse(urn=urn, object=request.object)
        try:
            state = self._maker.make(urn, request)
        except RegistrationError as error:
            if error.made is not None:
                self._finish(error.made)
            raise
        self._finish(state)
        # Marked "unknown", so that an output which no creator gives is not taken for a None.
        return resource_pb2.RegisterResourceResponse(
            urn=urn, id=state.id, object=to_struct(state.outputs), unknown=True
        )

    def _finish(self, state: ResourceState) -> None:
        with self._lock:
            self.resources.append(state)
            self._on_finished(len(self.resources), state)

    def _urn(self, parent: str, token: str, name: str) -> str:
        if parent and f"::{STACK_TYPE}::" not in parent:
            token = f"{parent.split('::')[2]}${token}"
        return f"urn:pulumi:{self._stack}::{self._project}::{token}::{name}"


def _raiser(error: Exception) -> Callable[[], NoReturn]:
    def refuse() -> NoReturn:
        raise error

    return refuse
