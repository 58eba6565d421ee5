"""Runs one command and takes its whole process group down with whoever started it.

Started by path, with the standard library alone: `python -I -S supervise.py NICENESS COMMAND...`. The
starter holds the other end of standard input. A byte `T` asks the command to leave: SIGTERM, to it alone, as
a container runtime does. The end of the file, which also comes when the starter is killed, ends the command's
process group.
"""

import os
import signal
import subprocess
import sys
import threading

TERMINATE = b"T"
SIGNAL_EXIT_BASE = 128


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        # Nobody is left; macOS answers "not permitted" for a group of zombies.
        return


def _obey(child: "subprocess.Popen[bytes]") -> None:
    while command := os.read(0, 1):
        if command == TERMINATE:
            child.terminate()
    _kill_group(child.pid)


def main(arguments: list[str]) -> int:
    """Runs the command.

    Args:
        arguments: How much nicer it runs than this process, then the command and its arguments.

    Returns:
        The command's exit status, or 128 and the signal that ended it.
    """
    os.nice(int(arguments[0]))
    child = subprocess.Popen(arguments[1:], stdin=subprocess.DEVNULL, process_group=0)
    # The starter alone ends the command, through standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_obey, args=(child,), daemon=True).start()
    status = child.wait()
    # What the command started and left behind goes with it.
    _kill_group(child.pid)
    return SIGNAL_EXIT_BASE - status if status < 0 else status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
