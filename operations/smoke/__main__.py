"""`make smoke`: a test person's way through a deployed stack, and everything away again at the end."""

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from rich.console import Console

from local.aws import clients_in
from local.demo.display import Display
from local.demo.photos import PhotosError
from operations.smoke.checks import Checks
from operations.smoke.outputs import OutputsError, find_stack
from operations.smoke.trial import Trial, TrialSettings, new_address

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    default = TrialSettings()
    parser = argparse.ArgumentParser(prog="python -m operations.smoke", description=__doc__)
    parser.add_argument("--stack", required=True, help="which, such as staging")
    parser.add_argument("--outputs", type=Path, help="its outputs as JSON; default: pulumi is asked")
    parser.add_argument(
        "--timeout",
        type=float,
        default=default.job_seconds / 60,
        help="minutes for the job, waiting for machines included",
    )
    parser.add_argument("--json", type=Path, help="where the checks are written for programs")
    parser.add_argument("--photos", type=Path, help="a folder or a zip; default: a sample capture")
    parser.add_argument(
        "--mail-to", metavar="MAILBOX", default="success", help="of SES's mailbox simulator, such as bounce"
    )
    given = parser.parse_args(arguments)
    if given.timeout <= 0:
        parser.error("--timeout must be above 0 minutes")
    return given


def _try(given: argparse.Namespace, console: Console) -> bool:
    """Tries the stack; tells whether all went well."""
    stack = find_stack(given.stack, given.outputs)
    clients = clients_in(stack.region)
    settings = TrialSettings(
        photos=given.photos, job_seconds=60 * given.timeout, address=new_address(given.mail_to)
    )
    checks = Checks(console.print)
    started = time.monotonic()
    try:
        with Display(console) as display:
            Trial(stack, clients, settings, checks, display).run()
    finally:
        if given.json:
            told = {"stack": stack.name, "ok": checks.ok, "seconds": round(time.monotonic() - started, 2)}
            given.json.write_text(json.dumps({**told, "checks": checks.as_json()}, indent=2) + "\n")
    return checks.ok


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries the stack; returns 0 where all went well, 1 where not, 130 interrupted."""
    given = _parse(arguments)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return 0 if _try(given, console) else EXIT_FAILED
    except (OutputsError, PhotosError) as error:
        console.print(str(error), style="red")
        return EXIT_FAILED
    except KeyboardInterrupt:
        console.print("Stopped. The line clean-up says what is left.")
        return EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
