"""`make replay`: runs a failed job again on this machine, from its files in S3."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from functions.shared.job_names import STEPS
from local.aws import clients_in
from local.demo.display import Display
from local.deploy.config import ConfigError
from local.deploy.dockerfile import DockerfileError
from local.preview import ROOT, stack_config
from operations.replay.container import Container, last_lines
from operations.replay.fetch import fetch
from operations.replay.record import Record, ReplayError, find

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
SHOWN_LINES = 15


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m operations.replay", description=__doc__)
    parser.add_argument("job", help="the job's id")
    parser.add_argument("--stack", required=True, help="stack that it ran in, such as prod")
    parser.add_argument("--step", choices=STEPS, help="which step; default: the last one that failed")
    parser.add_argument(
        "--set",
        dest="options",
        metavar="OPTION=VALUE",
        action="append",
        default=[],
        help="an option to change",
    )
    parser.add_argument("--resume", action="store_true", help="training goes on from the job's checkpoints")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "replay", help="where the files go, and stay"
    )
    given = parser.parse_args(arguments)
    wrong = [pair for pair in given.options if not pair.partition("=")[1]]
    if wrong:
        parser.error(f"{wrong[0]} is not of the form OPTION=VALUE")
    return given


def _bring(
    given: argparse.Namespace,
    record: Record,
    s3: Any,  # noqa: ANN401 - a boto3 client
    container: Container,
    display: Display,
) -> None:
    sources = dict(record.inputs)
    for folder, uri in sources.items():
        stage = f"Fetch {folder}"
        count = fetch(s3, uri, container.base / folder, partial(display.update, stage))
        display.done(stage, f"{count} files")
    if given.resume:
        if not record.checkpoints:
            raise ReplayError(f"{record.name} wrote no checkpoints: leave RESUME out")
        fetch(
            s3,
            f"{record.checkpoints.rstrip('/')}/",
            container.base / "checkpoints",
            partial(display.update, "Fetch checkpoints"),
        )
        display.done("Fetch checkpoints")


def _follow(given: argparse.Namespace, console: Console) -> int:
    region = stack_config(given.stack)["aws:region"]
    clients = clients_in(region)
    record = find(clients, given.job, given.step)
    console.print(f"{record.name}: {record.status}. {record.reason}".rstrip())
    options = dict(pair.split("=", 1) for pair in given.options)
    record = record.with_options(options)
    container = Container(record, given.out / given.job / record.name.within_job)

    with Display(console) as display:
        _bring(given, record, clients("s3"), container, display)

        def show(progress: Mapping[str, object]) -> None:
            fraction = progress.get("fraction")
            display.update(
                record.name.step,
                float(fraction) if isinstance(fraction, int | float) else 0.0,
                str(progress.get("message", "")),
            )

        status = container.run(show, keep=("checkpoints",) if given.resume else ())
        if status == 0:
            display.done(record.name.step)
    if status == 0:
        for report in container.reports:
            quality = json.loads(report.read_text()).get("quality", {})
            console.print(f"It works here: {json.dumps(quality)}")
    else:
        console.print(f"It fails here too, with {status}: {container.message}", style="red")
        console.print("\n".join(last_lines(container.log, SHOWN_LINES)), style="dim")
    console.print(f"Files: {container.base}\nLog: {container.log}")
    return status


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the job; returns the code's own exit status, 1 where it could not be run, 130 interrupted."""
    given = _parse(arguments)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    try:
        return _follow(given, console)
    except (ConfigError, DockerfileError, ReplayError, ClientError, BotoCoreError) as error:
        console.print(str(error), style="red")
    except KeyboardInterrupt:
        console.print("Stopped. What was fetched stays.")
        return EXIT_INTERRUPTED
    return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
