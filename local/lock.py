"""Locks again what is installed outside the main environment: the images, the functions' layer, MiniStack.

Versions that the main lock has are kept the same, so that what is tested here is what runs there.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = str(ROOT / ".venv" / "bin" / "uv")
OLDEST_PYTHON = "3.11"
# The base image of the training container brings torch with CUDA.
FROM_BASE_IMAGE = ("torch",)


def locks() -> list[tuple[Path, Path, bool]]:
    """Returns (what is asked for, the lock, whether the main lock's versions hold)."""
    images = [
        (folder / "requirements.in", folder / "requirements.txt", True)
        for folder in sorted((ROOT / "images").iterdir())
        if (folder / "requirements.in").exists()
    ]
    functions = ROOT / "functions"
    # MiniStack pins a botocore of its own.
    cloud = (ROOT / "local" / "ministack.in", ROOT / "local" / "ministack.lock", False)
    return [*images, (functions / "requirements.in", functions / "requirements.txt", True), cloud]


def main() -> int:
    """Writes all locks. Returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        subprocess.run(
            [UV, "export", "--frozen", "--no-hashes", "--no-annotate", "--quiet", "-o", str(constraints)],
            cwd=ROOT,
            check=True,
        )
        for asked, lock, same_versions in locks():
            print(lock.relative_to(ROOT))
            command = [UV, "pip", "compile", "--quiet", "--universal", "--generate-hashes"]
            command += ["--python-version", OLDEST_PYTHON, "--no-annotate", "--no-header"]
            command += [part for name in FROM_BASE_IMAGE for part in ("--no-emit-package", name)]
            command += ["--constraint", str(constraints)] if same_versions else []
            subprocess.run([*command, str(asked), "-o", str(lock)], cwd=ROOT, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
