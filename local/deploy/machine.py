"""What the functions run on here: the interpreter of the embedded cloud's environment."""

import platform
import subprocess
from functools import cache
from pathlib import Path

CLOUD_PYTHON = Path(__file__).resolve().parents[2] / ".venv-cloud" / "bin" / "python"
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


def function_architecture() -> str:
    """This machine's processor in Lambda's words.

    Raises:
        ValueError: Lambda has no such architecture.
    """
    machine = platform.machine().lower()
    if machine not in _ARCHITECTURES:
        raise ValueError(
            f"functions run on {', '.join(set(_ARCHITECTURES.values()))}, and this machine is {machine}"
        )
    return _ARCHITECTURES[machine]


@cache
def function_runtime(python: Path = CLOUD_PYTHON) -> str:
    """Lambda runtime of the interpreter that runs the functions here, such as `python3.11`.

    Args:
        python: The interpreter; where there is none yet, this process's own version is given.
    """
    if not python.exists():
        major, minor, _ = platform.python_version_tuple()
        return f"python{major}.{minor}"
    code = "import sys; print('python%d.%d' % sys.version_info[:2])"
    return subprocess.run(
        [str(python), "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


def machine_config() -> dict[str, str]:
    """Config values that follow from this machine."""
    return {"functionRuntime": function_runtime(), "functionArchitecture": function_architecture()}
