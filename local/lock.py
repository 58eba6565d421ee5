"""Locks again what is installed outside the main environment: the images, the functions' layers, MiniStack.

Versions that the main lock has are kept the same, so that what is tested here is what runs there.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from functions.layers.build import IN_THE_RUNTIME, LAYERS, locked_names

ROOT = Path(__file__).resolve().parent.parent
UV = str(ROOT / ".venv" / "bin" / "uv")
OLDEST_PYTHON = "3.11"
# The base image of the training container brings torch with CUDA.
FROM_BASE_IMAGE = ("torch",)


@dataclass(frozen=True)
class Lock:
    """One lock.

    Attributes:
        asked: What is asked for.
        path: The lock.
        same_versions: Whether the main lock's versions hold.
        left_out: Packages that are there without it.
    """

    asked: Path
    path: Path
    same_versions: bool = True
    left_out: tuple[str, ...] = ()


def locks() -> Iterator[Lock]:
    """All locks."""
    for folder in sorted((ROOT / "images").iterdir()):
        if (folder / "requirements.in").exists():
            yield Lock(folder / "requirements.in", folder / "requirements.txt", left_out=FROM_BASE_IMAGE)
    for layer in LAYERS:
        others = {name for other in layer.beside for name in locked_names(other.requirements)}
        yield Lock(layer.asked, layer.requirements, left_out=(*IN_THE_RUNTIME, *sorted(others)))
    # MiniStack pins a botocore of its own.
    yield Lock(ROOT / "local" / "ministack.in", ROOT / "local" / "ministack.lock", same_versions=False)


def main() -> int:
    """Writes all locks. Returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        subprocess.run(
            [UV, "export", "--frozen", "--no-hashes", "--no-annotate", "--quiet", "-o", str(constraints)],
            cwd=ROOT,
            check=True,
        )
        for lock in locks():
            print(lock.path.relative_to(ROOT))
            command = [UV, "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
            command += ["--python-version", OLDEST_PYTHON, "--no-annotate", "--no-header"]
            command += [part for name in lock.left_out for part in ("--no-emit-package", name)]
            command += ["--constraint", str(constraints)] if lock.same_versions else []
            subprocess.run([*command, str(lock.asked), "-o", str(lock.path)], cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
