"""Starts MiniStack with what it lacks added. Run by path, with the interpreter of its own environment."""

import os
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def main() -> None:
    """Binds a free port, adds what MiniStack lacks and serves until it is told to stop."""
    sys.path[:] = [*sys.path[1:], str(ROOT)]
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # MiniStack reads its own port from here, when it is imported.
    os.environ["GATEWAY_PORT"] = str(listener.getsockname()[1])

    from local.cloud.ministack import additions, server  # noqa: PLC0415 - reads the environment set above

    additions.install()
    server.serve(listener, Path(os.environ["SPACEPORT_RUN_DIR"]) / "port")


if __name__ == "__main__":
    main()
