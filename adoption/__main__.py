"""`make migrate-projects`: moves the replaced system's projects into a table that the program can adopt."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from adoption import show
from adoption.projects_table import Migration, StepProgress
from adoption.tables import MigrationError, connect
from components.settings import SettingsError
from local.deploy.config import ConfigError
from local.preview import ROOT, run_program, stack_config
from local.preview.config import stand_ins
from local.stack_file import StackFileError

STEPS = ("plan", "copy", "check", "switch")
EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
NAME_OF_NEW = "{old}-by-owner"
"""The new table's name where none is given."""


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m adoption", description=__doc__)
    parser.add_argument(
        "steps", nargs="*", metavar="STEP", help=f"any of {', '.join(STEPS)}; plan, which only reads, without"
    )
    parser.add_argument("--stack", required=True, help="stack that is to adopt the new table, such as prod")
    parser.add_argument("--from", dest="old", metavar="TABLE", required=True, help="the old table")
    parser.add_argument("--to", dest="new", metavar="TABLE", help="the new table; default: FROM-by-owner")
    parser.add_argument(
        "--leave-behind",
        type=int,
        default=0,
        metavar="COUNT",
        help="exactly so many items that cannot be moved may stay in the old table",
    )
    parser.add_argument("--folder", type=Path, default=ROOT, help="folder of the stacks' files")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "build" / "adoption", help="folder of reports and bookmarks"
    )
    given = parser.parse_args(arguments)
    unknown = [step for step in given.steps if step not in STEPS]
    if unknown:
        parser.error(f"there is no step {', '.join(unknown)}; there are {', '.join(STEPS)}")
    return given


@contextmanager
def _bars(console: Console) -> Iterator[StepProgress]:
    columns = (
        TextColumn("{task.description:<24}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def step(what: str, more: int, about: int) -> None:
            task = tasks.get(what)
            if task is None:
                task = tasks[what] = bars.add_task(what, total=about)
            bars.advance(task, more)
            done = bars.tasks[task].completed
            bars.update(task, total=max(about, done))

        yield step


def _open(given: argparse.Namespace, on_progress: StepProgress) -> Migration:
    config = stack_config(given.stack, folder=given.folder)
    config |= stand_ins(given.stack, config)
    if "switch" in given.steps and config.get("spaceport:ephemeral") == "true":
        raise MigrationError(f"{given.stack} is ephemeral and adopts nothing")
    run = run_program(config, stack=given.stack)
    new = given.new or NAME_OF_NEW.format(old=given.old)
    client = connect(config["aws:region"])
    return Migration.open(client, run, old=given.old, new=new, bookmarks=given.out, on_progress=on_progress)


def _follow(given: argparse.Namespace, console: Console) -> int:
    """Does the steps in their order; the exit code."""
    with _bars(console) as on_progress:
        migration = _open(given, on_progress)
        found = migration.plan()
        copied = migration.copy(found) if "copy" in given.steps else None
        checked = None
        if {"check", "switch"} & set(given.steps):
            # What came while it was copied must not be missed.
            found = found if copied is None else migration.plan()
            checked = migration.check(found)
    if copied is None or "plan" in given.steps:
        show.show_plan(console, migration, found)
    failed = False
    if copied is not None:
        show.show_copy(console, copied)
        failed = bool(copied.refused)
    if checked is not None:
        show.show_check(console, checked, len(found.unfit), given.leave_behind)
        failed = failed or not checked.passed or len(found.unfit) != given.leave_behind
    report = given.out / f"{given.old}--{migration.target}.report.json"
    show.write_report(report, found, copied, checked)
    console.print(f"Report: {report}", style="dim")
    if "switch" in given.steps and not failed:
        file = given.folder / f"Pulumi.{given.stack}.yaml"
        show.show_switch(console, migration, file, changed=migration.switch(file))
    return EXIT_FAILED if failed else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Follows the steps and returns the exit code: 0, 1 where one failed, 130 when interrupted."""
    given = _parse(arguments)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    try:
        return _follow(given, console)
    except (ConfigError, SettingsError, MigrationError, StackFileError) as error:
        console.print(str(error), style="red")
    except (ClientError, BotoCoreError) as error:
        console.print(f"{error}. What is copied stays, and the same command goes on from there.", style="red")
    except KeyboardInterrupt:
        console.print("Stopped. What is copied stays, and the same command goes on from there.")
        return EXIT_INTERRUPTED
    return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
