"""Serves MiniStack on a socket that is already bound, until SIGTERM."""

import asyncio
import logging
import os
import signal
import socket
import threading
import time
from pathlib import Path

from hypercorn.asyncio import serve as serve_asgi  # type: ignore[import-not-found] # of .venv-cloud
from hypercorn.config import Config  # type: ignore[import-not-found] # of .venv-cloud

from local.cloud.ministack import patch_points
from local.cloud.ministack.sagemaker import service as sagemaker

KEEP_ALIVE_SECONDS = 75
PARENT_CHECK_SECONDS = 0.5


class _WithoutRequests(logging.Filter):
    """Keeps the requests of every poll out of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Returns whether the record is logged."""
        return record.levelno > logging.INFO


def serve(listener: socket.socket, port_file: Path) -> None:
    """Serves until SIGTERM, then ends jobs and functions and leaves.

    Args:
        listener: The bound socket.
        port_file: Written with the port once requests would be queued rather than refused.
    """
    app = patch_points.module("app")
    lambda_runtime = patch_points.module("core.lambda_runtime")
    stop_functions = patch_points.function(lambda_runtime, "reset", ())
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.graceful_timeout = 0
    config.loglevel = "WARNING"
    logging.getLogger("hypercorn.access").addFilter(_WithoutRequests())
    threading.Thread(target=_die_with_parent, args=(os.getppid(),), daemon=True).start()

    async def run() -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
        unfinished = port_file.with_suffix(".new")
        unfinished.write_text(str(listener.getsockname()[1]))
        unfinished.replace(port_file)
        stopped = asyncio.create_task(stopping.wait())
        serving = asyncio.create_task(serve_asgi(app.app, config, shutdown_trigger=asyncio.Event().wait))
        await asyncio.wait((stopped, serving), return_when=asyncio.FIRST_COMPLETED)
        sagemaker.kill_all()
        stop_functions()
        if serving.done():
            # It ends by itself only with an error.
            serving.result()
        # Threads of running requests and executions must not hold the end up.
        os._exit(0)

    asyncio.run(run())


def _die_with_parent(parent: int) -> None:
    """Ends this process group when the supervisor is gone."""
    while os.getppid() == parent:
        time.sleep(PARENT_CHECK_SECONDS)
    os.killpg(0, signal.SIGKILL)
