"""Starts the embedded cloud and ends it with everything it started."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from local.cloud.supervised import SupervisedProcess

if TYPE_CHECKING:
    import boto3

ROOT = Path(__file__).resolve().parents[2]
LAUNCHER = Path(__file__).with_name("ministack") / "launch.py"
LAYER_CACHE = ROOT / "build" / "layers" / "unpacked"
PYTHON_VARIABLE = "SPACEPORT_CLOUD_PYTHON"
Client = Any
"""A boto3 client; its class is made at run time."""

KEEP_JOBS_VARIABLE = "SPACEPORT_KEEP_JOBS"
REGION = "us-east-1"
# MiniStack takes an access key of twelve digits for the root user of that account.
ACCOUNT = "123456789012"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
LOG_LINES_IN_ERROR = 20
# Of a client: a deployment makes as many resources at once as it may.
CONNECTIONS = 32


class CloudError(Exception):
    """The embedded cloud did not start or is not running."""


class EmbeddedCloud:
    """AWS on this machine, at 127.0.0.1, for as long as the context is entered.

    Attributes:
        run_dir: Everything it writes: `cloud.log`, S3 objects, the folders of running jobs.
        image_registry: JSON file `{imageUri: {"argv", "pythonpath", "env"}}`: what a SageMaker job runs here
            for a container image.
        account: The account's twelve digits.
        region: The region.
    """

    def __init__(self, run_dir: Path | None = None) -> None:
        """Prepares a cloud.

        Args:
            run_dir: Where it writes; without one, a temporary folder that goes with it.
        """
        self._temporary = run_dir is None
        self.run_dir = (run_dir or Path(tempfile.mkdtemp(prefix="spaceport-cloud-"))).resolve()
        self.image_registry = self.run_dir / "images.json"
        self.account = ACCOUNT
        self.region = REGION
        self._process: SupervisedProcess | None = None
        self._port: int | None = None
        self._session: boto3.Session | None = None

    @property
    def log(self) -> Path:
        """The file that everything in the cloud logs to."""
        return self.run_dir / "cloud.log"

    @property
    def port(self) -> int:
        """The port of every service.

        Raises:
            CloudError: The cloud is not running.
        """
        if self._port is None:
            msg = "The embedded cloud is not running: enter it first (`with EmbeddedCloud() as cloud:`)."
            raise CloudError(msg)
        return self._port

    @property
    def endpoint(self) -> str:
        """The address of every service."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        """Starts the cloud.

        Raises:
            CloudError: It did not start; the message has the end of its log.
        """
        self.run_dir.mkdir(parents=True, exist_ok=True)
        for folder in ("s3", "jobs", "tmp"):
            (self.run_dir / folder).mkdir(exist_ok=True)
        if not self.image_registry.exists():
            self.image_registry.write_text("{}")
        port_file = self.run_dir / "port"
        port_file.unlink(missing_ok=True)
        try:
            with self.log.open("ab") as log:
                self._process = SupervisedProcess(
                    [str(_python()), str(LAUNCHER)],
                    environment=self._environment(),
                    folder=self.run_dir,
                    output=log,
                )
            self._port = self._wait_until_ready(port_file)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops the cloud."""
        self.stop()

    def stop(self) -> None:
        """Ends the cloud with its functions and jobs; returns when all of them are gone."""
        process = self._process
        self._process = None
        self._port = None
        if process is not None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            process.kill()
            process.wait()
        if self._temporary:
            shutil.rmtree(self.run_dir, ignore_errors=True)

    def client(self, service: str) -> Client:
        """Returns a boto3 client with the account's administrator keys."""
        import boto3  # noqa: PLC0415 - the launcher imports this package and needs no boto3 for it
        from botocore.config import Config  # noqa: PLC0415

        if self._session is None:
            # The keys that MiniStack gives the root user of any account; no secret.
            self._session = boto3.Session(self.account, "test", region_name=self.region)
        config = Config(
            s3={"addressing_style": "path"},
            retries={"mode": "standard", "total_max_attempts": 2},
            max_pool_connections=CONNECTIONS,
        )
        session: Any = self._session
        return session.client(service, endpoint_url=self.endpoint, config=config)

    def mail(self) -> list[dict[str, Any]]:
        """Returns the mails sent so far, oldest first: MessageId, Source, To, Subject, BodyText, BodyHtml."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}/_ministack/ses/messages", timeout=10
        ) as answer:
            sent = json.load(answer)["messages"].get(self.account, [])
        return sorted(sent, key=lambda mail: str(mail["Timestamp"]))

    def plan_faults(self, *faults: Mapping[str, Any]) -> None:
        """Lets these faults happen from now on, and no others; docs/embedded-cloud.md describes them.

        Raises:
            CloudError: The cloud does not know one of them; the message says why.
        """
        self._control("faults", {"faults": faults})

    def scale_waits(self, scale: float) -> None:
        """Makes the Wait states and retries of executions shorter: 0.01 makes seconds of minutes."""
        self._control("config", {"stepfunctions._SFN_WAIT_SCALE": scale})

    def _control(self, what: str, content: Mapping[str, Any]) -> None:
        body = json.dumps(content).encode()
        try:
            urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/_ministack/{what}", data=body, timeout=10
            ).close()
        except urllib.error.HTTPError as error:
            raise CloudError(json.load(error)["message"]) from error

    def _environment(self) -> dict[str, str]:
        """Returns all that the cloud's process sees: nothing of this one's keys and settings."""
        temporary = str(self.run_dir / "tmp")
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "TMPDIR": temporary,
            "HOME": temporary,
            "PYTHONDONTWRITEBYTECODE": "1",
            "SPACEPORT_RUN_DIR": str(self.run_dir),
            "SPACEPORT_LAYER_CACHE": str(LAYER_CACHE),
            "AUTH": "true",
            "MINISTACK_ACCOUNT_ID": self.account,
            "MINISTACK_REGION": self.region,
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.run_dir / "s3"),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }
        for name in (KEEP_JOBS_VARIABLE, "CUDA_VISIBLE_DEVICES"):
            if name in os.environ:
                environment[name] = os.environ[name]
        return environment

    def _wait_until_ready(self, port_file: Path) -> int:
        process = self._process
        assert process is not None  # noqa: S101 - started by the caller
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            status = process.poll()
            if status is not None:
                msg = f"The embedded cloud ended with status {status} while starting.{self._log_tail()}"
                raise CloudError(msg)
            if port_file.exists():
                port = int(port_file.read_text())
                if _is_healthy(port):
                    return port
            time.sleep(0.02)
        msg = f"The embedded cloud did not answer within {START_SECONDS:.0f} seconds.{self._log_tail()}"
        raise CloudError(msg)

    def _log_tail(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES_IN_ERROR:]
        return f" The end of {self.log}:\n" + "\n".join(lines)


def _python() -> Path:
    given = os.environ.get(PYTHON_VARIABLE)
    python = Path(given) if given else ROOT / ".venv-cloud" / "bin" / "python"
    if not python.exists():
        msg = f"MiniStack's environment is missing: there is no {python}. `make setup` makes it."
        raise CloudError(msg)
    return python


def _is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=5) as answer:
            return bool(answer.status == 200)  # noqa: PLR2004 - HTTP OK
    except (urllib.error.URLError, OSError):
        return False
