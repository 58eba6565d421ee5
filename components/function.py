"""A Lambda function with what belongs to it, and the layers of libraries."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import pulumi
import pulumi_aws as aws

from components import grants
from components.account import Account
from components.base import Component, stack_name
from components.bucket import PrivateBucket
from components.code import function_archive, layer_archive
from components.settings import FunctionSettings
from components.work_queue import DEAD_LETTER_DAYS, WorkQueue

SERVICE = "spaceport"
LIVE = "live"
"""Alias that everything calls: it can be pointed back at an earlier version."""
RETRIES = 2
MAX_EVENT_AGE_SECONDS = 6 * 3600


class FunctionRuntime(Component):
    """What all functions run on.

    Attributes:
        runtime: Lambda runtime.
        architecture: Processor.
        log_retention_days: How long their logs are kept.
        reserved_concurrency: Calls at once by folder, where a function is to have its own share.
        layer: ARN of the layer that every function has.
        geometry_layer: ARN of the layer with numpy and PROJ.
        imaging_layer: ARN of the layer with Pillow.
        raster_layer: ARN of the layer with GDAL.
        permissions_boundary: ARN of the policy that bounds their roles, if any does.
    """

    TYPE: ClassVar[str] = "spaceport:function:FunctionRuntime"
    runtime: str
    architecture: str
    log_retention_days: int
    reserved_concurrency: Mapping[str, int]
    layer: pulumi.Output[str]
    geometry_layer: pulumi.Output[str]
    imaging_layer: pulumi.Output[str]
    raster_layer: pulumi.Output[str]
    permissions_boundary: str | None

    def __init__(
        self,
        name: str,
        *,
        account: Account,
        settings: FunctionSettings,
        artifacts: PrivateBucket,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the layers.

        Args:
            name: Logical name.
            account: What bounds their roles.
            settings: Runtime, processor, shares, and how long logs are kept.
            artifacts: Bucket that the layers' archives are kept in.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        self._artifacts = artifacts
        self.permissions_boundary = account.permissions_boundary
        self.runtime = settings.runtime
        self.architecture = settings.architecture
        self.reserved_concurrency = settings.reserved_concurrency
        self.log_retention_days = settings.log_retention_days
        self.layer = self._layer("base", "Libraries of the functions.")
        self.geometry_layer = self._layer("geometry", "Libraries for geometry on the Earth.")
        self.imaging_layer = self._layer("imaging", "Libraries for photos.")
        self.raster_layer = self._layer("raster", "Libraries for elevation files.")
        self.register_outputs(
            {
                "layer": self.layer,
                "geometry_layer": self.geometry_layer,
                "imaging_layer": self.imaging_layer,
                "raster_layer": self.raster_layer,
            }
        )

    def _layer(self, layer: str, description: str) -> pulumi.Output[str]:
        archive = aws.s3.BucketObjectv2(
            f"{self._name}-{layer}-archive",
            bucket=self._artifacts.name,
            key=f"layers/{layer}-{self.runtime}-{self.architecture}.zip",
            source=layer_archive(layer, self.runtime, self.architecture),
            opts=self._child(depends_on=[self._artifacts.versioning]),
        )
        made = aws.lambda_.LayerVersion(
            f"{self._name}-{layer}-layer",
            layer_name=stack_name(layer),
            description=description,
            s3_bucket=archive.bucket,
            s3_key=archive.key,
            # Another archive is another version, and so another layer.
            s3_object_version=archive.version_id,
            compatible_runtimes=[self.runtime],
            compatible_architectures=[self.architecture],
            opts=self._child(),
        )
        return made.arn


class Function(Component):
    """One Lambda function with its role, logs and traces, called by its alias `LIVE`.

    Attributes:
        name: Name of the function.
        arn: ARN of the alias.
        invoke_arn: The alias as API Gateway integrates it.
        role_arn: ARN of its role.
        asynchronous: Whether it is called by events.
        dead_letters: Where events or messages end that it could not take, if any come.
    """

    TYPE: ClassVar[str] = "spaceport:function:Function"
    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    invoke_arn: pulumi.Output[str]
    role_arn: pulumi.Output[str]
    asynchronous: bool
    dead_letters: aws.sqs.Queue | None

    def __init__(
        self,
        name: str,
        *,
        description: str,
        runs_on: FunctionRuntime,
        environment: Mapping[str, pulumi.Input[str]],
        abilities: Sequence[grants.Statement],
        memory_mb: int,
        timeout_seconds: int,
        asynchronous: bool = False,
        works_off: WorkQueue | None = None,
        folder: str | None = None,
        extra_files: Mapping[str, str] | None = None,
        extra_layers: Sequence[pulumi.Input[str]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Make the function.

        Args:
            name: Logical name.
            description: What it does.
            runs_on: Runtime and layer.
            environment: Variables, as its settings model wants them.
            abilities: What it may do besides logging and tracing.
            memory_mb: Memory, and with it the share of a processor.
            timeout_seconds: Longest call.
            asynchronous: Whether it is called by events, which nobody would repeat by hand.
            works_off: A queue whose messages it is called with, one at a time; it says which come again.
            folder: Where its code is below `functions/`; left out, its name with underscores for dashes.
            extra_files: Files in its archive besides its code, as `function_archive` takes them.
            extra_layers: ARNs of layers besides the one that every function has.
            opts: The component's options.
        """
        super().__init__(name, opts=opts)
        folder = folder or name.replace("-", "_")
        role = aws.iam.Role(
            f"{name}-role",
            description=f"What the function {name} acts as.",
            assume_role_policy=grants.document(grants.trust(grants.LAMBDA)),
            permissions_boundary=runs_on.permissions_boundary,
            opts=self._child(),
        )
        log_group = aws.cloudwatch.LogGroup(
            f"{name}-logs",
            name_prefix=f"/aws/lambda/{stack_name(name)}-",
            retention_in_days=runs_on.log_retention_days,
            opts=self._child(),
        )
        self.asynchronous = asynchronous
        gives_up, takes = [], []
        self.dead_letters = works_off.dead_letters if works_off else None
        if asynchronous:
            self.dead_letters = self._queue()
            gives_up = [grants.send_messages(self.dead_letters.arn)]
        if works_off:
            takes = [grants.work_off(works_off.arn)]
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            role=role.name,
            policy=grants.document(
                grants.write_logs(log_group.arn), grants.send_traces(), *gives_up, *takes, *abilities
            ),
            opts=self._child(),
        )
        function = aws.lambda_.Function(
            f"{name}-function",
            description=description,
            role=role.arn,
            runtime=runs_on.runtime,
            architectures=[runs_on.architecture],
            handler=f"functions.{folder}.handler.handler",
            code=function_archive(folder, extra_files),
            layers=[runs_on.layer, *extra_layers],
            memory_size=memory_mb,
            timeout=timeout_seconds,
            reserved_concurrent_executions=runs_on.reserved_concurrency.get(folder),
            publish=True,
            environment={
                "variables": {
                    "POWERTOOLS_SERVICE_NAME": f"{SERVICE}-{name}",
                    "LOG_LEVEL": "INFO",
                    **environment,
                }
            },
            tracing_config={"mode": "Active"},
            logging_config={"log_format": "JSON", "log_group": log_group.name},
            # A call before the policy is there would fail.
            opts=self._child(depends_on=[policy]),
        )
        self._alias = aws.lambda_.Alias(
            f"{name}-alias",
            name=LIVE,
            function_name=function.name,
            function_version=function.version,
            opts=self._child(),
        )
        if works_off:
            aws.lambda_.EventSourceMapping(
                f"{name}-messages",
                event_source_arn=works_off.arn,
                function_name=self._alias.arn,
                batch_size=1,
                function_response_types=["ReportBatchItemFailures"],
                opts=self._child(),
            )
        if asynchronous and self.dead_letters:
            aws.lambda_.FunctionEventInvokeConfig(
                f"{name}-events",
                function_name=function.name,
                qualifier=self._alias.name,
                maximum_retry_attempts=RETRIES,
                maximum_event_age_in_seconds=MAX_EVENT_AGE_SECONDS,
                destination_config={"on_failure": {"destination": self.dead_letters.arn}},
                opts=self._child(),
            )
        self.name = function.name
        self.arn = self._alias.arn
        self.invoke_arn = self._alias.invoke_arn
        self.role_arn = role.arn
        self.register_outputs({"name": self.name, "arn": self.arn, "role_arn": self.role_arn})

    def allow_calls(self, caller: str, *, service: str, source: pulumi.Input[str]) -> None:
        """Let one AWS service call the function on behalf of one resource.

        Args:
            caller: Logical name of the resource, for the permission's own.
            service: The service's principal.
            source: ARN of the resource.
        """
        aws.lambda_.Permission(
            f"{self._name}-called-by-{caller}",
            action="lambda:InvokeFunction",
            function=self.name,
            qualifier=self._alias.name,
            principal=service,
            source_arn=source,
            opts=self._child(),
        )

    def _queue(self) -> aws.sqs.Queue:
        return aws.sqs.Queue(
            f"{self._name}-dead-letters",
            message_retention_seconds=DEAD_LETTER_DAYS * 24 * 3600,
            sqs_managed_sse_enabled=True,
            opts=self._child(),
        )
