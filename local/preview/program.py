"""Runs the program against the strict monitor."""

import asyncio
import gc
import os
import runpy
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.settings import SETTINGS, get_root_resource, set_root_resource
from pulumi.runtime.stack import wait_for_rpcs

from components import grants
from local.preview.monitor import StrictMocks, StrictMonitor, Suffix, random_suffix
from local.preview.registrations import Run

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "spaceport"


def run_program(
    config: Mapping[str, str],
    *,
    stack: str,
    program: Callable[[], Any] | None = None,
    suffix: Suffix = random_suffix,
    unknown: bool = False,
) -> Run:
    """Run the program and wait for everything that it registers.

    Args:
        config: The whole config by full key, as `stack_config` gives it.
        stack: Name of the stack.
        program: What to run instead of `__main__.py`.
        suffix: Ends the physical names.
        unknown: Whether the run is a first preview, in which no output is known; outputs of the stack that
            rest on one are None then.
    """

    async def run() -> Run:
        # The first error is raised; asyncio would print all that follow from it whenever it finds them.
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        set_root_resource(None)  # type: ignore[arg-type]  # the SDK has no other way to forget an earlier stack
        pulumi.runtime.set_all_config(dict(config))
        mocks = StrictMocks(suffix=suffix, unknown=unknown)
        monitor = StrictMonitor(mocks)
        pulumi.runtime.set_mocks(mocks, project=PROJECT, stack=stack, preview=unknown, monitor=monitor)
        try:
            with _tracing_documents(monitor.run):
                (program or (lambda: runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")))()
                await _all_done()
            exported = get_root_resource().outputs  # type: ignore[union-attr]  # set_mocks made it
            monitor.run.outputs = {
                name: await pulumi.Output.from_input(value).future() for name, value in exported.items()
            }
        finally:
            await _settle()
        return monitor.run

    # On a thread of its own: a page test's browser leaves its event loop running in the main one.
    with _without_credentials(), _without_collection(), ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, run()).result()


async def _all_done() -> None:
    """Wait for all that the program has started.

    The SDK's own wait looks at every task whenever one of them ends, which takes longer than the program; it
    has the last word here.
    """
    manager = SETTINGS.rpc_manager
    while manager.rpcs or SETTINGS.outputs:
        started = {*manager.rpcs, *SETTINGS.outputs}
        manager.rpcs.clear()
        SETTINGS.outputs.clear()
        ended, _ = await asyncio.wait(started, return_when=asyncio.FIRST_EXCEPTION)
        if manager.unhandled_exception is not None:
            raise manager.unhandled_exception.with_traceback(manager.exception_traceback)
        for task in ended:
            task.result()
    await wait_for_rpcs()


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
def _without_collection() -> Iterator[None]:
    """Looking for garbage among the provider's thousands of classes would take a third of a run."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


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
