"""Runs a Pulumi program against a resource monitor at an address: the child process of a deployment.

What Pulumi's own language host does, with `set_mocks` in place of the engine: nothing of the program is
replaced. Called by its path, with its arguments as JSON on the standard input, in the program's folder; it
imports nothing of this repository.
"""

import asyncio
import json
import os
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import grpc
import pulumi
import pulumi.runtime
from pulumi.resource import ComponentResource
from pulumi.runtime.proto import resource_pb2_grpc
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack

REGISTRATIONS_AT_ONCE = 24
_UNLIMITED: list[tuple[str, int]] = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
]


class _Mocks(pulumi.runtime.Mocks):
    """Never called: the monitor answers."""

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        raise AssertionError(f"the monitor should have answered for {args.name}")

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the monitor should have answered {args.token}")


class _NoStack(ComponentResource):
    """Stands where a stack would: `set_mocks` else makes its own, and closes it before the program runs."""

    def __init__(self) -> None:
        pass


async def _run(arguments: dict[str, Any]) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(REGISTRATIONS_AT_ONCE))
    channel = grpc.insecure_channel(arguments["monitor"], options=_UNLIMITED)
    # The real client of Pulumi's monitor protocol has the methods that set_mocks expects.
    monitor: Any = resource_pb2_grpc.ResourceMonitorStub(channel)
    set_root_resource(_NoStack())
    pulumi.runtime.set_all_config(arguments["config"])
    pulumi.runtime.set_mocks(
        _Mocks(),
        project=arguments["project"],
        stack=arguments["stack"],
        preview=False,
        monitor=monitor,
    )
    no_root: Any = None
    set_root_resource(no_root)
    main = Path(arguments["main"])
    sys.path.insert(0, str(main.parent))

    def program() -> None:
        runpy.run_path(str(main), run_name="__main__")

    await run_in_stack(program)


def main() -> None:
    """Reads the arguments and runs the program; its error ends this with a traceback and status 1."""
    arguments = json.load(sys.stdin)
    # Without it, an Output in an f-string would silently become a sentence about itself.
    os.environ["PULUMI_ERROR_OUTPUT_STRING"] = "true"
    try:
        asyncio.run(_run(arguments))
    except Exception as error:  # noqa: BLE001 - shown to whoever wrote the program, then the process ends
        traceback.print_exception(error.with_traceback(_from_program(error.__traceback__, arguments["main"])))
        sys.exit(1)


def _from_program(trace: TracebackType | None, main: str) -> TracebackType | None:
    """The traceback without the frames above the program's own, all of it where the program has none."""
    own = trace
    while own is not None and own.tb_frame.f_code.co_filename != main:
        own = own.tb_next
    return own or trace


if __name__ == "__main__":
    main()
