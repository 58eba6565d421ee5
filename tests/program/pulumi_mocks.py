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

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "spaceport"
ACCOUNT = "123456789012"

Properties = Mapping[str, Any]


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
            raise NotImplementedError(f"no outputs for {args.typ}: add them to tests/program/pulumi_mocks.py")
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


REGION = "us-west-2"


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


def _bucket(name: str, _: Properties) -> dict[str, Any]:
    return {
        "bucket": name,
        "arn": f"arn:aws:s3:::{name}",
        "bucketRegionalDomainName": f"{name}.s3.{REGION}.amazonaws.com",
    }


def _rest_api(name: str, _: Properties) -> dict[str, Any]:
    api = secrets.token_hex(5)
    return {
        "id": api,
        "name": name,
        "executionArn": _arn("execute-api", api),
        "rootResourceId": secrets.token_hex(5),
    }


def _stage(_: str, inputs: Properties) -> dict[str, Any]:
    return {
        "invokeUrl": f"https://{inputs['restApi']}.execute-api.{REGION}.amazonaws.com/{inputs['stageName']}"
    }


def _function(name: str, _: Properties) -> dict[str, Any]:
    arn = _arn("lambda", f"function:{name}")
    invoke = f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{arn}/invocations"
    return {"name": name, "arn": arn, "invokeArn": invoke}


def _named(service: str, kind: str) -> Callable[[str, Properties], dict[str, Any]]:
    return lambda name, _: {"name": name, "arn": _arn(service, f"{kind}{name}")}


def _log_group(name: str, inputs: Properties) -> dict[str, Any]:
    full = inputs.get("namePrefix", "") + name
    return {"id": full, "name": full, "arn": _arn("logs", f"log-group:{full}")}


def _distribution(_: str, __: Properties) -> dict[str, Any]:
    distribution = "E" + secrets.token_hex(6).upper()
    return {
        "id": distribution,
        "arn": f"arn:aws:cloudfront::{ACCOUNT}:distribution/{distribution}",
        "domainName": f"d{secrets.token_hex(6)}.cloudfront.net",
    }


def _repository(name: str, _: Properties) -> dict[str, Any]:
    registry = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
    return {"name": name, "arn": _arn("ecr", f"repository/{name}"), "repositoryUrl": f"{registry}/{name}"}


def _user_pool(_: str, __: Properties) -> dict[str, Any]:
    pool = f"{REGION}_{secrets.token_hex(5)}"
    return {"id": pool, "arn": _arn("cognito-idp", f"userpool/{pool}")}


def _key(_: str, __: Properties) -> dict[str, Any]:
    key = secrets.token_hex(8)
    return {"id": key, "keyId": key, "arn": _arn("kms", f"key/{key}")}


def _topic(name: str, _: Properties) -> dict[str, Any]:
    arn = _arn("sns", name)
    return {"id": arn, "arn": arn, "name": name}


def _plain(name: str, _: Properties) -> dict[str, Any]:
    return {"id": f"{name}-id"}


OUTPUTS: Mapping[str, Callable[[str, Properties], dict[str, Any]]] = {
    "pulumi:providers:aws": _plain,
    "aws:apigateway/authorizer:Authorizer": _plain,
    "aws:apigateway/deployment:Deployment": _plain,
    "aws:apigateway/integration:Integration": _plain,
    "aws:apigateway/method:Method": _plain,
    "aws:apigateway/methodSettings:MethodSettings": _plain,
    "aws:apigateway/resource:Resource": _plain,
    "aws:apigateway/response:Response": _plain,
    "aws:apigateway/restApi:RestApi": _rest_api,
    "aws:apigateway/stage:Stage": _stage,
    "aws:budgets/budget:Budget": lambda name, _: {"id": f"{ACCOUNT}:{name}", "name": name},
    "aws:cloudfront/distribution:Distribution": _distribution,
    "aws:cloudfront/keyGroup:KeyGroup": _plain,
    "aws:cloudfront/originAccessControl:OriginAccessControl": _plain,
    "aws:cloudfront/publicKey:PublicKey": _plain,
    "aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy": _plain,
    "aws:cloudwatch/dashboard:Dashboard": lambda _, inputs: {"id": inputs["dashboardName"]},
    "aws:cloudwatch/eventRule:EventRule": _named("events", "rule/"),
    "aws:cloudwatch/eventTarget:EventTarget": _plain,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _named("cloudwatch", "alarm:"),
    "aws:cognito/userGroup:UserGroup": _plain,
    "aws:cognito/userPool:UserPool": _user_pool,
    "aws:cognito/userPoolClient:UserPoolClient": _plain,
    "aws:dynamodb/table:Table": _named("dynamodb", "table/"),
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": _plain,
    "aws:ecr/repository:Repository": _repository,
    "aws:iam/role:Role": lambda name, _: {"name": name, "arn": f"arn:aws:iam::{ACCOUNT}:role/{name}"},
    "aws:iam/rolePolicy:RolePolicy": _plain,
    "aws:kms/key:Key": _key,
    "aws:lambda/function:Function": _function,
    "aws:lambda/layerVersion:LayerVersion": lambda name, _: {"arn": _arn("lambda", f"layer:{name}:1")},
    "aws:lambda/permission:Permission": _plain,
    "aws:s3/bucket:Bucket": _bucket,
    "aws:s3/bucketCorsConfiguration:BucketCorsConfiguration": _plain,
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": _plain,
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": _plain,
    "aws:s3/bucketPolicy:BucketPolicy": _plain,
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": _plain,
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": _plain,
    "aws:s3/bucketVersioning:BucketVersioning": _plain,
    "aws:sesv2/emailIdentity:EmailIdentity": lambda _, inputs: {
        "id": inputs["emailIdentity"],
        "arn": _arn("ses", f"identity/{inputs['emailIdentity']}"),
    },
    "aws:sfn/stateMachine:StateMachine": _named("states", "stateMachine:"),
    "aws:sns/topic:Topic": _topic,
    "aws:sns/topicPolicy:TopicPolicy": lambda _, inputs: {"id": inputs["arn"]},
    "aws:sns/topicSubscription:TopicSubscription": _plain,
    "awsx:ecr:Image": lambda _, inputs: {
        "imageUri": f"{inputs['repositoryUrl']}@sha256:{secrets.token_hex(32)}"
    },
}
