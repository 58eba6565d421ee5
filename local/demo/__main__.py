"""`make demo` and `make serve`: from photos to a model in the browser, on this machine."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

from rich.console import Console

from functions.layers.build import LayerError
from local.client import ApiError
from local.cloud import CloudError
from local.demo import report
from local.demo.job import DemoError, JobSettings
from local.demo.photos import PhotosError
from local.demo.run import DemoSettings, running
from local.deploy import DeployError
from local.deploy.config import ConfigError

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description=__doc__)
    parser.add_argument(
        "--photos", type=Path, help="a folder or a zip with drone photos; default: a sample capture"
    )
    parser.add_argument("--serve", action="store_true", help="keep the cloud up until Ctrl-C")
    parser.add_argument("--out", type=Path, default=JobSettings.out, help="where the reports go")
    return parser.parse_args()


def main() -> int:
    """Runs the demo and returns the exit code: 0 with a model, 1 without, 130 when interrupted."""
    arguments = _parse()
    console = Console(soft_wrap=True)
    signal.signal(signal.SIGTERM, _interrupt)
    settings = DemoSettings(photos=arguments.photos, job=JobSettings(out=arguments.out))
    try:
        with running(settings, console) as outcome:
            report.print_table(console, outcome.report)
            console.print(f"Report: {settings.job.out / 'report.html'}", highlight=False)
            if not outcome.succeeded:
                error = outcome.report["error"]
                console.print(f"[red]The job ended {outcome.report['status']}.[/red]", highlight=False)
                console.print(f"{error['message']}\n{error['next_step']}", highlight=False, markup=False)
                return EXIT_FAILED
            if arguments.serve:
                console.print(f"\nThe model: {outcome.link}\nCtrl-C stops the cloud.", highlight=False)
                signal.pause()
            else:
                console.print("`make serve` does the same and keeps the viewer open.", highlight=False)
    except (PhotosError, DemoError, ApiError, CloudError, ConfigError, DeployError, LayerError) as error:
        console.print(str(error), style="red", markup=False, highlight=False)
        return EXIT_FAILED
    except KeyboardInterrupt:
        console.print("\nStopped: the jobs and the cloud are gone, nothing was published.")
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
