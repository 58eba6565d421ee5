"""Deploys a Pulumi program into a cloud, and takes a deployment away again."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import grpc
from pulumi.runtime.proto import resource_pb2_grpc

from functions.layers.build import build_layers
from functions.openapi.build import write_documents
from local.deploy.config import ConfigError, read_project, stack_config
from local.deploy.host import REGISTRATIONS_AT_ONCE
from local.deploy.machine import machine_config
from local.deploy.making import Maker
from local.deploy.model import Cloud, DeployError, Deployment, Failure, ResourceState
from local.deploy.monitor import Monitor
from local.deploy.naming import Naming
from local.deploy.progress import DeployProgress

REPOSITORY = Path(__file__).resolve().parents[2]
HOST = Path(__file__).with_name("host.py")
# A program that neither ends nor asks for anything for so long hangs.
SILENCE_SECONDS = 90.0
POLL_SECONDS = 0.02
# How long what is under way may still take once the deployment has failed.
LAST_CALLS_SECONDS = 30.0
PROGRAM_LINES = 25
_UNLIMITED: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]


def deploy(
    cloud: Cloud,
    *,
    stack: str = "local",
    config: Mapping[str, Any] | None = None,
    on_progress: Callable[[float, str], None] = lambda _fraction, _message: None,
    folder: Path = REPOSITORY,
) -> Deployment:
    """Runs the program and makes every resource it registers.

    Args:
        cloud: Where to.
        stack: Whose Pulumi.<stack>.yaml is read.
        config: Values that win over the files; a key without a namespace is the project's.
        on_progress: Told the fraction that is done (0 to 1) and what was done, from one thread at a time.
        folder: Of the program: Pulumi.yaml and what `main` in it says.

    Raises:
        ConfigError: The configuration does not fit Pulumi.yaml.
        LayerError: A layer of the functions cannot be built.
        DocumentError: The APIs' route tables and the functions' routes do not fit together.
        DeployError: A registration or the program failed; its `deployment` has what was made by then.
    """
    started = time.monotonic()
    folder = folder.resolve()
    values = stack_config(folder, stack, config=config or {}, machine=machine_config())
    region = values.setdefault("aws:region", cloud.region)
    if region != cloud.region:
        raise ConfigError(f"aws:region is {region}, and the embedded cloud is in {cloud.region}")
    project = read_project(folder)
    if folder == REPOSITORY:
        on_progress(0.0, "the functions' layers and the APIs' documents")
        own = f"{project.name}:"
        write_documents()
        build_layers(values[f"{own}functionRuntime"], values[f"{own}functionArchitecture"])
    progress = DeployProgress(project.name, stack, on_progress)
    maker = Maker(cloud, folder, Naming.of(project.name, stack, values))
    monitor = Monitor(maker, project=project.name, stack=stack, on_finished=progress.finished)
    with (
        tempfile.TemporaryDirectory(prefix="spaceport-") as scratch,
        ThreadPoolExecutor(REGISTRATIONS_AT_ONCE) as pool,
    ):
        # A socket in a folder of this user's: nobody else on the machine can register resources.
        address = f"unix:{scratch}/monitor.sock"
        server = grpc.server(pool, options=_UNLIMITED)
        resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
        server.add_insecure_port(address)
        server.start()
        try:
            with Path(scratch, "program.log").open("w+") as log:
                _run_program(
                    {
                        "monitor": address,
                        "project": project.name,
                        "stack": stack,
                        "config": values,
                        "main": str(project.main),
                    },
                    monitor,
                    log,
                )
        finally:
            server.stop(LAST_CALLS_SECONDS).wait()
    progress.end(len(monitor.resources), complete=not monitor.failures)
    deployment = Deployment(monitor.outputs, monitor.resources, time.monotonic() - started)
    if monitor.failures:
        raise DeployError(monitor.failures, deployment)
    return deployment


def destroy(cloud: Cloud, deployment: Deployment) -> None:  # noqa: ARG001 - part of the interface
    """Removes what a deployment made, the last one first, so that nothing goes before what needs it.

    Resources with `retain_on_delete` stay.

    Raises:
        DeployError: A resource is protected (then nothing was removed), or some could not be removed; its
            `deployment` has what is left.
    """
    protected = [state for state in deployment.resources if state.protect]
    if protected:
        failures = [
            Failure(state.urn, "is protected: unprotect it in the program first") for state in protected
        ]
        raise DeployError(failures, deployment)
    failures = []
    left: list[ResourceState] = []
    for state in reversed(deployment.resources):
        if state.delete is None or state.retain:
            continue
        try:
            state.delete()
        except Exception as error:  # noqa: BLE001 - the others are removed all the same, and all errors told
            failures.append(Failure(state.urn, f"could not be removed: {error}"))
            left.insert(0, state)
    if failures:
        raise DeployError(failures, Deployment(deployment.outputs, left, deployment.seconds))


def _run_program(arguments: Mapping[str, Any], monitor: Monitor, log: IO[str]) -> None:
    """Runs the program to its end, or ends it as soon as something failed."""
    with tempfile.TemporaryFile("w+") as handed_over:
        json.dump(arguments, handed_over)
        handed_over.seek(0)
        process = subprocess.Popen(
            # -P keeps this package's folder out of the program's imports.
            [sys.executable, "-P", str(HOST)],
            stdin=handed_over,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=Path(arguments["main"]).parent,
            env=_environment(),
        )
    try:
        silent_since = time.monotonic()
        calls = 0
        while process.poll() is None and not monitor.failed.wait(POLL_SECONDS):
            if monitor.calls != calls or monitor.under_way:
                calls = monitor.calls
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > SILENCE_SECONDS:
                monitor.failures.append(
                    Failure(
                        "program", f"has neither ended nor asked for anything for {SILENCE_SECONDS:.0f} s"
                    )
                )
                break
    finally:
        if process.poll() is None:
            process.kill()
        status = process.wait()
    if status != 0 and not monitor.failures:
        log.seek(0)
        tail = "".join(log.readlines()[-PROGRAM_LINES:]).strip()
        monitor.failures.append(Failure("program", f"ended with status {status}:\n{tail}"))


def _environment() -> dict[str, str]:
    """This process's environment without what could lead the program out to AWS or to Pulumi."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
    # Compiling the AWS provider's modules anew takes longer than the rest of the program.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    kept["PYTHONPYCACHEPREFIX"] = str(REPOSITORY / "build" / "pycache")
    return kept
