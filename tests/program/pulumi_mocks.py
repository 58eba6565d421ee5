"""Runs the real program under Pulumi's mocks, with a monitor that is as strict as the engine.

Every resource gets a random physical suffix and the outputs of its type, so that an ARN in a policy can only
match if it came from that resource; a type without outputs here, a second resource of one URN and a question
to the provider that nobody answers are errors. Requests are recorded with their options.
"""

import asyncio
import json
import os
import runpy
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import resource_pb2
from pulumi.runtime.settings import SETTINGS, get_root_resource, set_root_resource
from pulumi.runtime.stack import wait_for_rpcs

from components import grants
from local.preview.outputs import ACCOUNT, OUTPUTS

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "spaceport"


@dataclass(frozen=True)
class Registration:
    """A resource as the program registered it."""

    urn: str
    type: str
    name: str
    parent: str
    custom: bool
    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    protect: bool
    import_id: str
    retain_on_delete: bool
    ignore_changes: tuple[str, ...]
    provider: str
    dependencies: frozenset[str]

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


class StrictMocks(Mocks):
    """Answers with the outputs that the type really has."""

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if not args.custom and not args.typ.startswith("awsx:"):
            return None, {}
        if args.typ not in OUTPUTS:
            raise NotImplementedError(f"no outputs for {args.typ}: add them to local/preview/outputs.py")
        suffix = secrets.token_hex(4)
        physical = args.resource_id or args.inputs.get("name") or f"{args.name}-{suffix}"
        outputs = OUTPUTS[args.typ](physical, args.inputs)
        return outputs.pop("id", physical), {**args.inputs, **outputs}

    def call(self, args: MockCallArgs) -> dict[str, Any]:  # type: ignore[override]  # the SDK takes a bare dict too
        if args.token != "aws:index/getCallerIdentity:getCallerIdentity":
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

    def RegisterResource(  # noqa: N802 - the protocol's name
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        with self._lock:
            if urn in self._urns:
                raise AssertionError(f"duplicate URN {urn}")
            self._urns.add(urn)
        response: resource_pb2.RegisterResourceResponse = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # untyped in the SDK
        if request.type != "pulumi:pulumi:Stack":
            registration = Registration(
                urn=urn,
                type=request.type,
                name=request.name,
                parent=request.parent,
                custom=request.custom,
                id=response.id,
                inputs=rpc.deserialize_properties(request.object),
                outputs=dict(self.resources[urn].state),
                protect=request.protect,
                import_id=request.importId,
                retain_on_delete=request.retainOnDelete,
                ignore_changes=tuple(request.ignoreChanges),
                provider=request.provider or request.providers.get("aws", ""),
                dependencies=frozenset(request.dependencies),
            )
            with self._lock:
                self.run.registrations.append(registration)
        return response


def run_program(config: Mapping[str, str], *, stack: str, program: Callable[[], Any] | None = None) -> Run:
    """Run the program and wait for everything that it registers.

    Args:
        config: The whole config by full key, as `stack_config` gives it.
        stack: Name of the stack.
        program: What to run instead of `__main__.py`.
    """

    async def run() -> Run:
        set_root_resource(None)  # type: ignore[arg-type]  # the SDK has no other way to forget an earlier stack
        pulumi.runtime.set_all_config(dict(config))
        mocks = StrictMocks()
        monitor = StrictMonitor(mocks)
        pulumi.runtime.set_mocks(mocks, project=PROJECT, stack=stack, preview=False, monitor=monitor)
        try:
            with _tracing_documents(monitor.run):
                (program or (lambda: runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")))()
                await wait_for_rpcs()
            exported = get_root_resource().outputs  # type: ignore[union-attr]  # set_mocks made it
            monitor.run.outputs = {
                name: await pulumi.Output.from_input(value).future() for name, value in exported.items()
            }
        finally:
            await _settle()
        return monitor.run

    # On a thread of its own: a page test's browser leaves its event loop running in the main one.
    with _without_credentials(), ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, run()).result()


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that is a map."""
    document = yaml.safe_load(path.read_text())
    assert isinstance(document, dict)
    return document


def schema() -> dict[str, dict[str, Any]]:
    """The project's config schema by full key."""
    entries = read_yaml(ROOT / "Pulumi.yaml")["config"]
    return {f"{PROJECT}:{key}": entry for key, entry in entries.items()}


def stack_config(stack: str, extra: Mapping[str, Any] | None = None) -> dict[str, str]:
    """A stack's config with the schema's defaults, as the CLI would hand it to the program."""
    values = {key: entry["default"] for key, entry in schema().items() if "default" in entry}
    values |= read_yaml(ROOT / f"Pulumi.{stack}.yaml")["config"]
    values |= extra or {}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


async def _settle() -> None:
    """Leave nothing of a run behind, failed ones included: the SDK keeps its tasks in globals."""
    pending = [
        *SETTINGS.outputs,
        *(task for task in asyncio.all_tasks() if task is not asyncio.current_task()),
    ]
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    SETTINGS.outputs.clear()
    SETTINGS.rpc_manager.clear()


@contextmanager
def _tracing_documents(run: Run) -> Iterator[None]:
    write = grants.document

    def traced(*statements: grants.Statement) -> pulumi.Output[str]:
        def record(text: str) -> str:
            run.documents.add(text)
            return text

        return write(*statements).apply(record)

    grants.document = traced
    try:
        yield
    finally:
        grants.document = write


@contextmanager
def _without_credentials() -> Iterator[None]:
    """An Output in an f-string raises, and nothing can reach AWS."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith(("AWS_", "PULUMI_"))]:
        del os.environ[name]
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
