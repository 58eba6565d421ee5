"""Tools on the PATH that write down how they were called."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

_TOOL = """\
#!{python}
import json, sys
from pathlib import Path
given = "" if sys.stdin is None or sys.stdin.isatty() else sys.stdin.read()
with open({calls!r}, "a") as calls:
    calls.write(json.dumps([{name!r}, sys.argv[1:], given]) + "\\n")
arguments = sys.argv[1:]
{does}
"""


class Tools:
    """A folder of tools in front of all others, or instead of them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, alone: bool = False) -> None:
        self.folder = folder
        self._calls = folder / "calls"
        folder.mkdir()
        path = str(folder) if alone else f"{folder}{os.pathsep}{os.environ['PATH']}"
        monkeypatch.setenv("PATH", path)

    def add(self, name: str, does: str = "") -> None:
        """Adds a tool.

        Args:
            name: What it is called.
            does: Python that follows once the call is written down; `arguments` and `given` are there.
        """
        path = self.folder / name
        path.write_text(_TOOL.format(python=sys.executable, calls=str(self._calls), name=name, does=does))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def calls(self, name: str) -> list[tuple[list[str], str]]:
        """Gives arguments and standard input of each call of a tool."""
        if not self._calls.exists():
            return []
        lines = [json.loads(line) for line in self._calls.read_text().splitlines()]
        return [(arguments, given) for called, arguments, given in lines if called == name]


def bash(script: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a step's lines as GitHub does."""
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
    return subprocess.run(
        command, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False, input=""
    )
